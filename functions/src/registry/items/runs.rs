//! The most recent runs of a schedule.

use super::schedule::schedule_pk;
use crate::domain::schedule::Runs;
use crate::domain::{Problem, ScheduleName, UserId};
use crate::ports::{Item, Key};
use crate::registry::records::{Indexed, encode};

pub(in crate::registry) fn runs_key(owner: &UserId, name: &ScheduleName) -> Key {
    Key::new(schedule_pk(owner, name), "RUNS")
}

/// The sort key of a schedule's runs, in the first index.
pub(in crate::registry) fn runs_sk(name: &ScheduleName) -> String {
    format!("RUNS#{name}")
}

pub(in crate::registry) fn runs_item(
    owner: &UserId,
    runs: &Runs,
    revision: u64,
) -> Result<Item, Problem> {
    let mine = Indexed::first(format!("OWNER#{owner}"), runs_sk(&runs.schedule));
    encode(runs_key(owner, &runs.schedule), runs, revision, [mine])
}
