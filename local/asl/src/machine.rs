//! A loaded definition, with all references resolved and all expressions compiled.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::history::{Resource, StateKind};
use crate::template::{Setting, Template};

/// A state machine that was checked and can be executed any number of times, also concurrently.
#[derive(Debug)]
pub struct Machine {
    pub(crate) graph: Graph,
    pub(crate) timeout_s: Option<u64>,
    pub(crate) comment: Option<String>,
}

impl Machine {
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// The definition's `TimeoutSeconds`, which limits the execution as a whole.
    pub fn timeout_s(&self) -> Option<u64> {
        self.timeout_s
    }
}

/// States that are connected by transitions: a whole machine, a branch, or the body of a Map.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) start: usize,
    pub(crate) states: Vec<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: Arc<str>,
    pub(crate) work: Work,
    pub(crate) exit: Exit,
    /// The next state; `None` ends the graph. A Choice may override it.
    pub(crate) next: Option<usize>,
    pub(crate) retry: Vec<Retrier>,
    pub(crate) catch: Vec<Catcher>,
}

#[derive(Debug, Default)]
pub(crate) struct Exit {
    pub(crate) assign: Vec<(Arc<str>, Template)>,
    pub(crate) output: Option<Template>,
}

#[derive(Debug)]
pub(crate) enum Work {
    Pass,
    Task(Task),
    Choice(Vec<Rule>),
    Wait(Pause),
    Parallel {
        arguments: Option<Template>,
        branches: Vec<Graph>,
    },
    Map(Box<MapOver>),
    Succeed,
    Fail {
        error: Option<Setting<String>>,
        cause: Option<Setting<String>>,
    },
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) resource: Resource,
    pub(crate) arguments: Option<Template>,
    pub(crate) timeout_s: Option<Setting<u64>>,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) condition: Setting<bool>,
    pub(crate) next: usize,
    pub(crate) exit: Exit,
}

#[derive(Debug)]
pub(crate) enum Pause {
    Seconds(Setting<u64>),
    Until(Setting<DateTime<Utc>>),
}

#[derive(Debug)]
pub(crate) struct MapOver {
    pub(crate) items: Option<Template>,
    pub(crate) selector: Option<Template>,
    pub(crate) max_concurrency: Option<Setting<u64>>,
    pub(crate) body: Graph,
}

#[derive(Debug)]
pub(crate) struct Retrier {
    pub(crate) error_equals: Vec<String>,
    pub(crate) interval_s: u64,
    pub(crate) backoff_rate: f64,
    pub(crate) max_attempts: u64,
    pub(crate) max_delay_s: Option<u64>,
    pub(crate) full_jitter: bool,
}

#[derive(Debug)]
pub(crate) struct Catcher {
    pub(crate) error_equals: Vec<String>,
    pub(crate) next: usize,
    pub(crate) exit: Exit,
}

impl Work {
    pub(crate) fn kind(&self) -> StateKind {
        match self {
            Self::Pass => StateKind::Pass,
            Self::Task(_) => StateKind::Task,
            Self::Choice(_) => StateKind::Choice,
            Self::Wait(_) => StateKind::Wait,
            Self::Parallel { .. } => StateKind::Parallel,
            Self::Map(_) => StateKind::Map,
            Self::Succeed => StateKind::Succeed,
            Self::Fail { .. } => StateKind::Fail,
        }
    }
}
