//! `prism stop`, and the code it shares with `prism start` and `prism terminate`.

use clap::Args;
use prism_functions::domain::Problem;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::operations::StopInstance;
use serde_json::json;

use crate::app::{Session, in_region};
use crate::errors::Outcome;
use crate::exit;
use crate::regions::InRegion;
use crate::settle::Awaited;
use crate::text::plain;

/// Stop a running instance; its disk stays
#[derive(Debug, Args)]
pub(crate) struct Stop {
    #[command(flatten)]
    change: Change,
}

/// Which instance, and whether to wait.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// The instance, by its name or its id
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) region: InRegion,
    /// Do not wait until it is done
    #[arg(long)]
    pub(crate) no_wait: bool,
}

impl Stop {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.change.region)?;
        let asked = in_region::<StopInstance>(&region, &self.change.name);
        let instance = session.client.ask(asked).await?;
        let awaited = Awaited {
            region: &region,
            id: &instance.id.parse().map_err(Problem::from)?,
            name: &self.change.name,
            state: InstanceState::Stopped,
        };
        done(session, &self.change, &awaited).await
    }
}

/// Waits if requested, and prints the state of the instance.
pub(crate) async fn done(session: &Session, change: &Change, awaited: &Awaited<'_>) -> Outcome {
    let id = awaited.id;
    let found = if change.no_wait {
        let found = session.instance(awaited.region, id.as_str());
        found.await.ok()
    } else {
        awaited.wait(session).await?
    };
    let state = found
        .as_ref()
        .map_or(InstanceState::Terminated, |instance| instance.state);
    let address = found.and_then(|instance| instance.public_ip);
    let value = json!({
        "id": id, "name": change.name, "region": awaited.region,
        "state": state.as_str(), "public_ip": address,
    });
    session.out.show(&value, || {
        let at = address
            .map(|address| format!(" at {address}"))
            .unwrap_or_default();
        format!(
            "{} ({id}) is {}{at}.\n",
            plain(&change.name),
            state.as_str()
        )
    })?;
    Ok(exit::DONE)
}
