//! The run of a schedule that a save is, noted for its owner to see: nothing that a save may fail for.

use crate::domain::save::SaveRecord;
use crate::rules::Env;

/// Notes how a save stands, if a schedule asked for it.
pub(super) async fn note(env: &Env, record: &SaveRecord) {
    if let Err(problem) = env.registry.note_run(record).await {
        let (save, code) = (&record.save_id, problem.code);
        tracing::warn!(save.id = %save, %code, problem = problem.chain(), "the run of a schedule could not be noted");
    }
}
