//! Fixes leftovers.

use std::collections::BTreeSet;

use super::sums::open_of;
use super::{Left, Leftover};
use crate::domain::ec2::{InstanceState, Opening};
use crate::domain::month::Month;
use crate::domain::pace::Paced;
use crate::domain::save::{Duty, Finding};
use crate::domain::{Code, ImageId, Problem, Region, SaveId, TemplateName};
use crate::operations::removal::not_deregistered;
use crate::operations::schedules::from_schedules;
use crate::operations::{Asked, ChangeSchedule, Operation, ScheduleEdit, Service};
use crate::ports::{Ec2Error, Ec2ErrorKind, from_ec2};
use crate::registry::{Going, Payer, Stored};
use crate::rules::uses;
use crate::steps::{self, pacing};

/// The result of fixing a leftover.
#[derive(Debug)]
pub enum Fixed {
    /// The resource has been removed or corrected.
    Done,
    /// Nothing was done, because a record explains the resource by now or it no longer exists.
    Explained,
    /// What could be done has begun: check again later.
    Begun(String),
    /// EC2 refuses the correction permanently, for this reason.
    Refused(Problem),
    /// The attempt failed, and nothing has changed.
    Failed(Problem),
}

impl Service {
    /// Fixes those of the given leftovers that still exist. AMIs come before their snapshots.
    pub async fn fix(&self, asked: &[Leftover]) -> Result<Vec<(Leftover, Fixed)>, Problem> {
        let now = self.leftovers().await?.found;
        let mut fixed = Vec::new();
        for leftover in asked {
            let still = now.iter().any(|other| other.what == leftover.what);
            let outcome = if still {
                self.fix_one(leftover).await.unwrap_or_else(Fixed::Failed)
            } else {
                Fixed::Explained
            };
            fixed.push((leftover.clone(), outcome));
        }
        Ok(fixed)
    }

    async fn fix_one(&self, leftover: &Leftover) -> Result<Fixed, Problem> {
        let registry = &self.env.registry;
        match &leftover.what {
            Left::Image { region, id } => self.fix_image(region, id).await,
            Left::Version {
                region,
                id,
                users,
                fault,
            } => match users.first() {
                Some(of) => Err(fault.problem(of, region, id)),
                None => Ok(Fixed::Explained),
            },
            Left::Removal { template, version } => self.fix_removal(template, *version).await,
            Left::Snapshot { region, id } => {
                self.removal_turn(region, Paced::SnapshotRemoval).await?;
                gone(self.env.ec2.delete_snapshot(region, id).await)
            }
            Left::Permissions {
                region,
                id,
                open_to,
                closed_to,
                ..
            } => {
                for launch in open_to {
                    self.set_as_granted(region, id, launch).await?;
                }
                self.open_again(region, id, closed_to).await
            }
            Left::Lock { region, id } => {
                let save = of_save(leftover)?;
                freed(registry.release_lock(region, id, save).await?)
            }
            Left::CopyLock {
                region,
                template,
                version,
            } => {
                let save = of_save(leftover)?;
                let freed_now = registry.release_copy(template, *version, region, save);
                freed(freed_now.await?)
            }
            Left::Wait { region, id } => {
                let save = of_save(leftover)?;
                freed(registry.forget_wait(region, id, save).await?)
            }
            Left::Duty { region, id } => match registry.duty(region, id).await? {
                Some(duty) if duty.value.discharged.is_none() => self.settle(&duty).await,
                _ => Ok(Fixed::Explained),
            },
            Left::Save { id } => {
                let Some(stored) = registry.save(id).await? else {
                    return Ok(Fixed::Explained);
                };
                Ok(match self.recover_lost(&stored.value).await? {
                    Some(recovery) => Fixed::Begun(format!(
                        "it is being brought back: prism saves watch {}",
                        recovery.save_id
                    )),
                    None => Fixed::Explained,
                })
            }
            Left::Schedule { owner, id } => {
                let owner = crate::rules::access::Caller::new(owner.clone());
                let pause = Asked::with(id.clone(), ScheduleEdit::pause(true));
                ChangeSchedule::run(self, &owner, pause).await?;
                Ok(Fixed::Done)
            }
            Left::TemplateSum { template } => freed(registry.set_costs_right(template).await?),
            Left::ProjectSum { project } => freed(registry.set_sums_right(project).await?),
            Left::ComputeSum { project } => {
                let month = Month::of(self.env.clock.now());
                let open = open_of(&self.open_meters().await?, project);
                let payer = Payer::Project(project.clone());
                freed(registry.set_tallies_right(&payer, month, &open).await?)
            }
            Left::Firing { id, .. } => {
                let removed = self.schedules.remove(id).await;
                removed.map_err(from_schedules)?;
                Ok(Fixed::Done)
            }
        }
    }

    /// Opens an AMI to the grantees that it is closed to. If EC2 refuses one of them, the others are opened
    /// nevertheless.
    async fn open_again(
        &self,
        region: &Region,
        id: &ImageId,
        closed_to: &BTreeSet<Opening>,
    ) -> Result<Fixed, Problem> {
        let mut refused = None;
        for launch in closed_to {
            match self.set_as_granted(region, id, launch).await {
                Err(problem) if is_unshareable(&problem) => {
                    refused = Some(stays_closed(region, id, launch, problem));
                }
                set => set?,
            }
        }
        Ok(refused.map_or(Fixed::Done, Fixed::Refused))
    }

    /// Removes an AMI, unless an instance was launched from it, by anyone, or a launch template refers to it.
    async fn fix_image(&self, region: &Region, id: &ImageId) -> Result<Fixed, Problem> {
        let running = uses::instances_of(&self.env, [(region, id)]).await?;
        if !running.is_empty() {
            let message = format!("Instances run from the AMI {id} in {region}.");
            return Err(Problem::new(Code::TemplateInUse, message)
                .hint("Terminate or save them before you remove it."));
        }
        let named = uses::launch_templates_of(&self.env, [(region, id)]).await?;
        if let Some((_, template)) = named.all().next() {
            let message = format!("The launch template {template} uses the AMI {id} in {region}.");
            return Err(Problem::new(Code::TemplateInUse, message)
                .hint("Change the launch template to another AMI, or delete it, before you remove this AMI."));
        }
        if let Some(unseen) = named.unseen {
            let hint = "Allow ec2:DescribeImageReferences, ec2:DescribeLaunchTemplates and \
                        ec2:DescribeLaunchTemplateVersions, then try again.";
            return Err(unseen.hint(hint));
        }
        self.removal_turn(region, Paced::Removal).await?;
        match self.env.ec2.deregister_image(region, id).await {
            Err(error) if error.kind() == Ec2ErrorKind::NotPermitted => {
                Err(not_deregistered(region, id, error))
            }
            outcome => gone(outcome),
        }
    }

    /// Waits for the turn of a removal. The caller waits for all removals, and finally sees which of them had no turn.
    async fn removal_turn(&self, region: &Region, paced: Paced) -> Result<(), Problem> {
        pacing::until_removal(&self.env, region, paced, self.patient_until()).await
    }

    async fn fix_removal(
        &self,
        template: &TemplateName,
        version: Option<u32>,
    ) -> Result<Fixed, Problem> {
        let going = match version {
            Some(number) => Going::Version(template.clone(), number),
            None => Going::Template(template.clone()),
        };
        Ok(if self.go_on_noting(&going, self.patient_until()).await? {
            Fixed::Done
        } else {
            Fixed::Begun("the sweep continues it".to_owned())
        })
    }

    /// Settles a duty that no save has any more: the instance is started if it is stopped and was running before.
    async fn settle(&self, duty: &Stored<Duty>) -> Result<Fixed, Problem> {
        let (region, id) = (&duty.value.region, &duty.value.instance);
        let instance = steps::look(&*self.env.ec2, region, id).await?;
        let state = instance.as_ref().map(|instance| instance.state);
        let finding = match state {
            None => Finding::Gone,
            Some(state) if state.is_gone() => Finding::Gone,
            Some(state) if state == duty.value.original_state => Finding::Original,
            Some(InstanceState::Pending | InstanceState::Stopping) => {
                return Ok(Fixed::Begun(format!("{id} is in transition")));
            }
            Some(InstanceState::Stopped) => {
                self.env
                    .ec2
                    .start_instance(region, id)
                    .await
                    .map_err(from_ec2)?;
                return Ok(Fixed::Begun(format!("{id} is being started")));
            }
            Some(_) => Finding::ChangedByOthers,
        };
        let now = self.env.clock.now();
        self.env.registry.settle_duty(duty, finding, now).await?;
        Ok(Fixed::Done)
    }
}

/// Returns whether EC2 permanently refuses to open an AMI.
fn is_unshareable(problem: &Problem) -> bool {
    let error = problem.source.as_deref();
    let error = error.and_then(|error| error.downcast_ref::<Ec2Error>());
    error.is_some_and(Ec2Error::is_unshareable)
}

/// Creates the problem that an AMI stays closed to a grantee.
fn stays_closed(region: &Region, id: &ImageId, launch: &Opening, mut problem: Problem) -> Problem {
    let why = problem.message.trim_end_matches('.');
    problem.message = format!("EC2 does not open the AMI {id} in {region} to {launch}: {why}.");
    problem.hint("It can be launched within the account alone there, and in the other Regions by all whom it is shared with. \"prism template share\" says what EC2 refuses: change that and run \"prism doctor --fix\" again, or take the share back with \"prism template unshare\".")
}

fn of_save(leftover: &Leftover) -> Result<&SaveId, Problem> {
    let lacks = || Problem::new(Code::Internal, "The leftover does not name a save.");
    leftover.save_id.as_ref().ok_or_else(lacks)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "each arm of the match is a Result"
)]
fn freed(freed: bool) -> Result<Fixed, Problem> {
    Ok(if freed { Fixed::Done } else { Fixed::Explained })
}

/// Converts the result of a deletion. A resource that no longer exists needs none; one that another AMI uses is kept.
fn gone(result: Result<(), Ec2Error>) -> Result<Fixed, Problem> {
    match result {
        Ok(()) => Ok(Fixed::Done),
        Err(error) if error.is_gone() => Ok(Fixed::Explained),
        Err(error) if error.kind() == Ec2ErrorKind::SnapshotInUse => {
            Err(Problem::new(Code::NotReady, "An AMI uses this snapshot.")
                .hint("If the AMI has just been removed, try again in a minute.")
                .because(error))
        }
        Err(error) => Err(from_ec2(error)),
    }
}
