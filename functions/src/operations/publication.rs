//! What an import shows: the AMIs of a file, by what was told of the version that has them.

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
    /// Refuses AMIs whose files would be shown to others without a consent; answers what to know of them, and what
    /// was told of them where they are all of one version. `of` are the versions that have them, none for an AMI that
    /// no version has.
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
