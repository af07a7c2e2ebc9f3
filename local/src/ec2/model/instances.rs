//! StopInstances, StartInstances, TerminateInstances, and dry runs.

use std::time::Duration;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{InstanceId, Timestamp, VolumeId};
use prism_functions::ports::{Ec2Error, FLEET_TAG, Probe, Reservation, StateReason};

use super::images::check_new_image;
use super::{Capacity, Goal, InstanceRow, Model, Purchase, Scope, after};
use crate::ec2::{errors, facts_of};

/// EC2's reasons for a stop: a user requested it, or the operating system powered the instance off.
pub(crate) const BY_USER: &str = "Client.UserInitiatedShutdown";
pub(super) const BY_ITSELF: &str = "Client.InstanceInitiatedShutdown";

impl Model {
    /// An instance that is visible to the caller by now.
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

    /// Starts a call about several instances: it uses one token for the request, and one for each instance.
    fn admit_for(
        &mut self,
        scope: &Scope<'_>,
        action: &str,
        instances: usize,
    ) -> Result<(), Ec2Error> {
        self.admit(scope, action)?;
        self.take_for_instances(scope, action, instances)
    }

    /// A DryRun uses a token for the request, but none for instances.
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

    /// EC2 either does everything that a request asks for, or nothing.
    pub(crate) fn stop_instances(
        &mut self,
        scope: &Scope<'_>,
        ids: &[InstanceId],
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "StopInstances";
        self.admit_for(scope, ACTION, ids.len())?;
        let stops = ids.iter().map(|id| self.stops(scope, ACTION, id));
        let stops = stops.collect::<Result<Vec<bool>, _>>()?;
        for (id, _) in ids.iter().zip(stops).filter(|(_, stops)| *stops) {
            self.begin_stop(id, scope.now, scope.account.as_str(), BY_USER);
        }
        Ok(())
    }

    /// Whether a stop request changes anything for this instance.
    fn stops(&self, scope: &Scope<'_>, action: &str, id: &InstanceId) -> Result<bool, Ec2Error> {
        let row = self.instance(scope, action, id)?;
        check_stoppable(row)?;
        match row.state {
            InstanceState::Stopping | InstanceState::Stopped => Ok(false),
            InstanceState::ShuttingDown | InstanceState::Terminated => {
                Err(errors::wrong_state(action, id, "stopped"))
            }
            InstanceState::Pending if !row.has_run => {
                let message = format!(
                    "Instance '{id}' cannot be stopped as it has never reached the 'running' state."
                );
                Err(Ec2Error::new(action, "IncorrectInstanceState", message))
            }
            InstanceState::Pending | InstanceState::Running => Ok(true),
        }
    }

    fn paced(&self, id: &InstanceId, usual: Duration) -> Duration {
        let row = self.data.instances.get(id);
        row.map_or(usual, |row| row.paced(usual))
    }

    /// Stops an instance. `by` is the account or actor that requested it, and `reason` the code of EC2's reason.
    pub(crate) fn begin_stop(&mut self, id: &InstanceId, now: Timestamp, by: &str, reason: &str) {
        let durations = &self.settings().durations;
        let (due, replacement) = (
            after(now, self.paced(id, durations.stop)),
            after(now, durations.replacement),
        );
        let maintained = self.world().maintained_fleets.clone();
        let what = format!("stopping (by {by})");
        self.enter(id, InstanceState::Stopping, now, Some(due), &what);
        let Some(row) = self.data.instances.get_mut(id) else {
            return;
        };
        row.goal = Goal::Stopped;
        row.start_fails = None;
        // A stop erases the instance store (EC2 facts, "Before the stop").
        row.instance_store.clear();
        row.transitioned_at = Some(now);
        row.state_reason = Some(StateReason {
            code: reason.to_owned(),
            message: format!("{reason}: the instance was shut down"),
        });
        if !row.elastic_ip {
            // A public address that was assigned automatically is released at the stop.
            row.public_ip = None;
        }
        let replaced = row.autoscaling_group().is_some()
            || row
                .tags
                .get(FLEET_TAG)
                .is_some_and(|it| maintained.contains(it));
        if replaced {
            row.replace_at = Some(replacement);
            self.schedule_replacement(id, replacement);
        }
    }

    pub(crate) fn start_instances(
        &mut self,
        scope: &Scope<'_>,
        ids: &[InstanceId],
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "StartInstances";
        self.admit_for(scope, ACTION, ids.len())?;
        let starts = ids.iter().map(|id| self.starts(scope, ACTION, id));
        let starts = starts.collect::<Result<Vec<bool>, _>>()?;
        for (id, _) in ids.iter().zip(starts).filter(|(_, starts)| *starts) {
            let fails = self.data.instances.get(id).cloned().and_then(|row| {
                let zone = row.zone();
                let volumes: Vec<_> = row.volumes.into_iter().map(|a| a.volume).collect();
                self.start_failure(scope, &zone, &row.instance_type, &volumes)
            });
            self.begin_start(id, scope.now, fails, scope.account.as_str());
        }
        Ok(())
    }

    /// Whether a start request changes anything for this instance.
    fn starts(&self, scope: &Scope<'_>, action: &str, id: &InstanceId) -> Result<bool, Ec2Error> {
        let row = self.instance(scope, action, id)?;
        match row.state {
            InstanceState::Pending | InstanceState::Running => return Ok(false),
            InstanceState::Stopped => {}
            InstanceState::Stopping | InstanceState::ShuttingDown | InstanceState::Terminated => {
                return Err(errors::wrong_state(action, id, "started"));
            }
        }
        if row.purchase == Purchase::SpotOneTime {
            let message = format!(
                "You can't start the Spot Instance '{id}' because the associated Spot Instance \
                 request is not in an appropriate state to support start."
            );
            return Err(Ec2Error::new(action, "IncorrectSpotRequestState", message));
        }
        check_scrubbed(row, self.settings().durations.scrub, scope.now)?;
        self.check_reservation(row, scope.now)?;
        self.check_room(scope, action, &row.zone(), &row.instance_type)?;
        Ok(true)
    }

    /// Starts an instance. `by` is the account or actor that requested it.
    pub(crate) fn begin_start(
        &mut self,
        id: &InstanceId,
        now: Timestamp,
        fails: Option<StateReason>,
        by: &str,
    ) {
        let due = after(now, self.paced(id, self.settings().durations.start));
        let what = format!("pending (by {by})");
        self.enter(id, InstanceState::Pending, now, Some(due), &what);
        // If there is a second network interface, no public address is assigned automatically.
        let keeps_address = (self.data.instances.get(id))
            .is_some_and(|r| r.elastic_ip || r.ties.several_interfaces);
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
        if let Some(last) = row.reboots.last_mut() {
            // It boots now, whatever was planned.
            last.boots_at = last.boots_at.min(now);
            last.up_at = last.up_at.min(now);
        }
        if address.is_some() {
            row.public_ip = address;
        }
    }

    /// An instance that must start in a reservation cannot use other capacity.
    fn check_reservation(&self, row: &InstanceRow, now: Timestamp) -> Result<(), Ec2Error> {
        let Some(id) = &row.ties.reservation else {
            return Ok(());
        };
        let reservation = self.world().reservations.get(id);
        if reservation.is_some_and(|it| it.active && it.ends_at.is_none_or(|end| now < end)) {
            return Ok(());
        }
        let message = format!("The capacity reservation {id} has no available capacity.");
        let code = "ReservationCapacityExceeded";
        Err(Ec2Error::new("StartInstances", code, message))
    }

    pub(crate) fn reservation(
        &mut self,
        scope: &Scope<'_>,
        id: &str,
    ) -> Result<Reservation, Ec2Error> {
        const ACTION: &str = "DescribeCapacityReservations";
        self.admit(scope, ACTION)?;
        let mut found = (self.world().reservations.get(id).cloned()).ok_or_else(|| {
            let message = format!("The capacity reservation ID '{id}' does not exist");
            Ec2Error::new(ACTION, "InvalidCapacityReservationId.NotFound", message)
        })?;
        found.active &= found.ends_at.is_none_or(|end| scope.now < end);
        Ok(found)
    }

    /// Whether a fleet replaces members that are not running.
    pub(crate) fn fleet_maintains(
        &mut self,
        scope: &Scope<'_>,
        id: &str,
    ) -> Result<bool, Ec2Error> {
        self.admit(scope, "DescribeFleets")?;
        Ok(self.world().maintained_fleets.contains(id))
    }

    /// Checks whether there is capacity for another instance (EC2 facts, "Restart").
    pub(super) fn check_room(
        &self,
        scope: &Scope<'_>,
        action: &str,
        zone: &str,
        instance_type: &str,
    ) -> Result<(), Ec2Error> {
        self.check_capacity(scope, action, zone, instance_type)?;
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

    /// Why a start that is accepted will still fail.
    pub(super) fn start_failure(
        &self,
        scope: &Scope<'_>,
        zone: &str,
        instance_type: &str,
        volumes: &[VolumeId],
    ) -> Option<StateReason> {
        if self.capacity(scope.region, zone, instance_type) == Capacity::FailsLate {
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

    pub(crate) fn rename_instance(
        &mut self,
        scope: &Scope<'_>,
        id: &InstanceId,
        name: &str,
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "CreateTags";
        self.admit(scope, ACTION)?;
        self.instance(scope, ACTION, id)?;
        if let Some(row) = self.data.instances.get_mut(id) {
            row.tags.insert("Name".to_owned(), name.to_owned());
        }
        Ok(())
    }

    /// Changes the type of a stopped instance (EC2 facts, "Changing the type").
    pub(crate) fn resize_instance(
        &mut self,
        scope: &Scope<'_>,
        id: &InstanceId,
        instance_type: &str,
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "ModifyInstanceAttribute";
        self.admit(scope, ACTION)?;
        let row = self.instance(scope, ACTION, id)?;
        if row.state != InstanceState::Stopped {
            let message = format!("The instance '{id}' is not in the 'stopped' state.");
            return Err(Ec2Error::new(ACTION, "IncorrectInstanceState", message));
        }
        let architecture = |name: &str| facts_of(name).map(|facts| facts.architecture);
        let (before, after) = (
            architecture(&row.instance_type),
            architecture(instance_type),
        );
        if after.is_none() || before.is_some_and(|before| Some(before) != after) {
            let message = format!("Invalid value '{instance_type}' for InstanceType.");
            let code = "InvalidInstanceAttributeValue";
            return Err(Ec2Error::new(ACTION, code, message));
        }
        if let Some(row) = self.data.instances.get_mut(id) {
            instance_type.clone_into(&mut row.instance_type);
        }
        Ok(())
    }

    pub(crate) fn terminate_instances(
        &mut self,
        scope: &Scope<'_>,
        ids: &[InstanceId],
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "TerminateInstances";
        self.admit_for(scope, ACTION, ids.len())?;
        let going = ids
            .iter()
            .map(|id| Ok(!self.instance(scope, ACTION, id)?.state.is_gone()));
        let going = going.collect::<Result<Vec<bool>, Ec2Error>>()?;
        for (id, _) in ids.iter().zip(going).filter(|(_, going)| *going) {
            self.begin_termination(id, scope.now, scope.account.as_str());
        }
        Ok(())
    }

    /// Terminates an instance. `by` is the account or actor that requested it.
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

/// The host of a Mac instance has no capacity for it until it has been scrubbed after the stop.
fn check_scrubbed(row: &InstanceRow, scrub: Duration, now: Timestamp) -> Result<(), Ec2Error> {
    let since = row.history.last().map_or(now, |(at, _)| *at);
    if !row.instance_type.starts_with("mac") || after(since, scrub) <= now {
        return Ok(());
    }
    let message = "There is not enough capacity on the Dedicated Host: it is being scrubbed.";
    Err(Ec2Error::new(
        "StartInstances",
        "InsufficientHostCapacity",
        message,
    ))
}

/// Checks for instances that EC2 refuses to stop (EC2 facts, "Before the stop").
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
    } else if let Some(operator) = &row.ties.operator {
        let message =
            format!("The instance '{id}' is managed by '{operator}' and cannot be stopped.");
        ("OperationNotPermitted", message)
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
