//! StopInstances, StartInstances, TerminateInstances, and the dry runs.

use prism_functions::domain::{InstanceId, Timestamp, VolumeId};
use prism_functions::ports::{Ec2Error, InstanceState, Probe, StateReason};

use super::images::check_new_image;
use super::{Capacity, Goal, InstanceRow, Model, Purchase, Scope, after};
use crate::ec2::errors;

impl Model {
    /// An instance that the caller can see by now.
    pub(super) fn instance(
        &self,
        scope: &Scope<'_>,
        action: &str,
        id: &InstanceId,
    ) -> Result<&InstanceRow, Ec2Error> {
        self.data
            .instances
            .get(id)
            .filter(|row| {
                row.account == *scope.account
                    && row.region == *scope.region
                    && row.visible_at <= scope.now
            })
            .ok_or_else(|| errors::instance_not_found(action, id))
    }

    pub(crate) fn probe(&mut self, scope: &Scope<'_>, probe: &Probe) -> Result<(), Ec2Error> {
        let (action, id) = match probe {
            Probe::Stop(id) => ("StopInstances", id),
            Probe::Start(id) => ("StartInstances", id),
            Probe::CreateImage(new) => ("CreateImage", &new.instance),
            Probe::Grant(key) => return self.probe_grant(scope, key),
        };
        self.admit(scope, action)?;
        if let Probe::CreateImage(new) = probe {
            check_new_image(new)?;
            self.check_name(scope, action, &new.name)?;
        }
        self.instance(scope, action, id).map(|_| ())
    }

    pub(crate) fn stop_instance(
        &mut self,
        scope: &Scope<'_>,
        id: &InstanceId,
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "StopInstances";
        self.admit(scope, ACTION)?;
        let row = self.instance(scope, ACTION, id)?;
        check_stoppable(row)?;
        match row.state {
            InstanceState::Stopping | InstanceState::Stopped => return Ok(()),
            InstanceState::ShuttingDown | InstanceState::Terminated => {
                return Err(errors::wrong_state(ACTION, id, "stopped"));
            }
            InstanceState::Pending if !row.has_run => {
                let message = format!(
                    "Instance '{id}' cannot be stopped as it has never reached the 'running' state."
                );
                return Err(Ec2Error::new(ACTION, "IncorrectInstanceState", message));
            }
            InstanceState::Pending | InstanceState::Running => {}
        }
        self.begin_stop(id, scope.now, scope.account.as_str());
        Ok(())
    }

    /// Stops an instance, whoever wants it.
    pub(crate) fn begin_stop(&mut self, id: &InstanceId, now: Timestamp, by: &str) {
        let durations = &self.settings().durations;
        let (due, replacement) = (
            after(now, durations.stop),
            after(now, durations.replacement),
        );
        let what = format!("stopping (by {by})");
        self.enter(id, InstanceState::Stopping, now, Some(due), &what);
        let Some(row) = self.data.instances.get_mut(id) else {
            return;
        };
        row.goal = Goal::Stopped;
        row.start_fails = None;
        // EC2 facts, "Before the stop".
        row.instance_store.clear();
        row.transitioned_at = Some(now);
        row.state_reason = Some(StateReason {
            code: "Client.UserInitiatedShutdown".to_owned(),
            message: "Client.UserInitiatedShutdown: User initiated shutdown".to_owned(),
        });
        if !row.elastic_ip {
            // An address that was assigned automatically is given back at the stop.
            row.public_ip = None;
        }
        if row.autoscaling_group().is_some() {
            row.replace_at = Some(replacement);
            self.schedule_replacement(id, replacement);
        }
    }

    pub(crate) fn start_instance(
        &mut self,
        scope: &Scope<'_>,
        id: &InstanceId,
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "StartInstances";
        self.admit(scope, ACTION)?;
        let row = self.instance(scope, ACTION, id)?;
        match row.state {
            InstanceState::Pending | InstanceState::Running => return Ok(()),
            InstanceState::Stopped => {}
            InstanceState::Stopping | InstanceState::ShuttingDown | InstanceState::Terminated => {
                return Err(errors::wrong_state(ACTION, id, "started"));
            }
        }
        if row.purchase == Purchase::SpotOneTime {
            let message = format!(
                "You can't start the Spot Instance '{id}' because the associated Spot Instance \
                 request is not in an appropriate state to support start."
            );
            return Err(Ec2Error::new(ACTION, "IncorrectSpotRequestState", message));
        }
        let instance_type = row.instance_type.clone();
        let volumes = row
            .volumes
            .iter()
            .map(|a| a.volume.clone())
            .collect::<Vec<_>>();
        self.check_room(scope, ACTION, &instance_type)?;
        let fails = self.start_failure(scope, &instance_type, &volumes);
        self.begin_start(id, scope.now, fails, scope.account.as_str());
        Ok(())
    }

    /// Starts an instance, whoever wants it.
    pub(crate) fn begin_start(
        &mut self,
        id: &InstanceId,
        now: Timestamp,
        fails: Option<StateReason>,
        by: &str,
    ) {
        let due = after(now, self.settings().durations.start);
        let what = format!("pending (by {by})");
        self.enter(id, InstanceState::Pending, now, Some(due), &what);
        let keeps_address = self.data.instances.get(id).is_some_and(|r| r.elastic_ip);
        let address = (!keeps_address).then(|| self.next_address());
        let Some(row) = self.data.instances.get_mut(id) else {
            return;
        };
        row.goal = Goal::Running;
        row.start_fails = fails;
        row.state_reason = None;
        row.transitioned_at = None;
        row.replace_at = None;
        row.launched_at = now;
        if address.is_some() {
            row.public_ip = address;
        }
    }

    /// Whether there is room for one more (EC2 facts, "Restart").
    pub(super) fn check_room(
        &self,
        scope: &Scope<'_>,
        action: &str,
        instance_type: &str,
    ) -> Result<(), Ec2Error> {
        if self.capacity(scope, instance_type) == Capacity::Refused {
            return Err(errors::no_capacity(action, instance_type));
        }
        let quota = self
            .area(scope.account, scope.region)
            .and_then(|area| area.instance_quota)
            .unwrap_or(self.settings().limits.instances);
        let running = self.data.instances.values().filter(|row| {
            matches!(row.state, InstanceState::Pending | InstanceState::Running)
                && row.account == *scope.account
                && row.region == *scope.region
        });
        if running.count() >= quota as usize {
            let message = format!(
                "You have requested more instances (1) than your current instance limit of {quota} \
                 allows for the specified instance type. Please visit \
                 http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
            );
            return Err(Ec2Error::new(action, "InstanceLimitExceeded", message));
        }
        Ok(())
    }

    fn capacity(&self, scope: &Scope<'_>, instance_type: &str) -> Capacity {
        self.world()
            .capacity
            .get(scope.region)
            .and_then(|types| types.get(instance_type).or_else(|| types.get("*")))
            .copied()
            .unwrap_or(Capacity::Available)
    }

    /// Why a start that is accepted will fail all the same.
    pub(super) fn start_failure(
        &self,
        scope: &Scope<'_>,
        instance_type: &str,
        volumes: &[VolumeId],
    ) -> Option<StateReason> {
        if self.capacity(scope, instance_type) == Capacity::FailsLate {
            let code = "Server.InsufficientInstanceCapacity";
            return Some(StateReason {
                code: code.to_owned(),
                message: format!(
                    "{code}: There was insufficient capacity available to satisfy the launch request"
                ),
            });
        }
        let mut attached = volumes.iter().filter_map(|id| self.data.volumes.get(id));
        attached.find_map(|volume| self.attachment_failure(&volume.encryption))
    }

    pub(crate) fn terminate_instance(
        &mut self,
        scope: &Scope<'_>,
        id: &InstanceId,
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "TerminateInstances";
        self.admit(scope, ACTION)?;
        let row = self.instance(scope, ACTION, id)?;
        if !row.state.is_gone() {
            self.begin_termination(id, scope.now, scope.account.as_str());
        }
        Ok(())
    }

    /// Terminates an instance, whoever wants it.
    pub(crate) fn begin_termination(&mut self, id: &InstanceId, now: Timestamp, by: &str) {
        let due = after(now, self.settings().durations.terminate);
        let what = format!("shutting-down (by {by})");
        self.enter(id, InstanceState::ShuttingDown, now, Some(due), &what);
        if let Some(row) = self.data.instances.get_mut(id) {
            row.goal = Goal::Terminated;
            row.start_fails = None;
            row.instance_store.clear();
            row.transitioned_at = Some(now);
            row.replace_at = None;
            row.state_reason = Some(StateReason {
                code: "Client.UserInitiatedShutdown".to_owned(),
                message: "Client.UserInitiatedShutdown: User initiated shutdown".to_owned(),
            });
        }
    }
}

/// What EC2 refuses to stop (EC2 facts, "Before the stop").
fn check_stoppable(row: &InstanceRow) -> Result<(), Ec2Error> {
    const ACTION: &str = "StopInstances";
    let id = &row.id;
    let (code, message) = if !row.ebs_root {
        let message = format!(
            "The instance '{id}' does not have an 'ebs' root device type and cannot be stopped."
        );
        ("UnsupportedOperation", message)
    } else if row.purchase == Purchase::SpotOneTime {
        let message = format!(
            "You can't stop the Spot Instance '{id}' because it is associated with a one-time Spot \
             Instance request. You can only stop Spot Instances associated with persistent Spot \
             Instance requests."
        );
        ("UnsupportedOperation", message)
    } else if row.purchase == Purchase::SpotPersistent && row.in_fleet() {
        let message = format!(
            "You can't stop the Spot Instance '{id}' because it is associated with a fleet."
        );
        ("UnsupportedOperation", message)
    } else if row.stop_protection {
        let message = format!(
            "The instance '{id}' may not be stopped. Modify its 'disableApiStop' instance attribute \
             and try again."
        );
        ("OperationNotPermitted", message)
    } else {
        return Ok(());
    };
    Err(Ec2Error::new(ACTION, code, message))
}
