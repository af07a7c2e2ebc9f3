//! AWS's own error messages, which name roles and accounts, only appear in the log.

use prism_functions::domain::save::SaveRecord;

use super::{Findings, Run, must};
use crate::simulation::ports::SECRET;

pub(super) fn check(run: &Run, records: &[SaveRecord], findings: &mut Findings) {
    for record in records {
        let shown = serde_json::to_string(record).expect("a record is JSON");
        let id = &record.save_id;
        must!(
            findings,
            !shown.contains(SECRET),
            "{id} shows a sentence of AWS: {shown}"
        );
    }
    let notices = run.world.notices.0.lock();
    for notice in notices.expect("no test panics while it holds them").iter() {
        must!(
            findings,
            !notice.text.contains(SECRET),
            "a notice shows a sentence of AWS: {}",
            notice.text
        );
    }
}
