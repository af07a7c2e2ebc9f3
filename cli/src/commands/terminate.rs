//! `prism terminate`.

use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::operations::{InstanceVolume, ListVolumes, TerminateInstance};

use crate::commands::stop::Change;
use crate::errors::Outcome;
use crate::session::{Session, in_region};
use crate::text::{plain, usd};
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
        let name = plain(&self.change.name);
        let region = session.region(&self.change.region)?;
        let instance = session.instance(&region, &self.change.name).await?;
        let id = &instance.id;
        let asked = in_region::<ListVolumes>(&region, id);
        let volumes = session.client.ask(asked).await?.volumes;
        let (deleted, kept): (Vec<_>, Vec<_>) = volumes
            .iter()
            .partition(|volume| volume.delete_on_termination);
        session.out.note(fate(&deleted, &kept).trim_end());
        let question = format!(
            "{name} ({id}) and everything on the volumes that are deleted with it will be lost. Terminate it?"
        );
        if !prompt::confirm(&session.out, self.yes, &question)? {
            return Ok(exit::FAILED);
        }
        // By ID, so that a second instance that gets this name now is not terminated.
        let asked = in_region::<TerminateInstance>(&region, id);
        session.client.call(asked).await?;
        let state = InstanceState::Terminated;
        self.change.settle(session, &region, id, state).await
    }
}

/// What happens to each volume.
fn fate(deleted: &[&InstanceVolume], kept: &[&InstanceVolume]) -> String {
    let mut text = String::new();
    for volume in deleted {
        let _ = writeln!(text, "deleted: {}", shown(volume));
    }
    for volume in kept {
        let price = volume.usd_per_month.map(usd);
        let price = price.map(|price| format!(", and costs {price} a month"));
        let price = price.unwrap_or_default();
        let _ = writeln!(text, "kept: {}, which remains{price}", shown(volume));
    }
    text
}

fn shown(volume: &InstanceVolume) -> String {
    let (device, id, size) = (plain(&volume.device), &volume.id, volume.size_gib);
    format!("{device} ({id}, {size} GiB)")
}
