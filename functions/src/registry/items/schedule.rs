//! A schedule, and the item by which it is found from the template that it saves to.

use serde::{Deserialize, Serialize};

use crate::domain::schedule::{Schedule, ScheduleState};
use crate::domain::{Problem, ScheduleName, UserId};
use crate::ports::{Index, Item, Key};
use crate::registry::records::{Indexed, encode};

/// The partition of the schedules that run, in the second index.
pub(in crate::registry) const ACTIVE_SCHEDULES: &str = "SCHEDULES#ACTIVE";

/// The partition of a schedule and its runs.
pub(super) fn schedule_pk(owner: &UserId, name: &ScheduleName) -> String {
    format!("SCHEDULE#{owner}#{name}")
}

pub(in crate::registry) fn schedule_key(owner: &UserId, name: &ScheduleName) -> Key {
    Key::new(schedule_pk(owner, name), "META")
}

pub(in crate::registry) fn schedule_item(
    schedule: &Schedule,
    revision: u64,
) -> Result<Item, Problem> {
    let mine = Indexed {
        index: Index::Gsi1,
        pk: format!("OWNER#{}", schedule.owner),
        sk: format!("SCHEDULE#{}", schedule.name),
    };
    let fires = schedule.state == ScheduleState::Active && !schedule.paused;
    let active = fires.then(|| Indexed {
        index: Index::Gsi2,
        pk: ACTIVE_SCHEDULES.to_owned(),
        sk: format!("{}#{}", schedule.owner, schedule.name),
    });
    encode(
        schedule_key(&schedule.owner, &schedule.name),
        schedule,
        revision,
        [mine].into_iter().chain(active),
    )
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavesTo {
    pub(crate) owner: UserId,
    pub(crate) name: ScheduleName,
}

pub(in crate::registry) fn saves_to_key(schedule: &Schedule) -> Key {
    let template = &schedule.request.template;
    let (owner, name) = (&schedule.owner, &schedule.name);
    Key::new(
        format!("TEMPLATE#{template}"),
        format!("SCHEDULE#{owner}#{name}"),
    )
}

pub(in crate::registry) fn saves_to_item(schedule: &Schedule) -> Result<Item, Problem> {
    let saves_to = SavesTo {
        owner: schedule.owner.clone(),
        name: schedule.name.clone(),
    };
    encode(saves_to_key(schedule), &saves_to, 1, [])
}
