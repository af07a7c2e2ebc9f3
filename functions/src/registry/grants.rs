//! Grants: the recipients of templates. Grants are stored beside their template, and every change to them increases
//! the template's revision. A caller that reads a template and then its grants, and then writes the template on the
//! condition that it is unchanged, has therefore read all of its grants.

use super::audit::audit_write;
use super::items::grant::{given_to_pk, grant_key, grant_write};
use super::records::{Stored, indexed, within};
use super::templates::template_changed;
use super::{Listed, Registry, TRIES, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::grant::{GRANTS, Grant, GrantState, Grantee};
use crate::domain::template::{Template, TemplateState, Visibility};
use crate::domain::{Code, Problem, TemplateName};
use crate::ports::{Condition, TableError, Write};

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

#[derive(Debug, Clone)]
pub(crate) enum GrantChange {
    Put(Grant),
    Remove(Grantee),
}

impl Registry {
    pub async fn grants(&self, template: &TemplateName) -> Result<Vec<Grant>, Problem> {
        // One more than the maximum number of grants.
        let query = within(format!("TEMPLATE#{template}"), "GRANT#", GRANTS + 1, None);
        Ok(self.list(&query).await?.items)
    }

    /// Returns the grants of a template that was read; an empty list if there is no template.
    pub(crate) async fn grants_of(
        &self,
        template: Option<&Stored<Template>>,
    ) -> Result<Vec<Grant>, Problem> {
        match template {
            Some(stored) => self.grants(&stored.value.name).await,
            None => Ok(Vec::new()),
        }
    }

    /// Returns the grants of a template to users whose names begin with a text, by name.
    pub(crate) async fn grants_to_users_like(
        &self,
        template: &TemplateName,
        begin: &str,
    ) -> Result<Vec<Grant>, Problem> {
        let begin = format!("GRANT#user:{begin}");
        let query = within(format!("TEMPLATE#{template}"), begin, GRANTS, None);
        Ok(self.list(&query).await?.items)
    }

    pub async fn grant(
        &self,
        template: &TemplateName,
        to: &Grantee,
    ) -> Result<Option<Grant>, Problem> {
        self.value(&grant_key(template, to)).await
    }

    /// Returns the grants to a user or a project, sorted by template name.
    pub async fn given_to(
        &self,
        to: &Grantee,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Grant>, Problem> {
        let query = indexed(given_to_pk(to), "TEMPLATE#", limit, cursor);
        self.list(&query).await
    }

    /// Changes a grant and the template's visibility, and writes an audit event, in one transaction. `change` receives
    /// the current template and grants, and can be called several times; `None` means no change.
    pub(crate) async fn change_grant(
        &self,
        name: &TemplateName,
        event: Option<&AuditEvent>,
        mut change: impl FnMut(&Stored<Template>, &[Grant]) -> Result<Option<GrantChange>, Problem>,
    ) -> Result<Template, Problem> {
        for _ in 0..TRIES {
            // A deleted template has no grants and must not get any: a new template with the same name would inherit
            // them.
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
                            "The template {name} already has {GRANTS} shares, which is the maximum."
                        );
                        return Err(Problem::new(Code::LimitReached, message).hint(
                            "Share it with a project instead of each user, or revoke a share.",
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
            if self.commit(&writes).await? {
                return Ok(template);
            }
        }
        Err(problem(TableError::Conflict))
    }

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
