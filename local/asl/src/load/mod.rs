//! Reads a definition, and refuses it if it is invalid or if this interpreter would run it incorrectly.

pub(crate) mod error;
mod fields;
mod graph;
mod handlers;
mod json;
mod state;

use std::collections::HashSet;

use crate::machine::Machine;

pub use error::LoadError;
use fields::Fields;
pub(crate) use fields::integer;
pub(crate) use state::timestamp;

/// Source: AWS Step Functions quotas, "Maximum request size" of `CreateStateMachine`.
const MAX_DEFINITION_BYTES: usize = 1024 * 1024;

impl Machine {
    /// Reads a definition.
    ///
    /// It refuses the following, and returns the first offending field: JSON that cannot be parsed or names a field
    /// twice, fields and state types that are unknown or not supported, values of a wrong type or out of range,
    /// transitions to states that do not exist, unreachable states, JSONata that cannot be compiled or that AWS does
    /// not accept, and variables that are already assigned in an enclosing scope.
    pub fn load(text: &str) -> Result<Self, LoadError> {
        if text.len() > MAX_DEFINITION_BYTES {
            return Err(LoadError::new(
                "$",
                format!("is longer than {MAX_DEFINITION_BYTES} bytes"),
            ));
        }
        let value = json::parse(text)?;
        let known = [
            "Comment",
            "QueryLanguage",
            "StartAt",
            "States",
            "TimeoutSeconds",
            "Version",
        ];
        let fields = Fields::open(&value, "$", &[&known])?;
        if !fields.has("QueryLanguage") {
            return Err(fields.refuse(
                "QueryLanguage",
                "must be 'JSONata'; the default, JSONPath, is not supported",
            ));
        }
        query_language(&fields)?;
        if fields
            .text("Version")?
            .is_some_and(|version| version != "1.0")
        {
            return Err(fields.refuse("Version", "must be '1.0'"));
        }
        let mut loader = Loader {
            state_names: HashSet::new(),
            scopes: Vec::new(),
        };
        Ok(Self {
            comment: fields.text("Comment")?.map(ToOwned::to_owned),
            timeout_s: fields.count("TimeoutSeconds", 1)?,
            graph: loader.graph(&fields)?,
        })
    }
}

struct Loader {
    /// State names are unique in the whole machine, branches included.
    state_names: HashSet<String>,
    /// The variables that each enclosing scope assigns, outermost first. The last one is the scope being read.
    scopes: Vec<graph::Scope>,
}

fn query_language(fields: &Fields<'_>) -> Result<(), LoadError> {
    match fields.text("QueryLanguage")? {
        None | Some("JSONata") => Ok(()),
        Some(_) => Err(fields.refuse("QueryLanguage", "must be 'JSONata'")),
    }
}
