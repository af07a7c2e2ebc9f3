//! Templates and versions.

use super::audit::audit_write;
use super::grants::grant_write;
use super::packages;
use super::projects::place_writes;
use super::records::{Indexed, Stored, decode, encode};
use super::saves::save_item;
use super::{Listed, Registry, TRIES, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::grant::{Grant, GrantState, Grantee};
use crate::domain::save::SaveRecord;
use crate::domain::template::{Template, Version, Visibility};
use crate::domain::{Code, Problem, TemplateName, Timestamp, UserId};
use crate::ports::{Condition, Index, Item, Key, Query, SortKeys, TableError, Write};

/// Whose templates are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// Those that somebody owns.
    OwnedBy(UserId),
    /// Those that everybody may use.
    Public,
}

pub(super) fn template_key(name: &TemplateName) -> Key {
    Key::new(format!("TEMPLATE#{name}"), "META")
}

pub(super) fn version_key(name: &TemplateName, number: u32) -> Key {
    Key::new(format!("TEMPLATE#{name}"), format!("VERSION#{number:06}"))
}

pub(super) fn template_item(template: &Template, revision: u64) -> Result<Item, Problem> {
    let owned = Indexed {
        index: Index::Gsi1,
        pk: format!("OWNER#{}", template.owner),
        sk: format!("TEMPLATE#{}", template.name),
    };
    let public = (template.visibility == Visibility::Public).then(|| Indexed {
        index: Index::Gsi2,
        pk: "TEMPLATES#PUBLIC".to_owned(),
        sk: template.name.to_string(),
    });
    encode(
        template_key(&template.name),
        template,
        revision,
        [owned].into_iter().chain(public),
    )
}

impl Registry {
    /// A template.
    pub async fn template(&self, name: &TemplateName) -> Result<Option<Stored<Template>>, Problem> {
        let item = self.table.get(&template_key(name)).await.map_err(problem)?;
        item.as_ref().map(decode).transpose()
    }

    /// A version of a template.
    pub async fn version(
        &self,
        name: &TemplateName,
        number: u32,
    ) -> Result<Option<Version>, Problem> {
        let stored = self.stored_version(name, number).await?;
        Ok(stored.map(|stored| stored.value))
    }

    /// The same with its revision.
    pub(super) async fn stored_version(
        &self,
        name: &TemplateName,
        number: u32,
    ) -> Result<Option<Stored<Version>>, Problem> {
        let key = version_key(name, number);
        let item = self.table.get(&key).await.map_err(problem)?;
        item.as_ref().map(decode).transpose()
    }

    /// The versions of a template, the newest first.
    pub async fn versions(
        &self,
        name: &TemplateName,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Version>, Problem> {
        let query = Query {
            index: Index::Primary,
            pk: format!("TEMPLATE#{name}"),
            sort_keys: SortKeys::BeginsWith("VERSION#".to_owned()),
            descending: true,
            limit,
            cursor,
        };
        self.list(&query).await
    }

    /// Templates by name.
    pub async fn templates(
        &self,
        listing: &Listing,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Template>, Problem> {
        let (index, pk, sort_keys) = match listing {
            Listing::OwnedBy(user) => (
                Index::Gsi1,
                format!("OWNER#{user}"),
                SortKeys::BeginsWith("TEMPLATE#".to_owned()),
            ),
            Listing::Public => (Index::Gsi2, "TEMPLATES#PUBLIC".to_owned(), SortKeys::All),
        };
        let query = Query {
            index,
            pk,
            sort_keys,
            descending: false,
            limit,
            cursor,
        };
        self.list(&query).await
    }

    /// Registers the version of a save: the version, the template's latest pointer and the save's
    /// record in one transaction, with the packages that the save found, so that numbers have no gaps and a repeated call registers once
    /// (promises P4, P5). `build` makes template and version out of the template as it stands. The
    /// AMIs were opened by the grants that the template had at the revision `opened`: where it has
    /// another by now, [`Code::RegistryConflict`] says so.
    pub(crate) async fn register_version(
        &self,
        record: &SaveRecord,
        opened: Option<u64>,
        event: &AuditEvent,
        build: impl Fn(Option<&Template>) -> Result<(Template, Version), Problem>,
    ) -> Result<u32, Problem> {
        let packages = self.packages_of_save(&record.save_id).await?;
        for _ in 0..TRIES {
            let Some(save) = self.save(&record.save_id).await? else {
                return Err(Problem::new(
                    Code::SaveNotFound,
                    format!("There is no save {}.", record.save_id),
                ));
            };
            if let Some(number) = save.value.version {
                return Ok(number);
            }
            if save.value.epoch != record.epoch {
                return Err(Problem::new(
                    Code::Superseded,
                    format!("A recovery of {} has taken over.", record.save_id),
                ));
            }
            let before = self.template(&record.request.template).await?;
            if before.as_ref().map(|stored| stored.revision) != opened {
                return Err(problem(TableError::Conflict));
            }
            let (template, mut version) = build(before.as_ref().map(|stored| &stored.value))?;
            version.packages = packages.as_ref().map(|inventory| inventory.packages.len());
            let mut after = save.value.clone();
            after.version = Some(version.number);
            after.usd_per_month = Some(version.usd_per_month);
            let (revision, unchanged) = match &before {
                Some(stored) => (stored.revision + 1, stored.unchanged()),
                None => (1, Condition::ItemAbsent),
            };
            let mut writes = vec![
                Write::Put(
                    encode(
                        version_key(&version.template, version.number),
                        &version,
                        1,
                        [],
                    )?,
                    Condition::ItemAbsent,
                ),
                Write::Put(template_item(&template, revision)?, unchanged),
                Write::Put(save_item(&after, save.revision + 1)?, save.unchanged()),
            ];
            if let Some(inventory) = &packages {
                let item = packages::version_item(&version.template, version.number, inventory)?;
                writes.push(Write::Put(item, Condition::ItemAbsent));
            }
            let before = before.as_ref().map(|stored| &stored.value);
            let public_before = before.is_some_and(|it| it.visibility == Visibility::Public);
            if template.visibility == Visibility::Public && !public_before {
                writes.push(grant_write(&Grant {
                    template: template.name.clone(),
                    to: Grantee::Public,
                    by: record.saved_by.clone(),
                    at: version.saved_date,
                    state: GrantState::Open,
                })?);
            }
            let project_before = before.and_then(|it| it.project.as_ref());
            let (name, project) = (&template.name, template.project.as_ref());
            writes.extend(place_writes(name, project_before, project)?);
            let event = event.clone().of_project(project);
            writes.push(audit_write(
                &event.with("version", version.number),
                revision,
            )?);
            match self.table.transact(&writes).await {
                Ok(()) => return Ok(version.number),
                Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// Counts a launch of a template.
    pub(crate) async fn count_launch(
        &self,
        name: &TemplateName,
        at: Timestamp,
    ) -> Result<(), Problem> {
        for _ in 0..TRIES {
            let Some(stored) = self.template(name).await? else {
                return Ok(());
            };
            let mut template = stored.value.clone();
            template.launches += 1;
            template.last_launched_at = Some(at);
            let write = Write::Put(
                template_item(&template, stored.revision + 1)?,
                stored.unchanged(),
            );
            match self.table.transact(&[write]).await {
                Ok(()) => return Ok(()),
                Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }
}
