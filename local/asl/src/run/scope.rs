//! What the expressions of a state can read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Core, Identity};
use crate::history::StateKind;
use crate::jsonata::Scope;

/// The variables of one scope. A branch shares its parent's variables until it assigns one; then it gets a copy. So
/// it can read the parent's variables but never changes them.
pub(super) type Variables = Arc<BTreeMap<Arc<str>, Arc<Value>>>;

/// What one evaluation can read.
pub(super) struct View<'a> {
    pub(super) core: &'a Core,
    pub(super) variables: &'a Variables,
    /// The item of the innermost enclosing Map.
    pub(super) item: Option<&'a Arc<Value>>,
    pub(super) state: &'a StateContext<'a>,
    pub(super) input: &'a Value,
    pub(super) result: Option<&'a Value>,
    pub(super) error_output: Option<&'a Value>,
}

/// `$states.context.State`, and the parts of the state that error messages mention.
#[derive(Clone, Copy, Debug)]
pub(super) struct StateContext<'a> {
    pub(super) name: &'a Arc<str>,
    pub(super) kind: StateKind,
    pub(super) entered: DateTime<Utc>,
    pub(super) entered_event: u64,
    /// The predecessor of the state's entry event.
    pub(super) before: u64,
    pub(super) retries: u64,
    /// `$states.context.Task.Token`, while a Task that waits for a token starts.
    pub(super) token: Option<&'a str>,
}

impl Scope for View<'_> {
    fn states(&self, part: &str) -> Option<Cow<'_, Value>> {
        match part {
            "input" => Some(Cow::Borrowed(self.input)),
            "result" => self.result.map(Cow::Borrowed),
            "errorOutput" => self.error_output.map(Cow::Borrowed),
            _ => None,
        }
    }

    fn context(&self, part: &str) -> Option<Cow<'_, Value>> {
        match part {
            "Execution" => Some(Cow::Borrowed(&self.core.execution_context)),
            "StateMachine" => Some(Cow::Borrowed(&self.core.machine_context)),
            "State" => {
                let mut state = json!({
                    "EnteredTime": iso8601(self.state.entered),
                    "Name": &**self.state.name,
                });
                if self.state.kind == StateKind::Task {
                    state["RetryCount"] = json!(self.state.retries);
                }
                Some(Cow::Owned(state))
            }
            "Task" => {
                let token = self.state.token?;
                Some(Cow::Owned(json!({ "Token": token })))
            }
            "Map" => self.item.map(|item| Cow::Borrowed(&**item)),
            _ => None,
        }
    }

    fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.get(name).map(|value| &**value)
    }

    fn now_ms(&self) -> i64 {
        self.core.clock.now().timestamp_millis()
    }

    fn rng(&self) -> &Arc<Mutex<fastrand::Rng>> {
        &self.core.rng
    }
}

pub(super) fn execution_context(identity: &Identity, input: &Value) -> Value {
    json!({
        "Id": identity.execution_arn,
        "Input": input,
        "Name": identity.execution_name,
        "RoleArn": identity.role_arn,
        "StartTime": iso8601(identity.start_time),
        "RedriveCount": 0,
    })
}

pub(super) fn machine_context(identity: &Identity) -> Value {
    json!({"Id": identity.state_machine_arn, "Name": identity.state_machine_name})
}

/// `$states.context.Map`. The items of an object also have a key.
pub(super) fn map_context(index: usize, key: Option<&str>, value: &Value) -> Value {
    let mut context = json!({"Item": {"Index": index, "Value": value}});
    if let Some(key) = key {
        context["Item"]["Key"] = json!(key);
    }
    context
}

fn iso8601(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}
