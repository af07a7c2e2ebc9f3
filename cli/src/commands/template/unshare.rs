//! `prism template unshare`.

use clap::Args;
use prism_functions::domain::{Problem, TemplateName};
use prism_functions::operations::{Asked, SharedWith, UnshareTemplate};
use serde_json::json;

use super::share::To;
use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

const EXAMPLES: &str = "\
Instances that were launched already stay with whoever launched them.

Examples:
  prism template unshare my-custom-ml-env --user bob
  prism template unshare my-custom-ml-env --public";

/// Take back a template that was shared: all of its versions, in every Region
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Unshare {
    /// The template
    #[arg(value_name = "TEMPLATE")]
    template: String,
    #[command(flatten)]
    to: To,
}

impl Unshare {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name: TemplateName = self.template.parse().map_err(Problem::from)?;
        let request = self.to.request(false);
        session
            .client
            .call(Asked::<UnshareTemplate>::by(
                name.clone(),
                SharedWith {
                    to: request.to.clone(),
                },
            ))
            .await?;
        let to = &request.to;
        session
            .out
            .show(&json!({ "template": name, "unshared": to }), || {
                format!("{name} is not shared with {to} any more.\n")
            })?;
        Ok(exit::DONE)
    }
}
