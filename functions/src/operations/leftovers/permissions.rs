//! AMIs whose launch permissions differ from the grants of their templates. This happens if a share was revoked while
//! one of its calls was still in progress, or if somebody changed the permissions in EC2 directly.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::used::{Used, Users};
use super::{Left, Leftover, Saves, Seen, left};
use crate::domain::clock::is_recent;
use crate::domain::ec2::Opening;
use crate::domain::grant::{Grant, GrantState};
use crate::domain::save::SaveRecord;
use crate::domain::tags::SAVE_TAG;
use crate::domain::{ImageId, Problem, Region, SaveId};
use crate::operations::Service;
use crate::ports::{Image, ImageState, from_ec2};
use crate::rules::lending;
use crate::steps::{LATE_S, openings, permissions};

/// The number of AMIs in a Region that are checked at once.
const AT_ONCE: usize = 8;

/// The difference between an AMI's launch permissions and the grants.
#[derive(Default)]
struct Difference {
    /// The launch permissions that no grant explains.
    open_to: BTreeSet<Opening>,
    /// The launch permissions that a grant requires and that are missing.
    closed_to: BTreeSet<Opening>,
}

impl Service {
    /// Finds the AMIs of registered versions whose launch permissions differ from the grants of their templates. Only
    /// AMIs that saves of this deployment have created are checked; whom others open their AMIs to is their own
    /// decision. Returns why the Region could not be checked, if that failed.
    pub(super) async fn left_permissions(
        &self,
        seen: &Seen,
        used: &Used,
        saves: &mut Saves,
        found: &mut Vec<Leftover>,
    ) -> Result<Option<Problem>, Problem> {
        let region = &seen.region;
        let mut settled = Vec::new();
        // A disabled AMI is open to nobody; it is reported separately.
        let usable = |image: &&Image| image.state != ImageState::Disabled;
        for image in seen.images.iter().filter(usable) {
            let Some(users) = used.images.get(&(region.clone(), image.id.clone())) else {
                continue;
            };
            let save = save_of(image);
            let record = saves.of(self, save.as_ref()).await?;
            if !self.is_opening(record.as_ref()) {
                let refused = record.is_some_and(|it| it.closed_in.contains_key(region));
                settled.push((image, users, save, refused));
            }
        }
        for some in settled.chunks(AT_ONCE) {
            let looks = some
                .iter()
                .map(|(image, users, _, _)| self.difference(region, &image.id, users));
            for ((image, users, save, refused), looked) in some.iter().zip(join_all(looks).await) {
                match looked {
                    Ok(difference) => {
                        found.extend(difference.told(region, image, users, save.clone(), *refused));
                    }
                    // A refusal of one request applies to all of them.
                    Err(problem) => return Ok(Some(problem)),
                }
            }
        }
        Ok(None)
    }

    /// Returns whether a request of the save that created an AMI may still change its launch permissions.
    fn is_opening(&self, record: Option<&SaveRecord>) -> bool {
        let asked = record.and_then(|record| record.opening_at);
        asked.is_some_and(|asked| is_recent(asked, LATE_S, self.env.clock.now()))
    }

    /// Returns the difference between an AMI's launch permissions and the grants of the templates that have it. The
    /// grants are read before and after the permissions, and changes in between are not reported.
    async fn difference(
        &self,
        region: &Region,
        image: &ImageId,
        users: &Users,
    ) -> Result<Difference, Problem> {
        let before = self.grants_of(users).await?;
        let held = match openings::held(&*self.env.ec2, region, image).await {
            // The AMI has been deregistered.
            Err(error) if error.is_not_found() => return Ok(Difference::default()),
            held => held.map_err(from_ec2)?,
        };
        let after = self.grants_of(users).await?;
        let wanted = launches(&before, |_| true);
        // A share that is in progress or incomplete is shown to its owner in the list of shares. A very recent share
        // may not be visible everywhere in EC2 yet.
        let now = self.env.clock.now();
        let fresh =
            |grant: &Grant| grant.state != GrantState::Open || is_recent(grant.at, LATE_S, now);
        let mut moving = launches(&before, fresh);
        moving.append(&mut launches(&after, fresh));
        let later = launches(&after, |_| true);
        moving.extend(wanted.symmetric_difference(&later).cloned());
        let differ = |one: &BTreeSet<_>, other: &BTreeSet<_>| {
            let here = one.difference(other);
            here.filter(|it| !moving.contains(it)).cloned().collect()
        };
        Ok(Difference {
            open_to: differ(&held.any, &wanted),
            closed_to: differ(&wanted, &held.whole),
        })
    }

    async fn grants_of(&self, users: &Users) -> Result<Vec<Grant>, Problem> {
        let mut grants = Vec::new();
        for template in lending::of_their_own(&self.env.registry, users).await? {
            grants.extend(self.env.registry.grants(template).await?);
        }
        Ok(grants)
    }
}

impl Difference {
    fn told(
        self,
        region: &Region,
        image: &Image,
        users: &Users,
        save: Option<SaveId>,
        refused: bool,
    ) -> Option<Leftover> {
        let Self { open_to, closed_to } = self;
        let why = match (open_to.is_empty(), closed_to.is_empty()) {
            (true, true) => return None,
            (false, true) => format!("it is open to {}, without a grant", all(&open_to)),
            (true, false) if refused => format!(
                "it is closed to {}, despite a grant: EC2 refused to open it when it was saved",
                all(&closed_to)
            ),
            (true, false) => format!("it is closed to {}, despite a grant", all(&closed_to)),
            (false, false) => format!(
                "it is open to {}, without a grant, and closed to {}, despite a grant",
                all(&open_to),
                all(&closed_to)
            ),
        };
        let what = Left::Permissions {
            region: region.clone(),
            id: image.id.clone(),
            users: users.clone(),
            open_to,
            closed_to,
        };
        Some(left(what, save, why))
    }
}

/// Returns what those grants open AMIs by that `which` selects.
fn launches(grants: &[Grant], which: impl Fn(&Grant) -> bool) -> BTreeSet<Opening> {
    let some = grants.iter().filter(|grant| which(grant));
    some.flat_map(permissions::of_grant).collect()
}

fn save_of(image: &Image) -> Option<SaveId> {
    image.tags.get(SAVE_TAG)?.parse().ok()
}

fn all(permissions: &BTreeSet<Opening>) -> String {
    let names: Vec<String> = permissions.iter().map(ToString::to_string).collect();
    names.join(", ")
}
