//! `prism template deprecate` and `prism template restore`.

use clap::Args;
use prism_functions::domain::template::TemplateRef;

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

/// Say that people should use something else than a template, or than a version of it
#[derive(Debug, Args)]
pub(crate) struct Deprecate {
    /// The template, or a version of it as NAME@3
    #[arg(value_name = "TEMPLATE")]
    template: String,
}

/// Take back that people should use something else
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The template, or a version of it as NAME@3
    #[arg(value_name = "TEMPLATE")]
    template: String,
}

impl Deprecate {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let view = session.backend.deprecate_template(&reference, true).await?;
        session.out.show(&view, || {
            format!("{reference} is deprecated: it can be launched still, with a warning.\n")
        })?;
        Ok(exit::DONE)
    }
}

impl Restore {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let view = session
            .backend
            .deprecate_template(&reference, false)
            .await?;
        session
            .out
            .show(&view, || format!("{reference} is active.\n"))?;
        Ok(exit::DONE)
    }
}
