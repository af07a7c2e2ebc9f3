//! `prism rename`.

use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::save::check_name;
use prism_functions::domain::schedule::Schedule;
use prism_functions::domain::{Code, Problem, Region, ScheduleName};
use prism_functions::operations::parts::{self, InstanceName, Json, Nothing};
use prism_functions::operations::{
    Asked, InstanceView, ListSchedules, NewName, RenameInstance, SchedulesPage,
};
use serde::Serialize;

use crate::candidates;
use crate::errors::Outcome;
use crate::options::InRegion;
use crate::session::Session;
use crate::text::{joined, plain};

/// Rename an instance; your schedules that save it by its name follow it
#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// The instance, by its name or ID
    #[arg(value_name = "NAME", add = candidates::instances())]
    name: String,
    /// The new name
    #[arg(value_name = "NEW_NAME")]
    new: String,
    #[command(flatten)]
    region: InRegion,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a rename does.
#[derive(Debug, Serialize)]
struct Plan {
    instance: InstanceView,
    name: String,
    /// The schedules that follow the instance.
    schedules: Vec<ScheduleName>,
}

impl Rename {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.region)?;
        if self.dry_run {
            let plan = self.plan(session, &region).await?;
            return session.out.done(&plan, || text(&plan));
        }
        let name = session.whole_id(&region, &self.name).await?;
        let asked = Asked::<RenameInstance> {
            path: InstanceName(name),
            query: parts::InRegion { region },
            head: Nothing {},
            body: Json(NewName { name: self.new }),
        };
        let view = session.client.ask(asked).await?;
        session.out.done(&view, || {
            format!("{} is now named {}.\n", view.id, plain(&view.name))
        })
    }

    /// Reads what the rename concerns. Whoever takes the name before it is requested still has it refused.
    async fn plan(&self, session: &Session, region: &Region) -> Result<Plan, Problem> {
        check_name("instance name", &self.new)?;
        let instance = session.instance(region, &self.name).await?;
        let (all, _) = session.client.instances(Some(region)).await?;
        let mut others = all.iter().filter(|it| it.id != instance.id);
        if let Some(other) = others.find(|it| it.name == self.new && !it.state.is_gone()) {
            let message = format!(
                "The instance {} in {region} is already named {}.",
                other.id,
                plain(&self.new)
            );
            return Err(Problem::new(Code::InstanceNameTaken, message));
        }
        let page = |page| Asked::<ListSchedules>::by(Nothing {}, SchedulesPage::of(page));
        let schedules = session.client.all(page).await?.into_iter();
        let schedules = schedules
            .map(|it| it.schedule)
            .filter(|it| follows(it, region, &instance));
        Ok(Plan {
            schedules: schedules.map(|it| it.name).collect(),
            name: self.new.clone(),
            instance,
        })
    }
}

/// Whether a schedule saves the instance by its name.
fn follows(schedule: &Schedule, region: &Region, instance: &InstanceView) -> bool {
    let request = &schedule.request;
    let id = schedule.instance_id.as_ref();
    let same = id.map_or(request.instance == instance.name, |id| {
        id.as_str() == instance.id
    });
    same && request.region == *region && request.instance != instance.id
}

fn text(plan: &Plan) -> String {
    let (old, new) = (plain(&plan.instance.name), plain(&plan.name));
    let mut text = format!("{old} ({}) would be named {new}.\n", plan.instance.id);
    if !plan.schedules.is_empty() {
        let schedules = joined(&plan.schedules);
        let _ = writeln!(text, "These schedules would follow it: {schedules}.");
    }
    text
}
