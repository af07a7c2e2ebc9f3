//! References to AMIs from resources other than instances.

use std::collections::{BTreeMap, BTreeSet};

use prism_functions::domain::{ImageId, LaunchTemplateId};
use prism_functions::ports::Ec2Error;

use super::{Model, Scope};
use crate::ec2::errors;

impl Model {
    /// The caller's launch templates that name one of these AMIs in one of their newest `versions`.
    pub(crate) fn launch_templates_of(
        &mut self,
        scope: &Scope<'_>,
        ids: &[ImageId],
        versions: usize,
    ) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Ec2Error> {
        const ACTION: &str = "DescribeImageReferences";
        self.admit(scope, ACTION)?;
        // AWS does not document the response to unknown IDs. An error is the stricter assumption.
        let known = |id: &&ImageId| self.data.images.get(id).is_some();
        let unknown: Vec<&ImageId> = ids.iter().filter(|id| !known(id)).collect();
        if !unknown.is_empty() {
            return Err(errors::images_not_found(ACTION, &unknown));
        }
        let mut found: BTreeMap<ImageId, BTreeSet<LaunchTemplateId>> = BTreeMap::new();
        for (template, row) in &self.world().launch_templates {
            if (&row.account, &row.region) != (scope.account, scope.region) {
                continue;
            }
            let named = row.versions.iter().rev().take(versions);
            for image in named.filter(|image| ids.contains(image)) {
                let here = found.entry(image.clone()).or_default();
                here.insert(template.clone());
            }
        }
        Ok(found)
    }
}
