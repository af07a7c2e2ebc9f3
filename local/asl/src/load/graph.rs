//! `StartAt` and `States`: the transitions between states, and the scope of their variables.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Loader;
use super::error::{LoadError, member};
use super::fields::Fields;
use crate::machine::{Graph, State, Work};

pub(super) struct Targets<'a>(HashMap<&'a str, usize>);

impl Targets<'_> {
    pub(super) fn find(&self, name: &str, path: &str) -> Result<usize, LoadError> {
        self.0
            .get(name)
            .copied()
            .ok_or_else(|| LoadError::new(path, format!("there is no state '{name}' here")))
    }
}

impl Loader {
    pub(super) fn graph(&mut self, fields: &Fields<'_>) -> Result<Graph, LoadError> {
        let path = fields.path("States");
        let Value::Object(states) = fields.require("States")? else {
            return Err(LoadError::new(path, "must be an object"));
        };
        if states.is_empty() {
            return Err(LoadError::new(path, "must not be empty"));
        }
        let targets = Targets(
            states
                .keys()
                .enumerate()
                .map(|(index, name)| (name.as_str(), index))
                .collect(),
        );
        let start = targets.find(fields.require_text("StartAt")?, &fields.path("StartAt"))?;
        self.names(states, &path)?;
        self.scopes.push(assigned_names(states));
        let states = states
            .iter()
            .map(|(name, state)| self.state(name, state, &member(&path, name), &targets))
            .collect::<Result<Vec<_>, _>>()?;
        self.scopes.pop();
        let graph = Graph { start, states };
        check_reach(&graph, &path)?;
        Ok(graph)
    }

    fn names(&mut self, states: &Map<String, Value>, path: &str) -> Result<(), LoadError> {
        for name in states.keys() {
            let length = name.chars().count();
            if length == 0 || length > 80 {
                return Err(LoadError::new(
                    member(path, name),
                    "a name has 1 to 80 characters",
                ));
            }
            if !self.state_names.insert(name.clone()) {
                return Err(LoadError::new(
                    member(path, name),
                    "another state has this name",
                ));
            }
        }
        Ok(())
    }

    /// The name of a variable, if it may be assigned in this scope.
    pub(super) fn variable(&self, name: &str, path: &str) -> Result<Arc<str>, LoadError> {
        let mut characters = name.chars();
        let first = characters
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_');
        if !first
            || !characters.all(|c| c.is_alphanumeric() || c == '_')
            || name.chars().count() > 80
        {
            return Err(LoadError::new(
                path,
                "a variable is named by a letter and up to 79 letters, digits and underscores",
            ));
        }
        if name == "states" {
            return Err(LoadError::new(path, "'states' is reserved"));
        }
        let outer = self.scopes.split_last().map_or(&[][..], |(_, outer)| outer);
        if outer.iter().any(|scope| scope.contains_key(name)) {
            return Err(LoadError::new(
                path,
                format!("'{name}' belongs to an outer scope and cannot be assigned here"),
            ));
        }
        Ok(Arc::from(name))
    }
}

pub(super) type Scope = BTreeMap<String, usize>;

/// The variables that the states of a graph assign, except those of nested graphs.
fn assigned_names(states: &Map<String, Value>) -> Scope {
    let mut names = Scope::new();
    for state in states.values() {
        let parts = items(state.get("Catch")).chain(items(state.get("Choices")));
        for name in parts.chain([state]).flat_map(assigns) {
            *names.entry(name.to_owned()).or_default() += 1;
        }
    }
    names
}

/// A scope as the branches of one of its Parallel states see it: recordings of AWS show that branches may assign a
/// variable that, outside of them, only the Catch of the same Parallel state assigns.
pub(super) fn seen_by_branches(scope: &Scope, catch: Option<&Value>) -> Scope {
    let mut names = scope.clone();
    for name in items(catch).flat_map(assigns) {
        if let Some(times) = names.get_mut(name) {
            *times -= 1;
        }
    }
    names.retain(|_, times| *times > 0);
    names
}

fn items(field: Option<&Value>) -> impl Iterator<Item = &Value> {
    field.and_then(Value::as_array).into_iter().flatten()
}

fn assigns(part: &Value) -> impl Iterator<Item = &str> {
    let assign = part.get("Assign").and_then(Value::as_object);
    assign
        .into_iter()
        .flat_map(|assign| assign.keys())
        .map(String::as_str)
}

/// Every state must be reachable, and one of them must end the graph.
fn check_reach(graph: &Graph, path: &str) -> Result<(), LoadError> {
    let mut reached = vec![false; graph.states.len()];
    let mut open = vec![graph.start];
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut reached[index], true) {
            open.extend(successors(&graph.states[index]));
        }
    }
    if let Some(index) = reached.iter().position(|reached| !reached) {
        let name = &graph.states[index].name;
        return Err(LoadError::new(
            member(path, name),
            "no transition leads to this state",
        ));
    }
    if graph
        .states
        .iter()
        .all(|state| successors(state).next().is_some() && !ends(state))
    {
        return Err(LoadError::new(path, "no state ends the execution"));
    }
    Ok(())
}

fn ends(state: &State) -> bool {
    state.next.is_none() && !matches!(state.work, Work::Choice(_))
}

fn successors(state: &State) -> impl Iterator<Item = usize> + '_ {
    let rules = match &state.work {
        Work::Choice(rules) => rules.as_slice(),
        _ => &[],
    };
    state
        .next
        .into_iter()
        .chain(rules.iter().map(|rule| rule.next))
        .chain(state.catch.iter().map(|catcher| catcher.next))
}
