//! `prism template unshare`.

use clap::Args;
use prism_functions::operations::{Asked, SharedWith, UnshareTemplate};
use serde_json::json;

use super::share::To;
use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Instances that were already launched are kept.

Examples:
  prism template unshare my-custom-ml-env --user bob
  prism template unshare my-custom-ml-env --public";

/// Stop sharing a template: all of its versions, in every Region
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
        let name = super::name(&self.template)?;
        let to = self.to.request(false).to;
        let with = SharedWith { to: to.clone() };
        let asked = Asked::<UnshareTemplate>::by(name.clone(), with);
        session.client.call(asked).await?;
        let value = json!({ "template": name, "unshared": to });
        session.out.done(&value, || {
            format!("{name} is no longer shared with {to}.\n")
        })
    }
}
