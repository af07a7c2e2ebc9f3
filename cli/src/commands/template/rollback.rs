//! `prism template rollback`.

use std::num::NonZeroU32;

use clap::Args;
use prism_functions::domain::{Problem, TemplateName};
use prism_functions::operations::{Asked, RollBackTemplate, Target};

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

const EXAMPLES: &str = "\
No version changes: only which one the name alone stands for. The next save still makes the next number.

Examples:
  prism template rollback my-custom-ml-env      the version before the latest
  prism template rollback my-custom-ml-env 3    version 3, be it earlier or later";

/// Make a template's name stand for an earlier version, or a later one again
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rollback {
    /// The template
    #[arg(value_name = "TEMPLATE")]
    template: String,
    /// The version [default: the one before the latest]
    #[arg(value_name = "VERSION", value_parser = clap::value_parser!(u32).range(1..))]
    version: Option<u32>,
    /// Consent to show others sensitive files that the version has and the latest has not
    #[arg(long)]
    publish_sensitive: bool,
}

impl Rollback {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name: TemplateName = self.template.parse().map_err(Problem::from)?;
        let target = Target {
            to: self.version.and_then(NonZeroU32::new),
            publish_sensitive: self.publish_sensitive,
        };
        let asked = Asked::<RollBackTemplate>::of(name.clone()).query(target);
        let done = session.client.ask(asked).await?;
        session.out.show(&done, || {
            if done.from == done.to {
                return format!("{name} stands for {name}@{} already.\n", done.to);
            }
            format!(
                "{name} stands for {name}@{} now; it stood for {name}@{}.\n",
                done.to, done.from
            )
        })?;
        Ok(exit::DONE)
    }
}
