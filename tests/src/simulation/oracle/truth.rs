//! What really happened to an instance, as the simulated cloud recorded it.

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{InstanceId, Timestamp};

use super::Run;
use crate::simulation::conductor::LATE;

/// The number of states of an instance that the simulated cloud remembers.
const HISTORY: usize = 200;

pub(super) struct Truth {
    history: Vec<(Timestamp, InstanceState)>,
    /// When the instance was stopped, started or terminated, and whether that came from outside.
    causes: Vec<(Timestamp, bool)>,
    /// When its operating system powered it off instead of rebooting.
    powered_off: Vec<Timestamp>,
}

impl Truth {
    pub(super) fn of(run: &Run, id: &InstanceId) -> Self {
        let cloud = &run.world.cloud;
        let events = cloud.events_of(id.as_str()).expect("the cloud answers");
        let begun = events.iter().filter(|event| event.at >= run.begin);
        let caused = begun.filter(|event| event.what.contains("(by "));
        let off = caused.clone();
        let off = off.filter(|event| event.what.contains("its operating system"));
        Self {
            powered_off: off.map(|event| event.at).collect(),
            history: cloud.history_of(id).expect("the cloud answers"),
            causes: caused
                .map(|event| (event.at, event.what.contains("somebody else")))
                .collect(),
        }
    }

    /// The final state; `None` once EC2 has forgotten the instance.
    pub(super) fn end(&self) -> Option<InstanceState> {
        self.history.last().map(|(_, state)| *state)
    }

    pub(super) fn at(&self, at: Timestamp) -> Option<InstanceState> {
        let until = self.history.iter().take_while(|(since, _)| *since <= at);
        until.last().map(|(_, state)| *state)
    }

    /// The same, but ignores termination: an instance that was stopped when it was terminated had nothing left to
    /// write.
    pub(super) fn before_the_end_at(&self, at: Timestamp) -> Option<InstanceState> {
        let until = self.history.iter().take_while(|(since, _)| *since <= at);
        let alive = until.filter(|(_, state)| !state.is_gone());
        alive.last().map(|(_, state)| *state)
    }

    /// The states that a step may report at this moment: a read may be delayed like any other call, and then shows a
    /// past state.
    pub(super) fn lately(&self, at: Timestamp) -> Vec<InstanceState> {
        let from = at - LATE * 3;
        let forgotten = self.history.len() >= HISTORY;
        if forgotten && self.history.first().is_none_or(|(first, _)| *first > from) {
            // The cloud's history does not reach back further.
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

    /// Whether it was stopped or started for a save, except after its operating system had powered it off.
    pub(super) fn was_moved(&self) -> bool {
        let off = self.powered_off.first();
        let ours = self.causes.iter().filter(|(_, theirs)| !theirs);
        ours.map(|(at, _)| at)
            .any(|at| off.is_none_or(|off| at < off))
    }

    /// Whether the last change of its state came from outside.
    pub(super) fn is_theirs(&self) -> bool {
        self.causes.last().is_some_and(|(_, theirs)| *theirs)
    }

    pub(super) fn touched_by_others(&self, at: Timestamp) -> bool {
        self.causes
            .iter()
            .any(|(when, theirs)| *theirs && *when <= at)
    }
}
