//! A notice on its way to a user.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::notify::NoticeChannel;
use crate::domain::{NoticeEvent, Problem, Timestamp, UserId};
use crate::ports::{Item, Key, Notice};
use crate::registry::records::{EXPIRES, Indexed, encode, sortable};

/// The partition of the second index with the notices that are not delivered yet.
pub(in crate::registry) const OPEN: &str = "OUTBOX#OPEN";
/// How long a notice is remembered after its time, in days, so that a repeated step does not send it again.
const REMEMBERED_DAYS: i64 = 30;

/// A notice for a user by one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    /// The ID of the notice, the same for all of its users and channels, and at each attempt.
    pub(crate) id: String,
    pub(crate) user: UserId,
    pub(crate) channel: NoticeChannel,
    /// The notice, without the other users whom it concerns.
    pub(crate) notice: Notice,
    /// The number of attempts that have begun.
    pub(crate) attempts: u32,
    /// When the next attempt is due; `None` once the notice is delivered or given up.
    pub(crate) next_at: Option<Timestamp>,
}

impl Outgoing {
    pub(crate) fn new(notice: &Notice, user: &UserId, channel: NoticeChannel) -> Self {
        let notice = Notice {
            to: [user.clone()].into(),
            ..notice.clone()
        };
        Self {
            id: notice_id(&notice),
            user: user.clone(),
            channel,
            attempts: 0,
            next_at: Some(notice.at),
            notice,
        }
    }
}

/// Returns the ID of a notice. A step that is repeated sends its notice again, with a later time: what is said about a
/// save is the same notice if it says the same. A warning of an end is the same if it was due at the same time: if it is
/// late, its text says less.
pub(crate) fn notice_id(notice: &Notice) -> String {
    let mut said = Notice {
        to: BTreeSet::new(),
        ..notice.clone()
    };
    let warns = [NoticeEvent::InstanceEnding, NoticeEvent::ProjectEnding].contains(&notice.event);
    if notice.save_id.is_some() {
        said.at = Timestamp::UNIX_EPOCH;
    } else if warns {
        said.text.clear();
    }
    let said = serde_json::to_vec(&said).expect("a notice can be written as JSON");
    let hash = Sha256::digest(said);
    format!("notice-{}", hex::encode(&hash[..10]))
}

pub(in crate::registry) fn outbox_key(user: &UserId, id: &str, channel: NoticeChannel) -> Key {
    Key::new(format!("OUTBOX#{user}"), format!("{id}#{channel}"))
}

pub(in crate::registry) fn outbox_item(
    outgoing: &Outgoing,
    revision: u64,
) -> Result<Item, Problem> {
    let Outgoing {
        id, user, channel, ..
    } = outgoing;
    let next_at = outgoing.next_at.map(sortable);
    let open = next_at.map(|at| Indexed::second(OPEN, format!("{at}#{id}#{channel}#{user}")));
    let mut item = encode(outbox_key(user, id, *channel), outgoing, revision, open)?;
    let expires = outgoing.notice.at + TimeDelta::days(REMEMBERED_DAYS);
    let seconds = expires.timestamp().into();
    item.attributes.insert(EXPIRES.to_owned(), seconds);
    Ok(item)
}
