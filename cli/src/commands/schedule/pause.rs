//! `prism schedule pause` and `prism schedule resume`.

use clap::Args;
use prism_functions::operations::{Asked, ChangeSchedule, ScheduleEdit};
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;
use crate::text::when;

/// Let a schedule hold still; what comes due meanwhile is not made up for
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// The schedule
    #[arg(value_name = "NAME")]
    name: String,
}

/// Let a schedule that holds still go on
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The schedule
    #[arg(value_name = "NAME")]
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
    let schedule = session
        .client
        .ask(Asked::<ChangeSchedule>::with(name.clone(), edit))
        .await?;
    let next = super::runs(&schedule, session.client.now(), 1).pop();
    let value = json!({ "name": name, "paused": schedule.paused, "next_run": next });
    session.out.show(&value, || match next {
        Some(at) => format!("{name} runs again, next at {}.\n", when(at)),
        None => format!("{name} is paused.\n"),
    })?;
    Ok(exit::DONE)
}
