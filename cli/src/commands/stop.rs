//! `prism stop`, and the code it shares with `prism start` and `prism terminate`.

use clap::Args;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{InstanceId, Problem, Region};
use prism_functions::operations::parts::{self, InstanceName, Nothing, Told};
use prism_functions::operations::{InstanceView, Operation, StopInstance};
use serde_json::json;

use crate::args::InRegion;
use crate::errors::Outcome;
use crate::session::{Session, in_region};
use crate::settle::Awaited;
use crate::text::plain;

/// Stop a running instance; its disks are kept
#[derive(Debug, Args)]
pub(crate) struct Stop {
    #[command(flatten)]
    change: Change,
}

/// Which instance, and whether to wait.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// The instance, by its name or ID
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) region: InRegion,
    /// Return without waiting for the instance to change its state
    #[arg(long)]
    no_wait: bool,
}

impl Stop {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let change = self.change;
        change
            .to::<StopInstance, _>(session, InstanceState::Stopped)
            .await
    }
}

impl Change {
    /// Requests the operation, which changes the instance to a state.
    pub(crate) async fn to<O, const STATUS: u16>(
        &self,
        session: &Session,
        state: InstanceState,
    ) -> Outcome
    where
        O: Operation<
                Path = InstanceName,
                Query = parts::InRegion,
                Head = Nothing,
                Body = Nothing,
                Output = Told<InstanceView, STATUS>,
            >,
    {
        let region = session.region(&self.region)?;
        let asked = in_region::<O>(&region, &self.name);
        let instance = session.client.ask(asked).await?;
        self.settle(session, &region, &instance.id, state).await
    }

    /// Waits for the state if requested, and prints the state of the instance.
    pub(crate) async fn settle(
        &self,
        session: &Session,
        region: &Region,
        id: &str,
        state: InstanceState,
    ) -> Outcome {
        let name = self.name.as_str();
        let id: &InstanceId = &id.parse().map_err(Problem::from)?;
        let found = if self.no_wait {
            session.instance(region, id.as_str()).await.ok()
        } else {
            let awaited = Awaited {
                region,
                id,
                name,
                state,
            };
            awaited.wait(session).await?
        };
        let state = found.as_ref().map(|instance| instance.state);
        let state = state.unwrap_or(InstanceState::Terminated).as_str();
        let address = found.and_then(|instance| instance.public_ip);
        let value = json!({
            "id": id, "name": name, "region": region, "state": state, "public_ip": address,
        });
        session.out.done(&value, || {
            let at = address.map(|address| format!(" at {address}"));
            format!(
                "{} ({id}) is {state}{}.\n",
                plain(name),
                at.unwrap_or_default()
            )
        })
    }
}
