//! `prism template edit`.

use clap::Args;
use prism_functions::domain::template::TemplateRef;
use prism_functions::operations::parts::{Json, MustMatch, Nothing};
use prism_functions::operations::{
    Asked, EditTemplate, EditVersion, Expected, TemplateEdit, TemplateView,
};

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  prism template edit my-custom-ml-env --description \"ML with TensorFlow 2.x\"
  prism template edit my-custom-ml-env@3 --notes \"needs 32 GiB of memory\"";

/// Change the description or notes of a template or one of its versions
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Edit {
    /// The template, or one of its versions as NAME@3
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::versions())]
    template: String,
    #[command(flatten)]
    texts: Texts,
    /// Refuse the change unless this is still its revision, which "template show --json" shows
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Texts {
    /// What the template is for
    #[arg(long)]
    description: Option<String>,
    /// Notes for those who launch it
    #[arg(long)]
    notes: Option<String>,
}

impl Edit {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let edit = TemplateEdit {
            description: self.texts.description,
            notes: self.texts.notes,
        };
        edit.check()?;
        let revision = match self.revision {
            Some(revision) => Some(revision),
            None => match session.template(&reference).await? {
                TemplateView::Saved { revision, .. } if reference.version.is_none() => {
                    Some(revision)
                }
                TemplateView::Saved {
                    version_revision, ..
                } => Some(version_revision),
                TemplateView::BuiltIn { .. } => None,
            },
        };
        let head = MustMatch(revision.map(Expected::revision));
        let (query, body, client) = (Nothing {}, Json(edit), &session.client);
        let view = match super::version(&reference) {
            None => {
                let path = reference.name.clone();
                let asked = Asked::<EditTemplate> {
                    path,
                    query,
                    head,
                    body,
                };
                client.ask(asked).await?
            }
            Some(path) => {
                let asked = Asked::<EditVersion> {
                    path,
                    query,
                    head,
                    body,
                };
                client.ask(asked).await?
            }
        };
        session
            .out
            .done(&view, || format!("{reference} is changed.\n"))
    }
}
