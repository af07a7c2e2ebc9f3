//! Projects, their members, and their lists of templates.

use futures::future::try_join_all;

use super::audit::audit_write;
use super::items::approval::{approval_item, approval_key};
use super::items::member::{member_item, member_key, memberships_item, memberships_key};
use super::items::place::ProjectTemplate;
use super::items::project::{project_item, project_key};
use super::items::sums::{Mark, no_sums};
use super::records::{Stored, within};
use super::{Listed, Registry, TRIES, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::project::{Approval, MEMBERS, Member, Memberships, PROJECTS, Project};
use crate::domain::template::{TemplateState, Version};
use crate::domain::{Code, MicroUsd, Problem, ProjectName, TemplateName, Timestamp, UserId};
use crate::ports::table_rules::QUERY_LIMIT;
use crate::ports::{Condition, TableError, Write};

/// How many templates' versions are read concurrently.
const AT_ONCE: usize = 16;

/// The condition that a record is unchanged since it was read. Revision 0 means that it did not exist.
pub(super) fn as_read<T>(stored: &Stored<T>) -> Condition {
    match stored.revision {
        0 => Condition::ItemAbsent,
        _ => stored.unchanged(),
    }
}

#[derive(Debug, Clone)]
pub(crate) enum MemberChange {
    Put(Member),
    Remove,
}

impl Registry {
    pub async fn project(&self, name: &ProjectName) -> Result<Option<Stored<Project>>, Problem> {
        let stored = self.stored::<Project>(&project_key(name)).await?;
        Ok(stored.filter(|stored| stored.value.deleted_at.is_none()))
    }

    /// Returns the projects that a user is a member of. If the user was never added to a project, the result is empty
    /// and has revision 0.
    pub async fn memberships(&self, user: &UserId) -> Result<Stored<Memberships>, Problem> {
        let stored = self.stored(&memberships_key(user)).await?;
        Ok(stored.unwrap_or(Stored {
            value: Memberships::default(),
            revision: 0,
        }))
    }

    pub async fn member(
        &self,
        project: &ProjectName,
        user: &UserId,
    ) -> Result<Option<Member>, Problem> {
        self.value(&member_key(project, user)).await
    }

    pub async fn members(
        &self,
        project: &ProjectName,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Member>, Problem> {
        self.list(&within(pk(project), "MEMBER#", limit, cursor))
            .await
    }

    /// Returns all members of a project, by name.
    pub(crate) async fn all_members(&self, name: &ProjectName) -> Result<Vec<Member>, Problem> {
        let (mut members, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.members(name, QUERY_LIMIT, cursor).await?;
            members.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(members);
            }
        }
    }

    /// Returns the members of a project whose names begin with a text, by name.
    pub(crate) async fn members_like(
        &self,
        project: &ProjectName,
        begin: &str,
        limit: usize,
    ) -> Result<Listed<Member>, Problem> {
        let begin = format!("MEMBER#{begin}");
        self.list(&within(pk(project), begin, limit, None)).await
    }

    pub async fn templates_of_project(
        &self,
        project: &ProjectName,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<ProjectTemplate>, Problem> {
        self.list(&within(pk(project), "TEMPLATE#", limit, cursor))
            .await
    }

    /// The maximum cost of a project's templates, in USD per month. It is counted from the versions, not read from the
    /// stored sum.
    pub async fn project_usd(&self, project: &ProjectName) -> Result<f64, Problem> {
        Ok(self.count_project(project).await?.usd())
    }

    /// The same as an exact amount.
    pub(super) async fn count_project(&self, project: &ProjectName) -> Result<MicroUsd, Problem> {
        let (mut costs, mut cursor) = (MicroUsd::ZERO, None);
        loop {
            let page = self
                .templates_of_project(project, QUERY_LIMIT, cursor)
                .await?;
            for some in page.items.chunks(AT_ONCE) {
                let read = some.iter().map(|it| self.count_template(&it.template));
                costs += try_join_all(read).await?.into_iter().sum();
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(costs);
            }
        }
    }

    /// Returns all versions of a template that are not deleted, newest first.
    pub async fn all_versions(&self, name: &TemplateName) -> Result<Vec<Version>, Problem> {
        let mut versions = self.every_version(name).await?;
        versions.retain(|version| version.state != TemplateState::Deleted);
        Ok(versions)
    }

    /// Returns all versions of a template, including the deleted ones, newest first.
    pub(crate) async fn every_version(&self, name: &TemplateName) -> Result<Vec<Version>, Problem> {
        let (mut versions, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.versions(name, QUERY_LIMIT, cursor).await?;
            versions.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(versions);
            }
        }
    }

    /// Returns the approvals of a project, sorted by template name.
    pub async fn approvals(
        &self,
        project: &ProjectName,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Approval>, Problem> {
        self.list(&within(pk(project), "APPROVED#", limit, cursor))
            .await
    }

    pub async fn approval(
        &self,
        project: &ProjectName,
        template: &TemplateName,
    ) -> Result<Option<Approval>, Problem> {
        self.value(&approval_key(project, template)).await
    }

    pub(crate) async fn add_project(
        &self,
        project: &Project,
        owner: &Member,
        event: &AuditEvent,
    ) -> Result<(), Problem> {
        for _ in 0..TRIES {
            let before = self.memberships(&owner.user).await?;
            let mut memberships = before.value.clone();
            memberships.roles.insert(project.name.clone(), owner.role);
            check_projects(&owner.user, &memberships)?;
            let writes = [
                Write::Put(project_item(project, 1)?, Condition::ItemAbsent),
                Write::Put(member_item(&project.name, owner)?, Condition::Always),
                Write::Put(
                    memberships_item(&owner.user, &memberships, before.revision + 1)?,
                    as_read(&before),
                ),
                audit_write(event, before.revision + 1)?,
                no_sums(&project.name),
            ];
            match self.table.transact(&writes).await {
                Ok(()) => return Ok(()),
                Err(TableError::ConditionFailed { write: 0 }) => {
                    let message = format!("The project {} already exists.", project.name);
                    return Err(Problem::new(Code::ProjectNameTaken, message));
                }
                Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// Changes a project's record and writes an audit event. `change` receives the current record and can be called
    /// several times. If it changes nothing, nothing is written. The closure can also complete the event.
    pub(crate) async fn change_project(
        &self,
        name: &ProjectName,
        event: Option<&AuditEvent>,
        mut change: impl FnMut(&Stored<Project>, &mut Project) -> Result<(), Problem>,
    ) -> Result<Stored<Project>, Problem> {
        for _ in 0..TRIES {
            let stored = self.project(name).await?.ok_or_else(|| not_found(name))?;
            let mut project = stored.value.clone();
            change(&stored, &mut project)?;
            if project == stored.value {
                return Ok(stored);
            }
            let revision = stored.revision + 1;
            let item = project_item(&project, revision)?;
            let mut writes = vec![Write::Put(item, stored.unchanged())];
            if let Some(event) = event {
                writes.push(audit_write(event, revision)?);
            }
            if self.commit(&writes).await? {
                return Ok(Stored {
                    value: project,
                    revision,
                });
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// Changes a member: writes the member's row, the user's memberships, the project's counts and an audit event in
    /// one transaction. `change` receives the current member and can be called several times; `None` means no change.
    pub(crate) async fn change_member(
        &self,
        name: &ProjectName,
        user: &UserId,
        event: &AuditEvent,
        mut change: impl FnMut(
            &Stored<Project>,
            Option<&Member>,
        ) -> Result<Option<MemberChange>, Problem>,
    ) -> Result<Option<Member>, Problem> {
        for _ in 0..TRIES {
            let stored = self.project(name).await?.ok_or_else(|| not_found(name))?;
            let before = self.member(name, user).await?;
            let memberships = self.memberships(user).await?;
            let Some(change) = change(&stored, before.as_ref())? else {
                return Ok(before);
            };
            let after = match change {
                MemberChange::Put(member) => Some(member),
                MemberChange::Remove => None,
            };
            let mut project = stored.value.clone();
            count(&mut project, before.as_ref(), after.as_ref())?;
            let mut roles = memberships.value.clone();
            let write = if let Some(member) = &after {
                roles.roles.insert(name.clone(), member.role);
                check_projects(user, &roles)?;
                let item = member_item(name, member)?;
                Write::Put(item, Condition::Always)
            } else {
                roles.roles.remove(name);
                Write::Delete(member_key(name, user), Condition::Always)
            };
            let (revision, mark) = (stored.revision + 1, memberships.revision + 1);
            let writes = [
                Write::Put(project_item(&project, revision)?, stored.unchanged()),
                write,
                Write::Put(memberships_item(user, &roles, mark)?, as_read(&memberships)),
                audit_write(event, mark)?,
            ];
            if self.commit(&writes).await? {
                return Ok(after);
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// Deletes a project whose last member is this owner. The project is kept if a member was added since it was read,
    /// or if a save or copy began at its expense since its mark was read. Returns whether the project was deleted.
    pub(crate) async fn remove_project(
        &self,
        stored: &Stored<Project>,
        mark: Mark,
        owner: &UserId,
        at: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, Problem> {
        let name = &stored.value.name;
        let memberships = self.memberships(owner).await?;
        let mut roles = memberships.value.clone();
        roles.roles.remove(name);
        let revision = memberships.revision + 1;
        let deleted = Project {
            deleted_at: Some(at),
            budget: None,
            members: 0,
            owners: 0,
            ..stored.value.clone()
        };
        let item = project_item(&deleted, stored.revision + 1)?;
        let writes = [
            Write::Put(item, stored.unchanged()),
            Write::Delete(member_key(name, owner), Condition::Always),
            Write::Put(
                memberships_item(owner, &roles, revision)?,
                as_read(&memberships),
            ),
            audit_write(event, revision)?,
            mark.check(name),
        ];
        self.commit(&writes).await
    }

    /// Approves a template for a project or withdraws the approval, and writes an audit event, in one transaction that
    /// increases the project's revision. `check` receives the current project and can be called several times. An
    /// existing approval is kept and returned.
    pub(crate) async fn change_approval(
        &self,
        name: &ProjectName,
        template: &TemplateName,
        after: Option<&Approval>,
        event: &AuditEvent,
        check: impl Fn(&Stored<Project>) -> Result<(), Problem>,
    ) -> Result<Option<Approval>, Problem> {
        for _ in 0..TRIES {
            let stored = self.project(name).await?.ok_or_else(|| not_found(name))?;
            check(&stored)?;
            let before = self.approval(name, template).await?;
            if before.is_some() == after.is_some() {
                return Ok(before);
            }
            let write = match after {
                Some(approval) => {
                    Write::Put(approval_item(name, template, approval)?, Condition::Always)
                }
                None => Write::Delete(approval_key(name, template), Condition::Always),
            };
            let revision = stored.revision + 1;
            let project = project_item(&stored.value, revision)?;
            let writes = [
                Write::Put(project, stored.unchanged()),
                write,
                audit_write(event, revision)?,
            ];
            if self.commit(&writes).await? {
                return Ok(after.cloned());
            }
        }
        Err(problem(TableError::Conflict))
    }
}

pub(super) fn pk(project: &ProjectName) -> String {
    format!("PROJECT#{project}")
}

/// Updates the project's counts and checks their rules: it needs an owner, and must not have too many members.
pub(super) fn count(
    project: &mut Project,
    before: Option<&Member>,
    after: Option<&Member>,
) -> Result<(), Problem> {
    let owner = |member: Option<&Member>| {
        u32::from(member.is_some_and(|it| it.role == crate::domain::project::ProjectRole::Owner))
    };
    let there = |member: Option<&Member>| u32::from(member.is_some());
    project.members = project.members + there(after) - there(before);
    project.owners = project.owners + owner(after) - owner(before);
    if project.owners == 0 {
        let message = format!("The project {} would have no owner.", project.name);
        return Err(Problem::new(Code::OwnerNeeded, message));
    }
    if usize::try_from(project.members).unwrap_or(usize::MAX) > MEMBERS {
        let message = format!(
            "The project {} already has {MEMBERS} members, which is the maximum.",
            project.name
        );
        return Err(Problem::new(Code::LimitReached, message));
    }
    Ok(())
}

pub(crate) fn check_projects(user: &UserId, memberships: &Memberships) -> Result<(), Problem> {
    if memberships.roles.len() <= PROJECTS {
        return Ok(());
    }
    let message = format!("{user} is already in {PROJECTS} projects, which is the maximum.");
    Err(Problem::new(Code::LimitReached, message))
}

pub(super) fn not_found(name: &ProjectName) -> Problem {
    let message = format!("You are not in a project {name}.");
    Problem::new(Code::ProjectNotFound, message)
}
