//! `Retry` and `Catch`.

use serde_json::Value;

use super::fields::{Fields, MAX_COUNT};
use super::graph::Targets;
use super::{LoadError, Loader};
use crate::errors;
use crate::jsonata::Sees;
use crate::machine::{Catcher, Retrier};

/// The exclusive upper bound of `MaxDelaySeconds`: a year of 366 days.
const MAX_DELAY_S: u64 = 31_622_400;

/// The names that AWS itself raises. Any other name that begins with `States.` can never occur. Source: AWS Step
/// Functions Developer Guide, "Error names".
const STATES_ERRORS: [&str; 17] = [
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.Http.Socket",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
];

impl Loader {
    pub(super) fn retry(fields: &Fields<'_>) -> Result<Vec<Retrier>, LoadError> {
        let items = fields.items("Retry", 0)?;
        let last = items.len().saturating_sub(1);
        items
            .iter()
            .enumerate()
            .map(|(index, (item, path))| retrier(item, path, index == last))
            .collect()
    }

    pub(super) fn catch(
        &self,
        fields: &Fields<'_>,
        targets: &Targets<'_>,
    ) -> Result<Vec<Catcher>, LoadError> {
        let items = fields.items("Catch", 0)?;
        let last = items.len().saturating_sub(1);
        items
            .iter()
            .enumerate()
            .map(|(index, (item, path))| {
                let fields = Fields::open(
                    item,
                    path,
                    &[&["Assign", "Comment", "ErrorEquals", "Next", "Output"]],
                )?;
                fields.text("Comment")?;
                Ok(Catcher {
                    error_equals: error_equals(&fields, index == last)?,
                    next: targets.find(fields.require_text("Next")?, &fields.path("Next"))?,
                    exit: self.exit(&fields, Sees::ErrorOutput)?,
                })
            })
            .collect()
    }
}

fn retrier(item: &Value, path: &str, last: bool) -> Result<Retrier, LoadError> {
    let known = [
        "BackoffRate",
        "Comment",
        "ErrorEquals",
        "IntervalSeconds",
        "JitterStrategy",
        "MaxAttempts",
        "MaxDelaySeconds",
    ];
    let fields = Fields::open(item, path, &[&known])?;
    fields.text("Comment")?;
    let interval_s = fields.count("IntervalSeconds", 1)?.unwrap_or(1);
    let backoff_rate = match fields.get("BackoffRate") {
        None => 2.0,
        Some(value) => value
            .as_f64()
            .filter(|rate| (1.0..1e9).contains(rate))
            .ok_or_else(|| fields.refuse("BackoffRate", "must be a number of at least 1.0"))?,
    };
    let max_delay_s = fields.count("MaxDelaySeconds", 1)?;
    if max_delay_s.is_some_and(|delay| delay <= interval_s || delay >= MAX_DELAY_S) {
        let reason = format!("must be greater than IntervalSeconds and less than {MAX_DELAY_S}");
        return Err(fields.refuse("MaxDelaySeconds", reason));
    }
    let full_jitter = match fields.text("JitterStrategy")? {
        None | Some("NONE") => false,
        Some("FULL") => true,
        Some(_) => return Err(fields.refuse("JitterStrategy", "must be 'FULL' or 'NONE'")),
    };
    Ok(Retrier {
        error_equals: error_equals(&fields, last)?,
        interval_s,
        backoff_rate,
        max_attempts: fields.count("MaxAttempts", 0)?.unwrap_or(3).min(MAX_COUNT),
        max_delay_s,
        full_jitter,
    })
}

/// Error names. `States.ALL` must be the only name, and in the last retrier or catcher.
fn error_equals(fields: &Fields<'_>, last: bool) -> Result<Vec<String>, LoadError> {
    fields.require("ErrorEquals")?;
    let items = fields.items("ErrorEquals", 1)?;
    let mut names = Vec::with_capacity(items.len());
    for (item, path) in &items {
        let name = item
            .as_str()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| LoadError::new(path, "must be the name of an error"))?;
        if name == errors::ALL && items.len() > 1 {
            return Err(LoadError::new(path, "'States.ALL' must be the only name"));
        }
        if name == errors::ALL && !last {
            return Err(LoadError::new(
                path,
                "'States.ALL' must be in the last place",
            ));
        }
        if name.starts_with("States.") && !STATES_ERRORS.contains(&name) {
            return Err(LoadError::new(path, "no error has this name"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}
