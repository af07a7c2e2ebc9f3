//! Grants: to whom templates are given. They lie beside the template, and every change of them raises
//! the template's revision: whoever has read a template and then its grants, and writes the template
//! unchanged, has read them all.

use super::audit::audit_write;
use super::items::grant::{given_to_pk, grant_key, grant_write};
use super::records::{Stored, decode};
use super::templates::template_changed;
use super::{Listed, Registry, TRIES, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::grant::{GRANTS, Grant, GrantState, Grantee};
use crate::domain::template::{Template, TemplateState, Visibility};
use crate::domain::{Code, Problem, TemplateName};
use crate::ports::{Condition, Index, Query, SortKeys, TableError, Write};

/// How far a template is open with these grants.
fn visibility(template: &Template, grants: &[Grant]) -> Visibility {
    let open = |grant: &&Grant| grant.state == GrantState::Open;
    let reach = grants.iter().filter(open).map(|grant| match &grant.to {
        Grantee::Public => 3,
        Grantee::Project(project) if Some(project) == template.project.as_ref() => 1,
        _ => 2,
    });
    match reach.max() {
        None => Visibility::Private,
        Some(1) => Visibility::Project,
        Some(2) => Visibility::Shared,
        Some(_) => Visibility::Public,
    }
}

/// What becomes of one grant of a template.
#[derive(Debug, Clone)]
pub(crate) enum GrantChange {
    /// It is there, as this.
    Put(Grant),
    /// It is gone.
    Remove(Grantee),
}

impl Registry {
    /// The grants of a template, all of them.
    pub async fn grants(&self, template: &TemplateName) -> Result<Vec<Grant>, Problem> {
        let query = Query {
            index: Index::Primary,
            pk: format!("TEMPLATE#{template}"),
            sort_keys: SortKeys::BeginsWith("GRANT#".to_owned()),
            descending: false,
            // One more than there can be.
            limit: GRANTS + 1,
            cursor: None,
        };
        Ok(self.list(&query).await?.items)
    }

    /// The grants of a template that was read; none, where there is none.
    pub(crate) async fn grants_of(
        &self,
        template: Option<&Stored<Template>>,
    ) -> Result<Vec<Grant>, Problem> {
        match template {
            Some(stored) => self.grants(&stored.value.name).await,
            None => Ok(Vec::new()),
        }
    }

    /// What a template's grant to somebody is, where there is one.
    pub async fn grant(
        &self,
        template: &TemplateName,
        to: &Grantee,
    ) -> Result<Option<Grant>, Problem> {
        let item = self.table.get(&grant_key(template, to)).await;
        let item = item.map_err(problem)?;
        let stored = item.map(|item| decode::<Grant>(&item)).transpose()?;
        Ok(stored.map(|stored| stored.value))
    }

    /// What is given to a user or a project, by the names of the templates.
    pub async fn given_to(
        &self,
        to: &Grantee,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Grant>, Problem> {
        let query = Query {
            index: Index::Gsi1,
            pk: given_to_pk(to),
            sort_keys: SortKeys::BeginsWith("TEMPLATE#".to_owned()),
            descending: false,
            limit,
            cursor,
        };
        self.list(&query).await
    }

    /// Changes a grant, the template's visibility with it, and writes down who did it, in one
    /// transaction. `change` decides on the template and its grants as they stand, and may be asked
    /// several times; `None` leaves all as it is.
    pub(crate) async fn change_grant(
        &self,
        name: &TemplateName,
        event: Option<&AuditEvent>,
        mut change: impl FnMut(&Stored<Template>, &[Grant]) -> Result<Option<GrantChange>, Problem>,
    ) -> Result<Template, Problem> {
        for _ in 0..TRIES {
            // What is deleted has no grants, and gets none: the next template of its name would have them.
            let there = |it: &Stored<Template>| it.value.state != TemplateState::Deleted;
            let Some(stored) = self.template(name).await?.filter(there) else {
                let message = format!("There is no template {name}.");
                return Err(Problem::new(Code::TemplateNotFound, message));
            };
            let mut grants = self.grants(name).await?;
            let Some(change) = change(&stored, &grants)? else {
                return Ok(stored.value);
            };
            let write = match &change {
                GrantChange::Put(grant) => {
                    grants.retain(|other| other.to != grant.to);
                    grants.push(grant.clone());
                    if grants.len() > GRANTS {
                        let message = format!(
                            "The template {name} is shared {GRANTS} times already; more are not possible."
                        );
                        return Err(Problem::new(Code::LimitReached, message).hint(
                            "Share it with a project instead of each user, or take a share back.",
                        ));
                    }
                    grant_write(grant)?
                }
                GrantChange::Remove(to) => {
                    grants.retain(|other| other.to != *to);
                    Write::Delete(grant_key(name, to), Condition::Always)
                }
            };
            let mut template = stored.value.clone();
            template.visibility = visibility(&template, &grants);
            let revision = stored.revision + 1;
            let mut writes = template_changed(&stored, &template)?;
            writes.push(write);
            if let Some(event) = event {
                let event = event.clone().of_project(template.project.as_ref());
                writes.push(audit_write(&event, revision)?);
            }
            match self.table.transact(&writes).await {
                Ok(()) => return Ok(template),
                Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// The writes that take back all grants of a template, for the transaction that deletes it.
    pub(crate) async fn without_grants(
        &self,
        template: &TemplateName,
    ) -> Result<Vec<Write>, Problem> {
        let grants = self.grants(template).await?;
        let keys = grants.iter().map(|grant| grant_key(template, &grant.to));
        Ok(keys
            .map(|key| Write::Delete(key, Condition::Always))
            .collect())
    }
}
