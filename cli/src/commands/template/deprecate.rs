//! `prism template deprecate` and `prism template restore`.

use clap::Args;
use prism_functions::domain::template::TemplateRef;
use prism_functions::operations::parts::VersionRef;
use prism_functions::operations::{
    Asked, DeprecateTemplate, DeprecateVersion, RestoreTemplate, RestoreVersion,
};

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
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let view = match version(&reference) {
            None => {
                session
                    .client
                    .ask(Asked::<DeprecateTemplate>::of(reference.name.clone()))
                    .await?
            }
            Some(version) => {
                session
                    .client
                    .ask(Asked::<DeprecateVersion>::of(version))
                    .await?
            }
        };
        session.out.show(&view, || {
            format!("{reference} is deprecated: it can be launched still, with a warning.\n")
        })?;
        Ok(exit::DONE)
    }
}

impl Restore {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let view = match version(&reference) {
            None => {
                session
                    .client
                    .ask(Asked::<RestoreTemplate>::of(reference.name.clone()))
                    .await?
            }
            Some(version) => {
                session
                    .client
                    .ask(Asked::<RestoreVersion>::of(version))
                    .await?
            }
        };
        session
            .out
            .show(&view, || format!("{reference} is active.\n"))?;
        Ok(exit::DONE)
    }
}

/// The version that a reference names.
fn version(reference: &TemplateRef) -> Option<VersionRef> {
    let number = reference.version?;
    Some(VersionRef {
        template: reference.name.clone(),
        number,
    })
}
