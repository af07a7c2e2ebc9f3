//! `prism show`.

use clap::Args;
use prism_functions::domain::setup::Setup;
use prism_functions::domain::{Problem, Region};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{
    Asked, InstanceView, InstanceVolume, ListSaves, ListVolumes, SaveView, SavesPage,
};
use serde_json::json;

use crate::candidates;
use crate::ends;
use crate::errors::Outcome;
use crate::options::InRegion;
use crate::session::{Session, in_region};
use crate::spending;
use crate::text::{Times, pairs, plain, prices, quoted, usd};

/// How many of the newest saves are searched for the last one of the instance.
const SAVES: usize = 200;

/// Show an instance: its state, its volumes, its costs and its last save
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The instance, by its name or ID
    #[arg(value_name = "NAME", add = candidates::instances())]
    name: String,
    #[command(flatten)]
    region: InRegion,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.region)?;
        let instance = session.instance(&region, &self.name).await?;
        let asked = in_region::<ListVolumes>(&region, &instance.id);
        let volumes = session.client.ask(asked).await?.volumes;
        let saves = saves(session).await?;
        let last = last_of(&saves, &instance);
        let value = json!({ "instance": instance, "volumes": volumes, "last_save": last });
        session.out.read(&value, || {
            let next = format!(
                "prism save {}{} TEMPLATE",
                quoted(&instance.name),
                match session.region_option(&instance.region) {
                    here if here.is_empty() => here,
                    _ => format!(" --from-region {}", instance.region),
                }
            );
            text(&instance, &volumes, last, session.times()) + &session.out.next(&next)
        })
    }
}

/// The newest saves of the caller.
pub(super) async fn saves(session: &Session) -> Result<Vec<SaveView>, Problem> {
    let page = |page| Asked::<ListSaves>::by(Nothing {}, SavesPage::of(page));
    Ok(session.client.list(SAVES, page).await?.0)
}

/// The last save of an instance.
pub(super) fn last_of<'a>(saves: &'a [SaveView], instance: &InstanceView) -> Option<&'a SaveView> {
    saves.iter().find(|save| {
        let planned = save.plan.as_ref().map(|plan| plan.instance.id.as_str());
        planned == Some(instance.id.as_str()) && save.copy_of.is_none()
    })
}

/// The last save in a few words: when it began, and what it became.
pub(super) fn saved(save: &SaveView, times: Times) -> String {
    let at = times.when(save.started_at);
    match save.version {
        Some(version) => format!("{at}, as {}@{version}", save.request.template),
        None => format!("{at}, {}", save.state.as_str()),
    }
}

fn text(
    instance: &InstanceView,
    volumes: &[InstanceVolume],
    last: Option<&SaveView>,
    times: Times,
) -> String {
    // Anybody who can tag instances may have written them.
    let or_nothing = |text: &Option<String>| text.as_deref().map(plain).unwrap_or_default();
    let volumes: Vec<String> = volumes
        .iter()
        .map(|it| volume(it, &instance.region))
        .collect();
    let last = match last {
        Some(save) => format!("{} ({})", saved(save, times), save.save_id),
        None => "none".to_owned(),
    };
    let stopped = instance.stopped_by.as_ref().map(|by| {
        let (user, at) = (&by.user, times.when(by.at));
        format!("{user}, who manages its project, {at}")
    });
    let stopped = stopped.unwrap_or_default();
    let mut text = format!("{} ({})\n", plain(&instance.name), instance.id);
    text.push_str(&pairs([
        ("state", instance.state.as_str().to_owned()),
        ("reason", or_nothing(&instance.state_reason)),
        (
            "setup",
            or_nothing(&instance.setup.as_ref().map(Setup::text)),
        ),
        ("stopped by", stopped),
        ("region", instance.region.to_string()),
        ("zone", or_nothing(&instance.zone)),
        ("type", instance.instance_type.clone()),
        ("template", or_nothing(&instance.template)),
        ("address", or_nothing(&instance.public_ip)),
        ("log in as", or_nothing(&instance.login)),
        ("since", times.exactly(instance.launched_at)),
        ("volumes", volumes.join("\n")),
        (
            "ends",
            instance
                .end
                .as_ref()
                .map_or_else(String::new, |end| ends::text(end, times)),
        ),
        ("cost", spending::sentence(instance)),
        ("last save", last),
    ]));
    text
}

fn volume(volume: &InstanceVolume, region: &Region) -> String {
    let (device, id, size) = (plain(&volume.device), &volume.id, volume.size_gib);
    let price = volume.usd_per_month.map(usd);
    let price = price.map(|price| format!(", {price} a month{}", prices([region])));
    let price = price.unwrap_or_default();
    let kept = if volume.delete_on_termination {
        ""
    } else {
        ", kept after the termination"
    };
    format!("{device} ({id}, {size} GiB {}{price}{kept})", volume.kind)
}
