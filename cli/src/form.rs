//! The forms in which results are printed.

use std::fmt::Write as _;
use std::str::FromStr;

use prism_functions::domain::{Code, Problem};
use serde_json::Value;

use crate::text::plain;

/// What identifies a result, in the order in which the fields are looked for.
const IDS: [&str; 10] = [
    "save_id",
    "id",
    "name",
    "fingerprint",
    "reference",
    "number",
    "template",
    "user",
    "to",
    "project",
];

/// The form of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text for people.
    Table,
    Json,
    Yaml,
    /// What identifies each result, one per line.
    Ids,
    /// These fields of each result, separated by tabs, one result per line. A dot leads into an object.
    Fields(Vec<String>),
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "table" => Self::Table,
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            "ids" => Self::Ids,
            fields => {
                let fields = fields.split(',').map(str::trim);
                let fields: Vec<String> = fields.map(str::to_owned).collect();
                if fields.iter().any(String::is_empty) {
                    return Err("use table, json, yaml, ids, or names of fields".to_owned());
                }
                Self::Fields(fields)
            }
        })
    }
}

impl Form {
    /// Whether a program reads the results.
    pub(crate) fn is_for_programs(&self) -> bool {
        *self != Self::Table
    }

    /// Whether errors are printed as JSON.
    pub(crate) fn has_json_errors(&self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }

    /// Refuses fields that no result has.
    pub(crate) fn check(&self, items: &[&Value]) -> Result<(), Problem> {
        let (Self::Fields(fields), Some(first)) = (self, items.first()) else {
            return Ok(());
        };
        let unknown = |field: &&String| {
            let first = field.split('.').next().unwrap_or_default();
            !items.iter().any(|item| item.get(first).is_some())
        };
        let odd = fields.iter().filter(unknown);
        let odd: Vec<String> = odd
            .map(|field| prism_functions::domain::ids::shown(field))
            .collect();
        if odd.is_empty() {
            return Ok(());
        }
        let names = first.as_object().map(|object| object.keys().cloned());
        let names: Vec<String> = names.into_iter().flatten().collect();
        let message = format!("The result has no field {}.", odd.join(" or "));
        Err(Problem::new(Code::InvalidInput, message)
            .hint(format!("Its fields are: {}.", names.join(", "))))
    }

    /// Formats a value with these results for a program. Fields that a result does not have are empty.
    pub(crate) fn text(&self, value: &Value, items: &[&Value]) -> Result<String, Problem> {
        let broken = |error: Box<dyn std::error::Error + Send + Sync>| {
            Problem::new(Code::Internal, "The result could not be written.").because(error)
        };
        match self {
            Self::Table | Self::Json => {
                let json = serde_json::to_string_pretty(value);
                json.map(|json| json + "\n")
                    .map_err(|error| broken(error.into()))
            }
            Self::Yaml => {
                let yaml = serde_saphyr::to_string(value);
                yaml.map_err(|error| broken(error.into()))
            }
            Self::Ids => Ok(lines(items, |item| vec![cell(id_of(item))])),
            Self::Fields(fields) => {
                let row = |item: &Value| -> Vec<String> {
                    fields.iter().map(|path| cell(at(item, path))).collect()
                };
                Ok(lines(items, row))
            }
        }
    }
}

/// Where the results are in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Results {
    /// The value is the only one.
    Whole,
    /// They are the first list in the value.
    Listed,
}

impl Results {
    pub(crate) fn of(self, value: &Value) -> Vec<&Value> {
        let fields = value.as_object().into_iter().flatten();
        let mut lists = fields.filter_map(|(_, value)| value.as_array());
        match self {
            Self::Whole => vec![value],
            Self::Listed => lists.next().into_iter().flatten().collect(),
        }
    }
}

/// What identifies a result; null if nothing does.
fn id_of(item: &Value) -> &Value {
    let object = |item: &'_ Value| item.is_object();
    let own = IDS.iter().map(|key| &item[*key]);
    let own = own.filter(|value| value.is_string() || value.is_number());
    let inner = ["instance", "template", "schedule", "grant", "project"];
    let inner = inner
        .iter()
        .map(|key| &item[*key])
        .filter(|value| object(value));
    let inner = inner.flat_map(|item| IDS.iter().map(move |key| &item[*key]));
    let inner = inner.filter(|value| value.is_string() || value.is_number());
    own.chain(inner).next().unwrap_or(&Value::Null)
}

/// The value that a path of fields leads to; null if there is none.
fn at<'a>(item: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(item, |value, key| match value {
        Value::Array(items) => key
            .parse()
            .ok()
            .and_then(|at: usize| items.get(at))
            .unwrap_or(&Value::Null),
        value => &value[key],
    })
}

/// A value on one line: text as it is, anything else as JSON, and nothing for null.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => plain(text),
        value => value.to_string(),
    }
}

fn lines(items: &[&Value], row: impl Fn(&Value) -> Vec<String>) -> String {
    let mut text = String::new();
    for item in items {
        let _ = writeln!(text, "{}", row(item).join("\t"));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(form: &str, value: &Value) -> String {
        let form: Form = form.parse().unwrap();
        form.text(value, &Results::Whole.of(value)).unwrap()
    }

    fn list(form: &str, value: &Value) -> String {
        let form: Form = form.parse().unwrap();
        form.text(value, &Results::Listed.of(value)).unwrap()
    }

    #[test]
    fn a_list_has_a_line_for_each_result_and_a_record_has_one() {
        let instances = json!({ "instances": [
            { "id": "i-1", "name": "a", "tags": { "k": 1 } }, { "id": "i-2", "name": null },
        ]});
        assert_eq!(list("ids", &instances), "i-1\ni-2\n");
        assert_eq!(list("name,tags.k", &instances), "a\t1\n\t\n");
        let record = json!({ "template": { "name": "env" }, "versions": [{ "number": 1 }] });
        assert_eq!(text("ids", &record), "env\n");
        let launched = json!({ "instance": { "id": "i-1" }, "plan": {} });
        assert_eq!(text("ids", &launched), "i-1\n");
        assert_eq!(list("ids", &json!({ "templates": [] })), "");
        let versions = json!({ "template": "env", "versions": [{ "number": 2 }, { "number": 1 }] });
        assert_eq!(list("ids", &versions), "2\n1\n");
    }

    #[test]
    fn yaml_and_json_have_the_same_contents() {
        let value = json!({ "name": "a", "count": 3, "list": [true, null] });
        let yaml: Value = serde_saphyr::from_str(&text("yaml", &value)).unwrap();
        assert_eq!(yaml, value);
    }

    #[test]
    fn a_field_that_does_not_exist_is_named_with_those_that_do() {
        let list = json!({ "instances": [{ "id": "i-1", "name": "a" }] });
        let form: Form = "nam".parse().unwrap();
        let problem = form.check(&Results::Listed.of(&list)).unwrap_err();
        assert!(problem.message.contains("nam"), "{problem}");
        assert!(problem.advice().contains("id, name"), "{problem}");
        let form: Form = "nam,id,stat".parse().unwrap();
        let problem = form.check(&Results::Listed.of(&list)).unwrap_err();
        assert_eq!(
            problem.message,
            r#"The result has no field "nam" or "stat"."#
        );
        assert!("a,,b".parse::<Form>().is_err());
    }
}
