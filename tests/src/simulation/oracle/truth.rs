//! What really happened to an instance, as the simulated cloud knows it.

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{InstanceId, Timestamp};

use super::Run;
use crate::simulation::conductor::LATE;

/// How many states of an instance the simulated cloud remembers.
const HISTORY: usize = 200;

/// See the module.
pub(super) struct Truth {
    /// When it entered which state.
    history: Vec<(Timestamp, InstanceState)>,
    /// Who stopped, started or terminated it, and when; whether that was somebody else.
    causes: Vec<(Timestamp, bool)>,
}

impl Truth {
    pub(super) fn of(run: &Run, id: &InstanceId) -> Self {
        let cloud = &run.world.cloud;
        let events = cloud.events_of(id.as_str()).expect("the cloud answers");
        let begun = events.iter().filter(|event| event.at >= run.begin);
        let caused = begun.filter(|event| event.what.contains("(by "));
        Self {
            history: cloud.history_of(id).expect("the cloud answers"),
            causes: caused
                .map(|event| (event.at, event.what.contains("somebody else")))
                .collect(),
        }
    }

    /// The state it was left in; `None` once EC2 has forgotten it.
    pub(super) fn end(&self) -> Option<InstanceState> {
        self.history.last().map(|(_, state)| *state)
    }

    /// The state at a moment.
    pub(super) fn at(&self, at: Timestamp) -> Option<InstanceState> {
        let until = self.history.iter().take_while(|(since, _)| *since <= at);
        until.last().map(|(_, state)| *state)
    }

    /// The same, but for the end of its life: one that was stopped when it was terminated had
    /// nothing left to write.
    pub(super) fn before_the_end_at(&self, at: Timestamp) -> Option<InstanceState> {
        let until = self.history.iter().take_while(|(since, _)| *since <= at);
        let alive = until.filter(|(_, state)| !state.is_gone());
        alive.last().map(|(_, state)| *state)
    }

    /// The states that somebody may have seen who says at this moment what he saw: a look may be as
    /// late as everything else, and then tell the past.
    pub(super) fn lately(&self, at: Timestamp) -> Vec<InstanceState> {
        let from = at - LATE * 3;
        let forgotten = self.history.len() >= HISTORY;
        if forgotten && self.history.first().is_none_or(|(first, _)| *first > from) {
            // The cloud remembers no further back.
            return Vec::new();
        }
        let since = self
            .history
            .iter()
            .filter(|(since, _)| *since > from && *since <= at);
        let mut states: Vec<InstanceState> = since.map(|(_, state)| *state).collect();
        states.extend(self.at(from));
        states
    }

    /// Whether it was somebody else who last changed its state.
    pub(super) fn is_theirs(&self) -> bool {
        self.causes.last().is_some_and(|(_, theirs)| *theirs)
    }

    /// Whether somebody else had done something to it by then.
    pub(super) fn touched_by_others(&self, at: Timestamp) -> bool {
        self.causes
            .iter()
            .any(|(when, theirs)| *theirs && *when <= at)
    }
}
