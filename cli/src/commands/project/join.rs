//! `prism project join`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, JoinProject, JoinRequest};

use crate::errors::Outcome;
use crate::session::Session;

/// Join a project, with the code of a join link
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The code
    #[arg(value_name = "CODE")]
    code: String,
}

impl Join {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let asked = Asked::<JoinProject>::with(Nothing {}, JoinRequest { code: self.code });
        let joined = session.client.ask(asked).await?;
        session.out.done(&joined, || {
            format!(
                "You are in {}, with the role {}.\n",
                joined.project.name, joined.role
            )
        })
    }
}
