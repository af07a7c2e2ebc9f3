//! Parallel and Map: several lines of states that run concurrently.

use std::sync::{Arc, PoisonError};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value, json};

use super::flow::{Current, Flow};
use super::payload::Payload;
use super::scope::{StateContext, View, map_context};
use crate::errors::Failure;
use crate::history::{Event, StateKind};
use crate::load;
use crate::machine::{Graph, MapOver};
use crate::template::{self, EvaluationError, Template};

/// How many iterations of a Map run concurrently if the definition does not set a limit.
///
/// Source: AWS Step Functions Developer Guide, "Inline mode": up to 40 concurrent iterations.
const MAX_ITERATIONS: usize = 40;

/// A running line, which can be abandoned.
struct Running {
    index: usize,
    current: Current,
}

/// How a line ended: its index, its result, and its last event.
type Ended = (usize, Result<Payload, Failure>, u64);

impl Flow<'_> {
    pub(super) async fn parallel(
        &mut self,
        arguments: Option<&Template>,
        branches: &[Graph],
        context: &StateContext<'_>,
        input: &Payload,
    ) -> Result<Value, Failure> {
        let input = match arguments {
            None => input.clone(),
            Some(template) => {
                let value =
                    self.evaluate(context, input, |view| template.evaluate(view, "Arguments"))?;
                self.payload(value, context)?
            }
        };
        let kind = StateKind::Parallel;
        self.record(Event::StateStarted { kind, length: None })?;
        let mut lines = FuturesUnordered::new();
        let mut running = Vec::with_capacity(branches.len());
        for (index, graph) in branches.iter().enumerate() {
            let flow = self.branch(None);
            running.push(Running {
                index,
                current: Arc::clone(&flow.current),
            });
            lines.push(line(flow, index, graph, input.clone()));
        }
        let mut results = vec![Value::Null; branches.len()];
        while let Some((index, result, last)) = lines.next().await {
            match result {
                Ok(output) => {
                    running.retain(|line| line.index != index);
                    results[index] = Value::clone(&output.value);
                    self.last = last;
                }
                Err(failure) => {
                    drop(lines);
                    return Err(self.give_up(None, index, &running, failure));
                }
            }
        }
        self.record_aside(Event::StateSucceeded { kind })?;
        Ok(Value::Array(results))
    }

    pub(super) async fn map(
        &mut self,
        map: &MapOver,
        context: &StateContext<'_>,
        input: &Payload,
    ) -> Result<Value, Failure> {
        let items = self.evaluate(context, input, |view| items(map, view))?;
        let limit = match &map.max_concurrency {
            None => 0,
            Some(setting) => self.evaluate(context, input, |view| {
                setting.evaluate(view, "MaxConcurrency", "non-negative integer", |value| {
                    load::integer(value, 0)
                })
            })?,
        };
        let limit = match usize::try_from(limit) {
            Ok(limit @ 1..MAX_ITERATIONS) => limit,
            _ => MAX_ITERATIONS,
        };
        let kind = StateKind::Map;
        let started = self.record(Event::StateStarted {
            kind,
            length: Some(items.len()),
        })?;
        let mut results = vec![Value::Null; items.len()];
        let mut waiting = items.into_iter().enumerate();
        let mut lines = FuturesUnordered::new();
        let mut running = Vec::new();
        // The predecessor of the first iterations is the start of the Map; that of each later one is the end of the
        // iteration whose place it takes.
        let first: Vec<_> = waiting.by_ref().take(limit).collect();
        for (index, item) in first {
            let flow = self.iteration(context, index, &item, started)?;
            running.push(Running {
                index,
                current: Arc::clone(&flow.current),
            });
            lines.push(iterate(flow, map, index, item, context, input));
        }
        while let Some((index, result, last)) = lines.next().await {
            let output = match result {
                Ok(output) => output,
                Err(failure) => {
                    drop(lines);
                    return Err(self.give_up(Some(context.name), index, &running, failure));
                }
            };
            running.retain(|line| line.index != index);
            results[index] = Value::clone(&output.value);
            self.last = last;
            let name = Arc::clone(context.name);
            self.record(Event::MapIterationSucceeded { name, index })?;
            if let Some((index, item)) = waiting.next() {
                let flow = self.iteration(context, index, &item, last)?;
                running.push(Running {
                    index,
                    current: Arc::clone(&flow.current),
                });
                lines.push(iterate(flow, map, index, item, context, input));
            }
        }
        self.record_aside(Event::StateSucceeded { kind })?;
        Ok(Value::Array(results))
    }

    fn iteration(
        &self,
        context: &StateContext<'_>,
        index: usize,
        item: &Item,
        previous: u64,
    ) -> Result<Self, Failure> {
        let mut flow = self.branch(Some(Arc::new(map_context(
            index,
            item.key.as_deref(),
            &item.value,
        ))));
        flow.last = previous;
        flow.record(Event::MapIterationStarted {
            name: Arc::clone(context.name),
            index,
        })?;
        Ok(flow)
    }

    /// Records that one line failed and the others were abandoned. `map` is the name of the Map.
    fn give_up(
        &mut self,
        map: Option<&Arc<str>>,
        failed: usize,
        running: &[Running],
        failure: Failure,
    ) -> Failure {
        self.last = failure.event;
        match self.record_given_up(map, failed, running) {
            Ok(()) => failure,
            Err(full) => full,
        }
    }

    fn record_given_up(
        &self,
        map: Option<&Arc<str>>,
        failed: usize,
        running: &[Running],
    ) -> Result<(), Failure> {
        let (own, others): (Vec<_>, Vec<_>) = running.iter().partition(|line| line.index == failed);
        for line in own.into_iter().chain(others) {
            if let Some(name) = map {
                let (name, index) = (Arc::clone(name), line.index);
                self.record_aside(if index == failed {
                    Event::MapIterationFailed { name, index }
                } else {
                    Event::MapIterationAborted { name, index }
                })?;
            }
            let current = *line.current.lock().unwrap_or_else(PoisonError::into_inner);
            // The other kinds complete immediately and have no such event.
            if let Some(
                kind @ (StateKind::Task | StateKind::Wait | StateKind::Parallel | StateKind::Map),
            ) = current
            {
                self.record_aside(Event::StateAborted { kind })?;
            }
        }
        Ok(())
    }
}

fn line<'a>(
    mut flow: Flow<'a>,
    index: usize,
    graph: &'a Graph,
    input: Payload,
) -> BoxFuture<'a, Ended> {
    Box::pin(async move {
        let result = flow.graph(graph, input).await;
        (index, result, flow.last)
    })
}

/// Runs an iteration. Its input is the item, or the result of the `ItemSelector`.
fn iterate<'a>(
    mut flow: Flow<'a>,
    map: &'a MapOver,
    index: usize,
    item: Item,
    context: &'a StateContext<'a>,
    input: &'a Payload,
) -> BoxFuture<'a, Ended> {
    Box::pin(async move {
        let selected = match &map.selector {
            None => Ok(item.into_input()),
            Some(selector) => flow.evaluate(
                &StateContext {
                    before: flow.last,
                    ..*context
                },
                input,
                |view| selector.evaluate(view, "ItemSelector"),
            ),
        };
        let result = match selected.and_then(|value| flow.payload(value, context)) {
            Ok(input) => flow.graph(&map.body, input).await,
            Err(failure) => Err(failure),
        };
        (index, result, flow.last)
    })
}

struct Item {
    /// The name of the member, if the items are those of an object.
    key: Option<String>,
    value: Value,
}

impl Item {
    /// The input of the iteration, unless an `ItemSelector` produces another one.
    fn into_input(self) -> Value {
        match self.key {
            None => self.value,
            Some(key) => json!({"Key": key, "Value": self.value}),
        }
    }
}

/// The items: those of an array, or the members of an object.
fn items(map: &MapOver, view: &View<'_>) -> Result<Vec<Item>, EvaluationError> {
    let value = match &map.items {
        None => view.input.clone(),
        Some(template) => template.evaluate(view, "Items")?,
    };
    let item = |key, value| Item { key, value };
    match (value, &map.items) {
        (Value::Array(items), _) => Ok(items.into_iter().map(|value| item(None, value)).collect()),
        (Value::Object(members), _) => {
            let members = members.into_iter();
            Ok(members.map(|(key, value)| item(Some(key), value)).collect())
        }
        (value, Some(Template::Expression(expression))) => {
            Err(template::unexpected(expression, "Items", "array", &value))
        }
        (value, _) => Err(EvaluationError {
            location: None,
            cause: format!(
                "Map state input must be an array but was: {}",
                template::shorten(&value.to_string())
            ),
        }),
    }
}
