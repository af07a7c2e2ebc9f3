//! What the runs have visited: calls, kinds of faults, states, and the retriers and catchers of the definition.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

use prism_asl::{Event, HistoryEvent};
use prism_functions::ports::Call;
use prism_functions::steps;
use prism_local::executions::DEFINITION;
use serde_json::Value;

use super::fault::{Kind, Site, Spot};
use super::oracle::again::SUFFIX;
use super::run::Run;
use crate::recorded;

type Counts<K> = BTreeMap<K, u64>;

#[derive(Debug, Default, Clone)]
pub struct Coverage {
    pub sites: Counts<Site>,
    pub kinds: Counts<Kind>,
    pub states: Counts<String>,
    /// The retriers that retried: the state, and the index of the retrier.
    pub retriers: Counts<(String, usize)>,
    /// The catchers that caught: the state, and the index of the catcher.
    pub catchers: Counts<(String, usize)>,
}

struct Handlers {
    name: String,
    retry: Vec<Vec<String>>,
    catch: Vec<Vec<String>>,
}

static STATES: LazyLock<Vec<Handlers>> = LazyLock::new(|| {
    let definition = serde_json::from_str(DEFINITION).expect("the definition is JSON");
    let mut states = Vec::new();
    collect(&definition, &mut states);
    states
});

fn collect(graph: &Value, states: &mut Vec<Handlers>) {
    for (name, state) in graph["States"].as_object().into_iter().flatten() {
        let named = |field: &str| {
            let handlers = state[field].as_array().into_iter().flatten();
            let errors = handlers.map(|handler| {
                let names = handler["ErrorEquals"].as_array().into_iter().flatten();
                names
                    .filter_map(|name| name.as_str().map(str::to_owned))
                    .collect()
            });
            errors.collect()
        };
        states.push(Handlers {
            name: name.clone(),
            retry: named("Retry"),
            catch: named("Catch"),
        });
        collect(&state["ItemProcessor"], states);
    }
}

fn taker(handlers: &[Vec<String>], error: &str) -> Option<usize> {
    let takes = |names: &Vec<String>| {
        names
            .iter()
            .any(|name| name == error || name == "States.ALL")
    };
    handlers.iter().position(takes)
}

impl Coverage {
    pub(crate) fn add(&mut self, run: &Run) {
        for visit in run.conductor.trace() {
            *self.sites.entry(visit.point.site).or_default() += 1;
            if let Some(kind) = visit.kind {
                *self.kinds.entry(kind).or_default() += 1;
            }
        }
        let executions = &run.world.executions;
        // Executions that were started to check that they change nothing do not count.
        let names = executions.names().into_iter();
        for name in names.filter(|name| !name.ends_with(SUFFIX)) {
            if let Some(history) = executions.history(&name) {
                self.add_history(&history.events());
            }
        }
    }

    fn add_history(&mut self, events: &[HistoryEvent]) {
        // The state of each event, and the error that it reports.
        let mut states: HashMap<u64, &str> = HashMap::new();
        let mut errors: HashMap<u64, &str> = HashMap::new();
        for event in events {
            let before = event.previous_event_id;
            match &event.event {
                Event::StateEntered { name, .. } => {
                    states.insert(event.id, name);
                    *self.states.entry(name.to_string()).or_default() += 1;
                    continue;
                }
                Event::TaskFailed { error, .. } | Event::TaskTimedOut { error, .. } => {
                    errors.insert(event.id, error);
                }
                Event::TaskScheduled { .. } => {
                    if let Some((state, error)) = states.get(&before).zip(errors.get(&before)) {
                        self.retried(state, error);
                    }
                }
                Event::StateExited { name, .. } => {
                    if let Some(error) = errors.get(&before) {
                        self.caught(name, error);
                    }
                    continue;
                }
                Event::StateFailed { .. } | Event::MapIterationFailed { .. } => {
                    // The error that made a Map fail is the last one within it.
                    if let Some(error) = errors.get(&before).copied() {
                        errors.insert(event.id, error);
                    }
                }
                _ => {}
            }
            if let Some(state) = states.get(&before).copied() {
                states.insert(event.id, state);
            }
        }
    }

    fn retried(&mut self, state: &str, error: &str) {
        let known = STATES.iter().find(|known| known.name == state);
        if let Some(index) = known.and_then(|known| taker(&known.retry, error)) {
            *self.retriers.entry((state.to_owned(), index)).or_default() += 1;
        }
    }

    fn caught(&mut self, state: &str, error: &str) {
        let known = STATES.iter().find(|known| known.name == state);
        if let Some(index) = known.and_then(|known| taker(&known.catch, error)) {
            *self.catchers.entry((state.to_owned(), index)).or_default() += 1;
        }
    }

    pub fn merge(&mut self, other: Self) {
        merge(&mut self.sites, other.sites);
        merge(&mut self.kinds, other.kinds);
        merge(&mut self.states, other.states);
        merge(&mut self.retriers, other.retriers);
        merge(&mut self.catchers, other.catchers);
    }

    /// Whether a step has made a call. A transaction is visited as its first write; its other writes are known from the
    /// recorded calls.
    fn has(&self, function: &'static str, call: Call) -> bool {
        let spot = Spot::Call(call);
        self.sites.contains_key(&Site { function, spot })
            || matches!(call, Call::Put | Call::Update | Call::Delete | Call::Check)
                && recorded::seen(function).contains(&call)
    }

    /// What every n-th of all single faults must visit, and has not visited. All of them reach the states, retriers and
    /// catchers of the definition, the calls of its steps, and the kinds of faults. Half of them surely reach the states and
    /// the kinds, because many faults reach each. What a smaller part reaches depends on chance.
    pub fn missing(&self, every: usize) -> Vec<String> {
        match every {
            1 => [self.missing_often(), self.missing_seldom()].concat(),
            2 => self.missing_often(),
            _ => Vec::new(),
        }
    }

    fn missing_often(&self) -> Vec<String> {
        let states = STATES.iter().map(|state| &state.name);
        let unseen = states.filter(|name| !self.states.contains_key(*name));
        let mut missing: Vec<String> = unseen.map(|name| format!("the state {name}")).collect();
        let unseen = Kind::everywhere().filter(|kind| !self.kinds.contains_key(kind));
        missing.extend(unseen.map(|kind| format!("the fault {}", kind.name())));
        missing
    }

    fn missing_seldom(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for state in &*STATES {
            let name = &state.name;
            for (index, errors) in state.retry.iter().enumerate() {
                if !self.retriers.contains_key(&(name.clone(), index)) {
                    missing.push(format!("the retrier of {name} for {}", errors.join(", ")));
                }
            }
            for (index, errors) in state.catch.iter().enumerate() {
                if !self.catchers.contains_key(&(name.clone(), index)) {
                    missing.push(format!("the catcher of {name} for {}", errors.join(", ")));
                }
            }
        }
        for step in steps::ALL {
            let unseen = step
                .calls
                .iter()
                .filter(|call| !self.has(step.name, **call));
            missing.extend(unseen.map(|call| format!("the call {call:?} of {}", step.name)));
        }
        missing
    }
}

fn merge<K: Ord>(into: &mut Counts<K>, other: Counts<K>) {
    for (key, count) in other {
        *into.entry(key).or_default() += count;
    }
}

impl Coverage {
    pub fn summary(&self) -> String {
        let (mut retriers, mut catchers) = (0, 0);
        for state in &*STATES {
            retriers += state.retry.len();
            catchers += state.catch.len();
        }
        format!(
            "{} of {} states, {} of {retriers} retriers, {} of {catchers} catchers, {} of {} kinds of faults, {} different calls",
            self.states.len(),
            STATES.len(),
            self.retriers.len(),
            self.catchers.len(),
            self.kinds.len(),
            Kind::everywhere().count(),
            self.sites.len(),
        )
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        for (kind, count) in &self.kinds {
            writeln!(f, "  {count:>10}  {}", kind.name())?;
        }
        Ok(())
    }
}
