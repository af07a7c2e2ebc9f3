//! `prism template edit`.

use clap::Args;
use prism_functions::domain::template::TemplateRef;
use prism_functions::operations::parts::{Json, MustMatch, Nothing, VersionRef};
use prism_functions::operations::{
    Asked, EditTemplate, EditVersion, Expected, TemplateEdit, TemplateView,
};

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

const EXAMPLES: &str = "\
Examples:
  prism template edit my-custom-ml-env --description \"ML with TensorFlow 2.x\"
  prism template edit my-custom-ml-env@3 --notes \"needs 32 GiB of memory\"";

/// Change what a template says of itself, or a version of it; its AMIs never change
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Edit {
    /// The template, or a version of it as NAME@3
    #[arg(value_name = "TEMPLATE")]
    template: String,
    #[command(flatten)]
    texts: Texts,
    /// Only as long as it is at this revision, as "template info --json" told it [default: as it is now]
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
}

/// What it says.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Texts {
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// What else its readers should know
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
        let (path, query, body) = (reference.name.clone(), Nothing {}, Json(edit));
        let view = match reference.version {
            None => {
                let asked = Asked::<EditTemplate> {
                    path,
                    query,
                    head,
                    body,
                };
                session.client.ask(asked).await?
            }
            Some(number) => {
                let path = VersionRef {
                    template: path,
                    number,
                };
                let asked = Asked::<EditVersion> {
                    path,
                    query,
                    head,
                    body,
                };
                session.client.ask(asked).await?
            }
        };
        session
            .out
            .show(&view, || format!("{reference} is changed.\n"))?;
        Ok(exit::DONE)
    }
}
