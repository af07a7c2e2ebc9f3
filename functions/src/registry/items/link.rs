//! A join link, and its entry in the list of its project.

use chrono::TimeDelta;

use crate::domain::join_link::{HashedLink, JoinLink};
use crate::domain::{LinkId, Problem, ProjectName};
use crate::ports::{Item, Key};
use crate::registry::records::{EXPIRES, encode};

/// How long an expired link is still listed, in days.
const LISTED_DAYS: i64 = 30;

pub(in crate::registry) fn link_key(id: &LinkId) -> Key {
    Key::new(format!("LINK#{id}"), "META")
}

pub(in crate::registry) fn link_item(stored: &HashedLink, revision: u64) -> Result<Item, Problem> {
    let item = encode(link_key(&stored.link.id), stored, revision, [])?;
    Ok(expiring(item, &stored.link))
}

pub(in crate::registry) fn listed_key(project: &ProjectName, id: &LinkId) -> Key {
    Key::new(format!("PROJECT#{project}"), format!("LINK#{id}"))
}

pub(in crate::registry) fn listed_item(link: &JoinLink) -> Result<Item, Problem> {
    let item = encode(listed_key(&link.project, &link.id), &link.id, 1, [])?;
    Ok(expiring(item, link))
}

fn expiring(mut item: Item, link: &JoinLink) -> Item {
    let expires = link.until + TimeDelta::days(LISTED_DAYS);
    item.attributes
        .insert(EXPIRES.to_owned(), expires.timestamp().into());
    item
}
