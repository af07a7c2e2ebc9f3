//! The runs of a schedule: what became of each save that it asked for.

use serde::{Deserialize, Serialize};

use crate::domain::save::{Failure, SaveRecord, SaveState};
use crate::domain::{SaveId, ScheduleName, Timestamp};

/// How many runs of a schedule are kept; the saves themselves are kept besides.
pub const RUNS: usize = 20;

/// A save that a schedule asked for, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Run {
    /// The save.
    pub save_id: SaveId,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it stands.
    pub state: SaveState,
    /// The version that it made.
    pub version: Option<u32>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// How many runs were due before it, since the one before, and did not begin.
    pub missed: u32,
}

impl Run {
    /// The run that a save is.
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

/// The last runs of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    /// The schedule.
    pub schedule: ScheduleName,
    /// When that was made. A later schedule of the same name has runs of its own.
    pub made_at: Timestamp,
    /// The newest first.
    pub recent: Vec<Run>,
}

impl Runs {
    /// None yet.
    pub fn none(schedule: ScheduleName, made_at: Timestamp) -> Self {
        Self {
            schedule,
            made_at,
            recent: Vec::new(),
        }
    }

    /// When the last one began.
    pub fn last_began_at(&self) -> Option<Timestamp> {
        self.recent.first().map(|run| run.began_at)
    }

    /// Notes how a run stands: a new one, with how many were missed before it, or one that is known. One that has ended
    /// has ended, whatever a step that comes late still says.
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
        // A step that comes late begins it no more.
        runs.note(run(29, SaveState::Running, 0));
        assert_eq!(runs.recent[0].state, SaveState::Succeeded);
        // One that ends late takes its own place again.
        runs.note(run(15, SaveState::Failed, 0));
        assert_eq!(runs.recent[14].state, SaveState::Failed);
        assert_eq!(runs.recent.len(), RUNS);
    }
}
