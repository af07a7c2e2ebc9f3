//! How a user is notified.

use crate::domain::notify::Notify;
use crate::domain::{Problem, UserId};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

pub(in crate::registry) fn notify_key(user: &UserId) -> Key {
    Key::new(format!("USER#{user}"), "NOTIFY")
}

pub(in crate::registry) fn notify_item(
    user: &UserId,
    notify: &Notify,
    revision: u64,
) -> Result<Item, Problem> {
    encode(notify_key(user), notify, revision, [])
}
