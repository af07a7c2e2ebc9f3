//! A template. It is written with updates: launches and costs are stored in attributes beside the record, so that
//! counting a launch and changing the record never overwrite each other.

use super::{sums, usage};
use crate::domain::template::{Template, TemplateState, Visibility};
use crate::domain::{Problem, TemplateName, Timestamp};
use crate::ports::{Condition, Item, Key, Write};
use crate::registry::records::{self, Indexed, Stored, decode, sortable};

/// The partition of the templates and versions whose deletion is in progress, in the second index.
pub(in crate::registry) const DELETIONS: &str = "DELETIONS#OPEN";
/// The partition of the public templates, in the second index.
pub(in crate::registry) const PUBLIC_TEMPLATES: &str = "TEMPLATES#PUBLIC";
pub(in crate::registry) const TEMPLATE_SK: &str = "META";

pub(in crate::registry) fn template_key(name: &TemplateName) -> Key {
    Key::new(format!("TEMPLATE#{name}"), TEMPLATE_SK)
}

/// The write of a template. A deleted template is in no list except that of its owner, until nothing is left of it.
pub(in crate::registry) fn template_write(
    template: &Template,
    revision: u64,
    condition: Condition,
) -> Result<Write, Problem> {
    let there = template.state != TemplateState::Deleted;
    let owned = (there || template.is_going()).then(|| {
        Indexed::first(
            format!("OWNER#{}", template.owner),
            format!("TEMPLATE#{}", template.name),
        )
    });
    let public = (there && template.visibility == Visibility::Public)
        .then(|| Indexed::second(PUBLIC_TEMPLATES, template.name.to_string()));
    let going = deletion(template.deleted_at, template.is_going(), &template.name, 0);
    let key = template_key(&template.name);
    let record = usage::without_of_template(template);
    let indexed = owned.into_iter().chain(public).chain(going);
    let mut changes = records::changes(key.clone(), &record, revision, indexed)?;
    changes.extend(template.costs.map(sums::set_costs));
    Ok(Write::Update(key, changes, condition))
}

/// The index entry of a deletion in progress, sorted from oldest to newest. A whole template has the number 0.
pub(super) fn deletion(
    since: Option<Timestamp>,
    going: bool,
    name: &TemplateName,
    number: u32,
) -> Option<Indexed> {
    let since = since.filter(|_| going)?;
    Some(Indexed::second(
        DELETIONS,
        format!("{}#{name}#{number:06}", sortable(since)),
    ))
}

pub(in crate::registry) fn read_template(item: &Item) -> Result<Stored<Template>, Problem> {
    let mut stored: Stored<Template> = decode(item)?;
    usage::of_template(item, &mut stored.value);
    sums::of_template(item, &mut stored.value);
    Ok(stored)
}
