//! `prism resize`.

use clap::Args;
use prism_functions::domain::ec2::{Architecture, InstanceState};
use prism_functions::domain::sizes::Size;
use prism_functions::domain::{InstanceId, Problem, Region};
use prism_functions::operations::parts::{Either, InstanceName, Json, Nothing};
use prism_functions::operations::{
    Asked, InstanceView, NewSize, ResizeInstance, ResizePlan, StartInstance, StopInstance,
    TryInRegion,
};

use crate::candidates;
use crate::errors::Outcome;
use crate::options::InRegion;
use crate::session::{Session, in_region};
use crate::settle::Awaited;
use crate::text::{plain, quoted, usd_per_hour_in};
use crate::{exit, prompt};

const EXAMPLES: &str = "\
A running instance is stopped, resized and started again, and is down for a minute or two. If it \
cannot start with the new size, it gets its old type back if that is the type of a size (see \
\"prism launch --help\"); otherwise it stays stopped. A stopped instance stays stopped.

Examples:
  prism resize work --size L
  prism resize work --size GPU-S --dry-run        show what it would do and cost";

/// Change the size of an instance
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Resize {
    /// The instance, by its name or ID
    #[arg(value_name = "NAME", add = candidates::instances())]
    name: String,
    /// The new size
    #[arg(long)]
    size: Size,
    #[command(flatten)]
    region: InRegion,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Resize {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.region)?;
        let name = session.whole_id(&region, &self.name).await?;
        let dry = asked(&region, &name, self.size, true);
        let plan = match session.client.call(dry).await? {
            Either::One(plan) => plan.value.plan,
            Either::Other(instance) => return done(session, &instance.value),
        };
        if self.dry_run {
            return session.out.done(&plan, || text(&plan));
        }
        if plan.instance.instance_type == plan.instance_type {
            return done(session, &plan.instance);
        }
        session.out.note(text(&plan).trim_end());
        let question = format!("Resize {} now?", plain(&plan.instance.name));
        if plan.must_stop && !prompt::confirm(&session.out, self.yes, &question)? {
            return Ok(exit::FAILED);
        }
        // By ID, so that another instance that gets this name now is not changed.
        let at = Target {
            session,
            region: &region,
            id: plan.instance.id.parse().map_err(Problem::from)?,
            name: &plan.instance.name,
        };
        if plan.must_stop {
            at.restarted(&plan, self.size).await?;
        } else {
            at.resize(self.size).await?;
        }
        let instance = session.instance(&region, &plan.instance.id).await?;
        done(session, &instance)
    }
}

fn asked(region: &Region, name: &str, size: Size, dry_run: bool) -> Asked<ResizeInstance> {
    Asked {
        path: InstanceName(name.to_owned()),
        query: TryInRegion {
            region: region.clone(),
            dry_run,
        },
        head: Nothing {},
        body: Json(NewSize { size }),
    }
}

fn done(session: &Session, instance: &InstanceView) -> Outcome {
    session.out.done(instance, || {
        format!(
            "{} ({}) is {} and has the type {} ({}).\n",
            plain(&instance.name),
            instance.id,
            instance.state.as_str(),
            instance.instance_type,
            usd_per_hour_in(instance.usd_per_hour, &instance.region)
        )
    })
}

fn text(plan: &ResizePlan) -> String {
    let instance = &plan.instance;
    let mut text = format!(
        "{} ({}) is {} ({}) and becomes {} ({}).\n",
        plain(&instance.name),
        instance.id,
        instance.instance_type,
        usd_per_hour_in(instance.usd_per_hour, &instance.region),
        plan.instance_type,
        usd_per_hour_in(plan.usd_per_hour, &instance.region)
    );
    if plan.must_stop {
        text.push_str("It is stopped for this and started again.\n");
        if plan.address_changes {
            text.push_str("Its public address changes.\n");
        }
    }
    text
}

/// The instance that is resized.
struct Target<'a> {
    session: &'a Session,
    region: &'a Region,
    id: InstanceId,
    name: &'a str,
}

impl Target<'_> {
    async fn resize(&self, size: Size) -> Result<(), Problem> {
        let asked = asked(self.region, self.id.as_str(), size, false);
        self.session.client.call(asked).await.map(drop)
    }

    /// Stops the instance, resizes it and starts it again. It is started whatever happens, with its old size if it does
    /// not start with the new one.
    async fn restarted(&self, plan: &ResizePlan, size: Size) -> Result<(), Problem> {
        let start = self.command("start");
        let session = self.session;
        session
            .out
            .note(&format!("If this is interrupted, \"{start}\" starts it."));
        let stop = in_region::<StopInstance>(self.region, self.id.as_str());
        session.client.call(stop).await?;
        if let Err(problem) = self.until(InstanceState::Stopped).await {
            return Err(self.unsure(problem));
        }
        let resized = self.resize(size).await;
        match (resized, self.start().await) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(refused), Ok(())) => Err(refused),
            (Err(refused), Err(down)) => {
                Err(self.down(refused, "It could not be started again either", &down))
            }
            (Ok(()), Err(refused)) => Err(self.back(plan, refused).await),
        }
    }

    /// Gives the instance its old size back, because it does not start with the new one. Returns what there is to report.
    async fn back(&self, plan: &ResizePlan, refused: Problem) -> Problem {
        // An error while it was waited for says nothing about the instance, which may be starting.
        let found = self.session.instance(self.region, self.id.as_str()).await;
        if !found.is_ok_and(|it| it.state == InstanceState::Stopped) {
            return self.unsure(refused);
        }
        let (old, new) = (&plan.instance.instance_type, &plan.instance_type);
        let Some(size) = size_of(old) else {
            // The API sets the types of sizes only.
            let message = format!(
                "{} It stays stopped as {new}, because its old type, {old}, is not the type of a size.",
                refused.message
            );
            let (resize, start) = (self.command("resize"), self.command("start"));
            return Problem { message, ..refused }.hint(format!(
                "Choose another size with \"{resize} --size SIZE\", then start it: {start}"
            ));
        };
        self.session.out.note(&format!(
            "It does not start as {new}: {} It gets its old size back.",
            plain(&refused.message)
        ));
        let back = async {
            self.resize(size).await?;
            self.start().await
        };
        match back.await {
            Ok(()) => {
                let message = format!("{} It runs again with its old size.", refused.message);
                Problem { message, ..refused }
            }
            Err(down) => self.down(
                refused,
                "It could not be started with its old size either",
                &down,
            ),
        }
    }

    /// Adds to a problem that the instance is down, and why.
    fn down(&self, refused: Problem, what: &str, down: &Problem) -> Problem {
        let message = format!("{} {what}: {}", refused.message, down.message);
        let start = self.command("start");
        let hint = format!("{} Then start it: {start}", refused.advice());
        Problem { message, ..refused }.hint(hint)
    }

    /// Adds to a problem that the instance may be down.
    fn unsure(&self, problem: Problem) -> Problem {
        let list = format!("prism list{}", self.session.region_option(self.region));
        let hint = format!(
            "{} {} may be stopped: see \"{list}\", and start it with \"{}\".",
            problem.advice(),
            plain(self.name),
            self.command("start")
        );
        problem.hint(hint)
    }

    /// A command on the instance.
    fn command(&self, verb: &str) -> String {
        let region = self.session.region_option(self.region);
        format!("prism {verb} {}{region}", quoted(self.name))
    }

    async fn start(&self) -> Result<(), Problem> {
        let start = in_region::<StartInstance>(self.region, self.id.as_str());
        self.session.client.call(start).await?;
        self.until(InstanceState::Running).await
    }

    async fn until(&self, state: InstanceState) -> Result<(), Problem> {
        let awaited = Awaited {
            region: self.region,
            id: &self.id,
            name: self.name,
            state,
        };
        awaited.wait(self.session).await.map(drop)
    }
}

/// The size that an instance type stands for, if it is one.
fn size_of(instance_type: &str) -> Option<Size> {
    let architectures = [Architecture::X86_64, Architecture::Arm64];
    let is = |size: &&Size| {
        let mut types = architectures
            .iter()
            .map(|it| size.machine(*it).instance_type);
        types.any(|name| name == instance_type)
    };
    Size::ALL.iter().find(is).copied()
}
