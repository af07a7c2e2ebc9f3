//! A template's place in its project.

use serde::{Deserialize, Serialize};

use crate::domain::{Problem, ProjectName, TemplateName};
use crate::ports::{Condition, Item, Key, Write};
use crate::registry::records::encode;

/// A template of a project, in the project's own list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectTemplate {
    /// The template.
    pub template: TemplateName,
}

/// Where a template of a project lies among its others.
fn place_key(project: &ProjectName, template: &TemplateName) -> Key {
    Key::new(format!("PROJECT#{project}"), format!("TEMPLATE#{template}"))
}

fn place_item(project: &ProjectName, template: &TemplateName) -> Result<Item, Problem> {
    let place = ProjectTemplate {
        template: template.clone(),
    };
    encode(place_key(project, template), &place, 1, [])
}

/// The writes that move a template from one project to another.
pub(in crate::registry) fn place_writes(
    template: &TemplateName,
    before: Option<&ProjectName>,
    after: Option<&ProjectName>,
) -> Result<Vec<Write>, Problem> {
    if before == after {
        return Ok(Vec::new());
    }
    let mut writes = Vec::new();
    if let Some(before) = before {
        writes.push(Write::Delete(
            place_key(before, template),
            Condition::Always,
        ));
    }
    if let Some(after) = after {
        let item = place_item(after, template)?;
        writes.push(Write::Put(item, Condition::Always));
    }
    Ok(writes)
}
