//! A save.

use crate::domain::save::SaveRecord;
use crate::domain::{Problem, SaveId};
use crate::ports::{Item, Key};
use crate::registry::records::{Indexed, encode, sortable};

/// The partition of the saves that have not ended, in the second index.
pub(in crate::registry) const OPEN_SAVES: &str = "SAVES#OPEN";

pub(in crate::registry) fn save_key(id: &SaveId) -> Key {
    Key::new(format!("SAVE#{id}"), "META")
}

/// The item of a save. A save that has ended is not in the index of open saves.
pub(in crate::registry) fn save_item(record: &SaveRecord, revision: u64) -> Result<Item, Problem> {
    let when = format!("{}#{}", sortable(record.started_at), record.save_id);
    let mine = Indexed::first(format!("OWNER#{}", record.saved_by), format!("SAVE#{when}"));
    let open = (!record.state.is_final()).then(|| Indexed::second(OPEN_SAVES, when));
    encode(
        save_key(&record.save_id),
        record,
        revision,
        [mine].into_iter().chain(open),
    )
}
