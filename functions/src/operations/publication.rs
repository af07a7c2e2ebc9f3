//! What an import shows: the known files of the imported AMIs.

use std::collections::BTreeSet;

use super::{ImportRequest, Service};
use crate::domain::grant::Grant;
use crate::domain::inventory::Inventory;
use crate::domain::save::Warning;
use crate::domain::template::{Template, TemplateRef};
use crate::domain::{Problem, TemplateName};
use crate::registry::Stored;
use crate::rules::access::Caller;
use crate::rules::publication::{Consent, Look, decide, of_contents, of_version};

impl Service {
    /// Refuses to show files of imported AMIs to others without consent. Returns warnings, and the inventory if all
    /// AMIs belong to one version. `of` contains the versions that have the AMIs; `None` stands for AMIs that no
    /// version has.
    pub(super) async fn shown_by_import(
        &self,
        caller: &Caller,
        name: &TemplateName,
        (before, grants): (Option<&Stored<Template>>, &[Grant]),
        of: &BTreeSet<Option<TemplateRef>>,
        request: &ImportRequest,
    ) -> Result<(Vec<Warning>, Option<Inventory>), Problem> {
        let registry = &self.env.registry;
        let mut looks = Vec::new();
        for one in of {
            looks.push(match one {
                Some(TemplateRef {
                    name,
                    version: Some(number),
                }) => of_version(registry, name, *number).await?,
                _ => Look::of_other("an AMI of the file".to_owned(), None),
            });
        }
        let told = match looks.as_slice() {
            [one] => one.inventory.clone(),
            _ => None,
        };
        let template = before.map(|stored| &stored.value);
        let showings = of_contents(registry, caller, template, grants, looks).await?;
        let doing = format!("Importing {name}");
        let consent = Consent::asked(request.publish_sensitive);
        let shown = decide(&self.env.settings, &doing, &showings, consent)?;
        Ok((shown.warnings, told))
    }
}
