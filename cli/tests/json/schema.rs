//! Checks values against the schemas in `docs/json`, as far as those use JSON Schema. A keyword that is not known here
//! fails the check, so that none is overlooked.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

/// Keywords that say nothing about which values are valid, or that only narrow texts and numbers.
const SILENT: [&str; 19] = [
    "$schema",
    "title",
    "description",
    "examples",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "minItems",
    "maxItems",
    "maxProperties",
    "readOnly",
    "uniqueItems",
    "propertyNames",
    "default",
    "deprecated",
];

pub(super) struct Schemas {
    api: Value,
    commands: BTreeMap<String, Value>,
}

impl Schemas {
    /// Reads the schemas in the folder of the documents.
    pub(super) fn of(docs: &Path) -> Self {
        let read = |path: &Path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let mut commands = BTreeMap::new();
        for entry in fs::read_dir(docs.join("json")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|it| it == "json") {
                let name = path.file_stem().unwrap().to_str().unwrap();
                commands.insert(name.to_owned(), read(&path));
            }
        }
        let api = read(&docs.join("openapi.json"));
        Self { api, commands }
    }

    /// The names of the commands that have a schema.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let names = self
            .commands
            .keys()
            .filter(|name| !matches!(name.as_str(), "error" | "webhook"));
        names.cloned()
    }

    /// The name of the command that these words begin with.
    pub(super) fn command(&self, words: &[String]) -> String {
        let names = (1..=words.len().min(3))
            .rev()
            .map(|count| words[..count].join("-"));
        let mut known = names.filter(|name| self.commands.contains_key(name));
        known
            .next()
            .unwrap_or_else(|| panic!("no schema for {words:?}"))
    }

    pub(super) fn check(&self, name: &str, value: &Value) {
        if let Err(problem) = self.valid(&self.commands[name], value) {
            panic!("{name}: {problem}\n{value:#}");
        }
    }

    fn valid(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = schema.as_object().ok_or("a schema is an object")?;
        for (keyword, rule) in schema {
            match keyword.as_str() {
                "$ref" => self.valid(self.referred(rule)?, value)?,
                "type" => check_type(rule, value)?,
                "enum" if !items(rule).any(|it| it == value) => {
                    return Err(format!("{value} is not one of {rule}"));
                }
                "allOf" => self.all_of(rule, value)?,
                "oneOf" | "anyOf" => self.any_of(keyword, rule, value)?,
                "required" => required(rule, value)?,
                "properties" => self.properties(rule, value)?,
                "additionalProperties" => self.additional(schema, rule, value)?,
                "items" => {
                    for item in items(value) {
                        self.valid(rule, item)?;
                    }
                }
                "enum" => {}
                silent if SILENT.contains(&silent) => {}
                odd => return Err(format!("the keyword {odd} is not known")),
            }
        }
        Ok(())
    }

    fn referred(&self, rule: &Value) -> Result<&Value, String> {
        let path = rule.as_str().unwrap_or_default();
        let (_, pointer) = path.split_once('#').ok_or("a reference has a #")?;
        self.api
            .pointer(pointer)
            .ok_or_else(|| format!("{path} does not exist"))
    }

    fn all_of(&self, rule: &Value, value: &Value) -> Result<(), String> {
        for schema in items(rule) {
            self.valid(schema, value)?;
        }
        Ok(())
    }

    fn any_of(&self, keyword: &str, rule: &Value, value: &Value) -> Result<(), String> {
        let outcomes = items(rule).map(|schema| self.valid(schema, value));
        let (valid, problems): (Vec<_>, Vec<_>) = outcomes.partition(Result::is_ok);
        match valid.len() {
            0 => {
                let problems: Vec<String> = problems.into_iter().filter_map(Result::err).collect();
                Err(problems.join(", or "))
            }
            count if count > 1 && keyword == "oneOf" => {
                Err(format!("{count} of {keyword} are valid"))
            }
            _ => Ok(()),
        }
    }

    fn properties(&self, rule: &Value, value: &Value) -> Result<(), String> {
        for (name, schema) in fields(rule) {
            if let Some(value) = value.get(name) {
                let valid = self.valid(schema, value);
                valid.map_err(|problem| format!("{name}: {problem}"))?;
            }
        }
        Ok(())
    }

    fn additional(
        &self,
        schema: &Map<String, Value>,
        rule: &Value,
        value: &Value,
    ) -> Result<(), String> {
        let known = |name: &str| {
            schema
                .get("properties")
                .is_some_and(|it| it.get(name).is_some())
        };
        let others = fields(value).filter(|(name, _)| !known(name));
        for (name, value) in others {
            match rule {
                Value::Bool(true) => {}
                Value::Bool(false) => return Err(format!("{name} is not in the schema")),
                rule => self.valid(rule, value)?,
            }
        }
        Ok(())
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn required(rule: &Value, value: &Value) -> Result<(), String> {
    match items(rule).find(|name| value.get(name.as_str().unwrap_or_default()).is_none()) {
        Some(name) => Err(format!("{name} is missing")),
        None => Ok(()),
    }
}

fn check_type(rule: &Value, value: &Value) -> Result<(), String> {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => false,
    };
    let names: Vec<&str> = match rule {
        Value::String(name) => vec![name],
        rule => items(rule).filter_map(Value::as_str).collect(),
    };
    if names.into_iter().any(is) {
        return Ok(());
    }
    Err(format!("{value} is not of the type {rule}"))
}
