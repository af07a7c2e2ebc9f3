//! `prism project launch`.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::sizes::Size;
use prism_functions::domain::{Code, GroupName, Problem, ProjectName, UserId, counted};
use prism_functions::operations::parts::{IdempotencyKey, Nothing};
use prism_functions::operations::{
    Asked, ClassLaunchPlan, ClassLaunchRequest, InstanceView, LaunchInstance, LaunchRequest,
    MemberLaunch, PlanClassLaunch, PlannedLaunch,
};
use serde_json::{Value, json};

use crate::candidates;
use crate::client::{Client, Place};
use crate::ends::{self, When, WithoutSave};
use crate::errors::Outcome;
use crate::options::{Arch, InRegion};
use crate::output::Output;
use crate::progress::Progress;
use crate::session::Session;
use crate::signals::Signals;
use crate::text::{duration, or_dash, plain, usd_per_hour_in};
use crate::{exit, prompt, table};

/// How often a launch is requested while EC2's throttle leaves no turn for it.
const TRIES: u32 = 60;

const EXAMPLES: &str = "\
Each instance belongs to its member, who alone can log in to it: it has the member's name and keys. \
Members who have one already are left out, so repeat an interrupted command to continue it. \
EC2 limits how many instances begin in a second; the plan says how long all of them take.

Without --group, the instances are for everybody with the role member. Those who have added no key \
(\"prism key add\") can connect, but not use ssh.

With --for, each instance ends that long after its own launch. To save them first, give the project an end \
with a last save (\"prism project end\").

Examples:
  prism project launch statistics stats-env@3 --for-each-member --dry-run
  prism project launch statistics python-ml --for-each-member --group lab1 --name lab1 --size S
  prism project launch statistics python-ml --for-each-member --until \"2026-07-01 18:00\" --then terminate";

/// Launch an instance for each member of a project that you manage
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Launch {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
    /// The template: NAME for the latest version, or NAME@3 for version 3
    #[arg(add = candidates::versions())]
    template: String,
    /// Say that an instance is launched for each of them
    #[arg(long, required = true)]
    for_each_member: bool,
    /// Only for the members of this group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// What the names of the instances begin with [default: the template's name]
    #[arg(long, value_name = "PREFIX")]
    name: Option<String>,
    /// The size, as in "prism launch"
    #[arg(long)]
    size: Option<String>,
    /// The processor architecture, as in "prism launch"
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// The size of each disk in GiB, as in "prism launch"
    #[arg(long, value_name = "GIB")]
    disk: Option<u32>,
    #[command(flatten)]
    end: When,
    #[command(flatten)]
    then: WithoutSave,
    #[command(flatten)]
    region: InRegion,
    /// Launch each instance only once for this ID, even if the command is repeated
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Show the plan, but launch nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Launch {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = super::name(&self.project)?;
        let request = self.request(session)?;
        let asked = Asked::<PlanClassLaunch>::with(project.clone(), request.clone());
        let plan = session.client.ask(asked).await?;
        if self.dry_run {
            let value = json!({ "dry_run": true, "plan": plan });
            return session.out.done(&value, || would(session, &plan));
        }
        for warning in &plan.warnings {
            session.out.warn(&plain(&warning.text));
        }
        if plan.count > 0 {
            session.out.note(&summary(session, &plan));
            let question = format!("Launch {}?", counted(plan.count, "instance"));
            if !prompt::confirm(&session.out, self.yes, &question)? {
                return Ok(exit::FAILED);
            }
        }
        let run = Run {
            session,
            request: &request,
            project: &project,
            plan: &plan,
            key: Client::key(self.request_id.as_deref()),
            stopping: Cell::new(false),
        };
        let launches = run.all().await?;
        run.report(&launches)
    }

    fn request(&self, session: &Session) -> Result<ClassLaunchRequest, Problem> {
        let group = self.group.as_deref().map(str::parse::<GroupName>);
        Ok(ClassLaunchRequest {
            template: self.template.parse()?,
            region: session.region(&self.region)?,
            group: group.transpose().map_err(Problem::from)?,
            name: self.name.clone(),
            size: self.size.as_deref().map(str::parse::<Size>).transpose()?,
            architecture: self.arch.map(Architecture::from),
            disk_gib: self.disk,
            end: self.then.request(&self.end)?,
        })
    }
}

/// The launches of a plan.
struct Run<'a> {
    session: &'a Session,
    request: &'a ClassLaunchRequest,
    project: &'a ProjectName,
    plan: &'a ClassLaunchPlan,
    key: IdempotencyKey,
    /// Whether it was interrupted: no launch is requested any more.
    stopping: Cell<bool>,
}

/// The launches that were requested, by their members.
#[derive(Default)]
struct Launches {
    requested: BTreeSet<UserId>,
    /// How they ended. A second interrupt leaves some of them without an outcome.
    ended: BTreeMap<UserId, Result<InstanceView, Problem>>,
}

impl Run<'_> {
    /// Requests the launches one after the other, at the interval of the plan, without waiting for those before. After an
    /// interrupt, those that were requested are waited for, so that it is known what became of them.
    async fn all(&self) -> Result<Launches, Problem> {
        let members = self.plan.members.iter();
        let mut open: VecDeque<&MemberLaunch> = members
            .filter(|it| it.launch == PlannedLaunch::Launch)
            .collect();
        let mut signals = Signals::listen(false).map_err(|error| {
            let message = "The signal handlers cannot be installed.";
            Problem::new(Code::LocalIo, message).because(error)
        })?;
        let interval = Duration::from_millis(self.plan.interval_ms);
        let mut progress = Progress::new(&self.session.out);
        let mut running = FuturesUnordered::new();
        let mut launches = Launches::default();
        let mut pause = Box::pin(self.session.client.sleep(Duration::ZERO));
        while !running.is_empty() || !(open.is_empty() || self.stopping.get()) {
            tokio::select! {
                _ = signals.next() => {
                    if self.stopping.replace(true) {
                        break;
                    }
                    progress.say("Interrupted: the launches that were requested are finished first.");
                }
                Some((member, outcome)) = running.next(), if !running.is_empty() => {
                    let (member, outcome): (&MemberLaunch, Result<InstanceView, Problem>) = (member, outcome);
                    let text = match &outcome {
                        Ok(instance) => format!("{}: {} ({})", member.user, plain(&instance.name), instance.id),
                        Err(problem) => format!("{}: {}", member.user, plain(&problem.message)),
                    };
                    launches.ended.insert(member.user.clone(), outcome);
                    progress.show(&text, &format!("{} of {}", launches.ended.len(), self.plan.count));
                }
                () = &mut pause, if !open.is_empty() && !self.stopping.get() => {
                    let next = open.pop_front();
                    launches.requested.extend(next.map(|member| member.user.clone()));
                    running.extend(next.map(|member| self.one(member)));
                    pause = Box::pin(self.session.client.sleep(interval));
                }
            }
        }
        progress.clear();
        Ok(launches)
    }

    /// Launches the instance of a member.
    async fn one<'m>(
        &self,
        member: &'m MemberLaunch,
    ) -> (&'m MemberLaunch, Result<InstanceView, Problem>) {
        let request = LaunchRequest {
            template: self.request.template.clone(),
            name: member.name.clone(),
            region: self.request.region.clone(),
            size: self.request.size,
            architecture: self.request.architecture,
            project: Some(self.project.clone()),
            disk_gib: self.request.disk_gib,
            keep_volumes: false,
            public_keys: Vec::new(),
            end: self.request.end.clone(),
            for_member: Some(member.user.clone()),
        };
        let asked = Asked::<LaunchInstance>::with(Nothing {}, request).head(self.key.clone());
        let client = &self.session.client;
        let mut tries = 0;
        loop {
            match client.begin(Place::Detached, asked.clone()).await {
                Ok(launched) => return (member, Ok(launched.instance)),
                Err(problem) => match problem.retry_after_s {
                    Some(pause_s) if tries < TRIES && !self.stopping.get() => {
                        tries += 1;
                        client.sleep(Duration::from_secs(pause_s.into())).await;
                    }
                    _ => return (member, Err(problem)),
                },
            }
        }
    }

    fn report(&self, launches: &Launches) -> Outcome {
        let out = &self.session.out;
        let rows: Vec<Row<'_>> = self
            .plan
            .members
            .iter()
            .map(|it| Row::of(it, launches))
            .collect();
        let values: Vec<Value> = rows.iter().map(Row::value).collect();
        let interrupted = self.stopping.get();
        let value = json!({ "members": values, "interrupted": interrupted });
        let heads = ["MEMBER", "NAME", "ID", "RESULT", "DETAILS"];
        let cells = rows.iter().map(Row::cells);
        out.show_each(&value, || table::render(out, &heads, cells))?;
        if interrupted {
            let message = interruption(&rows);
            let hint =
                "Repeat the command for the rest: members who have an instance are left out.";
            if out.form.has_json_errors() {
                return Err(Problem::new(Code::Interrupted, message).hint(hint).into());
            }
            Output::complain(&format!("{message} {hint}"));
            return Ok(exit::INTERRUPTED);
        }
        if rows
            .iter()
            .any(|row| ["failed", "refused"].contains(&row.result))
        {
            out.note(
                "Repeat the command for those who have no instance, when the reason is removed.",
            );
            return Ok(exit::FAILED);
        }
        Ok(exit::DONE)
    }
}

/// What an interrupt left undone.
fn interruption(rows: &[Row<'_>]) -> String {
    let count = |result| rows.iter().filter(|row| row.result == result).count();
    let missing = match count("not requested") {
        1 => "1 instance was".to_owned(),
        missing => format!("{missing} instances were"),
    };
    let others = match count("requested") {
        0 => "the others are complete".to_owned(),
        1 => "it is not known what became of 1 that was".to_owned(),
        open => format!("it is not known what became of {open} that were"),
    };
    format!("Interrupted: {missing} not requested, and {others}.")
}

/// What became of a member's instance.
struct Row<'a> {
    member: &'a MemberLaunch,
    id: Option<&'a str>,
    result: &'static str,
    details: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(member: &'a MemberLaunch, launches: &'a Launches) -> Self {
        let row = |id: Option<&'a str>, result, details: Option<&'a str>| Row {
            member,
            id,
            result,
            details,
        };
        let reason = member.reason.as_deref();
        match (member.launch, launches.ended.get(&member.user)) {
            (PlannedLaunch::Present, _) => row(member.instance.as_deref(), "present", None),
            (PlannedLaunch::Refused, _) => row(None, "refused", reason),
            (PlannedLaunch::Launch, Some(Ok(instance))) => {
                row(Some(&instance.id), "launched", None)
            }
            (PlannedLaunch::Launch, Some(Err(problem))) => {
                row(None, "failed", Some(&problem.message))
            }
            (PlannedLaunch::Launch, None) if launches.requested.contains(&member.user) => {
                row(None, "requested", None)
            }
            (PlannedLaunch::Launch, None) => row(None, "not requested", None),
        }
    }

    fn value(&self) -> Value {
        json!({
            "user": self.member.user, "name": self.member.name, "id": self.id, "result": self.result,
            "details": self.details,
        })
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.member.user.to_string(),
            self.member.name.clone(),
            or_dash(self.id),
            self.result.to_owned(),
            self.details.unwrap_or_default().to_owned(),
        ]
    }
}

/// How many, at what price, and how long it takes.
fn summary(session: &Session, plan: &ClassLaunchPlan) -> String {
    let price = usd_per_hour_in(plan.usd_per_hour, &plan.region);
    let wait = u32::try_from(plan.wait_s).unwrap_or(u32::MAX);
    let end = plan.end.as_ref();
    let ends = end.map(|end| {
        format!(
            " An instance that is launched now ends {}.",
            ends::text(end, session.times())
        )
    });
    let ends = ends.unwrap_or_default();
    let (together, last) = match plan.count {
        1 => ("", "it"),
        _ => ("together ", "the last one"),
    };
    format!(
        "{} of {} ({}) in {}, {together}{price}; {last} begins in about {}.{ends}",
        counted(plan.count, "instance"),
        plan.template,
        plan.instance_type,
        plan.region,
        duration(f64::from(wait))
    )
}

fn would(session: &Session, plan: &ClassLaunchPlan) -> String {
    let mut text = format!("{}\n", summary(session, plan));
    let row = |member: &MemberLaunch| {
        let what = match member.launch {
            PlannedLaunch::Launch => "is launched",
            PlannedLaunch::Present => "is there",
            PlannedLaunch::Refused => "refused",
        };
        vec![
            member.user.to_string(),
            member.name.clone(),
            or_dash(member.instance.as_ref()),
            what.to_owned(),
            member.reason.clone().unwrap_or_default(),
        ]
    };
    let heads = ["MEMBER", "NAME", "ID", "PLAN", "DETAILS"];
    text.push_str(&table::render(
        &session.out,
        &heads,
        plan.members.iter().map(row),
    ));
    for warning in &plan.warnings {
        let _ = writeln!(text, "warning: {}", plain(&warning.text));
    }
    text
}
