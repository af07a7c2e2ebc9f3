//! The runs of a schedule: the result of each save that it requested.

use serde::{Deserialize, Serialize};

use crate::domain::save::{Failure, SaveRecord, SaveState};
use crate::domain::{SaveId, ScheduleName, Timestamp};

/// The number of runs that are kept per schedule. The records of the saves are kept separately.
pub const RUNS: usize = 20;

/// A save that a schedule requested, and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Run {
    /// The ID of the save.
    pub save_id: SaveId,
    /// When the save began.
    pub began_at: Timestamp,
    /// When the save ended.
    pub ended_at: Option<Timestamp>,
    /// The state of the save.
    pub state: SaveState,
    /// The version that the save created.
    pub version: Option<u32>,
    /// Why the save failed.
    pub failure: Option<Failure>,
    /// The number of runs between the previous run and this one that were due but did not begin.
    pub missed: u32,
}

impl Run {
    /// Creates the run that corresponds to a save.
    pub fn of(record: &SaveRecord) -> Self {
        Self {
            save_id: record.save_id.clone(),
            began_at: record.started_at,
            ended_at: record.ended_at,
            state: record.state,
            version: record.version,
            failure: record.failure.clone(),
            missed: 0,
        }
    }
}

/// The most recent runs of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    pub schedule: ScheduleName,
    /// When the schedule was created. A later schedule with the same name has its own runs.
    pub made_at: Timestamp,
    /// The runs, newest first.
    pub recent: Vec<Run>,
}

impl Runs {
    /// An empty list of runs.
    pub fn none(schedule: ScheduleName, made_at: Timestamp) -> Self {
        Self {
            schedule,
            made_at,
            recent: Vec::new(),
        }
    }

    /// When the most recent run began.
    pub fn last_began_at(&self) -> Option<Timestamp> {
        self.recent.first().map(|run| run.began_at)
    }

    /// Records the state of a run. A new run is added with the number of runs missed before it; a known run is
    /// updated. A run that has ended stays ended, even if a delayed step reports otherwise.
    pub fn note(&mut self, run: Run) {
        if let Some(known) = self.recent.iter_mut().find(|it| it.save_id == run.save_id) {
            if run.state.is_final() || !known.state.is_final() {
                let missed = known.missed;
                *known = Run { missed, ..run };
            }
            return;
        }
        let newer = |it: &&Run| it.began_at > run.began_at;
        let place = self.recent.iter().take_while(newer).count();
        self.recent.insert(place, run);
        self.recent.truncate(RUNS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: i64, state: SaveState, missed: u32) -> Run {
        let began_at = Timestamp::UNIX_EPOCH + chrono::TimeDelta::days(number);
        Run {
            save_id: format!("save-{number:020}").parse().unwrap(),
            began_at,
            ended_at: None,
            state,
            version: None,
            failure: None,
            missed,
        }
    }

    #[test]
    fn the_newest_runs_are_kept_each_once() {
        let mut runs = Runs::none("nightly".parse().unwrap(), Timestamp::UNIX_EPOCH);
        for number in 0..30 {
            runs.note(run(number, SaveState::Running, 3));
            runs.note(run(number, SaveState::Succeeded, 0));
        }
        assert_eq!(runs.recent.len(), RUNS);
        let first = &runs.recent[0];
        assert_eq!((first.state, first.missed), (SaveState::Succeeded, 3));
        assert_eq!(runs.last_began_at(), Some(first.began_at));
        // A delayed step does not make an ended run active again.
        runs.note(run(29, SaveState::Running, 0));
        assert_eq!(runs.recent[0].state, SaveState::Succeeded);
        // An older run that ends late is updated in place.
        runs.note(run(15, SaveState::Failed, 0));
        assert_eq!(runs.recent[14].state, SaveState::Failed);
        assert_eq!(runs.recent.len(), RUNS);
    }
}
