//! The known files of instances and versions.

use futures::future::try_join_all;

use crate::domain::inventory::Inventory;
use crate::domain::sensitive::SensitiveFile;
use crate::domain::template::{Template, TemplateState};
use crate::domain::{Problem, TemplateName};
use crate::registry::Registry;

/// The number of newest versions that are read. Older ones count as not inspected.
const VERSIONS: usize = 200;
/// The number of versions that are read at once.
const AT_ONCE: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) name: String,
    pub(crate) version: Option<u32>,
    pub(crate) files: Vec<SensitiveFile>,
    /// Whether all sensitive files are known.
    pub(crate) whole: bool,
    pub(crate) inventory: Option<Inventory>,
}

impl Look {
    fn of(name: String, version: Option<u32>, inventory: Option<&Inventory>) -> Self {
        let told = inventory.and_then(|inventory| inventory.sensitive.clone());
        Self {
            name,
            version,
            whole: told.is_some() && inventory.is_some_and(|inventory| !inventory.sensitive_more),
            files: told.unwrap_or_default(),
            inventory: inventory.cloned(),
        }
    }

    pub(crate) fn of_instance(name: &str, inventory: Option<&Inventory>) -> Self {
        Self::of(format!("the instance {name}"), None, inventory)
    }

    pub(crate) fn of_other(name: String, inventory: Option<&Inventory>) -> Self {
        Self::of(name, None, inventory)
    }
}

pub(crate) async fn of_version(
    registry: &Registry,
    name: &TemplateName,
    number: u32,
) -> Result<Look, Problem> {
    let told = registry.packages(name, number).await?;
    Ok(Look::of(
        format!("{name}@{number}"),
        Some(number),
        told.as_ref(),
    ))
}

pub(super) async fn of_template(
    registry: &Registry,
    template: &Template,
) -> Result<Vec<Look>, Problem> {
    let name = &template.name;
    let versions = registry.versions(name, VERSIONS, None).await?;
    let there = versions.items.iter();
    let there = there.filter(|version| version.state != TemplateState::Deleted);
    let numbers: Vec<u32> = there.map(|version| version.number).collect();
    let mut looks = Vec::new();
    for some in numbers.chunks(AT_ONCE) {
        let each = some
            .iter()
            .map(|number| of_version(registry, name, *number));
        looks.extend(try_join_all(each).await?);
    }
    if versions.cursor.is_some() {
        let name = format!("the versions before the newest {VERSIONS}");
        looks.push(Look::of_other(name, None));
    }
    Ok(looks)
}
