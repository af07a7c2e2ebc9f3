//! Opens and closes the AMIs of a template according to its grants, even if several callers change them at once.
//!
//! A grant is written before EC2 is called, and confirmed afterwards. After the EC2 calls, each caller checks whether
//! the grants are still the same, and repeats the calls until they are. If several callers open and close AMIs at once,
//! the last one to call EC2 has therefore used the current grants. An AMI that several templates have, by imports, is
//! open to the grantees of all of them.

use std::collections::BTreeMap;

use futures::future::{join_all, try_join_all};

use super::expected::{check, tag};
use super::share_checks::{self, Target, Which};
use super::{Expected, Service};
use crate::domain::audit::{AuditAction, AuditEvent};
use crate::domain::ec2::Opening;
use crate::domain::grant::{Grant, GrantState, Grantee};
use crate::domain::template::Template;
use crate::domain::{Code, ImageId, Problem, Region, TemplateName};
use crate::ports::from_ec2;
use crate::registry::{GrantChange, Stored};
use crate::rules::lending;
use crate::steps::{openings, permissions};

/// The number of attempts to open or close an AMI before it counts as failed.
const TRIES: u32 = 4;
/// The pause before the second attempt, in milliseconds; it doubles with each further attempt.
const PAUSE_MS: u64 = 400;
/// How often AMIs are opened or closed again because the grants have changed.
const TURNS: usize = 10;
/// The number of AMIs whose other users are read at once.
pub(super) const AT_ONCE: usize = 8;
/// The maximum number of versions of one AMI whose templates' grants are read.
pub(super) const USERS: usize = 1000;

/// Returns the grant in the state in which its AMIs are being opened.
pub(super) fn begun(grant: &Grant) -> Grant {
    Grant {
        state: GrantState::Opening,
        ..grant.clone()
    }
}

impl Service {
    /// Opens the AMIs of a grant that is recorded as opening, and records that they are open. If the share was already
    /// complete (`before`), AMIs that somebody else has closed are opened again.
    pub(super) async fn open(
        &self,
        grant: &Grant,
        before: Option<&Grant>,
        event: &AuditEvent,
    ) -> Result<Template, Problem> {
        let name = &grant.template;
        // A version that was registered since the check is opened by its own save, which sees the recorded grant. This
        // opens all AMIs that existed before.
        let failed = self.agree_on(grant, Which::ALL).await?;
        if failed.is_empty() {
            return self.opened(grant).await;
        }
        if let Some(before) = before {
            self.put_back(before).await?;
            self.agree_on(grant, Which::ALL).await?;
            let rest = "Existing shares are unchanged.";
            return Err(share_failed(name, "shared", &failed, rest));
        }
        let event = self
            .event_again(event, AuditAction::TemplateShareFailed)
            .with("regions", failed.keys().collect::<Vec<_>>());
        self.closing(grant, &event, None).await?;
        let left = self.agree_on(grant, Which::ALL).await?;
        let rest = if left.is_empty() {
            self.closed(name, &grant.to).await?;
            "Nothing is shared: every AMI that was opened has been closed again.".to_owned()
        } else {
            let regions: Vec<&str> = left.keys().map(Region::as_str).collect();
            format!(
                "It may still be open in {}: share it again, or revoke the share.",
                regions.join(", ")
            )
        };
        Err(share_failed(name, "shared", &failed, &rest))
    }

    /// Opens or closes AMIs as the grants say, in everything that a grant opens them by. Returns the Regions in which it
    /// failed.
    pub(super) async fn agree_on(
        &self,
        grant: &Grant,
        which: Which,
    ) -> Result<BTreeMap<Region, Problem>, Problem> {
        let mut failed = BTreeMap::new();
        for opening in permissions::of_grant(grant) {
            failed.extend(self.agree(&grant.template, which, &opening).await?);
        }
        Ok(failed)
    }

    /// Restores a complete share after a change of it has failed, unless it was revoked in the meantime.
    async fn put_back(&self, before: &Grant) -> Result<(), Problem> {
        let change = |_: &Stored<Template>, grants: &[Grant]| {
            let there = grants.iter().find(|other| other.to == before.to);
            let there = there.filter(|other| other.state == GrantState::Opening);
            Ok(there.map(|_| GrantChange::Put(before.clone())))
        };
        let registry = &self.env.registry;
        let changed = registry.change_grant(&before.template, None, change);
        changed.await.map(drop)
    }

    /// Opens or closes AMIs of a template as the grants say, until the grants are the same before and after. Returns
    /// the Regions in which it failed.
    pub(super) async fn agree(
        &self,
        name: &TemplateName,
        which: Which,
        opening: &Opening,
    ) -> Result<BTreeMap<Region, Problem>, Problem> {
        let registry = &self.env.registry;
        let mut targets = share_checks::targets(registry, name, which).await?;
        let mut wanted = self.wanted(name, &targets, opening).await?;
        for _ in 0..TURNS {
            let failed = self.set(&targets, &wanted, opening).await;
            let now = self.wanted(name, &targets, opening).await?;
            if failed.is_empty() && now == wanted {
                return Ok(failed);
            }
            // An AMI that cannot be opened may have been deleted in the meantime.
            let there = share_checks::targets(registry, name, which).await?;
            if there == targets {
                if !failed.is_empty() {
                    return Ok(failed);
                }
                wanted = now;
            } else {
                wanted = self.wanted(name, &there, opening).await?;
                targets = there;
            }
        }
        let message = format!("Other requests kept changing the shares of the template {name}.");
        Err(Problem::new(Code::RegistryConflict, message))
    }

    /// Returns for each AMI of a template whether it should be open, by the template's grants or those of another
    /// template that has it too.
    async fn wanted(
        &self,
        name: &TemplateName,
        targets: &[Target],
        opening: &Opening,
    ) -> Result<Vec<bool>, Problem> {
        let granted = permissions::of_template(&self.env.registry, name).await?;
        let granted = granted.contains(opening);
        let look = async |it: &Target| {
            if granted && !it.borrowed {
                return Ok(true);
            }
            let (region, image) = (&it.region, &it.image);
            self.is_granted(region, image, opening, Some(name)).await
        };
        let mut wanted = Vec::new();
        for some in targets.chunks(AT_ONCE) {
            wanted.extend(try_join_all(some.iter().map(look)).await?);
        }
        Ok(wanted)
    }

    /// Returns whether the grants of any template that has an AMI open it, except the template `known`.
    async fn is_granted(
        &self,
        region: &Region,
        image: &ImageId,
        opening: &Opening,
        known: Option<&TemplateName>,
    ) -> Result<bool, Problem> {
        let registry = &self.env.registry;
        let users = registry.users_of(region, image, USERS).await?;
        let mut names = lending::of_their_own(registry, &users).await?;
        names.retain(|name| Some(*name) != known);
        for name in names {
            let granted = permissions::of_template(registry, name).await?;
            if granted.contains(opening) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens or closes an AMI according to the grants of the templates that currently have it.
    pub(super) async fn set_as_granted(
        &self,
        region: &Region,
        image: &ImageId,
        opening: &Opening,
    ) -> Result<(), Problem> {
        let mut wanted = self.is_granted(region, image, opening, None).await?;
        for _ in 0..TURNS {
            self.set_one(region, image, opening, wanted).await?;
            let now = self.is_granted(region, image, opening, None).await?;
            if now == wanted {
                return Ok(());
            }
            wanted = now;
        }
        let message = format!("Other requests kept changing the shares of the AMI {image}.");
        Err(Problem::new(Code::RegistryConflict, message))
    }

    /// Closes an AMI that a template no longer has but others keep, as far as none of their grants opens it.
    pub(super) async fn close_to_former(
        &self,
        region: &Region,
        image: &ImageId,
    ) -> Result<(), Problem> {
        let held = match openings::held(&*self.env.ec2, region, image).await {
            Err(error) if error.is_gone() => {
                return Ok(());
            }
            held => held.map_err(from_ec2)?,
        };
        for opening in &held.any {
            self.set_as_granted(region, image, opening).await?;
        }
        Ok(())
    }

    /// Confirms a share whose AMIs are open, unless it was revoked in the meantime.
    async fn opened(&self, grant: &Grant) -> Result<Template, Problem> {
        let name = &grant.template;
        let change = |_: &Stored<Template>, grants: &[Grant]| {
            let there = grants.iter().find(|other| other.to == grant.to);
            match there.map(|other| other.state) {
                Some(GrantState::Open) => Ok(None),
                Some(GrantState::Opening) => Ok(Some(GrantChange::Put(grant.clone()))),
                Some(GrantState::Closing) | None => {
                    let message = format!(
                        "The share of {name} with {} was revoked at the same time.",
                        grant.to
                    );
                    Err(Problem::new(Code::RegistryConflict, message))
                }
            }
        };
        self.env.registry.change_grant(name, None, change).await
    }

    /// Records that a share is being revoked, if it exists. Fails if the template does not match `expected`.
    pub(super) async fn closing(
        &self,
        grant: &Grant,
        event: &AuditEvent,
        expected: Option<&Expected>,
    ) -> Result<(), Problem> {
        let change = |stored: &Stored<Template>, grants: &[Grant]| {
            as_expected(stored, expected)?;
            let there = grants.iter().find(|other| other.to == grant.to);
            let there = there.filter(|other| other.state != GrantState::Closing);
            Ok(there.map(|other| {
                GrantChange::Put(Grant {
                    state: GrantState::Closing,
                    ..other.clone()
                })
            }))
        };
        let registry = &self.env.registry;
        let changed = registry.change_grant(&grant.template, Some(event), change);
        changed.await.map(drop)
    }

    /// Records that the AMIs of a version and of all newer ones are closed, unless the template was shared again in the
    /// meantime.
    pub(super) async fn closed_so_far(
        &self,
        name: &TemplateName,
        to: &Grantee,
        from: u32,
    ) -> Result<(), Problem> {
        let change = |_: &Stored<Template>, grants: &[Grant]| {
            let closing = |it: &&Grant| it.to == *to && it.state == GrantState::Closing;
            let there = grants.iter().find(closing);
            Ok(there.map(|grant| {
                GrantChange::Put(Grant {
                    closed_from: Some(from),
                    ..grant.clone()
                })
            }))
        };
        let registry = &self.env.registry;
        registry.change_grant(name, None, change).await.map(drop)
    }

    /// Removes a share whose AMIs are closed, unless the template was shared again in the meantime.
    pub(super) async fn closed(&self, name: &TemplateName, to: &Grantee) -> Result<(), Problem> {
        let change = |_: &Stored<Template>, grants: &[Grant]| {
            let closing = |it: &&Grant| it.to == *to && it.state == GrantState::Closing;
            let there = grants.iter().find(closing);
            Ok(there.map(|_| GrantChange::Remove(to.clone())))
        };
        let registry = &self.env.registry;
        registry.change_grant(name, None, change).await.map(drop)
    }

    /// Writes a grant, unless the same grant exists. Fails if the template does not match `expected`. Returns `None` if
    /// the template has another revision than the one for which the files were checked.
    pub(super) async fn put_grant(
        &self,
        grant: &Grant,
        event: &AuditEvent,
        expected: Option<&Expected>,
        revision: u64,
    ) -> Result<Option<Template>, Problem> {
        let mut changed = false;
        let change = |stored: &Stored<Template>, grants: &[Grant]| {
            as_expected(stored, expected)?;
            changed = stored.revision != revision;
            if changed {
                return Ok(None);
            }
            let same = grants.contains(grant);
            Ok((!same).then(|| GrantChange::Put(grant.clone())))
        };
        let registry = &self.env.registry;
        let written = registry.change_grant(&grant.template, Some(event), change);
        let template = written.await?;
        Ok((!changed).then_some(template))
    }

    /// Removes a grant, if it exists. Fails if the template does not match `expected`.
    pub(super) async fn remove_grant(
        &self,
        name: &TemplateName,
        to: &Grantee,
        event: &AuditEvent,
        expected: Option<&Expected>,
    ) -> Result<(), Problem> {
        let change = |stored: &Stored<Template>, grants: &[Grant]| {
            as_expected(stored, expected)?;
            let there = grants.iter().any(|grant| grant.to == *to);
            Ok(there.then(|| GrantChange::Remove(to.clone())))
        };
        let registry = &self.env.registry;
        let changed = registry.change_grant(name, Some(event), change);
        changed.await.map(drop)
    }

    /// Opens or closes AMIs in all Regions at once. Returns the Regions in which it failed.
    async fn set(
        &self,
        targets: &[Target],
        wanted: &[bool],
        opening: &Opening,
    ) -> BTreeMap<Region, Problem> {
        let mut by_region: BTreeMap<&Region, Vec<(&ImageId, bool)>> = BTreeMap::new();
        for (target, open) in targets.iter().zip(wanted) {
            let images = by_region.entry(&target.region).or_default();
            images.push((&target.image, *open));
        }
        let regions = by_region.into_iter().map(|(region, images)| async move {
            for (image, open) in images {
                if let Err(problem) = self.set_one(region, image, opening, open).await {
                    return Some((region.clone(), problem));
                }
            }
            None
        });
        join_all(regions).await.into_iter().flatten().collect()
    }

    async fn set_one(
        &self,
        region: &Region,
        image: &ImageId,
        opening: &Opening,
        open: bool,
    ) -> Result<(), Problem> {
        let (ec2, whom) = (&*self.env.ec2, std::slice::from_ref(opening));
        for attempt in 0.. {
            let answer = if open {
                openings::add(ec2, region, image, whom).await
            } else {
                openings::remove(ec2, region, image, whom).await
            };
            let Err(error) = answer else { return Ok(()) };
            if error.is_gone() {
                // An AMI that is gone or disabled is open to nobody, and this cannot change it. The plan of a share and
                // the doctor report it.
                tracing::warn!(%image, %region, open, code = error.code, "an AMI could not be opened or closed");
                return Ok(());
            }
            if !error.is_temporary() || attempt + 1 == TRIES {
                return Err(from_ec2(error));
            }
            let pause = std::time::Duration::from_millis(PAUSE_MS << attempt);
            self.env.clock.sleep(pause).await;
        }
        unreachable!("the last attempt returns")
    }
}

/// Refuses to change the grants of a template that does not match `expected`.
pub(super) fn as_expected(
    stored: &Stored<Template>,
    expected: Option<&Expected>,
) -> Result<(), Problem> {
    let what = format!("The template {}", stored.value.name);
    check(expected, &what, &tag(stored))
}

/// Creates the problem that AMIs could not be opened or closed in some Regions.
pub(super) fn share_failed(
    name: &TemplateName,
    what: &str,
    failed: &BTreeMap<Region, Problem>,
    rest: &str,
) -> Problem {
    let regions: Vec<String> = failed
        .iter()
        .map(|(region, problem)| {
            let (code, chain) = (problem.code, problem.chain());
            tracing::warn!(template = %name, %region, %code, problem = chain, "AMIs were not {what}");
            format!("{region} ({})", problem.message.trim_end_matches('.'))
        })
        .collect();
    let message = format!(
        "The template {name} could not be {what} in {}. {rest}",
        regions.join(", ")
    );
    Problem::new(Code::ShareFailed, message)
}
