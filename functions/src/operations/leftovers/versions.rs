//! The opposite direction: resources that the registry contains and that no longer exist in EC2, or that EC2 does not
//! remove.

use std::collections::BTreeMap;

use super::used::Used;
use super::{Left, Leftover, Seen, left};
use crate::domain::template::{Stuck, Version};
use crate::domain::{ImageId, Problem, TemplateName};
use crate::operations::Service;
use crate::ports::ImageState;
use crate::registry::Going;
use crate::rules::images::{self, ImageFault};

/// The maximum number of deletions that are checked.
const DELETIONS: usize = 1000;

impl Service {
    /// Finds the AMIs of registered versions that cannot be launched. Returns why the Region could not be checked, if
    /// that failed.
    pub(super) async fn left_versions(
        &self,
        seen: &Seen,
        used: &Used,
        found: &mut Vec<Leftover>,
    ) -> Option<Problem> {
        let listed = seen.images.iter();
        let listed: BTreeMap<&ImageId, ImageState> =
            listed.map(|image| (&image.id, image.state)).collect();
        let mut faults = BTreeMap::new();
        // The AMIs that saves created are listed by their tag; imported ones are not.
        let mut unlisted = Vec::new();
        for (region, id) in used.images.keys() {
            if *region != seen.region {
                continue;
            }
            match listed.get(id) {
                Some(ImageState::Disabled) => {
                    faults.insert(id.clone(), ImageFault::Disabled);
                }
                Some(_) => {}
                None => unlisted.push(id.clone()),
            }
        }
        match images::faults(&*self.env.ec2, &seen.region, &unlisted).await {
            Ok(more) => faults.extend(more),
            Err(problem) => return Some(problem),
        }
        for (id, fault) in faults {
            let users = &used.images[&(seen.region.clone(), id.clone())];
            let what = Left::Version {
                region: seen.region.clone(),
                id,
                users: users.clone(),
                fault,
            };
            found.push(left(what, None, format!("it is {}", fault.means())));
        }
        None
    }

    /// Finds the deletions that EC2 blocks.
    pub(super) async fn left_removals(&self, found: &mut Vec<Leftover>) -> Result<(), Problem> {
        for going in self.env.registry.deletions(DELETIONS).await? {
            let (template, version, stuck) = self.stuck(going).await?;
            if let Some(stuck) = stuck {
                let what = Left::Removal { template, version };
                found.push(left(what, None, stuck.message));
            }
        }
        Ok(())
    }

    async fn stuck(
        &self,
        going: Going,
    ) -> Result<(TemplateName, Option<u32>, Option<Stuck>), Problem> {
        let registry = &self.env.registry;
        Ok(match going {
            Going::Template(name) => {
                let stored = registry.template(&name).await?;
                let stuck = stored
                    .filter(|it| it.value.is_going())
                    .and_then(|it| it.value.stuck);
                (name, None, stuck)
            }
            Going::Version(name, number) => {
                let version = registry.version(&name, number).await?;
                let stuck = version.filter(Version::is_going).and_then(|it| it.stuck);
                (name, Some(number), stuck)
            }
        })
    }
}
