//! Records the state of a save in the run of its schedule, for the schedule's owner. A save never fails because of it.

use std::collections::BTreeSet;

use crate::domain::NoticeEvent;
use crate::domain::save::SaveRecord;
use crate::ports::Notice;
use crate::rules::Env;

/// Records the state of a save in its run, if a schedule requested it. If runs were missed before this one, the owner
/// is told: nothing runs when a run is missed, so the next one is the first to know.
pub(super) async fn note(env: &Env, record: &SaveRecord) {
    match env.registry.note_run(record).await {
        Ok(0) => {}
        Ok(missed) => env.tell(&missed_notice(env, record, missed)).await,
        Err(problem) => {
            let (save, code) = (&record.save_id, problem.code);
            tracing::warn!(save.id = %save, %code, problem = problem.chain(), "the run of a schedule could not be recorded");
        }
    }
}

fn missed_notice(env: &Env, record: &SaveRecord, missed: u32) -> Notice {
    let name = record.schedule.as_ref().map_or("", |name| name.as_str());
    let text = match missed {
        1 => format!(
            "The schedule {name} missed a run before this one. What to do: prism schedule show {name}"
        ),
        _ => format!(
            "The schedule {name} missed {missed} runs before this one. What to do: prism schedule show {name}"
        ),
    };
    Notice {
        to: BTreeSet::from([record.saved_by.clone()]),
        save_id: Some(record.save_id.clone()),
        template: Some(record.request.template.clone()),
        schedule: record.schedule.clone(),
        ..Notice::new(NoticeEvent::ScheduleMissed, env.clock.now(), text)
    }
}
