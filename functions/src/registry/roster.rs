//! Changes of many members of a project.

use futures::future::try_join_all;

use super::audit::audit_write;
use super::items::member::{member_item, memberships_item};
use super::items::project::project_item;
use super::projects::{as_read, check_projects, count, not_found};
use super::records::Stored;
use super::{Registry, TRIES, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::project::{Member, Memberships, Project};
use crate::domain::{Problem, ProjectName, UserId};
use crate::ports::{TRANSACTION_WRITES, TableError, Write};

/// How many members are changed in one transaction: each of them takes up to three writes, and the project takes one.
const AT_ONCE: usize = (TRANSACTION_WRITES - 1) / 3;

/// Why the rest of a list of members was not changed.
#[derive(Debug)]
pub(crate) struct Interrupted {
    /// How many members, from the beginning of the list, are as requested.
    pub(crate) done: usize,
    pub(crate) problem: Problem,
}

impl Registry {
    /// Changes members, in as many transactions as their number needs: each of these is complete or has no effect. The
    /// users must differ. `change` receives the current project and member and can be called several times; `None`
    /// means no change. `event` is called for each member that is written.
    pub(crate) async fn change_members(
        &self,
        name: &ProjectName,
        users: &[UserId],
        event: impl Fn(&Member) -> AuditEvent,
        change: impl Fn(&Project, &UserId, Option<&Member>) -> Result<Option<Member>, Problem>,
    ) -> Result<Vec<Option<Member>>, Interrupted> {
        let mut members = Vec::new();
        for some in users.chunks(AT_ONCE) {
            match self.change_some(name, some, &event, &change).await {
                Ok(changed) => members.extend(changed),
                Err(problem) => {
                    let done = members.len();
                    return Err(Interrupted { done, problem });
                }
            }
        }
        Ok(members)
    }

    async fn change_some(
        &self,
        name: &ProjectName,
        users: &[UserId],
        event: &impl Fn(&Member) -> AuditEvent,
        change: &impl Fn(&Project, &UserId, Option<&Member>) -> Result<Option<Member>, Problem>,
    ) -> Result<Vec<Option<Member>>, Problem> {
        for _ in 0..TRIES {
            let stored = self.project(name).await?.ok_or_else(|| not_found(name))?;
            let before = users.iter().map(|user| self.member(name, user));
            let before = try_join_all(before).await?;
            let memberships = users.iter().map(|user| self.memberships(user));
            let memberships = try_join_all(memberships).await?;
            let revision = stored.revision + 1;
            let mut project = stored.value.clone();
            let (mut after, mut writes) = (Vec::new(), Vec::new());
            for ((user, before), memberships) in users.iter().zip(before).zip(&memberships) {
                let Some(member) = change(&stored.value, user, before.as_ref())? else {
                    after.push(before);
                    continue;
                };
                count(&mut project, before.as_ref(), Some(&member))?;
                writes.extend(writes_of(name, &member, before.as_ref(), memberships)?);
                writes.push(audit_write(&event(&member), revision)?);
                after.push(Some(member));
            }
            if writes.is_empty() {
                return Ok(after);
            }
            let item = project_item(&project, revision)?;
            writes.push(Write::Put(item, stored.unchanged()));
            if self.commit(&writes).await? {
                return Ok(after);
            }
        }
        Err(problem(TableError::Conflict))
    }
}

/// The writes of a member, and of the user's projects if the role changes.
pub(super) fn writes_of(
    name: &ProjectName,
    member: &Member,
    before: Option<&Member>,
    memberships: &Stored<Memberships>,
) -> Result<Vec<Write>, Problem> {
    let item = member_item(name, member)?;
    let mut writes = vec![Write::Put(item, crate::ports::Condition::Always)];
    if before.is_none_or(|before| before.role != member.role) {
        let mut roles = memberships.value.clone();
        roles.roles.insert(name.clone(), member.role);
        check_projects(&member.user, &roles)?;
        let item = memberships_item(&member.user, &roles, memberships.revision + 1)?;
        writes.push(Write::Put(item, as_read(memberships)));
    }
    Ok(writes)
}
