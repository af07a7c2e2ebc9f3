//! `prism stop`, and the code it shares with `prism start` and `prism terminate`.

use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{InstanceId, Problem, ProjectName, Region, UserId};
use prism_functions::operations::parts::{self, InstanceName, Nothing, Told};
use prism_functions::operations::{
    Asked, InstanceView, Operation, StopInstance, StopProjectInstance, WhoseInstance,
};
use serde_json::{Value, json};

use crate::args::InRegion;
use crate::candidates;
use crate::commands::template::several;
use crate::errors::Outcome;
use crate::session::{Session, in_region};
use crate::settle::Awaited;
use crate::text::plain;

/// Stop a running instance; its disks are kept
#[derive(Debug, Args)]
pub(crate) struct Stop {
    #[command(flatten)]
    change: Change,
    /// The project that the instances were launched for, if they are somebody else's; you must manage it
    #[arg(long, value_name = "PROJECT", add = candidates::projects())]
    project: Option<String>,
    /// Whose instances they are, if those of several members have the name
    #[arg(long, value_name = "USER", requires = "project")]
    owner: Option<String>,
}

/// Which instance, and whether to wait.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// The instances, by their names or IDs
    #[arg(value_name = "NAME", required = true, add = candidates::instances())]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) region: InRegion,
    /// Return without waiting for the instance to change its state
    #[arg(long)]
    no_wait: bool,
}

impl Stop {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        if let Some(project) = &self.project {
            return self.of_project(session, project).await;
        }
        let change = self.change;
        change
            .to::<StopInstance, _>(session, InstanceState::Stopped)
            .await
    }
}

impl Stop {
    /// Stops instances of others, without waiting: only their owners can look at them.
    async fn of_project(&self, session: &Session, project: &str) -> Outcome {
        let project: ProjectName = project.parse().map_err(Problem::from)?;
        let owner = self.owner.as_deref().map(str::parse::<UserId>);
        let query = WhoseInstance {
            region: session.region(&self.change.region)?,
            owner: owner.transpose().map_err(Problem::from)?,
        };
        let mut values = Vec::new();
        let mut text = String::new();
        for name in &self.change.names {
            let path = (project.clone(), InstanceName(name.clone()));
            let asked = Asked::<StopProjectInstance>::by(path, query.clone());
            let instance = session.client.ask(asked).await?;
            let (name, state) = (plain(&instance.name), instance.state.as_str());
            let owner = instance.owner.map(|owner| format!(", of {owner},"));
            let owner = owner.unwrap_or_default();
            let _ = writeln!(text, "{name} ({}){owner} is {state}.", instance.id);
            values.push(json!({
                "id": instance.id, "name": instance.name, "region": instance.region, "state": state,
                "public_ip": null,
            }));
        }
        several(&session.out, &values, "instances", || text)
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
        let mut changing = Vec::new();
        for name in &self.names {
            let name = session.whole_id(&region, name).await?;
            let asked = in_region::<O>(&region, &name);
            changing.push(session.client.ask(asked).await?);
        }
        self.settle(session, &region, &changing, state).await
    }

    /// Waits for the state if requested, and prints the states of the instances: the state of one, or a list.
    pub(crate) async fn settle(
        &self,
        session: &Session,
        region: &Region,
        changing: &[InstanceView],
        state: InstanceState,
    ) -> Outcome {
        let mut values = Vec::new();
        let mut text = String::new();
        for instance in changing {
            let (value, line) = self.settled(session, region, instance, state).await?;
            values.push(value);
            text.push_str(&line);
        }
        several(&session.out, &values, "instances", || text)
    }

    /// The state of an instance when the wait is over, as JSON and as text.
    async fn settled(
        &self,
        session: &Session,
        region: &Region,
        instance: &InstanceView,
        state: InstanceState,
    ) -> Result<(Value, String), Problem> {
        let name = instance.name.as_str();
        let id: &InstanceId = &instance.id.parse().map_err(Problem::from)?;
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
        let at = address.map(|address| format!(" at {address}"));
        let at = at.unwrap_or_default();
        let text = format!("{} ({id}) is {state}{at}.\n", plain(name));
        Ok((value, text))
    }
}
