//! `prism schedule run`.

use clap::Args;
use prism_functions::operations::{Asked, RunSchedule};

use crate::candidates;
use crate::client::{Client, Place};
use crate::commands::save::go_on;
use crate::errors::Outcome;
use crate::session::Session;

/// Run a schedule now, even if it is paused
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The schedule
    #[arg(value_name = "NAME")]
    #[arg(add = candidates::schedules())]
    name: String,
    /// Run only once for this ID, even if the command is repeated
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Return when the save has started; it continues in the background
    #[arg(long)]
    no_wait: bool,
}

impl Run {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let place = Place::unless(self.no_wait);
        let asked = Asked::<RunSchedule>::of(name).head(Client::key(self.request_id.as_deref()));
        let started = session.client.call_at(place, asked).await?.value;
        go_on(session, &started, self.no_wait).await
    }
}
