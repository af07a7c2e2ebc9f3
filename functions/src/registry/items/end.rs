//! The ends of instances, and of launches that are in progress. The second index has each of them at the time when the
//! sweep looks at it next, so that what is due is a range.

use chrono::TimeDelta;

use super::instance::instance_key;
use crate::domain::end::{InstanceEnd, LaunchEnd};
use crate::domain::{InstanceId, Problem, Region, Timestamp};
use crate::ports::{Item, Key};
use crate::registry::records::{EXPIRES, Indexed, encode, sortable};

/// The partitions of the second index.
pub(in crate::registry) const INSTANCE_ENDS: &str = "ENDS#INSTANCES";
pub(in crate::registry) const LAUNCH_ENDS: &str = "ENDS#LAUNCHES";
pub(in crate::registry) const PROJECT_ENDS: &str = "ENDS#PROJECTS";

/// How long an end that has had its effect is kept, so that it can be shown.
const SHOWN: TimeDelta = TimeDelta::days(30);

/// The entry by which something is found once it is due.
pub(super) fn due(pk: &str, at: Timestamp, what: impl std::fmt::Display) -> Indexed {
    Indexed::second(pk, format!("{}#{what}", sortable(at)))
}

pub(in crate::registry) fn end_key(region: &Region, id: &InstanceId) -> Key {
    instance_key(region, id, "END")
}

pub(in crate::registry) fn end_item(end: &InstanceEnd, revision: u64) -> Result<Item, Problem> {
    let (region, id) = (&end.region, &end.instance);
    let entry = end.next_at.map(|at| due(INSTANCE_ENDS, at, id));
    let mut item = encode(end_key(region, id), end, revision, entry)?;
    if let Some(ended) = end.end.ended_at {
        let expires = (ended + SHOWN).timestamp();
        item.attributes.insert(EXPIRES.to_owned(), expires.into());
    }
    Ok(item)
}

pub(in crate::registry) fn launch_end_key(token: &str, region: &Region) -> Key {
    Key::new(format!("LAUNCH#{token}/{region}"), "END")
}

pub(in crate::registry) fn launch_end_item(
    launch: &LaunchEnd,
    revision: u64,
) -> Result<Item, Problem> {
    let (token, region) = (&launch.token, &launch.region);
    let entry = due(LAUNCH_ENDS, launch.next_at, token);
    encode(launch_end_key(token, region), launch, revision, [entry])
}
