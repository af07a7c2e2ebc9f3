//! `prism template deprecate` and `prism template restore`.

use clap::Args;
use prism_functions::domain::template::TemplateRef;
use prism_functions::operations::{
    Asked, DeprecateTemplate, DeprecateVersion, RestoreTemplate, RestoreVersion,
};

use crate::errors::Outcome;
use crate::session::Session;

/// Deprecate a template or one of its versions: launching it shows a warning
#[derive(Debug, Args)]
pub(crate) struct Deprecate {
    /// The template, or one of its versions as NAME@3
    #[arg(value_name = "TEMPLATE")]
    template: String,
}

/// Undo the deprecation of a template or one of its versions
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The template, or one of its versions as NAME@3
    #[arg(value_name = "TEMPLATE")]
    template: String,
}

impl Deprecate {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let (client, name) = (&session.client, reference.name.clone());
        let view = match super::version(&reference) {
            None => client.ask(Asked::<DeprecateTemplate>::of(name)).await?,
            Some(version) => client.ask(Asked::<DeprecateVersion>::of(version)).await?,
        };
        session.out.done(&view, || {
            format!("{reference} is deprecated: it can still be launched, with a warning.\n")
        })
    }
}

impl Restore {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let (client, name) = (&session.client, reference.name.clone());
        let view = match super::version(&reference) {
            None => client.ask(Asked::<RestoreTemplate>::of(name)).await?,
            Some(version) => client.ask(Asked::<RestoreVersion>::of(version)).await?,
        };
        session
            .out
            .done(&view, || format!("{reference} is active.\n"))
    }
}
