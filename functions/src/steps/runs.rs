//! Records the state of a save in the run of its schedule, for the schedule's owner. A save never fails because of it.

use crate::domain::save::SaveRecord;
use crate::rules::Env;

/// Records the state of a save in its run, if a schedule requested it.
pub(super) async fn note(env: &Env, record: &SaveRecord) {
    if let Err(problem) = env.registry.note_run(record).await {
        let (save, code) = (&record.save_id, problem.code);
        tracing::warn!(save.id = %save, %code, problem = problem.chain(), "the run of a schedule could not be recorded");
    }
}
