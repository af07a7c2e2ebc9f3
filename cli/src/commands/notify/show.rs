//! `prism notify show`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ShowNotify};

use crate::errors::Outcome;
use crate::session::Session;

/// Show what you are notified of, how, and whether it arrives
#[derive(Debug, Args)]
pub(crate) struct Show {}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let asked = Asked::<ShowNotify>::of(Nothing {});
        let view = session.client.ask(asked).await?;
        session.out.read(&view, || super::text(session, &view))
    }
}
