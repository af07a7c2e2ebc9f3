//! `prism template unshare`.

use std::fmt::Write as _;

use clap::Args;
use prism_functions::operations::{Asked, SharedWith, UnshareTemplate};
use serde_json::json;

use super::share::{To, several};
use crate::candidates;
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
    #[arg(add = candidates::templates())]
    template: String,
    #[command(flatten)]
    to: To,
}

impl Unshare {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.template)?;
        let mut values = Vec::new();
        let mut text = String::new();
        for to in self.to.grantees() {
            let with = SharedWith { to: to.clone() };
            let asked = Asked::<UnshareTemplate>::by(name.clone(), with);
            session.client.call(asked).await?;
            let _ = writeln!(text, "{name} is no longer shared with {to}.");
            values.push(json!({ "template": name, "unshared": to }));
        }
        several(&session.out, &values, "unshared", || text)
    }
}
