//! Reads a state of any type.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::fields::Fields;
use super::graph::{Targets, seen_by_branches};
use super::{LoadError, Loader, query_language};
use crate::history::Resource;
use crate::jsonata::Sees;
use crate::machine::{Exit, Graph, MapOver, Pause, Rule, State, Task, Work};
use crate::template::{self, Setting, Template};

const ANY: &[&str] = &["Comment", "QueryLanguage", "Type"];
const FLOW: &[&str] = &["End", "Next"];
const EXIT: &[&str] = &["Assign", "Output"];
const HANDLERS: &[&str] = &["Catch", "Retry"];

impl Loader {
    pub(super) fn state(
        &mut self,
        name: &str,
        value: &Value,
        path: &str,
        targets: &Targets<'_>,
    ) -> Result<State, LoadError> {
        let kind = value
            .get("Type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let known: &[&[&str]] = match kind {
            "Pass" => &[ANY, FLOW, EXIT],
            "Task" => &[
                ANY,
                FLOW,
                EXIT,
                HANDLERS,
                &["Arguments", "Resource", "TimeoutSeconds"],
            ],
            "Choice" => &[ANY, EXIT, &["Choices", "Default"]],
            "Wait" => &[ANY, FLOW, EXIT, &["Seconds", "Timestamp"]],
            "Parallel" => &[ANY, FLOW, EXIT, HANDLERS, &["Arguments", "Branches"]],
            "Map" => &[
                ANY,
                FLOW,
                EXIT,
                HANDLERS,
                &["ItemProcessor", "ItemSelector", "Items", "MaxConcurrency"],
            ],
            "Succeed" => &[ANY, &["Output"]],
            "Fail" => &[ANY, &["Cause", "Error"]],
            _ => {
                return Err(LoadError::new(
                    format!("{path}.Type"),
                    "is not a type of state",
                ));
            }
        };
        let fields = Fields::open(value, path, known)?;
        fields.text("Comment")?;
        query_language(&fields)?;
        let work = self.work(kind, &fields, targets)?;
        let sees = match work {
            Work::Task(_) | Work::Parallel { .. } | Work::Map(_) => Sees::Result,
            _ => Sees::Input,
        };
        Ok(State {
            name: Arc::from(name),
            exit: self.exit(&fields, sees)?,
            next: next(&work, &fields, targets)?,
            work,
            retry: Self::retry(&fields)?,
            catch: self.catch(&fields, targets)?,
        })
    }

    fn work(
        &mut self,
        kind: &str,
        fields: &Fields<'_>,
        targets: &Targets<'_>,
    ) -> Result<Work, LoadError> {
        Ok(match kind {
            "Task" => Work::Task(task(fields)?),
            "Choice" => Work::Choice(self.rules(fields, targets)?),
            "Wait" => Work::Wait(pause(fields)?),
            "Parallel" => Work::Parallel {
                arguments: fields.template("Arguments", Sees::Input)?,
                branches: self.branches(fields)?,
            },
            "Map" => Work::Map(Box::new(self.map(fields)?)),
            "Succeed" => Work::Succeed,
            "Fail" => Work::Fail {
                error: fields.text_setting("Error")?,
                cause: fields.text_setting("Cause")?,
            },
            _ => Work::Pass,
        })
    }

    pub(super) fn exit(&self, fields: &Fields<'_>, sees: Sees) -> Result<Exit, LoadError> {
        let mut exit = Exit {
            assign: Vec::new(),
            output: fields.template("Output", sees)?,
        };
        match fields.get("Assign") {
            None => {}
            Some(Value::Object(assign)) => {
                let path = fields.path("Assign");
                for (name, value) in assign {
                    let path = super::error::member(&path, name);
                    let variable = self.variable(name, &path)?;
                    exit.assign
                        .push((variable, Template::load(value, &path, sees)?));
                }
            }
            Some(_) => return Err(fields.refuse("Assign", "must be an object")),
        }
        Ok(exit)
    }

    fn rules(&self, fields: &Fields<'_>, targets: &Targets<'_>) -> Result<Vec<Rule>, LoadError> {
        fields.require("Choices")?;
        let rule = |(item, path): (&Value, String)| {
            let known = ["Assign", "Comment", "Condition", "Next", "Output"];
            let fields = Fields::open(item, &path, &[&known])?;
            fields.text("Comment")?;
            let condition = match fields.require("Condition")? {
                Value::Bool(condition) => Setting::Fixed(*condition),
                Value::String(text) => Setting::Computed(template::compile(
                    text,
                    &fields.path("Condition"),
                    Sees::Input,
                )?),
                _ => {
                    return Err(fields.refuse("Condition", "must be a boolean or a JSONata string"));
                }
            };
            Ok(Rule {
                condition,
                next: targets.find(fields.require_text("Next")?, &fields.path("Next"))?,
                exit: self.exit(&fields, Sees::Input)?,
            })
        };
        fields.items("Choices", 1)?.into_iter().map(rule).collect()
    }

    fn branches(&mut self, fields: &Fields<'_>) -> Result<Vec<Graph>, LoadError> {
        fields.require("Branches")?;
        let scope = self.scopes.pop().unwrap_or_default();
        self.scopes
            .push(seen_by_branches(&scope, fields.get("Catch")));
        let branches = fields
            .items("Branches", 1)?
            .iter()
            .map(|(item, path)| {
                let fields = Fields::open(item, path, &[&["Comment", "StartAt", "States"]])?;
                fields.text("Comment")?;
                self.graph(&fields)
            })
            .collect();
        self.scopes.pop();
        self.scopes.push(scope);
        branches
    }

    fn map(&mut self, fields: &Fields<'_>) -> Result<MapOver, LoadError> {
        let items = match fields.get("Items") {
            None | Some(Value::Array(_) | Value::Object(_)) => {
                fields.template("Items", Sees::Input)?
            }
            Some(Value::String(text)) => Some(Template::Expression(template::compile(
                text,
                &fields.path("Items"),
                Sees::Input,
            )?)),
            Some(_) => {
                return Err(
                    fields.refuse("Items", "must be an array, an object or a JSONata string")
                );
            }
        };
        let path = fields.path("ItemProcessor");
        let known = ["Comment", "ProcessorConfig", "StartAt", "States"];
        let processor = Fields::open(fields.require("ItemProcessor")?, &path, &[&known])?;
        processor.text("Comment")?;
        if let Some(config) = processor.get("ProcessorConfig") {
            let path = processor.path("ProcessorConfig");
            let config = Fields::open(config, &path, &[&["Mode"]])?;
            if config.text("Mode")?.is_some_and(|mode| mode != "INLINE") {
                return Err(config.refuse("Mode", "only 'INLINE' is supported"));
            }
        }
        Ok(MapOver {
            items,
            selector: fields.object_template("ItemSelector", Sees::Input)?,
            max_concurrency: fields.count_setting("MaxConcurrency", 0)?,
            body: self.graph(&processor)?,
        })
    }
}

/// `Next`, `End` or `Default`: the transition that applies if nothing else determines it.
fn next(
    work: &Work,
    fields: &Fields<'_>,
    targets: &Targets<'_>,
) -> Result<Option<usize>, LoadError> {
    let field = match work {
        Work::Succeed | Work::Fail { .. } => return Ok(None),
        Work::Choice(_) => "Default",
        _ => "Next",
    };
    let next = fields
        .text(field)?
        .map(|name| targets.find(name, &fields.path(field)))
        .transpose()?;
    match (fields.get("End"), next) {
        (None, None) if !matches!(work, Work::Choice(_)) => {
            Err(LoadError::new(fields.path, "needs either 'Next' or 'End'"))
        }
        (None, next) => Ok(next),
        (Some(Value::Bool(true)), None) => Ok(None),
        (Some(Value::Bool(true)), Some(_)) => {
            Err(fields.refuse("End", "cannot stand beside 'Next'"))
        }
        (Some(_), _) => Err(fields.refuse("End", "must be true")),
    }
}

fn task(fields: &Fields<'_>) -> Result<Task, LoadError> {
    let resource = resource(fields)?;
    let arguments = match resource {
        Resource::LambdaFunction(_) => fields.template("Arguments", Sees::Input)?,
        Resource::LambdaInvoke | Resource::LambdaCallback => {
            let path = fields.path("Arguments");
            if let value @ Value::Object(_) = fields.require("Arguments")? {
                let arguments = Fields::open(value, &path, &[&["FunctionName", "Payload"]])?;
                arguments.require_text("FunctionName")?;
            }
            fields.object_template("Arguments", Sees::Input)?
        }
    };
    Ok(Task {
        resource,
        arguments,
        timeout_s: fields.count_setting("TimeoutSeconds", 1)?,
    })
}

/// `arn:aws:states:::lambda:invoke`, with or without `.waitForTaskToken`, or
/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`.
fn resource(fields: &Fields<'_>) -> Result<Resource, LoadError> {
    let arn = fields.require_text("Resource")?;
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", partition, "states", "", "", "lambda", "invoke"]
            if partition.starts_with("aws") =>
        {
            Ok(Resource::LambdaInvoke)
        }
        [
            "arn",
            partition,
            "states",
            "",
            "",
            "lambda",
            "invoke.waitForTaskToken",
        ] if partition.starts_with("aws") => Ok(Resource::LambdaCallback),
        [
            "arn",
            partition,
            "lambda",
            region,
            account,
            "function",
            name,
            rest @ ..,
        ] if partition.starts_with("aws")
            && ![region, account, name].iter().any(|part| part.is_empty())
            && rest.len() <= 1 =>
        {
            Ok(Resource::LambdaFunction(Arc::from(arn)))
        }
        _ => Err(fields.refuse(
            "Resource",
            "must be 'arn:aws:states:::lambda:invoke', the same with '.waitForTaskToken', or the ARN \
             of a Lambda function",
        )),
    }
}

fn pause(fields: &Fields<'_>) -> Result<Pause, LoadError> {
    match (
        fields.count_setting("Seconds", 0)?,
        fields.text("Timestamp")?,
    ) {
        (Some(seconds), None) => Ok(Pause::Seconds(seconds)),
        (None, Some(text)) => {
            let path = fields.path("Timestamp");
            Ok(Pause::Until(match template::expression(text, &path)? {
                Some(_) => Setting::Computed(template::compile(text, &path, Sees::Input)?),
                None => {
                    Setting::Fixed(timestamp(text).ok_or_else(|| {
                        fields.refuse("Timestamp", "must be an RFC 3339 timestamp")
                    })?)
                }
            }))
        }
        _ => Err(LoadError::new(
            fields.path,
            "needs either 'Seconds' or 'Timestamp'",
        )),
    }
}

/// An RFC 3339 timestamp as the States Language requires it: with a capital T, and a capital Z if there is no offset.
pub(crate) fn timestamp(text: &str) -> Option<DateTime<Utc>> {
    if text.contains(['t', 'z', ' ']) {
        return None;
    }
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|instant| instant.with_timezone(&Utc))
}
