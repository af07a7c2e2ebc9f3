//! `prism template rollback`.

use std::num::NonZeroU32;

use clap::Args;
use prism_functions::domain::TemplateName;
use prism_functions::operations::{Asked, RollBackTemplate, RolledBack, Target};

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::text::{pairs, plain};

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
    /// Check everything and show what the rollback would do, but change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Rollback {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.template)?;
        let target = Target {
            to: self.version.and_then(NonZeroU32::new),
            publish_sensitive: self.publish_sensitive,
            dry_run: self.dry_run,
        };
        let asked = Asked::<RollBackTemplate>::of(name.clone()).query(target);
        let done = session.client.ask(asked).await?;
        session.out.done(&done, || told(&name, &done))
    }
}

fn told(name: &TemplateName, done: &RolledBack) -> String {
    let (from, to) = (done.from, done.to);
    if from == to {
        return format!("The latest version of {name} is already {name}@{to}.\n");
    }
    if !done.dry_run {
        return format!("The latest version of {name} is now {name}@{to}; it was {name}@{from}.\n");
    }
    let would = format!("Launches of {name} would use {name}@{to} instead of {name}@{from}:\n");
    let lines = pairs([
        ("visible to", plain(&done.visible_to.join(", "))),
        ("unchanged", "all versions and instances".to_owned()),
    ]);
    would + &lines
}
