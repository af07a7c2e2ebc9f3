//! The observations of an execution, in the form in which the two interpreters are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use prism_functions::domain::save::SaveRecord;
use serde_json::{Value, json};

use crate::trouble::Call;

pub(crate) type Seen = BTreeMap<&'static str, String>;

pub(crate) fn end(seen: &mut Seen, said: &Value) {
    let text = |field: &str| said[field].as_str().unwrap_or("none").to_owned();
    seen.insert("status", text("status"));
    seen.insert("error", text("error"));
    seen.insert("cause", plain(&json!(text("cause"))));
    seen.insert("output", plain(&json!(text("output"))));
}

/// A value in canonical form. Strings that contain JSON are parsed, because both interpreters rewrite the cause of a
/// failure, and moto escapes its characters.
fn plain(value: &Value) -> String {
    fn said(value: &Value) -> Value {
        match value {
            Value::String(text) => match serde_json::from_str::<Value>(text) {
                Ok(inner @ (Value::Object(_) | Value::Array(_))) => said(&inner),
                _ => value.clone(),
            },
            Value::Array(values) => values.iter().map(said).collect(),
            Value::Object(fields) => {
                // Task tokens have no defined format.
                let told = |name: &str, value| match name {
                    "token" => json!("a token"),
                    _ => said(value),
                };
                let fields = fields.iter();
                Value::Object(
                    fields
                        .map(|(name, v)| (name.clone(), told(name, v)))
                        .collect(),
                )
            }
            _ => value.clone(),
        }
    }
    said(value).to_string()
}

/// Removes what depends on chance: times, AMI IDs, and how often states and calls alternate.
pub(crate) fn without_chance(seen: &mut Seen) {
    for (part, text) in seen.iter_mut() {
        let lines = text.lines().map(|line| nameless(&timeless(line)));
        let lines: Vec<String> = lines.collect();
        *text = match *part {
            "path" | "calls" => folded(&lines),
            _ => lines.join("\n"),
        };
    }
}

/// A line without times, and without the values of fields in seconds.
fn timeless(line: &str) -> String {
    let mut told = String::new();
    for piece in line.split_inclusive([',', '}']) {
        let is_time =
            piece.contains("_s\":") || piece.contains("\"at\":") || piece.contains("_at\":");
        let name = piece.split_inclusive(':').next().unwrap_or_default();
        told.push_str(if is_time { name } else { piece });
    }
    told
}

/// A line without the digits of AMI IDs.
fn nameless(line: &str) -> String {
    let mut pieces = line.split("ami-");
    let first = pieces.next().unwrap_or_default().to_owned();
    let digit = |c: char| c.is_ascii_hexdigit();
    pieces.fold(first, |told, piece| {
        told + "ami-" + piece.trim_start_matches(digit)
    })
}

/// Combines repeated cycles of up to three lines.
fn folded(lines: &[String]) -> String {
    let mut told: Vec<&str> = Vec::new();
    for line in lines {
        told.push(line);
        for length in 1..=3 {
            let Some(before) = told.len().checked_sub(2 * length) else {
                break;
            };
            let (turn, again) = told[before..].split_at(length);
            if turn == again {
                told.truncate(before + length);
                break;
            }
        }
    }
    told.join("\n")
}

/// The states that a history entered, each with the errors of its tasks: first those outside the Map, then those of
/// each iteration.
pub(crate) fn path(seen: &mut Seen, definition: &Value, events: &[Value]) {
    let inner = inner_states(definition);
    let mut branch_of: BTreeMap<u64, Option<u64>> = BTreeMap::new();
    let mut branches: BTreeMap<Option<u64>, Vec<String>> = BTreeMap::new();
    for event in events {
        let kind = event["type"].as_str().unwrap();
        let before = event["previousEventId"].as_u64().unwrap();
        let before = branch_of.get(&before).copied().flatten();
        let entered = event["stateEnteredEventDetails"]["name"].as_str();
        let branch = match entered {
            Some(name) if !inner.contains(name) => None,
            _ if kind == "MapIterationStarted" => {
                event["mapIterationStartedEventDetails"]["index"].as_u64()
            }
            _ => before,
        };
        branch_of.insert(event["id"].as_u64().unwrap(), branch);
        let states = branches.entry(branch).or_default();
        if let Some(name) = entered {
            states.push(name.to_owned());
        }
        if let Some(error) = error_of(event) {
            let last = states.last_mut().expect("a task belongs to a state");
            let _ = write!(last, " !{error}");
        }
    }
    let text = branches.into_iter().map(|(branch, states)| {
        let title = branch.map_or_else(String::new, |index| format!("[{index}]\n"));
        title + &states.join("\n")
    });
    seen.insert("path", text.collect::<Vec<_>>().join("\n"));
}

fn error_of(event: &Value) -> Option<&str> {
    ["taskFailedEventDetails", "taskTimedOutEventDetails"]
        .iter()
        .find_map(|field| event[field]["error"].as_str())
}

fn inner_states(definition: &Value) -> BTreeSet<&str> {
    let states = definition["States"].as_object().unwrap().values();
    let inner = states.filter_map(|state| state["ItemProcessor"]["States"].as_object());
    inner
        .flat_map(|states| states.keys().map(String::as_str))
        .collect()
}

/// The inputs and results of the functions: first outside the Map, then by Region.
pub(crate) fn calls(seen: &mut Seen, calls: &[Call]) {
    let mut by_region: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
    for call in calls {
        let answer = match &call.answer {
            Ok(value) => plain(value),
            Err(failure) => format!("{}: {}", failure.error, plain(&json!(failure.cause))),
        };
        let line = format!("{} {} -> {answer}", call.step, plain(&call.payload));
        by_region
            .entry(call.payload["region"].as_str())
            .or_default()
            .push(line);
    }
    let lines = by_region.into_values().flatten();
    seen.insert("calls", lines.collect::<Vec<_>>().join("\n"));
}

/// The final record in the registry. Of each step only the first start is included, because the items of the Map run in
/// any order.
pub(crate) fn record(seen: &mut Seen, record: Option<&SaveRecord>) {
    let mut record = json!(record);
    if let Some(moments) = record["moments"].as_array() {
        let mut first: BTreeMap<&str, Value> = BTreeMap::new();
        for moment in moments {
            let step = moment["step"].as_str().unwrap();
            first
                .entry(step)
                .or_insert_with(|| json!({ "at": moment["at"] }));
        }
        let first = json!(first);
        record["moments"] = first;
    }
    seen.insert("record", plain(&record));
}

pub(crate) fn first_difference(ours: &str, theirs: &str) -> String {
    let number = ours
        .lines()
        .zip(theirs.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let line = |text: &str| text.lines().nth(number).unwrap_or("(none)").to_owned();
    let (ours, theirs) = (line(ours), line(theirs));
    let same = ours
        .chars()
        .zip(theirs.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let from = same.saturating_sub(80);
    let shown = |text: &str| text.chars().skip(from).take(400).collect::<String>();
    format!(
        "line {}, from character {from}:\n    ours:   {}\n    theirs: {}",
        number + 1,
        shown(&ours),
        shown(&theirs)
    )
}
