//! The launch permissions of the AMIs of a save or a copy, as they are in EC2.

use std::collections::{BTreeMap, BTreeSet};

use super::SaveRef;
use super::discard_image::LATE_S;
use super::openings;
use super::permissions::{self, public};
use crate::domain::ec2::Opening;
use crate::domain::grant::Grant;
use crate::domain::save::{SaveRecord, seconds_between};
use crate::domain::{AccountId, Code, ImageId, Problem, Region};
use crate::ports::from_ec2;
use crate::rules::Env;

pub(super) struct Opened {
    held: BTreeMap<Region, BTreeSet<Opening>>,
    /// What an unfinished run may have opened besides, in any Region.
    maybe: BTreeSet<Opening>,
    refused: BTreeMap<Region, BTreeSet<Opening>>,
    /// The refused launch permissions that the record contains.
    noted: BTreeMap<Region, String>,
}

impl Opened {
    /// Reads whom the AMIs are open to. The AMIs are the save's own, so any permission was added by an unfinished run
    /// of this step, and the template may have been unshared since. A request of such a run may still take effect for a
    /// while; until then, this fails as not ready.
    pub(super) async fn seen(
        env: &Env,
        record: &SaveRecord,
        images: &BTreeMap<Region, ImageId>,
    ) -> Result<Self, Problem> {
        if let Some(asked) = record.opening_at
            && seconds_between(asked, env.clock.now()) < LATE_S
        {
            let message = "A recent request may still change the launch permissions of the AMIs.";
            return Err(Problem::new(Code::NotReady, message));
        }
        let mut open = BTreeMap::new();
        for (region, image) in images {
            let held = match env.ec2.launch_permissions(region, image).await {
                // Somebody has deregistered the AMI; a later step reports that.
                Err(error) if error.is_not_found() => Vec::new(),
                held => held.map_err(from_ec2)?,
            };
            let held = held.into_iter().map(Opening::Launch).collect();
            open.insert(region.clone(), held);
        }
        Ok(Self {
            held: open,
            maybe: record
                .copied_by
                .iter()
                .cloned()
                .map(Opening::copies)
                .collect(),
            refused: BTreeMap::new(),
            noted: record.closed_in.clone(),
        })
    }

    /// Records that all requests have been answered, so that the next run does not have to wait for them.
    pub(super) async fn settle(&self, env: &Env, save: &SaveRef) -> Result<(), Problem> {
        env.note(save, |record| record.opening_at = None).await?;
        Ok(())
    }

    /// Returns whether EC2 made the save's own AMI public, if that was requested.
    pub(super) fn is_public(&self, env: &Env, record: &SaveRecord) -> Result<bool, Problem> {
        let refused = self.refused.get(&record.request.region);
        let public = public(env)?.map(Opening::Launch);
        Ok(!public.is_some_and(|public| refused.is_some_and(|it| it.contains(&public))))
    }

    /// Opens the AMIs to the template's grantees, and closes them to everyone else.
    ///
    /// `grants` are those for which the consent was checked. A grantee added since then is not among them, and in that
    /// case the version is not registered. If EC2 refuses to open an AMI, it stays closed and the record says so, so
    /// that the save does not fail.
    pub(super) async fn by_grants(
        &mut self,
        env: &Env,
        save: &SaveRef,
        record: &SaveRecord,
        grants: &[Grant],
        images: &BTreeMap<Region, ImageId>,
    ) -> Result<(), Problem> {
        let granted = permissions::openings(grants);
        let mut wanted = granted.clone();
        if record.request.public {
            wanted.extend(public(env)?.map(Opening::Launch));
        }
        // The save's own AMI comes first: if EC2 does not make it public, neither the template nor the copies become
        // public.
        let home = &record.request.region;
        let copies = images.iter().filter(|(region, _)| *region != home);
        for (region, image) in images.get_key_value(home).into_iter().chain(copies) {
            let held = self.held.entry(region.clone()).or_default();
            let more: Vec<_> = wanted.difference(held).cloned().collect();
            let there = held.union(&self.maybe);
            let fewer: Vec<_> = there.filter(|it| !wanted.contains(it)).cloned().collect();
            if !(more.is_empty() && fewer.is_empty()) {
                env.intend(save, |record, now| {
                    record.opening_at = Some(now);
                    record.copied_by.extend(more.iter().filter_map(copier));
                })
                .await?;
            }
            let refused = open(env, save, region, image, &more).await?;
            if !fewer.is_empty() {
                let removed = openings::remove(&*env.ec2, region, image, &fewer);
                removed.await.map_err(from_ec2)?;
            }
            *held = wanted.difference(&refused).cloned().collect();
            if region == home {
                wanted.retain(|whom| granted.contains(whom) || !refused.contains(whom));
            }
            self.refused.insert(region.clone(), refused);
        }
        self.note_refused(env, save).await
    }

    /// Records in which Regions AMIs stay closed, or that there are none any more.
    async fn note_refused(&mut self, env: &Env, save: &SaveRef) -> Result<(), Problem> {
        let closed = self.refused.iter().filter(|(_, whom)| !whom.is_empty());
        let closed = closed.map(|(region, whom)| {
            let whom: Vec<String> = whom.iter().map(ToString::to_string).collect();
            (region.clone(), whom.join(", "))
        });
        let closed: BTreeMap<Region, String> = closed.collect();
        if closed != self.noted {
            env.note(save, |record| record.closed_in.clone_from(&closed))
                .await?;
            self.noted = closed;
        }
        Ok(())
    }
}

/// The account that an opening lets copy an AMI.
fn copier(opening: &Opening) -> Option<AccountId> {
    match opening {
        Opening::Copies { copies } => Some(copies.clone()),
        Opening::Launch(_) => None,
    }
}

/// Opens an AMI, and returns what EC2 refused.
async fn open(
    env: &Env,
    save: &SaveRef,
    region: &Region,
    image: &ImageId,
    whom: &[Opening],
) -> Result<BTreeSet<Opening>, Problem> {
    let mut refused = BTreeSet::new();
    // Request all permissions at once and, if that fails, each one separately.
    let together = std::iter::once(whom).filter(|whom| whom.len() > 1);
    let mut done = whom.is_empty();
    for whom in together.chain(whom.chunks(1)) {
        if done {
            break;
        }
        match openings::add(&*env.ec2, region, image, whom).await {
            Ok(()) => done = whom.len() > 1,
            Err(error) if error.is_unshareable() => {
                tracing::warn!(save.id = %save.save_id, %region, %image, %error, "the launch permissions of the AMI were not changed");
                if let [one] = whom {
                    refused.insert(one.clone());
                }
            }
            Err(error) => return Err(from_ec2(error)),
        }
    }
    Ok(refused)
}
