//! `prism schedule run`.

use clap::Args;
use prism_functions::operations::{Asked, RunSchedule};

use crate::app::Session;
use crate::client::{Client, Place};
use crate::commands::save::go_on;
use crate::errors::Outcome;

/// Run a schedule now, whatever its time, and also while it is paused
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The schedule
    #[arg(value_name = "NAME")]
    name: String,
    /// Run only once for this id, however often the command runs
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Return once the save has begun; it goes on in the background
    #[arg(long)]
    no_wait: bool,
}

impl Run {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let place = if self.no_wait {
            Place::Detached
        } else {
            Place::Here
        };
        let asked = Asked::<RunSchedule>::of(name).head(Client::key(self.request_id.as_deref()));
        let started = session.client.call_at(place, asked).await?.value;
        go_on(session, &started, self.no_wait).await
    }
}
