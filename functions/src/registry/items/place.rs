//! A template's entry in the list of its project.

use serde::{Deserialize, Serialize};

use crate::domain::{Problem, ProjectName, TemplateName};
use crate::ports::{Condition, Item, Key, Write};
use crate::registry::records::encode;

/// A template in the list of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectTemplate {
    pub template: TemplateName,
}

fn place_key(project: &ProjectName, template: &TemplateName) -> Key {
    Key::new(format!("PROJECT#{project}"), format!("TEMPLATE#{template}"))
}

fn place_item(project: &ProjectName, template: &TemplateName) -> Result<Item, Problem> {
    let place = ProjectTemplate {
        template: template.clone(),
    };
    encode(place_key(project, template), &place, 1, [])
}

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
