//! Join links.

use futures::future::try_join_all;

use super::audit::audit_write;
use super::items::link::{link_item, link_key, listed_item, listed_key};
use super::items::project::project_item;
use super::projects::{count, not_found, pk};
use super::records::{Stored, within};
use super::roster::writes_of;
use super::{Registry, TRIES, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::join_link::{HashedLink, JoinLink, LINKS};
use crate::domain::project::{Member, Project};
use crate::domain::{Code, LinkId, Problem, ProjectName};
use crate::ports::{Condition, TableError, Write};

impl Registry {
    pub(crate) async fn link(&self, id: &LinkId) -> Result<Option<Stored<HashedLink>>, Problem> {
        self.stored(&link_key(id)).await
    }

    /// Returns the join links of a project, by ID.
    pub(crate) async fn links(&self, project: &ProjectName) -> Result<Vec<JoinLink>, Problem> {
        let query = within(pk(project), "LINK#", LINKS, None);
        let ids = self.list::<LinkId>(&query).await?.items;
        let read = ids.iter().map(|id| self.link(id));
        let links = try_join_all(read).await?.into_iter().flatten();
        Ok(links.map(|stored| stored.value.link).collect())
    }

    /// Adds a join link to a project, unless it has the maximum number.
    pub(crate) async fn add_link(
        &self,
        new: &HashedLink,
        event: &AuditEvent,
    ) -> Result<(), Problem> {
        let name = &new.link.project;
        for _ in 0..TRIES {
            let stored = self.project(name).await?.ok_or_else(|| not_found(name))?;
            let query = within(pk(name), "LINK#", LINKS, None);
            if self.list::<LinkId>(&query).await?.items.len() >= LINKS {
                let message =
                    format!("The project {name} has {LINKS} join links, which is the maximum.");
                return Err(Problem::new(Code::LimitReached, message)
                    .hint(format!("Revoke one: prism project link revoke {name} ID")));
            }
            let revision = stored.revision + 1;
            let writes = [
                Write::Put(project_item(&stored.value, revision)?, stored.unchanged()),
                Write::Put(link_item(new, 1)?, Condition::ItemAbsent),
                Write::Put(listed_item(&new.link)?, Condition::Always),
                audit_write(event, revision)?,
            ];
            if self.commit(&writes).await? {
                return Ok(());
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// Removes a join link of a project. Returns whether there was one.
    pub(crate) async fn remove_link(
        &self,
        project: &ProjectName,
        id: &LinkId,
        event: &AuditEvent,
    ) -> Result<bool, Problem> {
        for _ in 0..TRIES {
            let stored = self.link(id).await?;
            let Some(stored) = stored.filter(|stored| stored.value.link.project == *project) else {
                return Ok(false);
            };
            let writes = [
                Write::Delete(link_key(id), stored.unchanged()),
                Write::Delete(listed_key(project, id), Condition::Always),
                audit_write(event, stored.revision + 1)?,
            ];
            if self.commit(&writes).await? {
                return Ok(true);
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// Adds a member by a join link, and counts the use, in one transaction. Returns `false`, and does nothing, if the
    /// link, the project or the user's projects have changed since they were read.
    pub(crate) async fn join(
        &self,
        link: &Stored<HashedLink>,
        project: &Stored<Project>,
        member: &Member,
        event: &AuditEvent,
    ) -> Result<bool, Problem> {
        let (counted, mut writes) = self.joining(&project.value, member).await?;
        let mut used = link.value.clone();
        used.link.used += 1;
        writes.extend([
            Write::Put(
                project_item(&counted, project.revision + 1)?,
                project.unchanged(),
            ),
            Write::Put(link_item(&used, link.revision + 1)?, link.unchanged()),
            audit_write(event, project.revision + 1)?,
        ]);
        self.commit(&writes).await
    }

    /// Returns the project with a new member and the writes that add the member, unless the project or the user has the
    /// maximum. Nothing is written.
    pub(crate) async fn joining(
        &self,
        project: &Project,
        member: &Member,
    ) -> Result<(Project, Vec<Write>), Problem> {
        let memberships = self.memberships(&member.user).await?;
        let mut counted = project.clone();
        count(&mut counted, None, Some(member))?;
        let writes = writes_of(&project.name, member, None, &memberships)?;
        Ok((counted, writes))
    }
}
