//! `prism template diff`.

use std::fmt::Write;

use clap::Args;
use prism_functions::domain::diff::{PackageDiff, TemplateDiff};
use prism_functions::domain::template::TemplateRef;
use prism_functions::operations::{Asked, DiffVersions, With};
use serde_json::Value;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::text::{PRICES, bytes, plain, usd};

/// Show the differences between two versions: their properties and their packages
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The first version: NAME for the latest version, or NAME@3 for version 3
    #[arg(value_name = "A")]
    #[arg(add = candidates::versions())]
    from: String,
    /// The second version, of the same template or another one
    #[arg(value_name = "B")]
    #[arg(add = candidates::versions())]
    to: String,
}

impl Diff {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let (from, to): (TemplateRef, TemplateRef) = (self.from.parse()?, self.to.parse()?);
        let asked = Asked::<DiffVersions>::by(from, With { with: to });
        let diff = session.client.ask(asked).await?;
        session.out.read(&diff, || told(&diff))
    }
}

fn told(diff: &TemplateDiff) -> String {
    let mut text = format!("From {} to {}:\n", diff.from, diff.to);
    for field in &diff.fields {
        let value = |value: &Value| match (field.field.as_str(), value) {
            (_, Value::String(text)) if text.is_empty() => "nothing".to_owned(),
            (_, Value::String(text)) => plain(text),
            ("snapshot_bytes", value) => bytes(value.as_u64().unwrap_or_default()),
            // The versions may be in any Regions.
            ("usd_per_month", value) => usd(value.as_f64().unwrap_or_default()) + PRICES,
            (_, value) => value.to_string(),
        };
        let name = field.field.replace('_', " ");
        let (from, to) = (value(&field.from), value(&field.to));
        let _ = writeln!(text, "  {name:<16}{from} → {to}");
    }
    match &diff.packages {
        Some(packages) => list(&mut text, packages),
        None => text.push_str("The packages of one of the versions are not known.\n"),
    }
    text
}

fn list(text: &mut String, packages: &PackageDiff) {
    let none =
        packages.added.is_empty() && packages.removed.is_empty() && packages.changed.is_empty();
    if none {
        text.push_str("The packages are the same.\n");
    } else {
        text.push_str("Packages:\n");
    }
    for it in &packages.added {
        let (name, version) = (plain(&it.name), plain(&it.version));
        let _ = writeln!(text, "  + {name} {version}  ({})", plain(&it.manager));
    }
    for it in &packages.removed {
        let (name, version) = (plain(&it.name), plain(&it.version));
        let _ = writeln!(text, "  - {name} {version}  ({})", plain(&it.manager));
    }
    for it in &packages.changed {
        let (name, from, to) = (plain(&it.name), plain(&it.from), plain(&it.to));
        let _ = writeln!(text, "  ~ {name} {from} → {to}  ({})", plain(&it.manager));
    }
    if !packages.complete {
        text.push_str("The package lists are not complete: other packages may differ too.\n");
    }
}
