//! Audit events as a file, for spreadsheets and other programs.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::audit::AuditPage;
use super::parts::TextPage;
use super::{Asked, Service};
use crate::domain::audit::{AuditEvent, Subject};
use crate::domain::{Code, Problem, ProjectName, Timestamp, UserId};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::Caller;

/// The maximum number of events in a part of an export, and the default.
const EVENTS_MOST: u32 = 1000;
/// The media type of CSV files.
const CSV: &str = "text/csv; charset=utf-8";
/// The media type of files with a JSON value in each line.
const JSONL: &str = "application/jsonl";
/// The columns of CSV files.
const COLUMNS: [&str; 9] = [
    "at", "user", "action", "resource", "project", "channel", "address", "agent", "details",
];

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Values separated by commas, with a line of column names at the beginning. Values that a spreadsheet would take for
    /// a formula begin with an apostrophe.
    #[default]
    Csv,
    /// A JSON object in each line.
    Jsonl,
}

/// The query of an export.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// The format of the file: `csv` or `jsonl`.
    #[param(inline)]
    #[serde(default)]
    pub format: ExportFormat,
    /// Only events about this resource. You must own it or manage its project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Subject>,
    /// Only events of this project. You must manage it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Only events of this user. Without a resource or a project, this can only be yourself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Only events at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only events before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The maximum number of events in this part.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the part begins: the header `Next-Cursor` of the previous part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

operation! {
    /// Exports audit events as CSV or JSON lines, newest first
    ///
    /// A file has several parts if there are many events: as long as the response has the header `Next-Cursor`, request
    /// the next part with its value as `cursor`, and append it. Only the first part has the names of the columns.
    ExportAudit by export_audit: Get "/v1/audit/export" of "audit",
    query: ExportQuery,
    output: TextPage,
    rights: [SeeAudit Template, SeeAudit Project, See Save, SeeAudit Save, Change Instance, SeeAudit Instance],
    may_miss: true,
}

async fn export_audit(
    service: &Service,
    caller: &Caller,
    asked: Asked<ExportAudit>,
) -> Answered<ExportAudit> {
    let query = asked.query;
    let limit = checked(query.limit)?;
    let (format, is_first) = (query.format, query.cursor.is_none());
    let filter = AuditPage {
        resource: query.resource,
        project: query.project,
        user: query.user,
        from: query.from,
        until: query.until,
        limit: None,
        cursor: query.cursor,
    };
    let listed = service.events(caller, filter, limit).await?;
    let mut text = String::new();
    match format {
        ExportFormat::Csv => {
            if is_first {
                text.push_str(&line(COLUMNS.map(str::to_owned)));
            }
            for event in &listed.items {
                text.push_str(&line(values(event)));
            }
        }
        ExportFormat::Jsonl => {
            for event in &listed.items {
                text.push_str(&serde_json::to_string(event).map_err(unwritable)?);
                text.push('\n');
            }
        }
    }
    Ok(TextPage {
        kind: match format {
            ExportFormat::Csv => CSV.to_owned(),
            ExportFormat::Jsonl => JSONL.to_owned(),
        },
        text,
        cursor: listed.cursor,
    })
}

fn checked(limit: Option<u32>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(EVENTS_MOST);
    if !(1..=EVENTS_MOST).contains(&limit) {
        let message = format!("The query value limit is {limit}: it must be 1 to {EVENTS_MOST}.");
        return Err(Problem::new(Code::InvalidInput, message));
    }
    usize::try_from(limit).map_err(unwritable)
}

fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::new(Code::Internal, "The events cannot be written.").because(error)
}

fn values(event: &AuditEvent) -> [String; 9] {
    let details = serde_json::Value::Object(event.details.clone());
    let (project, origin) = (event.project.as_ref(), &event.origin);
    [
        event
            .at
            .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        event.user.to_string(),
        event.action.clone(),
        event.resource.to_string(),
        project.map(ToString::to_string).unwrap_or_default(),
        origin.channel.as_str().to_owned(),
        origin.address.clone().unwrap_or_default(),
        origin.agent.clone().unwrap_or_default(),
        details.to_string(),
    ]
}

/// Returns a line of a CSV file, as in RFC 4180.
fn line(values: [String; 9]) -> String {
    let cells = values.map(|value| format!("\"{}\"", harmless(value).replace('"', "\"\"")));
    format!("{}\r\n", cells.join(","))
}

/// Returns a value that no spreadsheet takes for a formula. Quotes around it do not prevent that.
fn harmless(value: String) -> String {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '=', '+', '-', '@']);
    if is_formula {
        format!("'{value}")
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_a_formula_and_quotes_are_doubled() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=1"] {
            assert_eq!(harmless(formula.to_owned()), format!("'{formula}"));
        }
        for plain in ["", "ada", "2026-01-05T09:00:00Z", "{\"a\":\"=1\"}"] {
            assert_eq!(harmless(plain.to_owned()), plain);
        }
        let mut values = COLUMNS.map(|_| String::new());
        values[1] = "=cmd|' /C calc'!A0".to_owned();
        values[8] = "{\"a\":\"b,c\"}".to_owned();
        let written = line(values);
        let expected = "\"\",\"'=cmd|' /C calc'!A0\",\"\",\"\",\"\",\"\",\"\",\"\",\"{\"\"a\"\":\"\"b,c\"\"}\"\r\n";
        assert_eq!(written, expected);
    }
}
