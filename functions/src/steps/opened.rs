//! Whom the AMIs of a save or a copy are open to, in EC2 itself.

use std::collections::{BTreeMap, BTreeSet};

use super::SaveRef;
use super::discard_image::LATE_S;
use super::permissions::{self, public};
use crate::domain::ec2::LaunchPermission;
use crate::domain::grant::Grant;
use crate::domain::save::{SaveRecord, seconds_between};
use crate::domain::{Code, ImageId, Problem, Region};
use crate::ports::from_ec2;
use crate::rules::Env;

/// Whom the AMIs are open to.
pub(super) struct Opened {
    /// By Region.
    held: BTreeMap<Region, BTreeSet<LaunchPermission>>,
    /// To whom EC2 would not open them, by Region.
    refused: BTreeMap<Region, BTreeSet<LaunchPermission>>,
    /// What the record says of that.
    noted: BTreeMap<Region, String>,
}

impl Opened {
    /// Looks whom AMIs are open to. They are the save's own: who is among them was let in by a run of
    /// this step that came to no end, and may have lost the template since. What such a run has asked
    /// for may take effect for a while still: until then the look would tell nothing.
    pub(super) async fn seen(
        env: &Env,
        record: &SaveRecord,
        images: &BTreeMap<Region, ImageId>,
    ) -> Result<Self, Problem> {
        if let Some(asked) = record.opening_at
            && seconds_between(asked, env.clock.now()) < LATE_S
        {
            let message =
                "Whom the AMIs are open to may still change by a request of a moment ago.";
            return Err(Problem::new(Code::NotReady, message));
        }
        let mut open = BTreeMap::new();
        for (region, image) in images {
            let held = match env.ec2.launch_permissions(region, image).await {
                // Somebody has taken it away: what follows finds that.
                Err(error) if error.is_not_found() => Vec::new(),
                held => held.map_err(from_ec2)?,
            };
            open.insert(region.clone(), held.into_iter().collect());
        }
        Ok(Self {
            held: open,
            refused: BTreeMap::new(),
            noted: record.closed_in.clone(),
        })
    }

    /// Notes that everything that was asked for has been answered: the next run need not wait for it.
    pub(super) async fn settle(&self, env: &Env, save: &SaveRef) -> Result<(), Problem> {
        env.note(save, |record| record.opening_at = None).await?;
        Ok(())
    }

    /// Whether EC2 made the AMI of the save itself as public as was asked.
    pub(super) fn is_public(&self, env: &Env, record: &SaveRecord) -> Result<bool, Problem> {
        let refused = self.refused.get(&record.request.region);
        let public = public(env)?;
        Ok(!public.is_some_and(|public| refused.is_some_and(|it| it.contains(&public))))
    }

    /// Opens the AMIs to those whom the template is given to, and closes them to everybody else. `grants` are those
    /// that were found to show nobody anything unasked: who was let in since is not among them, and the version is
    /// not registered then. Where EC2 does not open an AMI, it stays closed and the record says so: what is saved is
    /// not lost for that.
    pub(super) async fn by_grants(
        &mut self,
        env: &Env,
        save: &SaveRef,
        record: &SaveRecord,
        grants: &[Grant],
        images: &BTreeMap<Region, ImageId>,
    ) -> Result<(), Problem> {
        let granted = permissions::of_grants(grants);
        let mut wanted = granted.clone();
        if record.request.public {
            wanted.extend(public(env)?);
        }
        // The AMI of the save itself comes first: where EC2 does not make that one public the template is not, and
        // neither are its copies.
        let home = &record.request.region;
        let copies = images.iter().filter(|(region, _)| *region != home);
        for (region, image) in images.get_key_value(home).into_iter().chain(copies) {
            let held = self.held.entry(region.clone()).or_default();
            let more: Vec<_> = wanted.difference(held).cloned().collect();
            let fewer: Vec<_> = held.difference(&wanted).cloned().collect();
            if !(more.is_empty() && fewer.is_empty()) {
                env.intend(save, |record, now| record.opening_at = Some(now))
                    .await?;
            }
            let refused = open(env, save, region, image, &more).await?;
            if !fewer.is_empty() {
                let removed = env.ec2.remove_launch_permissions(region, image, &fewer);
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

    /// Writes down where AMIs stay closed, and that none does any more.
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

/// Opens an AMI, and returns to whom EC2 would not.
async fn open(
    env: &Env,
    save: &SaveRef,
    region: &Region,
    image: &ImageId,
    whom: &[LaunchPermission],
) -> Result<BTreeSet<LaunchPermission>, Problem> {
    let mut refused = BTreeSet::new();
    // All at once, and where one of them is in the way each alone.
    let together = std::iter::once(whom).filter(|whom| whom.len() > 1);
    let mut done = whom.is_empty();
    for whom in together.chain(whom.chunks(1)) {
        if done {
            break;
        }
        match env.ec2.add_launch_permissions(region, image, whom).await {
            Ok(()) => done = whom.len() > 1,
            Err(error) if error.is_unshareable() => {
                tracing::warn!(save.id = %save.save_id, %region, %image, %error, "the AMI stays closed");
                if let [one] = whom {
                    refused.insert(one.clone());
                }
            }
            Err(error) => return Err(from_ec2(error)),
        }
    }
    Ok(refused)
}
