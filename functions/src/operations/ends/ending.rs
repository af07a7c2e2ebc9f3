//! The last save of an instance, and the request to EC2 that ends it.

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

use super::due::Ended;
use super::requests::last_save;
use crate::domain::audit::{AuditAction, AuditEvent, Channel, Subject};
use crate::domain::ec2::InstanceState;
use crate::domain::end::{EndState, InstanceEnd, Then, template_of};
use crate::domain::pace::Paced;
use crate::domain::save::SaveState;
use crate::domain::template::TemplateState;
use crate::domain::{Class, Code, NoticeEvent, Problem, SaveId, TemplateName, Timestamp};
use crate::operations::{Service, Unrecorded, save_id_of};
use crate::ports::{Instance, from_ec2};
use crate::registry::Stored;
use crate::rules::access::Caller;
use crate::rules::holdings;
use crate::steps::{self, pacing};

/// How long after its last save an instance may be terminated, in hours. After that, too much may have changed on it.
const SAVED_H: i64 = 2;

/// How long the last save waits until its instance has been stopped. A save can stop it, too.
const STOPPED_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// How the last save stands.
enum LastSave {
    Waits,
    Succeeded,
    Failed(String),
}

impl Service {
    /// Stops an instance at the end of its project, before its last save. Returns the end once the save can begin, and
    /// `None` until then. What EC2 refuses to stop is left to the save, which says why.
    pub(super) async fn stop_before_save(
        &self,
        stored: Stored<InstanceEnd>,
        instance: &Instance,
        until: Timestamp,
    ) -> Result<Option<Stored<InstanceEnd>>, Problem> {
        let (end, now) = (&stored.value, self.env.clock.now());
        let late = end
            .stopping_since
            .is_some_and(|since| now - since > STOPPED_WITHIN);
        if !end.end.of_project || late || instance.state == InstanceState::Stopped {
            return Ok(Some(stored));
        }
        let region = end.region.clone();
        if instance.state != InstanceState::Running {
            // Somebody else stops it: that must not take longer either.
            if instance.state == InstanceState::Stopping && end.stopping_since.is_none() {
                self.note_stop(&stored, None).await?;
            }
            return Ok(None);
        }
        if !pacing::until_end(&self.env, &region, Paced::Stop, until).await? {
            return Ok(None);
        }
        let first = !end.stop_is_audited;
        let event = first.then(|| self.event_of_end(end, AuditAction::InstanceStop));
        let Some(stored) = self.note_stop(&stored, event.as_ref()).await? else {
            return Ok(None);
        };
        let Err(error) = self.env.ec2.stop_instance(&region, &instance.id).await else {
            return Ok(None);
        };
        let problem = from_ec2(error);
        if problem.code.class() == Class::Transient || problem.code.is_about_setup() {
            return Err(problem);
        }
        Ok(Some(stored))
    }

    /// Records since when the instance stops before its last save, or is about to, unless a save holds it.
    async fn note_stop(
        &self,
        stored: &Stored<InstanceEnd>,
        event: Option<&AuditEvent>,
    ) -> Result<Option<Stored<InstanceEnd>>, Problem> {
        let mut after = stored.value.clone();
        after.stopping_since.get_or_insert(self.env.clock.now());
        after.stop_is_audited |= event.is_some();
        let registry = &self.env.registry;
        registry.put_end_unheld(stored, after, event, None).await
    }

    /// The event of what is done to an instance at its end, on behalf of whoever set the end.
    fn event_of_end(&self, end: &InstanceEnd, action: AuditAction) -> AuditEvent {
        let by = Caller::new(end.end.set_by.clone()).by(Channel::End);
        let subject = Subject::Instance(end.region.clone(), end.instance.clone());
        self.event(&by, action, subject)
            .of_project(end.project.as_ref())
            .with("name", &end.name)
            .with("end", end.end.at)
    }

    /// Records which save is the last one, before it is requested. Returns `None` if somebody has changed the end.
    pub(super) async fn begin_last_save(
        &self,
        stored: Stored<InstanceEnd>,
    ) -> Result<Option<Stored<InstanceEnd>>, Problem> {
        let mut after = stored.value.clone();
        after.end.save_id = Some(save_id_of(&after.owner, &request_id(&after))?);
        after.end.state = EndState::Saving;
        self.env.registry.put_end(Some(&stored), after, None).await
    }

    /// Returns the end once the last save has ended; `None` until then. After a failed save, the instance is only stopped.
    pub(super) async fn after_last_save(
        &self,
        stored: Stored<InstanceEnd>,
    ) -> Result<Option<Stored<InstanceEnd>>, Problem> {
        match self.last_save(&stored.value).await? {
            LastSave::Waits => Ok(None),
            LastSave::Succeeded => Ok(Some(stored)),
            LastSave::Failed(why) => {
                let mut after = stored.value.clone();
                after.end.then = Then::Stop;
                after.end.save_failure = Some(format!("its last save failed: {why}"));
                after.end.state = EndState::Ending;
                self.env.registry.put_end(Some(&stored), after, None).await
            }
        }
    }

    /// Begins the last save if it has not begun, and returns how it stands. The save's ID follows from the end, so that it
    /// begins once.
    async fn last_save(&self, end: &InstanceEnd) -> Result<LastSave, Problem> {
        let (Some(id), Some(template)) = (&end.end.save_id, &end.end.last_save) else {
            return Ok(LastSave::Succeeded);
        };
        if let Some(stored) = self.env.registry.save(id).await? {
            let failure = stored.value.failure.as_ref();
            let why = failure.map(|it| format!(": {} ({})", it.message, it.code));
            return Ok(match stored.value.state {
                SaveState::Succeeded => LastSave::Succeeded,
                SaveState::Failed | SaveState::Cancelled => {
                    LastSave::Failed(format!("{id}{}", why.unwrap_or_default()))
                }
                // A stranded save still holds the instance, and may succeed yet.
                SaveState::Running | SaveState::Stranded => LastSave::Waits,
            });
        }
        let owner = Caller::new(end.owner.clone()).by(Channel::End);
        match self.unrecorded(&owner, id).await? {
            Unrecorded::Begins => Ok(LastSave::Waits),
            Unrecorded::Failed(problem) => Ok(refused(&problem)),
            Unrecorded::Unknown => {
                if let Err(problem) = self.check_own(end, template).await? {
                    return Ok(refused(&problem));
                }
                let request = last_save(end.instance.as_str(), &end.region, template);
                let request_id = request_id(end);
                let begun = self.start_save(&owner, request, Some(&request_id));
                match begun.await {
                    Ok(_) => Ok(LastSave::Waits),
                    Err(problem) if problem.code.class() == Class::Transient => Err(problem),
                    Err(problem) => Ok(refused(&problem)),
                }
            }
        }
    }

    /// Refuses the template that the end of a project names after the instance if it belongs to somebody else: the owner
    /// of the instance has not agreed to show its files there.
    async fn check_own(
        &self,
        end: &InstanceEnd,
        template: &TemplateName,
    ) -> Result<Result<(), Problem>, Problem> {
        if !end.end.of_project || template_of(&end.name, &end.instance)? != *template {
            return Ok(Ok(()));
        }
        let stored = self.env.registry.template(template).await?;
        let theirs = stored.is_some_and(|stored| {
            stored.value.owner != end.owner && stored.value.state != TemplateState::Deleted
        });
        if theirs {
            let message = format!("The template {template} belongs to somebody else.");
            return Ok(Err(Problem::new(Code::TemplateNameTaken, message)));
        }
        Ok(Ok(()))
    }

    /// Whether the last save of an instance, if it has one, still has what is on it.
    async fn is_saved(&self, end: &InstanceEnd) -> Result<bool, Problem> {
        let Some(id) = &end.end.save_id else {
            return Ok(true);
        };
        let saved = self.env.registry.save(id).await?;
        let at = saved.and_then(|stored| stored.value.ended_at);
        let now = self.env.clock.now();
        Ok(at.is_some_and(|at| now - at < TimeDelta::hours(SAVED_H)))
    }

    /// Decides that an instance is stopped and not terminated, because its last save has become outdated.
    async fn only_stop(&self, stored: &Stored<InstanceEnd>) -> Result<(), Problem> {
        let mut after = stored.value.clone();
        after.end.then = Then::Stop;
        after.end.save_failure = after.end.save_id.as_ref().map(|id| {
            format!("its last save, {id}, is outdated: the instance could not be terminated within {SAVED_H} hours after it")
        });
        after.end.refusal = None;
        after.asked_at = None;
        // The audit has that EC2 was asked to terminate it, and not yet that it is asked to stop it.
        after.is_audited = false;
        after.refusals = 0;
        self.env.registry.put_end(Some(stored), after, None).await?;
        Ok(())
    }

    /// Asks EC2 to stop or terminate the instance, in its turn. That EC2 is about to be asked is recorded first, with the
    /// condition that no save holds the instance.
    pub(super) async fn ask_ec2(
        &self,
        stored: Stored<InstanceEnd>,
        instance: &Instance,
        until: Timestamp,
    ) -> Result<Option<Ended>, Problem> {
        let (then, region) = (stored.value.end.then, stored.value.region.clone());
        let holder = self.holder(&stored.value).await?;
        if holder.as_ref().is_some_and(|(_, goes_on)| *goes_on) {
            // The save starts the instance again, which is no start by its owner after a request that had no effect.
            if stored.value.asked_at.is_some() {
                self.not_asked(&stored).await?;
            }
            return Ok(None);
        }
        if is_over(&stored.value, instance) {
            // A save stops the instance, too. What was listed may be from before it started the instance again.
            return match steps::look(&*self.env.ec2, &region, &instance.id).await? {
                Some(now) if is_over(&stored.value, &now) => self.ended(&stored).await,
                _ => Ok(None),
            };
        }
        if then == Then::Stop && instance.state == InstanceState::Pending {
            return Ok(None);
        }
        if then == Then::Terminate && !self.is_saved(&stored.value).await? {
            return self.only_stop(&stored).await.map(|()| None);
        }
        let paced = match then {
            Then::Stop => Paced::Stop,
            Then::Terminate => Paced::Termination,
        };
        if !pacing::until_end(&self.env, &region, paced, until).await? {
            return Ok(None);
        }
        let released = holder.map(|(save, _)| save);
        // An earlier request may have had an effect without a response.
        let unclear = stored.value.asked_at.is_some();
        let Some(stored) = self.intend_end(&stored, released.as_ref()).await? else {
            return Ok(None);
        };
        let ec2 = &self.env.ec2;
        let asked = match then {
            Then::Stop => ec2.stop_instance(&region, &instance.id).await,
            Then::Terminate => ec2.terminate_instance(&region, &instance.id).await,
        };
        match asked {
            Ok(()) => {
                if then == Then::Terminate {
                    holdings::ended(&self.env, &stored.value.owner, &instance.id).await;
                }
                self.ended(&stored).await
            }
            Err(error) if error.is_not_found() => {
                self.env.registry.remove_end(&stored, None).await?;
                Ok(None)
            }
            Err(error) => {
                let problem = from_ec2(error);
                if problem.code.class() == Class::Transient || problem.code.is_about_setup() {
                    if problem.code != Code::AwsUnavailable && !unclear {
                        self.not_asked(&stored).await?;
                    }
                    return Err(problem);
                }
                // This is about the instance, and its owner is told: it is no failure of the sweep.
                self.note_refusal(&stored, &problem).await.map(|()| None)
            }
        }
    }

    /// Returns the save that holds the instance, and whether it goes on. The lock of a save that has ended is a leftover,
    /// which holds nothing.
    pub(super) async fn holder(
        &self,
        end: &InstanceEnd,
    ) -> Result<Option<(SaveId, bool)>, Problem> {
        let registry = &self.env.registry;
        let Some(id) = registry.lock_holder(&end.region, &end.instance).await? else {
            return Ok(None);
        };
        let stored = registry.save(&id).await?;
        let goes_on = stored.is_some_and(|stored| {
            let state = stored.value.state;
            matches!(state, SaveState::Running | SaveState::Stranded)
        });
        Ok(Some((id, goes_on)))
    }

    /// Records that EC2 has not changed the instance, so that a later start of it, such as by a save, is none after its
    /// end.
    async fn not_asked(&self, stored: &Stored<InstanceEnd>) -> Result<(), Problem> {
        let mut after = stored.value.clone();
        after.asked_at = None;
        self.env.registry.put_end(Some(stored), after, None).await?;
        Ok(())
    }

    async fn intend_end(
        &self,
        stored: &Stored<InstanceEnd>,
        released: Option<&SaveId>,
    ) -> Result<Option<Stored<InstanceEnd>>, Problem> {
        let mut after = stored.value.clone();
        after.end.state = EndState::Ending;
        let first = !std::mem::replace(&mut after.is_audited, true);
        after.asked_at.get_or_insert(self.env.clock.now());
        let action = match after.end.then {
            Then::Stop => AuditAction::InstanceStop,
            Then::Terminate => AuditAction::InstanceTerminate,
        };
        let event = self.event_of_end(&after, action);
        let event = first.then_some(&event);
        let registry = &self.env.registry;
        registry
            .put_end_unheld(stored, after, event, released)
            .await
    }

    /// Records that the instance has ended. The owner is notified before that, so that the notice is never lost.
    pub(super) async fn ended(
        &self,
        stored: &Stored<InstanceEnd>,
    ) -> Result<Option<Ended>, Problem> {
        let mut after = stored.value.clone();
        let then = after.end.then;
        let text = match (&after.end.save_failure, &after.end.last_save) {
            (Some(why), _) => format!("and was only stopped, because {why}"),
            (None, Some(template)) => {
                format!("and was {} after it was saved to {template}.", then.done())
            }
            (None, None) => format!("and was {}.", then.done()),
        };
        let text = format!(
            "{} ({}, {}) has reached its end {text}",
            after.name, after.instance, after.region
        );
        let at = after.asked_at.unwrap_or(after.end.at);
        self.tell_owner(&after, NoticeEvent::InstanceEnded, at, text)
            .await?;
        after.end.state = EndState::Ended;
        after.end.refusal = None;
        after.end.ended_at = Some(self.env.clock.now());
        after.next_at = None;
        let ended = Ended {
            name: after.name.clone(),
            instance: after.instance.clone(),
            then,
        };
        let written = self.env.registry.put_end(Some(stored), after, None).await?;
        Ok(written.map(|_| ended))
    }

    /// Records that EC2 refuses to end the instance, such as because of stop protection. It is asked again, ever more
    /// rarely. The owner is notified once.
    async fn note_refusal(
        &self,
        stored: &Stored<InstanceEnd>,
        problem: &Problem,
    ) -> Result<(), Problem> {
        let mut after = stored.value.clone();
        tracing::warn!(instance.id = %after.instance, code = %problem.code, problem = problem.chain(), "EC2 refuses to end an instance");
        if after.refusals == 0 {
            let text = format!(
                "{} ({}, {}) has reached its end, but was not {}: {} {} Prism tries again.",
                after.name,
                after.instance,
                after.region,
                after.end.then.done(),
                problem.message,
                problem.advice(),
            );
            let at = after.asked_at.unwrap_or(after.end.at);
            let told = self.tell_owner(&after, NoticeEvent::InstanceEnding, at, text);
            if let Err(problem) = told.await {
                self.not_asked(stored).await?;
                return Err(problem);
            }
        }
        // EC2 has not changed the instance, so a later start of it is none after its end.
        after.asked_at = None;
        after.next_at = Some(self.env.clock.now() + after.pause());
        after.refusals += 1;
        after.end.refusal = Some(problem.message.clone());
        self.env.registry.put_end(Some(stored), after, None).await?;
        Ok(())
    }
}

/// Whether nothing is left to be done: the instance is down already, or somebody started it again after EC2 was asked.
fn is_over(end: &InstanceEnd, instance: &Instance) -> bool {
    let down = matches!(
        instance.state,
        InstanceState::Stopping | InstanceState::Stopped
    );
    let again = end.asked_at.is_some_and(|at| instance.launched_at > at);
    again || (end.end.then == Then::Stop && down)
}

fn refused(problem: &Problem) -> LastSave {
    LastSave::Failed(format!("{} ({})", problem.message, problem.code))
}

/// The request ID of the last save: the same for each attempt of an end, and another one if the end is set again.
fn request_id(end: &InstanceEnd) -> String {
    let (region, id, set_at) = (&end.region, &end.instance, end.end.set_at);
    let hash = Sha256::digest(format!("end\n{region}\n{id}\n{set_at}"));
    format!("end-{}", hex::encode(&hash[..16]))
}
