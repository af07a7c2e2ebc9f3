//! The launches and starts of a project that have begun and that no meter counts yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{MicroUsd, Problem, ProjectName, Timestamp};
use crate::ports::{Item, Key};
use crate::registry::records::{EXPIRES, encode};

/// The launches and starts of a project that have begun and that no meter counts yet, by the token of the launch or the
/// ID of the instance. They are in one record, because a budget concerns all of them at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Starting {
    pub(crate) all: BTreeMap<String, FirstHour>,
}

/// The first hour of an instance that is being launched or started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FirstHour {
    pub(crate) usd: MicroUsd,
    /// Until when it counts, if nobody says that the launch or start has ended.
    pub(crate) until: Timestamp,
}

pub(in crate::registry) fn starting_key(project: &ProjectName) -> Key {
    Key::new(format!("PROJECT#{project}"), "STARTING")
}

/// The item expires with its last entry.
pub(in crate::registry) fn starting_item(
    project: &ProjectName,
    starting: &Starting,
    revision: u64,
    now: Timestamp,
) -> Result<Item, Problem> {
    let mut item = encode(starting_key(project), starting, revision, [])?;
    let expires = starting.all.values().map(|it| it.until).max();
    let seconds = expires.unwrap_or(now).timestamp().into();
    item.attributes.insert(EXPIRES.to_owned(), seconds);
    Ok(item)
}
