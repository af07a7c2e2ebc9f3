//! `prism notify confirm`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ConfirmEmail, EmailCode};

use crate::errors::Outcome;
use crate::session::Session;

/// Confirm your e-mail address with the code that it received
#[derive(Debug, Args)]
pub(crate) struct Confirm {
    /// The code
    #[arg(value_name = "CODE")]
    code: String,
}

impl Confirm {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let asked = Asked::<ConfirmEmail>::with(Nothing {}, EmailCode { code: self.code });
        let view = session.client.ask(asked).await?;
        session.out.done(&view, || super::text(session, &view))
    }
}
