//! `prism project show`.

use clap::Args;
use prism_functions::operations::{Asked, ShowProject};

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;

/// Show a project that you are a member of
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    name: String,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let view = session.client.ask(Asked::<ShowProject>::of(name)).await?;
        session
            .out
            .read(&view, || super::text(&view, session.times()))
    }
}
