//! A member of a project, and the projects that a user is a member of.

use crate::domain::project::{Member, Memberships};
use crate::domain::{Problem, ProjectName, UserId};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

pub(in crate::registry) fn member_key(project: &ProjectName, user: &UserId) -> Key {
    Key::new(format!("PROJECT#{project}"), format!("MEMBER#{user}"))
}

pub(in crate::registry) fn member_item(
    project: &ProjectName,
    member: &Member,
) -> Result<Item, Problem> {
    encode(member_key(project, &member.user), member, 1, [])
}

pub(in crate::registry) fn memberships_key(user: &UserId) -> Key {
    Key::new(format!("USER#{user}"), "PROJECTS")
}

pub(in crate::registry) fn memberships_item(
    user: &UserId,
    it: &Memberships,
    revision: u64,
) -> Result<Item, Problem> {
    encode(memberships_key(user), it, revision, [])
}
