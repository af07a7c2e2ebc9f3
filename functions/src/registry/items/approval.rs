//! A project's approval of a template.

use crate::domain::project::Approval;
use crate::domain::{Problem, ProjectName, TemplateName};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

pub(in crate::registry) fn approval_key(project: &ProjectName, template: &TemplateName) -> Key {
    Key::new(format!("PROJECT#{project}"), format!("APPROVED#{template}"))
}

pub(in crate::registry) fn approval_item(
    project: &ProjectName,
    template: &TemplateName,
    approval: &Approval,
) -> Result<Item, Problem> {
    encode(approval_key(project, template), approval, 1, [])
}
