//! `prism list`.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use clap::Args;
use prism_functions::domain::setup::Setup;
use prism_functions::domain::{Problem, Region, Timestamp};
use prism_functions::operations::{InstanceView, SaveView, UnavailableRegion};
use serde_json::json;

use super::{project, show};
use crate::candidates;
use crate::ends;
use crate::errors::Outcome;
use crate::options::{InRegion, Only};
use crate::session::Session;
use crate::spending;
use crate::table;
use crate::text::{Times, or_dash, plain};

const EXAMPLES: &str = "\
Examples:
  prism list --state running
  prism list --all-regions
  prism list --project statistics --state running
  prism list --template my-custom-ml-env --watch
  prism stop $(prism list --state running --format ids)";

/// List your instances
#[derive(Debug, Args)]
#[command(visible_alias = "ls", after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    region: InRegion,
    /// List the instances in all Regions that the deployment allows
    #[arg(long, conflicts_with = "region")]
    all_regions: bool,
    /// List the instances of everybody that were launched for this project, which you manage, in all Regions
    #[arg(long, value_name = "PROJECT", conflicts_with_all = ["region", "all_regions", "last_save", "watch"])]
    #[arg(add = candidates::projects())]
    project: Option<String>,
    #[command(flatten)]
    only: Only,
    /// Show when each instance was last saved, and as which version
    #[arg(long)]
    last_save: bool,
    /// Show the list again whenever it changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        if let Some(project) = &self.project {
            return project::instances::list(session, project, &self.only).await;
        }
        let region = if self.all_regions {
            None
        } else {
            Some(session.region(&self.region)?)
        };
        let none = self.none(region.as_ref());
        let mut listed = self.listed(session, region.as_ref()).await?;
        let code = listed.print(session, &none)?;
        if !self.watch {
            return Ok(code);
        }
        let mut looks = session.client.pace().looks();
        loop {
            looks.next().await;
            let now = self.listed(session, region.as_ref()).await?;
            let now = now.keeping_setups(&listed, session.client.now());
            if now.without_costs() != listed.without_costs() {
                session.out.note("");
                now.print(session, &none)?;
                listed = now;
            }
        }
    }

    async fn listed(&self, session: &Session, region: Option<&Region>) -> Result<Listed, Problem> {
        let (mut instances, unavailable) = session.client.instances(region).await?;
        instances.retain(|instance| self.only.admits(instance));
        let saves = if self.last_save {
            Some(show::saves(session).await?)
        } else {
            None
        };
        Ok(Listed {
            instances,
            unavailable: self.all_regions.then_some(unavailable),
            saves,
        })
    }

    fn none(&self, region: Option<&Region>) -> String {
        let place = region.map_or_else(String::new, |region| format!(" in {region}"));
        if self.only.is_set() {
            return format!("No such instances{place}.");
        }
        format!("No instances{place}. Launch one: prism launch python-ml my-research")
    }
}

/// Instances, and the newest saves if their last ones are shown.
struct Listed {
    instances: Vec<InstanceView>,
    /// The Regions that did not answer, if those of all Regions are listed.
    unavailable: Option<Vec<UnavailableRegion>>,
    saves: Option<Vec<SaveView>>,
}

impl Listed {
    /// The instances without their costs, which grow all the time.
    fn without_costs(&self) -> Vec<InstanceView> {
        let instances = self.instances.iter().cloned();
        let without = |it: InstanceView| InstanceView {
            spending: None,
            ..it
        };
        instances.map(without).collect()
    }

    /// Keeps how far setups were if their consoles could not be read this time.
    fn keeping_setups(mut self, before: &Self, at: Timestamp) -> Self {
        for now in &mut self.instances {
            let mut same = before.instances.iter();
            let known = same.find(|it| it.id == now.id && it.state == now.state);
            let setup = now.setup.take();
            let known = known.and_then(|it| it.setup.clone());
            // Whoever prepares for hours is not known to.
            let recent = at - now.launched_at < TimeDelta::hours(3);
            now.setup = setup.or(known.filter(|it| recent || *it != Setup::PREPARING));
        }
        self
    }

    fn print(&self, session: &Session, none: &str) -> Outcome {
        let times = session.times();
        let last = |instance: &InstanceView| {
            let saves = self.saves.as_ref()?;
            show::last_of(saves, instance)
        };
        let mut value = json!({ "instances": self.instances });
        if let Some(unavailable) = &self.unavailable {
            value["unavailable"] = json!(unavailable);
            for UnavailableRegion {
                region, message, ..
            } in unavailable
            {
                let missing = format!("The instances in {region} are missing: {message}");
                session.out.warn(&plain(&missing));
            }
        }
        if self.saves.is_some() {
            let ids = self.instances.iter().filter_map(|instance| {
                let save = last(instance)?;
                Some((&instance.id, &save.save_id))
            });
            value["last_saves"] = json!(ids.collect::<BTreeMap<_, _>>());
        }
        let mut heads = HEADS[..HEADS.len() - usize::from(self.saves.is_none())].to_vec();
        // Only if it says something.
        let ends_at = |it: &InstanceView| ends::ahead(it.end.as_ref());
        let ends = self.instances.iter().any(|it| ends_at(it).is_some());
        if ends {
            heads.insert(ENDS_AT, "ENDS");
        }
        if self.unavailable.is_some() {
            heads.insert(REGION_AT, "REGION");
        }
        let row = |instance: &InstanceView| {
            let mut row = row(instance, times);
            if ends {
                let at = ends_at(instance).map(|at| times.when(at));
                row.insert(ENDS_AT, or_dash(at));
            }
            if self.saves.is_some() {
                let saved = last(instance).map(|save| show::saved(save, times));
                row.push(or_dash(saved));
            }
            if self.unavailable.is_some() {
                row.insert(REGION_AT, instance.region.to_string());
            }
            row
        };
        let rows = self.instances.iter().map(row);
        let code = table::list(&session.out, &value, &heads, rows, none)?;
        let priced = self.instances.iter().filter(|it| it.spending.is_some());
        spending::note_prices(&session.out, priced.map(|it| &it.region));
        self.say_failures(session);
        Ok(code)
    }

    /// The table has no room for what failed.
    fn say_failures(&self, session: &Session) {
        for instance in &self.instances {
            if let Some(failure) = instance.setup.as_ref().and_then(|it| it.failure.as_ref()) {
                let said = format!("The setup of {} failed: {failure}", instance.name);
                session.out.note(&plain(&said));
            }
        }
    }
}

/// Where the column with the ends is, without a column with the Region.
const ENDS_AT: usize = 7;

/// Where the column with the Region is, if instances of all Regions are listed.
const REGION_AT: usize = 3;

/// The last column is only shown if the last saves are.
const HEADS: [&str; 12] = [
    "NAME",
    "STATE",
    "TYPE",
    "ZONE",
    "TEMPLATE",
    "ADDRESS",
    "SINCE",
    "PER HOUR",
    "THIS MONTH",
    "ID",
    "SAVE",
    "LAST SAVE",
];

/// The state, and how far the setup is.
fn state(instance: &InstanceView) -> String {
    let state = instance.state.as_str();
    match &instance.setup {
        Some(setup) => format!("{state} ({})", setup.state.text()),
        None => state.to_owned(),
    }
}

fn row(instance: &InstanceView, times: Times) -> Vec<String> {
    vec![
        instance.name.clone(),
        state(instance),
        instance.instance_type.clone(),
        or_dash(instance.zone.as_ref()),
        or_dash(instance.template.as_ref()),
        or_dash(instance.public_ip.as_ref()),
        times.when(instance.launched_at),
        spending::per_hour(instance),
        spending::this_month(instance),
        instance.id.clone(),
        or_dash(instance.save_id.as_ref()),
    ]
}
