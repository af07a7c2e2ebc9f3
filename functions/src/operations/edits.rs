//! Changes to the descriptions of a template and its versions, and to whether they are deprecated. AMIs never change
//! (promise P6).

use serde::{Deserialize, Serialize};

use super::expected::{check, tag};
use super::parts::{Found, IfMatch, Json, MustMatch, VersionRef};
use super::templates::{of_template, of_version, version_not_found, whole};
use super::versions::changed_meanwhile;
use super::{Asked, Expected, Service, TemplateView};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::save::check_text;
use crate::domain::template::{Template, TemplateRef, TemplateState, Version};
use crate::domain::{Code, Problem, TemplateName};
use crate::operations::operation::{Answered, operation};
use crate::registry::{Batch, TRIES};
use crate::rules::access::{Action, Caller};

/// The maximum length of notes, in characters.
const NOTES: usize = 2000;

/// The action that an edit requires, and the name of its audit event.
const EDIT: (Action, AuditAction) = (Action::Edit, AuditAction::TemplateEdit);

/// The new description and notes of a template or a version. Omitted fields do not change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateEdit {
    /// What it is for, at most 255 characters.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub description: Option<String>,
    /// Further information for its readers, at most 2,000 characters. Line breaks are allowed.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub notes: Option<String>,
}

impl TemplateEdit {
    /// Checks the fields without any I/O.
    pub fn check(&self) -> Result<(), Problem> {
        if let Some(description) = &self.description {
            check_text("description", description)?;
        }
        let Some(notes) = &self.notes else {
            return Ok(());
        };
        let length = notes.chars().count();
        let message = if length > NOTES {
            format!("The notes have {length} characters; at most {NOTES} are allowed.")
        } else if notes.chars().any(|c| c.is_control() && c != '\n') {
            "The notes have control characters.".to_owned()
        } else {
            return Ok(());
        };
        Err(Problem::new(Code::InvalidDescription, message))
    }
}

operation! {
    /// Changes the description and notes of a template
    EditTemplate by edit_template: Patch "/v1/templates/{name}" of "templates",
    path: TemplateName, head: MustMatch, body: Json<TemplateEdit>,
    output: Found<TemplateView>,
}

async fn edit_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<EditTemplate>,
) -> Answered<EditTemplate> {
    let (reference, expected) = (whole(asked.path), asked.head.0.as_ref());
    let view = service.edit_template(caller, &reference, &asked.body.0, expected);
    view.await.map(of_template)
}

operation! {
    /// Changes the description and notes of a version
    EditVersion by edit_version: Patch "/v1/templates/{name}/versions/{version}" of "templates",
    path: VersionRef, head: MustMatch, body: Json<TemplateEdit>,
    output: Found<TemplateView>,
}

async fn edit_version(
    service: &Service,
    caller: &Caller,
    asked: Asked<EditVersion>,
) -> Answered<EditVersion> {
    let (reference, expected) = (asked.path.reference(), asked.head.0.as_ref());
    let view = service.edit_template(caller, &reference, &asked.body.0, expected);
    view.await.map(of_version)
}

operation! {
    /// Deprecates a template, so that people use another one
    DeprecateTemplate by deprecate_template: Post "/v1/templates/{name}/deprecate" of "templates",
    path: TemplateName, head: IfMatch,
    output: Found<TemplateView>,
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn deprecate_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<DeprecateTemplate>,
) -> Answered<DeprecateTemplate> {
    let (reference, expected) = (whole(asked.path), asked.head.0.as_ref());
    let view = service.deprecate_template(caller, &reference, true, expected);
    view.await.map(of_template)
}

operation! {
    /// Removes the deprecation of a template
    RestoreTemplate by restore_template: Post "/v1/templates/{name}/restore" of "templates",
    path: TemplateName, head: IfMatch,
    output: Found<TemplateView>,
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn restore_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<RestoreTemplate>,
) -> Answered<RestoreTemplate> {
    let (reference, expected) = (whole(asked.path), asked.head.0.as_ref());
    let view = service.deprecate_template(caller, &reference, false, expected);
    view.await.map(of_template)
}

operation! {
    /// Deprecates a version, so that people use another one
    DeprecateVersion by deprecate_version: Post "/v1/templates/{name}/versions/{version}/deprecate" of "templates",
    path: VersionRef, head: IfMatch,
    output: Found<TemplateView>,
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn deprecate_version(
    service: &Service,
    caller: &Caller,
    asked: Asked<DeprecateVersion>,
) -> Answered<DeprecateVersion> {
    let (reference, expected) = (asked.path.reference(), asked.head.0.as_ref());
    let view = service.deprecate_template(caller, &reference, true, expected);
    view.await.map(of_version)
}

operation! {
    /// Removes the deprecation of a version
    RestoreVersion by restore_version: Post "/v1/templates/{name}/versions/{version}/restore" of "templates",
    path: VersionRef, head: IfMatch,
    output: Found<TemplateView>,
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn restore_version(
    service: &Service,
    caller: &Caller,
    asked: Asked<RestoreVersion>,
) -> Answered<RestoreVersion> {
    let (reference, expected) = (asked.path.reference(), asked.head.0.as_ref());
    let view = service.deprecate_template(caller, &reference, false, expected);
    view.await.map(of_version)
}

impl Service {
    /// Changes the description and notes of a template, or of the version that the reference names. Fails if the record
    /// does not match `expected`.
    pub async fn edit_template(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
        edit: &TemplateEdit,
        expected: Option<&Expected>,
    ) -> Result<TemplateView, Problem> {
        edit.check()?;
        let set = |text: &mut String, to: &Option<String>| {
            if let Some(to) = to {
                text.clone_from(to);
            }
        };
        match reference.version {
            None => {
                let change = |template: &mut Template| {
                    set(&mut template.description, &edit.description);
                    set(&mut template.notes, &edit.notes);
                };
                self.change_template(caller, &reference.name, expected, EDIT, change)
                    .await?;
            }
            Some(number) => {
                let change = |version: &mut Version| {
                    set(&mut version.description, &edit.description);
                    set(&mut version.notes, &edit.notes);
                    Ok(())
                };
                self.change_version(caller, &reference.name, number, expected, EDIT, change)
                    .await?;
            }
        }
        self.template(caller, reference).await
    }

    /// Deprecates a template, or the version that the reference names, or removes the deprecation. Fails if the record
    /// does not match `expected`.
    pub async fn deprecate_template(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
        deprecated: bool,
        expected: Option<&Expected>,
    ) -> Result<TemplateView, Problem> {
        let (state, what) = if deprecated {
            (TemplateState::Deprecated, AuditAction::TemplateDeprecate)
        } else {
            (TemplateState::Active, AuditAction::TemplateRestore)
        };
        let what = (Action::Deprecate, what);
        match reference.version {
            None => {
                let change = |template: &mut Template| template.state = state;
                self.change_template(caller, &reference.name, expected, what, change)
                    .await?;
            }
            Some(number) => {
                let change = |version: &mut Version| {
                    if version.state == TemplateState::Deleted {
                        let why = "had it once: it was deleted, and its AMIs with it";
                        return Err(version_not_found(&version.template, number, why));
                    }
                    version.state = state;
                    Ok(())
                };
                self.change_version(caller, &reference.name, number, expected, what, change)
                    .await?;
            }
        }
        self.template(caller, reference).await
    }

    async fn change_template(
        &self,
        caller: &Caller,
        name: &TemplateName,
        expected: Option<&Expected>,
        what: (Action, AuditAction),
        change: impl Fn(&mut Template),
    ) -> Result<(), Problem> {
        for _ in 0..TRIES {
            let before = self.own_template(caller, name, what.0).await?;
            check(expected, &format!("The template {name}"), &tag(&before))?;
            let mut after = before.value.clone();
            change(&mut after);
            if after == before.value {
                return Ok(());
            }
            after.updated_at = self.env.clock.now();
            let event = self.event(caller, what.1, Subject::Template(name.clone()));
            let registry = &self.env.registry;
            let replaced = registry.replace_template(&before, &after, &event, Batch::default());
            if replaced.await? {
                return Ok(());
            }
        }
        Err(changed_meanwhile(name))
    }

    async fn change_version(
        &self,
        caller: &Caller,
        name: &TemplateName,
        number: u32,
        expected: Option<&Expected>,
        what: (Action, AuditAction),
        change: impl Fn(&mut Version) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        for _ in 0..TRIES {
            let template = self.own_template(caller, name, what.0).await?;
            let registry = &self.env.registry;
            let Some(before) = registry.stored_version(name, number).await? else {
                let why = format!("has the versions 1 to {}", template.value.newest());
                return Err(version_not_found(name, number, &why));
            };
            check(expected, &format!("{name}@{number}"), &tag(&before))?;
            let mut after = before.value.clone();
            change(&mut after)?;
            if after == before.value {
                return Ok(());
            }
            let event = self.event(caller, what.1, Subject::Template(name.clone()));
            let event = event.of_project(template.value.project.as_ref());
            let event = event.with("version", number);
            let replaced = registry.replace_version(&before, &after, Some(&event));
            if replaced.await? {
                return Ok(());
            }
        }
        Err(changed_meanwhile(name))
    }
}
