//! `prism schedule pause` and `prism schedule resume`.

use clap::Args;
use prism_functions::operations::{Asked, ChangeSchedule, ScheduleEdit};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;

/// Pause a schedule; runs that come due meanwhile are skipped
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// The schedule
    #[arg(value_name = "NAME")]
    #[arg(add = candidates::schedules())]
    name: String,
}

/// Resume a paused schedule
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The schedule
    #[arg(value_name = "NAME")]
    #[arg(add = candidates::schedules())]
    name: String,
}

impl Pause {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        change(session, &self.name, true).await
    }
}

impl Resume {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        change(session, &self.name, false).await
    }
}

async fn change(session: &Session, name: &str, paused: bool) -> Outcome {
    let name = super::name(name)?;
    let edit = ScheduleEdit::pause(paused);
    let asked = Asked::<ChangeSchedule>::with(name.clone(), edit);
    let schedule = session.client.ask(asked).await?;
    let next = super::runs(&schedule, session.client.now(), 1).pop();
    let value = json!({ "name": name, "paused": schedule.paused, "next_run": next });
    let times = session.times();
    session.out.done(&value, || match next {
        Some(at) => format!(
            "{name} is active again, next run at {}.\n",
            times.exactly(at)
        ),
        None => format!("{name} is paused.\n"),
    })
}
