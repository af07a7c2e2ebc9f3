//! The end that a launch sets. It is written before the launch is requested, because the instance must not run for ever
//! if the launch is interrupted after EC2 has accepted it: the sweep then looks for the instance.

use chrono::{SubsecRound as _, TimeDelta};

use crate::domain::end::{End, LaunchEnd};
use crate::domain::tags::OWNER_TAG;
use crate::domain::{InstanceId, Problem, Timestamp};
use crate::operations::{LaunchPlan, LaunchRequest, Service};
use crate::ports::{Instance, InstanceFilter};
use crate::rules::access::Caller;
use crate::rules::{Maker, holdings};

/// When the instance of a launch that was interrupted is looked for. A launch takes less than a minute.
const LOOKED_FOR: TimeDelta = TimeDelta::minutes(2);
/// How long it is looked for. EC2 lists a new instance within seconds.
const GIVEN_UP: TimeDelta = TimeDelta::minutes(10);
/// The number of interrupted launches that one sweep looks at.
const PAGE: usize = 100;

impl Service {
    /// Returns the end of an instance that is to be launched.
    pub(in crate::operations) async fn plan_end(
        &self,
        caller: &Caller,
        request: &LaunchRequest,
    ) -> Result<Option<End>, Problem> {
        let Some(wanted) = &request.end else {
            return Ok(None);
        };
        let end = wanted.check(&caller.user, self.env.clock.now())?;
        if let Some(template) = &end.last_save {
            self.check_last_save(caller, &request.region, template)
                .await?;
        }
        Ok(Some(end))
    }

    /// Writes the end of a launch before it is requested.
    pub(in crate::operations) async fn note_end(
        &self,
        caller: &Caller,
        request: &LaunchRequest,
        plan: &LaunchPlan,
        token: &str,
    ) -> Result<Option<LaunchEnd>, Problem> {
        let Some(end) = plan.end.clone() else {
            return Ok(None);
        };
        let launch = LaunchEnd {
            token: token.to_owned(),
            region: request.region.clone(),
            name: request.name.clone(),
            owner: caller.user.clone(),
            project: request.project.clone(),
            end,
            next_at: self.env.clock.now() + LOOKED_FOR,
        };
        self.env.registry.put_launch_end(&launch).await?;
        Ok(Some(launch))
    }

    /// Gives the launched instance its end. If this fails, the sweep does it.
    pub(in crate::operations) async fn settle_end(
        &self,
        launch: Option<LaunchEnd>,
        instance: &InstanceId,
    ) {
        let Some(launch) = launch else { return };
        let settled = self.env.registry.settle_launch_end(&launch, instance);
        if let Err(problem) = settled.await {
            tracing::warn!(instance.id = %instance, code = %problem.code, problem = problem.chain(), "the end of a launch was not written yet");
        }
    }

    /// Gives the instances of launches that were interrupted their ends.
    pub(super) async fn settle_launch_ends(&self, now: Timestamp) -> Result<(), Problem> {
        let mut failed = None;
        for launch in self.env.registry.due_launch_ends(now, PAGE).await? {
            if let Err(problem) = self.settle_interrupted(launch, now).await {
                tracing::warn!(code = %problem.code, problem = problem.chain(), "an interrupted launch could not be looked at");
                failed.get_or_insert(problem);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn settle_interrupted(
        &self,
        mut launch: LaunchEnd,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let registry = &self.env.registry;
        let deployment = self.env.deployment().await?;
        // EC2 says in whole seconds when an instance was launched.
        let since = launch.end.set_at.trunc_subsecs(0);
        let launched = |instance: &Instance| {
            instance.tags.get(OWNER_TAG).map(String::as_str) == Some(launch.owner.as_str())
                && Maker::of(&instance.tags, deployment) == Maker::This
                && instance.launched_at >= since
                && !instance.state.is_gone()
        };
        let named = InstanceFilter::Tag("Name".to_owned(), launch.name.clone());
        let found = self.instances_in(&launch.region, &named).await?;
        let mut found = found.iter().filter(|(_, instance)| launched(instance));
        // If this launch was refused, a later one may have the name by now.
        let held = holdings::tokens(&self.env, &launch.owner).await?;
        let own = |id: &InstanceId| held.get(id).is_none_or(|token| *token == launch.token);
        if let Some((_, instance)) = found.find(|(_, instance)| own(&instance.id)) {
            return registry.settle_launch_end(&launch, &instance.id).await;
        }
        if now - launch.end.set_at >= GIVEN_UP {
            return registry.remove_launch_end(&launch).await;
        }
        launch.next_at = now + LOOKED_FOR;
        registry.put_launch_end(&launch).await
    }
}
