//! `prism terminate`.

use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::Region;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::operations::{InstanceView, InstanceVolume, ListVolumes, TerminateInstance};

use crate::commands::stop::{Change, Target};
use crate::errors::Outcome;
use crate::session::{Session, in_region};
use crate::text::{joined, plain, prices, usd};
use crate::{exit, prompt};

/// Terminate an instance permanently, and delete the volumes that end with it
#[derive(Debug, Args)]
pub(crate) struct Terminate {
    #[command(flatten)]
    change: Change,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Terminate {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.change.region)?;
        let mut instances = Vec::new();
        for name in &self.change.names {
            let instance = session.instance(&region, name).await?;
            let asked = in_region::<ListVolumes>(&region, &instance.id);
            let volumes = session.client.ask(asked).await?.volumes;
            let (deleted, kept): (Vec<_>, Vec<_>) = volumes
                .iter()
                .partition(|volume| volume.delete_on_termination);
            session.out.note(fate(&region, &deleted, &kept).trim_end());
            instances.push(instance);
        }
        if !prompt::confirm(&session.out, self.yes, &question(&instances))? {
            return Ok(exit::FAILED);
        }
        // By ID, so that a second instance that gets this name now is not terminated.
        let targets = instances.into_iter().map(|instance| Target {
            name: instance.name,
            at: instance.id,
        });
        let targets: Vec<Target> = targets.collect();
        let state = InstanceState::Terminated;
        self.change
            .each::<TerminateInstance>(session, &region, &targets, state)
            .await
    }
}

fn question(instances: &[InstanceView]) -> String {
    let names = instances
        .iter()
        .map(|it| format!("{} ({})", plain(&it.name), it.id));
    let it = if instances.len() == 1 { "it" } else { "them" };
    format!(
        "{} and everything on the volumes that are deleted with {it} will be lost. Terminate {it}?",
        joined(names)
    )
}

/// What happens to each volume.
fn fate(region: &Region, deleted: &[&InstanceVolume], kept: &[&InstanceVolume]) -> String {
    let mut text = String::new();
    for volume in deleted {
        let _ = writeln!(text, "deleted: {}", shown(volume));
    }
    for volume in kept {
        let price = volume.usd_per_month.map(usd);
        let price = price.map(|price| format!(", and costs {price} a month{}", prices([region])));
        let price = price.unwrap_or_default();
        let _ = writeln!(text, "kept: {}, which remains{price}", shown(volume));
    }
    text
}

fn shown(volume: &InstanceVolume) -> String {
    let (device, id, size) = (plain(&volume.device), &volume.id, volume.size_gib);
    format!("{device} ({id}, {size} GiB)")
}
