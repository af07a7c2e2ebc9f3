//! Versions: which one is a template's latest, and how they differ.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::expected::{check, tag};
use super::parts::{Found, IfMatch, Page, Paging};
use super::{Asked, Service};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::diff::{TemplateDiff, diff};
use crate::domain::inventory::Inventory;
use crate::domain::template::{Template, TemplateRef, TemplateState, Version};
use crate::domain::{Code, Problem, TemplateName, catalogue};
use crate::operations::operation::{Answered, operation};
use crate::registry::{Batch, Stored, TRIES, version_unchanged};
use crate::rules::access::{Action, Caller};
use crate::rules::publication::{self, Consent};
use crate::rules::versions::being_deleted;

/// The maximum number of versions that are searched for one to roll back to.
const LOOK_BACK: usize = 100;

/// The result of a rollback, or what it would be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RolledBack {
    /// The template after the rollback.
    pub template: Template,
    /// The previous latest version.
    pub from: u32,
    /// The new latest version.
    pub to: u32,
    /// Whether nothing was changed, because this was a dry run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Who else launches the new latest version by the name alone, in words, such as `the user ben` or `everybody`; absent
    /// if nobody else does, or if it was the latest version already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visible_to: Vec<String>,
}

operation! {
    /// Lists the versions of a saved template, newest first
    ListVersions by list_versions: Get "/v1/templates/{name}/versions" of "templates",
    path: TemplateName, query: Paging,
    output: Found<Page<Version>>,
    rights: [See Template],
}

async fn list_versions(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListVersions>,
) -> Answered<ListVersions> {
    let (name, limit) = (asked.path, asked.query.limit()?);
    service.own_template(caller, &name, Action::See).await?;
    let registry = &service.env.registry;
    let mut listed = registry.versions(&name, limit, asked.query.cursor).await?;
    service.hide_parents(caller, &mut listed.items).await?;
    Ok(Found::new(listed.into()))
}

/// The query that names the version to compare with.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct With {
    /// The version to compare with. A name without a version means its latest version.
    pub with: TemplateRef,
}

operation! {
    /// Compares two versions, including their packages
    DiffVersions by diff_versions: Get "/v1/templates/{name}/versions/{version}/diff" of "templates",
    path: TemplateRef, query: With,
    output: Found<TemplateDiff>,
    rights: [See Template],
}

async fn diff_versions(
    service: &Service,
    caller: &Caller,
    asked: Asked<DiffVersions>,
) -> Answered<DiffVersions> {
    let a = service.compared(caller, &asked.path).await?;
    let b = service.compared(caller, &asked.query.with).await?;
    let found = diff((&a.0, a.1.as_ref()), (&b.0, b.1.as_ref()));
    Ok(Found::new(found))
}

/// The query of a rollback.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Target {
    /// The version to roll back to. By default, this is the version before the latest.
    #[param(value_type = Option<u32>, minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<NonZeroU32>,
    /// Whether you consent to showing sensitive files that this version has and the latest version does not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_sensitive: bool,
    /// Checks everything and returns what the rollback would do, without doing it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

operation! {
    /// Makes another version of a template its latest one
    ///
    /// It can be an earlier version or, afterwards, a later one. The versions themselves do not change, and the next save
    /// still creates the next version number.
    RollBackTemplate by roll_back_template: Post "/v1/templates/{name}/rollback" of "templates",
    path: TemplateName, query: Target, head: IfMatch,
    output: Found<RolledBack>,
    rights: [Rollback Template, SeeShares Template],
    // With an explicit version, repeating the rollback changes nothing.
    repeatable: |asked| asked.query.dry_run || asked.query.to.is_some(),
}

async fn roll_back_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<RollBackTemplate>,
) -> Answered<RollBackTemplate> {
    let (name, how) = (&asked.path, asked.query);
    let (env, registry) = (&service.env, &service.env.registry);
    for _ in 0..TRIES {
        let before = service.own_template(caller, name, Action::Rollback).await?;
        let what = format!("The template {name}");
        check(asked.head.0.as_ref(), &what, &tag(&before))?;
        let target = service.rollback_target(&before.value, how.to).await?;
        let mut after = before.value.clone();
        after.point_to(&target.value, env.clock.now());
        let mut done = RolledBack {
            dry_run: how.dry_run,
            visible_to: Vec::new(),
            from: before.value.latest,
            to: after.latest,
            template: after.clone(),
        };
        if done.from == done.to {
            return Ok(Found::new(done));
        }
        let showings = publication::of_rollback(registry, caller, &before.value, &target.value);
        let doing = format!("A rollback to {}", target.value.reference());
        let consent = Consent::asked(how.publish_sensitive);
        let shown = publication::decide(&env.settings, &doing, &showings.await?, consent)?;
        done.visible_to = shown.to.names();
        if how.dry_run {
            return Ok(Found::new(done));
        }
        // The write fails if the version is deleted in the meantime.
        let still_there = Batch::from(vec![version_unchanged(&target)]);
        let subject = Subject::Template(name.clone());
        let event = service.event(caller, AuditAction::TemplateRollback, subject);
        let event = event.with("from", done.from).with("to", done.to);
        let replaced = registry.replace_template(&before, &after, &event, still_there);
        if replaced.await? {
            return Ok(Found::new(done));
        }
    }
    Err(changed_meanwhile(name))
}

impl Service {
    /// Returns a saved template that the caller may perform `action` on, with its revision.
    pub(super) async fn own_template(
        &self,
        caller: &Caller,
        name: &TemplateName,
        action: Action,
    ) -> Result<Stored<Template>, Problem> {
        if catalogue::find(name.as_str()).is_some() {
            let message = format!("The template {name} is built in and has no versions.");
            let code = match action {
                Action::See => Code::TemplateNotFound,
                _ => Code::NotAllowed,
            };
            return Err(Problem::new(code, message)
                .hint("Save an instance of it as a template of your own."));
        }
        let stored = self.env.registry.template(name).await?;
        let registry = &self.env.registry;
        let there = |it: &Stored<Template>| it.value.state != TemplateState::Deleted;
        let stored = match stored {
            Some(stored) if there(&stored) => stored,
            // Only the owner of a deleted template learns that it existed.
            Some(Stored { value, .. })
                if value.is_going()
                    && caller
                        .may_template(registry, Action::Delete, &value)
                        .await? =>
            {
                return Err(being_deleted(Code::TemplateNotFound, &value, true));
            }
            _ => return Err(caller.no_template(registry, name).await),
        };
        caller
            .check_template(registry, action, &stored.value)
            .await?;
        Ok(stored)
    }

    /// Returns the version with that number, by default the one before the latest.
    async fn rollback_target(
        &self,
        template: &Template,
        to: Option<NonZeroU32>,
    ) -> Result<Stored<Version>, Problem> {
        match to {
            Some(number) => {
                let version = self.stored_version(template, number.get(), Action::Rollback);
                version.await
            }
            None => self.version_before(template).await,
        }
    }

    /// Returns the newest existing version before the latest.
    async fn version_before(&self, template: &Template) -> Result<Stored<Version>, Problem> {
        let registry = &self.env.registry;
        let earlier = (1..template.latest).rev().take(LOOK_BACK);
        for number in earlier {
            let stored = registry.stored_version(&template.name, number).await?;
            if let Some(stored) = stored
                && stored.value.is_current(self.env.clock.now())
            {
                return Ok(stored);
            }
        }
        let (name, latest) = (&template.name, template.latest);
        let far = usize::try_from(latest).unwrap_or(usize::MAX) > LOOK_BACK + 1;
        let message = if far {
            format!("{name}@{latest} has no active version among the {LOOK_BACK} before it.")
        } else {
            format!("{name}@{latest} has no active version before it.")
        };
        Err(Problem::new(Code::VersionNotFound, message)
            .hint("Specify the version to roll back to: prism template rollback NAME VERSION"))
    }

    async fn compared(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
    ) -> Result<(Version, Option<Inventory>), Problem> {
        if let Some(built_in) = catalogue::find(reference.name.as_str()) {
            let message = format!(
                "The template {} is built in and has no versions to compare.",
                built_in.name
            );
            return Err(Problem::new(Code::VersionNotFound, message)
                .hint("Compare templates that were saved from instances."));
        }
        let (_, mut version) = self.saved_template(caller, reference, Action::See).await?;
        self.hide_parents(caller, [&mut version]).await?;
        let registry = &self.env.registry;
        let packages = match version.packages {
            Some(_) => registry.packages(&version.template, version.number).await?,
            None => None,
        };
        Ok((version, packages))
    }
}

/// Returns the problem for a change that others have repeatedly overtaken.
pub(super) fn changed_meanwhile(name: &TemplateName) -> Problem {
    let message = format!("Another request changed the template {name} at the same time.");
    Problem::new(Code::RegistryConflict, message)
}
