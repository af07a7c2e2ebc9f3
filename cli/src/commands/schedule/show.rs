//! `prism schedule show`.

use clap::Args;

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

/// Show a schedule: what it saves, how its last runs ended, and when it runs next
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The schedule
    #[arg(value_name = "NAME")]
    name: String,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        super::show(session, &super::named(session, name).await?)?;
        Ok(exit::DONE)
    }
}
