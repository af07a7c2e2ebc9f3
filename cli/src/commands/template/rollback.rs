//! `prism template rollback`.

use std::num::NonZeroU32;

use clap::Args;
use prism_functions::operations::{Asked, RollBackTemplate, Target};

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
This only changes which version is the latest; the versions themselves do not change. The next save \
still gets the next version number.

Examples:
  prism template rollback my-custom-ml-env      to the version before the latest
  prism template rollback my-custom-ml-env 3    to version 3, earlier or later";

/// Go back to an earlier version of a template, or forward to a later one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rollback {
    /// The template
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::templates())]
    template: String,
    /// The version [default: the one before the latest]
    #[arg(value_name = "VERSION", value_parser = clap::value_parser!(u32).range(1..))]
    version: Option<u32>,
    /// Consent to share sensitive files that the version has and the latest does not have
    #[arg(long)]
    publish_sensitive: bool,
}

impl Rollback {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.template)?;
        let target = Target {
            to: self.version.and_then(NonZeroU32::new),
            publish_sensitive: self.publish_sensitive,
        };
        let asked = Asked::<RollBackTemplate>::of(name.clone()).query(target);
        let done = session.client.ask(asked).await?;
        session.out.done(&done, || {
            if done.from == done.to {
                return format!(
                    "The latest version of {name} is already {name}@{}.\n",
                    done.to
                );
            }
            format!(
                "The latest version of {name} is now {name}@{}; it was {name}@{}.\n",
                done.to, done.from
            )
        })
    }
}
