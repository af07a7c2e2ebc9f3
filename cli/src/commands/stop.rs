//! `prism stop`, and the code it shares with `prism start` and `prism terminate`.

use clap::Args;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::ids::shown;
use prism_functions::domain::save::check_name;
use prism_functions::domain::{Code, InstanceId, Problem, ProjectName, Region, UserId};
use prism_functions::operations::parts::{self, Accepted, InstanceName, Nothing};
use prism_functions::operations::{
    Asked, InstanceView, Operation, ProjectInstance, StartInstance, StopInstance,
    StopProjectInstance, TerminateInstance, WhoseInstance,
};
use serde_json::{Value, json};

use crate::candidates;
use crate::commands::project::instances;
use crate::errors::Outcome;
use crate::options::InRegion;
use crate::session::{Session, in_region};
use crate::settle::Awaited;
use crate::several::Done;
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
            .to::<StopInstance>(session, InstanceState::Stopped)
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
        let names = &self.change.names;
        if names.len() > 1 {
            known(session, &project, names, &query).await?;
        }
        let mut done = Done::default();
        for name in names {
            let path = (project.clone(), InstanceName(name.clone()));
            let asked = Asked::<StopProjectInstance>::by(path, query.clone());
            match session.client.ask(asked).await {
                Ok(instance) => done.add(of_other(&instance)),
                Err(problem) => done.fail(name, problem),
            }
        }
        self.change.report(session, done, InstanceState::Stopped)
    }
}

/// Refuses names that no instance of the project has, before any instance is stopped.
async fn known(
    session: &Session,
    project: &ProjectName,
    names: &[String],
    query: &WhoseInstance,
) -> Result<(), Problem> {
    for name in names {
        check_name("instance name or ID", name)?;
    }
    let (instances, unavailable) = instances::all(session, project).await?;
    let region = &query.region;
    // Regions that fail, or where nothing is launched any more, are not in the list. Each request then says for itself why.
    if !instances.iter().any(|it| it.region == *region)
        || unavailable.iter().any(|it| it.region == *region)
    {
        return Ok(());
    }
    let has = |name: &&String| {
        instances.iter().any(|it| {
            it.region == *region
                && (it.id == **name || (it.name == **name && !it.state.is_gone()))
                && (query.owner.is_none() || it.owner == query.owner)
        })
    };
    let Some(missing) = names.iter().find(|name| !has(name)) else {
        return Ok(());
    };
    let message = format!(
        "The project {project} has no instance {} in {region}. Nothing was stopped.",
        shown(missing)
    );
    Err(Problem::new(Code::InstanceNotFound, message).hint(format!(
        "\"prism list --project {project}\" shows its instances, with their owners and Regions."
    )))
}

/// The instance of somebody else after it was stopped, as JSON and as text.
fn of_other(instance: &ProjectInstance) -> (Value, String) {
    let (name, state) = (plain(&instance.name), instance.state.as_str());
    let owner = instance.owner.as_ref();
    let owner = owner.map(|owner| format!(", of {owner},"));
    let owner = owner.unwrap_or_default();
    let text = format!("{name} ({}){owner} is {state}.\n", instance.id);
    let value = json!({
        "id": instance.id, "name": instance.name, "region": instance.region, "state": state,
        "public_ip": null,
    });
    (value, text)
}

/// An operation that changes an instance to another state.
pub(crate) trait Transition:
    Operation<
        Path = InstanceName,
        Query = parts::InRegion,
        Head = Nothing,
        Body = Nothing,
        Output = Accepted<InstanceView>,
    >
{
}

impl Transition for StartInstance {}
impl Transition for StopInstance {}
impl Transition for TerminateInstance {}

/// An instance to change.
pub(crate) struct Target {
    /// How an error names it.
    pub(crate) name: String,
    /// Its name or its ID in the request.
    pub(crate) at: String,
}

impl Change {
    /// Requests the operation, which changes the instances to a state.
    pub(crate) async fn to<O: Transition>(
        &self,
        session: &Session,
        state: InstanceState,
    ) -> Outcome {
        let region = session.region(&self.region)?;
        let mut targets = Vec::new();
        for name in &self.names {
            let at = session.whole_id(&region, name).await?;
            if self.names.len() > 1 {
                // A name that does not exist must not be found out after others were changed.
                session.instance(&region, &at).await?;
            }
            let name = name.clone();
            targets.push(Target { name, at });
        }
        self.each::<O>(session, &region, &targets, state).await
    }

    /// Requests the operation for each of several instances, waits for their state if requested, and prints it. A failure
    /// is reported after all others have been changed, so that it is known what became of each.
    pub(crate) async fn each<O: Transition>(
        &self,
        session: &Session,
        region: &Region,
        targets: &[Target],
        state: InstanceState,
    ) -> Outcome {
        let mut done = Done::default();
        let mut changing = Vec::new();
        for Target { name, at } in targets {
            match session.client.ask(in_region::<O>(region, at)).await {
                Ok(instance) => changing.push((name, instance)),
                Err(problem) => done.fail(name, problem),
            }
        }
        for (name, instance) in &changing {
            match self.settled(session, region, instance, state).await {
                Ok(settled) => done.add(settled),
                Err(problem) => done.fail(name, problem),
            }
        }
        self.report(session, done, state)
    }

    /// Prints what was changed, and returns what failed.
    fn report(&self, session: &Session, done: Done, state: InstanceState) -> Outcome {
        let what = match state {
            InstanceState::Running => "started",
            state => state.as_str(),
        };
        let what = format!("instances could not be {what}");
        done.report(&session.out, self.names.len(), "instances", &what)
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
