//! Changes to the descriptions of a template and its versions, and to whether they are deprecated. AMIs never change
//! (promise P6).

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::expected::{check, tag};
use super::parts::{Found, IfMatch, Json, MustMatch, VersionRef};
use super::templates::{tagged, version_not_found};
use super::versions::changed_meanwhile;
use super::{Asked, Expected, Service, TemplateView};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::deprecation::Deprecation;
use crate::domain::save::check_text;
use crate::domain::template::{TemplateRef, TemplateState};
use crate::domain::{Code, Problem, TemplateName, Timestamp};
use crate::operations::operation::{Answered, operation};
use crate::registry::{Batch, TRIES};
use crate::rules::access::{Action, Caller};

/// The maximum length of notes, in characters.
const NOTES: usize = 2000;

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
    rights: [Edit Template, See Template],
}

operation! {
    /// Changes the description and notes of a version
    EditVersion by edit_version: Patch "/v1/templates/{name}/versions/{version}" of "templates",
    path: VersionRef, head: MustMatch, body: Json<TemplateEdit>,
    output: Found<TemplateView>,
    rights: [Edit Template, See Template],
}

/// What a deprecation says. Each request replaces what was said before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Deprecates {
    /// The template or version to use instead, which you can see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<TemplateRef>,
    /// The end of life. Until then, launches say when it is, and it is not deprecated yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<Timestamp>,
}

operation! {
    /// Deprecates a template, so that people use another one
    DeprecateTemplate by deprecate_template: Post "/v1/templates/{name}/deprecate" of "templates",
    path: TemplateName, query: Deprecates, head: IfMatch,
    output: Found<TemplateView>,
    rights: [Deprecate Template, See Template],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

operation! {
    /// Removes the deprecation of a template
    RestoreTemplate by restore_template: Post "/v1/templates/{name}/restore" of "templates",
    path: TemplateName, head: IfMatch,
    output: Found<TemplateView>,
    rights: [Deprecate Template, See Template],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

operation! {
    /// Deprecates a version, so that people use another one
    DeprecateVersion by deprecate_version: Post "/v1/templates/{name}/versions/{version}/deprecate" of "templates",
    path: VersionRef, query: Deprecates, head: IfMatch,
    output: Found<TemplateView>,
    rights: [Deprecate Template, See Template],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

operation! {
    /// Removes the deprecation of a version
    RestoreVersion by restore_version: Post "/v1/templates/{name}/versions/{version}/restore" of "templates",
    path: VersionRef, head: IfMatch,
    output: Found<TemplateView>,
    rights: [Deprecate Template, See Template],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

/// Declares the functions of operations that make one change to a template or a version.
macro_rules! changes {
    ($($by:ident of $operation:ident: |$service:ident, $caller:ident, $asked:ident| $change:expr;)*) => {$(
        async fn $by(
            $service: &Service,
            $caller: &Caller,
            $asked: Asked<$operation>,
        ) -> Answered<$operation> {
            let change = $change;
            $service.change($caller, $asked.path, change, $asked.head.0).await
        }
    )*};
}

changes! {
    edit_template of EditTemplate: |service, caller, asked| Change::edit(asked.body.0)?;
    edit_version of EditVersion: |service, caller, asked| Change::edit(asked.body.0)?;
    deprecate_template of DeprecateTemplate: |service, caller, asked| {
        let this = asked.path.clone().into();
        service.deprecating(caller, &this, asked.query).await?
    };
    restore_template of RestoreTemplate: |service, caller, asked| Change::restore();
    deprecate_version of DeprecateVersion: |service, caller, asked| {
        let this = asked.path.clone().into();
        service.deprecating(caller, &this, asked.query).await?
    };
    restore_version of RestoreVersion: |service, caller, asked| Change::restore();
}

struct Change {
    action: Action,
    event: AuditAction,
    edit: TemplateEdit,
    state: Option<TemplateState>,
    /// What is said of its future, if the state changes.
    deprecation: Option<Deprecation>,
}

impl Change {
    fn restore() -> Self {
        Self {
            action: Action::Deprecate,
            event: AuditAction::TemplateRestore,
            edit: TemplateEdit::default(),
            state: Some(TemplateState::Active),
            deprecation: None,
        }
    }

    fn deprecate(says: Deprecates, now: Timestamp) -> Self {
        let Deprecates {
            replaced_by,
            end_of_life,
        } = says;
        let later = end_of_life.is_some_and(|end| end > now);
        let said = replaced_by.is_some() || end_of_life.is_some();
        let deprecation = said.then_some(Deprecation {
            replaced_by,
            end_of_life,
        });
        Self {
            action: Action::Deprecate,
            event: AuditAction::TemplateDeprecate,
            edit: TemplateEdit::default(),
            state: Some(if later {
                TemplateState::Active
            } else {
                TemplateState::Deprecated
            }),
            deprecation,
        }
    }

    fn edit(edit: TemplateEdit) -> Result<Self, Problem> {
        edit.check()?;
        Ok(Self {
            action: Action::Edit,
            event: AuditAction::TemplateEdit,
            edit,
            state: None,
            deprecation: None,
        })
    }

    fn make(
        &self,
        [description, notes]: [&mut String; 2],
        state: &mut TemplateState,
        deprecation: &mut Option<Deprecation>,
    ) {
        for (text, to) in [
            (description, &self.edit.description),
            (notes, &self.edit.notes),
        ] {
            if let Some(to) = to {
                text.clone_from(to);
            }
        }
        *state = self.state.unwrap_or(*state);
        if self.state.is_some() {
            deprecation.clone_from(&self.deprecation);
        }
    }
}

impl Service {
    /// Checks a deprecation: what replaces a template exists, and is another one.
    async fn deprecating(
        &self,
        caller: &Caller,
        this: &TemplateRef,
        says: Deprecates,
    ) -> Result<Change, Problem> {
        if let Some(other) = &says.replaced_by {
            let same = other.name == this.name
                && (this.version.is_none() || other.version == this.version);
            if same {
                let message = format!("The template {this} cannot be replaced_by itself.");
                return Err(Problem::new(Code::InvalidInput, message));
            }
            self.template(caller, other).await?;
        }
        Ok(Change::deprecate(says, self.env.clock.now()))
    }

    /// Changes a template, or a version. Fails if the record does not match `expected`.
    async fn change(
        &self,
        caller: &Caller,
        what: impl Into<TemplateRef>,
        change: Change,
        expected: Option<Expected>,
    ) -> Result<Found<TemplateView>, Problem> {
        let (reference, expected) = (what.into(), expected.as_ref());
        let (name, number) = (&reference.name, reference.version);
        for _ in 0..TRIES {
            let changed = match number {
                None => {
                    self.change_template(caller, name, &change, expected)
                        .await?
                }
                Some(number) => {
                    let of = (name, number);
                    self.change_version(caller, of, &change, expected).await?
                }
            };
            if changed {
                let view = self.template(caller, &reference).await?;
                return Ok(tagged(view, number.is_some()));
            }
        }
        Err(changed_meanwhile(name))
    }

    /// Changes a template, unless others change it at the same time. Returns whether it has.
    async fn change_template(
        &self,
        caller: &Caller,
        name: &TemplateName,
        change: &Change,
        expected: Option<&Expected>,
    ) -> Result<bool, Problem> {
        let before = self.own_template(caller, name, change.action).await?;
        check(expected, &format!("The template {name}"), &tag(&before))?;
        let mut after = before.value.clone();
        let texts = [&mut after.description, &mut after.notes];
        change.make(texts, &mut after.state, &mut after.deprecation);
        if after == before.value {
            return Ok(true);
        }
        after.updated_at = self.env.clock.now();
        let event = self.event(caller, change.event, Subject::Template(name.clone()));
        let registry = &self.env.registry;
        let replaced = registry.replace_template(&before, &after, &event, Batch::default());
        replaced.await
    }

    /// Changes a version, unless others change it at the same time. Returns whether it has.
    async fn change_version(
        &self,
        caller: &Caller,
        (name, number): (&TemplateName, u32),
        change: &Change,
        expected: Option<&Expected>,
    ) -> Result<bool, Problem> {
        let template = self.own_template(caller, name, change.action).await?;
        let before = self
            .stored_version(&template.value, number, Action::See)
            .await?;
        check(expected, &format!("{name}@{number}"), &tag(&before))?;
        let mut after = before.value.clone();
        let texts = [&mut after.description, &mut after.notes];
        change.make(texts, &mut after.state, &mut after.deprecation);
        if after == before.value {
            return Ok(true);
        }
        if change.state.is_some() && before.value.state == TemplateState::Deleted {
            let why = "had this version, which was deleted together with its AMIs";
            return Err(version_not_found(name, number, why));
        }
        let event = self.event(caller, change.event, Subject::Template(name.clone()));
        let event = event.of_project(template.value.project.as_ref());
        let event = event.with("version", number);
        let registry = &self.env.registry;
        registry
            .replace_version(&before, &after, Some(&event))
            .await
    }
}
