//! Templates and versions.

use super::audit::audit_write;
use super::items::grant::grant_write;
use super::items::place::place_writes;
use super::items::save::save_item;
use super::items::template::{DELETIONS, TEMPLATE_SK, read_template, template_key, template_write};
use super::items::version::{child_prefix, children_of, read_version, version_key, version_write};
use super::records::{Stored, indexed, open, within};
use super::sums::{self, Batch};
use super::{Listed, Registry, TRIES, entries, images, packages, problem};
use crate::domain::audit::{AuditAction, AuditEvent};
use crate::domain::ec2::LaunchPermission;
use crate::domain::grant::{Grant, GrantState, Grantee};
use crate::domain::inventory::Inventory;
use crate::domain::save::SaveRecord;
use crate::domain::template::{Template, TemplateRef, Version, Visibility};
use crate::domain::{Code, Problem, TemplateName};
use crate::ports::{Condition, Query, TableError, Write};

/// A template or version whose deletion is in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Going {
    Template(TemplateName),
    Version(TemplateName, u32),
}

pub(crate) struct Registration {
    pub(crate) template: Template,
    pub(crate) version: Version,
    /// The previous state of the version, if the save adds to an existing one.
    pub(crate) before: Option<Stored<Version>>,
}

/// The writes that change a template that is unchanged since it was read, including its index items.
pub(super) fn template_changed(
    before: &Stored<Template>,
    after: &Template,
) -> Result<Vec<Write>, Problem> {
    let projects = (before.value.project.as_ref(), after.project.as_ref());
    let mut writes = place_writes(&after.name, projects.0, projects.1)?;
    writes.extend(entries::writes(Some(&before.value), after)?);
    let as_read = sums::template_as_read(before, after);
    writes.push(template_write(after, before.revision + 1, as_read)?);
    Ok(writes)
}

fn template_added(template: &Template) -> Result<Vec<Write>, Problem> {
    let mut writes = place_writes(&template.name, None, template.project.as_ref())?;
    writes.extend(entries::writes(None, template)?);
    writes.push(template_write(template, 1, Condition::ItemAbsent)?);
    Ok(writes)
}

fn registration(
    save: &Stored<SaveRecord>,
    made: &Registration,
    packages: Option<&Inventory>,
) -> Result<Batch, Problem> {
    let mut batch;
    if let Some(before) = &made.before {
        batch = version_changed(before, &made.version)?;
    } else {
        let version = Version {
            packages: packages.map(|inventory| inventory.packages.len()),
            ..made.version.clone()
        };
        batch = version_added(&version)?;
        if let Some(inventory) = packages {
            let (name, number) = (&version.template, version.number);
            batch.push(packages::packages_of(name, number, inventory)?);
        }
    }
    let mut after = save.value.clone();
    after.version = Some(made.version.number);
    after.usd_per_month = Some(made.version.usd_per_month);
    let item = save_item(&after, save.revision + 1)?;
    batch.push(Write::Put(item, save.unchanged()));
    Ok(batch)
}

fn opening_write(
    record: &SaveRecord,
    before: Option<&Template>,
    made: &Registration,
    launch: Option<LaunchPermission>,
) -> Result<Option<Write>, Problem> {
    let public = |template: &Template| template.visibility == Visibility::Public;
    if !public(&made.template) || before.is_some_and(public) {
        return Ok(None);
    }
    let grant = Grant {
        template: made.template.name.clone(),
        to: Grantee::Public,
        by: record.saved_by.clone(),
        at: made.version.saved_date,
        state: GrantState::Open,
        launch,
        with_snapshots: false,
        closed_from: None,
    };
    grant_write(&grant).map(Some)
}

/// The writes that change a version that is unchanged since it was read, including the items of its AMIs.
pub(crate) fn version_changed(before: &Stored<Version>, after: &Version) -> Result<Batch, Problem> {
    let mut writes = images::writes(Some(&before.value), after)?;
    writes.push(version_write(
        after,
        before.revision + 1,
        before.unchanged(),
    )?);
    Ok(Batch::of_version(writes, Some(&before.value), after))
}

pub(crate) fn version_unchanged(before: &Stored<Version>) -> Write {
    let key = version_key(&before.value.template, before.value.number);
    Write::Check(key, before.unchanged())
}

pub(crate) fn version_added(version: &Version) -> Result<Batch, Problem> {
    let mut writes = images::writes(None, version)?;
    writes.push(version_write(version, 1, Condition::ItemAbsent)?);
    Ok(Batch::of_version(writes, None, version))
}

impl Registry {
    pub async fn template(&self, name: &TemplateName) -> Result<Option<Stored<Template>>, Problem> {
        let item = self.table.get(&template_key(name)).await.map_err(problem)?;
        item.as_ref().map(read_template).transpose()
    }

    pub async fn stored_version(
        &self,
        name: &TemplateName,
        number: u32,
    ) -> Result<Option<Stored<Version>>, Problem> {
        let key = version_key(name, number);
        let item = self.table.get(&key).await.map_err(problem)?;
        item.as_ref().map(read_version).transpose()
    }

    pub async fn version(
        &self,
        name: &TemplateName,
        number: u32,
    ) -> Result<Option<Version>, Problem> {
        let stored = self.stored_version(name, number).await?;
        Ok(stored.map(|stored| stored.value))
    }

    /// Returns the versions of a template, newest first.
    pub async fn versions(
        &self,
        name: &TemplateName,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Version>, Problem> {
        let query = within(format!("TEMPLATE#{name}"), "VERSION#", limit, cursor);
        let query = Query {
            descending: true,
            ..query
        };
        self.list_by(&query, read_version).await
    }

    /// Returns the versions of any template that were saved from an instance of this version or built-in template,
    /// sorted by template name.
    pub async fn children(
        &self,
        parent: &TemplateRef,
        limit: usize,
    ) -> Result<Listed<Version>, Problem> {
        let query = indexed(children_of(&parent.name), child_prefix(parent), limit, None);
        self.list_by(&query, read_version).await
    }

    /// Changes a version that is unchanged since it was read, and writes an audit event. The costs of the version must
    /// stay the same. Returns whether the change was made.
    pub(crate) async fn replace_version(
        &self,
        before: &Stored<Version>,
        after: &Version,
        event: Option<&AuditEvent>,
    ) -> Result<bool, Problem> {
        let mut writes = version_changed(before, after)?.without_sums()?;
        if let Some(event) = event {
            writes.push(audit_write(event, before.revision + 1)?);
        }
        self.commit(&writes).await
    }

    /// Returns the templates and versions whose deletion is in progress, oldest first.
    pub(crate) async fn deletions(&self, limit: usize) -> Result<Vec<Going>, Problem> {
        let query = open(DELETIONS, limit, None);
        let page = self.table.query(&query).await.map_err(problem)?;
        let going = page.items.iter().map(|item| {
            if item.key.sk == TEMPLATE_SK {
                let template = read_template(item)?.value;
                return Ok(Going::Template(template.name));
            }
            let version = read_version(item)?.value;
            Ok(Going::Version(version.template, version.number))
        });
        going.collect()
    }

    /// Changes a template that is unchanged since it was read, writes an audit event, and performs the writes of
    /// `more`, in one transaction. Returns false after a concurrent change.
    pub(crate) async fn replace_template(
        &self,
        before: &Stored<Template>,
        after: &Template,
        event: &AuditEvent,
        more: Batch,
    ) -> Result<bool, Problem> {
        let mut after = after.clone();
        let mut writes = self
            .with_sums(Some(&before.value), &mut after, more)
            .await?;
        writes.extend(template_changed(before, &after)?);
        let (left, now) = (before.value.project.as_ref(), after.project.as_ref());
        let event = event.clone().of_project(now.or(left));
        writes.push(audit_write(&event, before.revision + 1)?);
        if let (Some(left), Some(now)) = (left, now)
            && left != now
        {
            let event = AuditEvent {
                action: AuditAction::TemplateLeaveProject.into(),
                details: serde_json::Map::new(),
                ..event
            };
            let event = event.of_project(Some(left)).with("to", now);
            writes.push(audit_write(&event, before.revision + 1)?);
        }
        self.commit(&writes).await
    }

    /// Records that nothing is left of a deleted template. There is no audit event because no user does this.
    pub(crate) async fn finish_deletion(
        &self,
        before: &Stored<Template>,
        after: &Template,
    ) -> Result<bool, Problem> {
        self.commit(&template_changed(before, after)?).await
    }

    /// Writes the deletion of a version of a template that is being deleted, on condition that the template is
    /// unchanged. Returns whether this was done.
    pub(crate) async fn delete_with_template(
        &self,
        template: &Stored<Template>,
        deleted: Batch,
    ) -> Result<bool, Problem> {
        let mut writes = deleted.of_nobody();
        let key = template_key(&template.value.name);
        writes.push(Write::Check(key, template.unchanged()));
        self.commit(&writes).await
    }

    /// Performs all of the writes, or none of them after a concurrent change. Returns whether they were performed.
    pub(crate) async fn commit(&self, writes: &[Write]) -> Result<bool, Problem> {
        match self.table.transact(writes).await {
            Ok(()) => Ok(true),
            Err(TableError::ConditionFailed { .. } | TableError::Conflict) => Ok(false),
            Err(error) => Err(problem(error)),
        }
    }

    /// Registers the result of a save, which is either a new version or a further architecture of an existing version.
    /// The template, the save's record and the packages that the save found are written in the same transaction, so
    /// that version numbers have no gaps and a repeated call registers only once (promises P4, P5). `build` creates
    /// the result from the current template and, if the save adds to a version, from the current version. The AMIs
    /// have launch permissions for the grants that the template had at the revision `opened`; if the revision has
    /// changed, the error is [`Code::RegistryConflict`]. `public` is the launch permission that was added if the
    /// template is public.
    pub(crate) async fn register_version(
        &self,
        record: &SaveRecord,
        opened: Option<u64>,
        public: Option<LaunchPermission>,
        event: &AuditEvent,
        build: impl Fn(Option<&Template>, Option<Stored<Version>>) -> Result<Registration, Problem>,
    ) -> Result<u32, Problem> {
        let packages = self.packages_of_save(&record.save_id).await?;
        let name = &record.request.template;
        for _ in 0..TRIES {
            let save = self.unregistered(record).await?;
            if let Some(number) = save.value.version {
                return Ok(number);
            }
            let before = self.template(name).await?;
            if before.as_ref().map(|stored| stored.revision) != opened {
                return Err(problem(TableError::Conflict));
            }
            let adds_to = match record.plan()?.adds_to {
                Some(number) => self.stored_version(name, number).await?,
                None => None,
            };
            let made = build(before.as_ref().map(|stored| &stored.value), adds_to)?;
            let number = made.version.number;
            let mut writes = registration(&save, &made, packages.as_ref())?;
            if made.before.is_some() {
                let told = self.with_added(name, number, packages.as_ref()).await?;
                writes.extend(told);
            }
            self.redeem(&save.value, &mut writes).await?;
            let known = before.as_ref().map(|stored| &stored.value);
            writes.extend(opening_write(record, known, &made, public.clone())?);
            let event = event.clone().with("version", number);
            let done = match &before {
                Some(stored) => {
                    self.replace_template(stored, &made.template, &event, writes)
                        .await?
                }
                None => self.add_template(&made.template, &event, writes).await?,
            };
            if done {
                return Ok(number);
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// Creates a template, writes an audit event, and performs the writes of `more`, in one transaction. Returns
    /// whether this was done.
    pub(crate) async fn add_template(
        &self,
        template: &Template,
        event: &AuditEvent,
        more: Batch,
    ) -> Result<bool, Problem> {
        let mut template = template.clone();
        let mut writes = self.with_sums(None, &mut template, more).await?;
        writes.extend(template_added(&template)?);
        let event = event.clone().of_project(template.project.as_ref());
        writes.push(audit_write(&event, 1)?);
        self.commit(&writes).await
    }

    /// Returns the current record of a save that may register its version.
    async fn unregistered(&self, record: &SaveRecord) -> Result<Stored<SaveRecord>, Problem> {
        let Some(save) = self.save(&record.save_id).await? else {
            let message = format!("There is no save {}.", record.save_id);
            return Err(Problem::new(Code::SaveNotFound, message));
        };
        if save.value.version.is_none() && save.value.epoch != record.epoch {
            let message = format!("A recovery of the save {} has taken over.", record.save_id);
            return Err(Problem::new(Code::Superseded, message));
        }
        Ok(save)
    }
}
