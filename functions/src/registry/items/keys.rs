//! The public SSH keys of a user.

use crate::domain::public_key::OwnKeys;
use crate::domain::{Problem, UserId};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

pub(in crate::registry) fn keys_key(user: &UserId) -> Key {
    Key::new(format!("USER#{user}"), "KEYS")
}

pub(in crate::registry) fn keys_item(
    user: &UserId,
    keys: &OwnKeys,
    revision: u64,
) -> Result<Item, Problem> {
    encode(keys_key(user), keys, revision, [])
}
