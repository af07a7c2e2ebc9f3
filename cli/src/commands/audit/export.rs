//! `prism audit export`.

use clap::Args;
use prism_functions::domain::Problem;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ExportAudit, ExportFormat, ExportQuery};

use super::range::Range;
use crate::errors::Outcome;
use crate::exit;
use crate::output::Output;
use crate::session::Session;

const EXAMPLES: &str = "\
The file is written to standard output, newest events first. In CSV, values that a spreadsheet would \
take for a formula begin with an apostrophe. With --json, JSON lines are written.

Examples:
  prism audit export > mine.csv
  prism audit export --project brain-imaging --from 2026-01-01T00:00:00Z > brain.csv
  prism audit export --jsonl --resource template:my-custom-ml-env";

/// Export changes as CSV or JSON lines
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Export {
    /// Write a JSON object in each line instead of CSV
    #[arg(long)]
    jsonl: bool,
    /// Only changes of this resource: template:NAME, project:NAME, save:ID, instance:REGION/ID, schedule:NAME, key:FINGERPRINT or notify:settings
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// Only changes in this project
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Only changes by this user
    // The ID "user" belongs to the global option --as.
    #[arg(id = "by_user", long = "user", value_name = "USER")]
    user: Option<String>,
    #[command(flatten)]
    range: Range,
}

impl Export {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let mut query = self.query(self.jsonl || session.out.for_programs())?;
        loop {
            let asked = Asked::<ExportAudit>::by(Nothing {}, query.clone());
            let part = session.client.call(asked).await?;
            Output::data(part.text.as_bytes())?;
            query.cursor = part.cursor;
            if query.cursor.is_none() {
                return Ok(exit::DONE);
            }
        }
    }

    fn query(&self, jsonl: bool) -> Result<ExportQuery, Problem> {
        Ok(ExportQuery {
            format: if jsonl {
                ExportFormat::Jsonl
            } else {
                ExportFormat::Csv
            },
            resource: self.resource.as_deref().map(str::parse).transpose()?,
            project: self.project.as_deref().map(str::parse).transpose()?,
            user: self.user.as_deref().map(str::parse).transpose()?,
            from: self.range.from()?,
            until: self.range.until()?,
            ..ExportQuery::default()
        })
    }
}
