//! A template. It is written by updates: launches and costs are kept in attributes beside the record, so that
//! neither a launch nor a change of the record ever undoes the other.

use super::{sums, usage};
use crate::domain::template::{Template, TemplateState, Visibility};
use crate::domain::{Problem, TemplateName, Timestamp};
use crate::ports::{Condition, Index, Item, Key, Write};
use crate::registry::records::{self, Indexed, Stored, decode, sortable};

/// The partition of what is being deleted, in the second index.
pub(in crate::registry) const DELETIONS: &str = "DELETIONS#OPEN";
/// The partition of the templates that everybody may use, in the second index.
pub(in crate::registry) const PUBLIC_TEMPLATES: &str = "TEMPLATES#PUBLIC";
/// The sort key of a template.
pub(in crate::registry) const TEMPLATE_SK: &str = "META";

pub(in crate::registry) fn template_key(name: &TemplateName) -> Key {
    Key::new(format!("TEMPLATE#{name}"), TEMPLATE_SK)
}

/// The write that makes a template be so. A deleted one is in no list, but in its owner's until nothing is left of it.
pub(in crate::registry) fn template_write(
    template: &Template,
    revision: u64,
    condition: Condition,
) -> Result<Write, Problem> {
    let there = template.state != TemplateState::Deleted;
    let owned = (there || template.is_going()).then(|| Indexed {
        index: Index::Gsi1,
        pk: format!("OWNER#{}", template.owner),
        sk: format!("TEMPLATE#{}", template.name),
    });
    let public = (there && template.visibility == Visibility::Public).then(|| Indexed {
        index: Index::Gsi2,
        pk: PUBLIC_TEMPLATES.to_owned(),
        sk: template.name.to_string(),
    });
    let going = deletion(template.deleted_at, template.is_going(), &template.name, 0);
    let key = template_key(&template.name);
    let record = usage::without_of_template(template);
    let indexed = owned.into_iter().chain(public).chain(going);
    let mut changes = records::changes(key.clone(), &record, revision, indexed)?;
    changes.extend(template.costs.map(sums::set_costs));
    Ok(Write::Update(key, changes, condition))
}

/// Where what is being deleted is found, the oldest first; a whole template has the number 0.
pub(super) fn deletion(
    since: Option<Timestamp>,
    going: bool,
    name: &TemplateName,
    number: u32,
) -> Option<Indexed> {
    let since = since.filter(|_| going)?;
    Some(Indexed {
        index: Index::Gsi2,
        pk: DELETIONS.to_owned(),
        sk: format!("{}#{name}#{number:06}", sortable(since)),
    })
}

pub(in crate::registry) fn read_template(item: &Item) -> Result<Stored<Template>, Problem> {
    let mut stored: Stored<Template> = decode(item)?;
    usage::of_template(item, &mut stored.value);
    sums::of_template(item, &mut stored.value);
    Ok(stored)
}
