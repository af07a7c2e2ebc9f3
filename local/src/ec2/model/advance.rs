//! The passage of time: everything that is due happens in order, at the time at which it was due.

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{ImageId, InstanceId, SnapshotId, Timestamp};
use prism_functions::ports::{ImageState, SnapshotState, StateReason};

use super::index::Due;
use super::{Goal, HISTORY, Model, after};

impl Model {
    /// Processes everything that is due by now. If the time goes back, it is treated as unchanged.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while self.has_due(now)
            && let Some((at, due)) = self.index.agenda.pop_first()
        {
            match due {
                Due::Instance(id) => self.instance_due(&id, at),
                Due::Replacement(id) => self.replacement_due(&id, at),
                Due::Image(id) => self.image_due(&id, at),
                Due::Snapshot(id) => self.snapshot_due(&id, at),
                Due::Token(key) => {
                    self.data.tokens.remove(&key);
                }
            }
        }
    }

    pub(crate) fn has_due(&self, now: Timestamp) -> bool {
        self.index.agenda.first().is_some_and(|(at, _)| *at <= now)
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let mut agenda = self.index.agenda.iter();
        agenda
            .find(|(at, due)| self.is_due(due, *at))
            .map(|(at, _)| *at)
    }

    /// Whether something is really due at this time: the agenda keeps outdated entries of what was postponed.
    fn is_due(&self, due: &Due, at: Timestamp) -> bool {
        let data = &self.data;
        let moment = match due {
            Due::Instance(id) => data.instances.get(id).and_then(|row| row.due),
            Due::Replacement(id) => data.instances.get(id).and_then(|row| row.replace_at),
            Due::Image(id) => data.images.get(id).and_then(|row| row.due),
            Due::Snapshot(id) => data.snapshots.get(id).and_then(|row| row.due),
            // Nothing waits for a token to be forgotten.
            Due::Token(_) => None,
        };
        moment == Some(at)
    }

    /// The agenda has a time for each row. If the row was postponed, the row itself has a later one.
    fn instance_due(&mut self, id: &InstanceId, at: Timestamp) {
        let Some(row) = self.data.instances.get(id) else {
            return;
        };
        if row.due != Some(at) {
            return;
        }
        let state = row.state;
        match state {
            InstanceState::Pending => self.end_of_start(id, at),
            InstanceState::Stopping => self.enter(id, InstanceState::Stopped, at, None, "stopped"),
            InstanceState::ShuttingDown => self.end_of_shutdown(id, at, "terminated"),
            InstanceState::Terminated => {
                self.data.instances.remove(id);
            }
            InstanceState::Running => self.power_off(id, at),
            InstanceState::Stopped => self.schedule(id, None),
        }
    }

    fn end_of_start(&mut self, id: &InstanceId, at: Timestamp) {
        let Some(row) = self.data.instances.get_mut(id) else {
            return;
        };
        let first = !row.has_run;
        if let Some(reason) = row.start_fails.take() {
            let what = format!("could not start: {}", reason.code);
            row.state_reason = Some(reason);
            if first {
                // A launch that fails leaves no instance.
                self.end_of_shutdown(id, at, &what);
            } else {
                self.enter(id, InstanceState::Stopped, at, None, &what);
            }
            return;
        }
        row.has_run = true;
        row.state_reason = None;
        let user_data = row.user_data.take();
        self.enter(id, InstanceState::Running, at, None, "running");
        if let Some(user_data) = user_data {
            self.first_boot(id, &user_data, at);
        }
    }

    fn end_of_shutdown(&mut self, id: &InstanceId, at: Timestamp, what: &str) {
        let until = after(at, self.settings().durations.terminated_visible);
        self.enter(id, InstanceState::Terminated, at, Some(until), what);
        let Some(row) = self.data.instances.get_mut(id) else {
            return;
        };
        row.goal = Goal::Terminated;
        row.public_ip = None;
        row.replace_at = None;
        for attachment in std::mem::take(&mut row.volumes) {
            if attachment.delete_on_termination {
                if let Some(volume) = self.data.volumes.remove(&attachment.volume) {
                    self.release_disk(volume.disk);
                }
            } else if let Some(volume) = self.data.volumes.get_mut(&attachment.volume) {
                volume.attached_to = None;
            }
        }
    }

    pub(super) fn enter(
        &mut self,
        id: &InstanceId,
        state: InstanceState,
        at: Timestamp,
        due: Option<Timestamp>,
        what: &str,
    ) {
        self.schedule(id, due);
        let Some(row) = self.data.instances.get_mut(id) else {
            return;
        };
        row.state = state;
        if row.history.len() >= HISTORY {
            row.history.remove(0);
        }
        row.history.push((at, state));
        let region = row.region.clone();
        self.tell(at, &region, id.as_str(), what);
    }

    pub(super) fn schedule(&mut self, id: &InstanceId, due: Option<Timestamp>) {
        if let Some(row) = self.data.instances.get_mut(id) {
            row.due = due;
            if let Some(at) = due {
                self.index.agenda.insert((at, Due::Instance(id.clone())));
            }
        }
    }

    pub(super) fn schedule_image(&mut self, id: &ImageId, due: Option<Timestamp>) {
        if let Some(row) = self.data.images.get_mut(id) {
            row.due = due;
            if let Some(at) = due {
                self.index.agenda.insert((at, Due::Image(id.clone())));
            }
        }
    }

    /// The next step of an image: its next snapshot, its registration, or its removal from listings.
    fn image_due(&mut self, id: &ImageId, at: Timestamp) {
        let Some(row) = self.data.images.get(id) else {
            return;
        };
        if row.due != Some(at) {
            return;
        }
        let missing = row.slots.iter().position(|slot| slot.snapshot.is_none());
        let orphans = self.settings().limits.snapshots_outlive_deregistration;
        match (row.state, missing) {
            (ImageState::Pending, Some(slot)) => self.begin_snapshot(id, slot, at),
            (ImageState::Deregistered, Some(slot)) if orphans && row.fails.is_none() => {
                self.begin_snapshot(id, slot, at);
            }
            (ImageState::Pending, None) => self.end_of_registration(id, at),
            (ImageState::Deregistered, _) => self.forget_image(id, at),
            (ImageState::Available | ImageState::Failed | ImageState::Disabled, _) => {
                self.schedule_image(id, None);
            }
        }
    }

    fn end_of_registration(&mut self, id: &ImageId, at: Timestamp) {
        let Some(row) = self.data.images.get(id) else {
            return;
        };
        if let Some(reason) = row.fails.clone() {
            self.fail_image(id, &reason, at);
            return;
        }
        let region = row.region.clone();
        self.schedule_image(id, None);
        if let Some(row) = self.data.images.get_mut(id) {
            row.state = ImageState::Available;
        }
        self.index.pending.remove(id);
        self.tell(at, &region, id.as_str(), "available");
    }

    /// Makes an image fail with this reason (EC2 fact 7).
    pub(super) fn fail_image(&mut self, id: &ImageId, reason: &str, at: Timestamp) {
        self.schedule_image(id, None);
        self.index.pending.remove(id);
        let Some(row) = self.data.images.get_mut(id) else {
            return;
        };
        row.state = ImageState::Failed;
        // Snapshots that it has not started are not taken any more.
        row.fails = Some(reason.to_owned());
        row.state_reason = Some(StateReason {
            code: "Client.ImageCreationFailed".to_owned(),
            message: reason.to_owned(),
        });
        let region = row.region.clone();
        self.tell(at, &region, id.as_str(), format!("failed: {reason}"));
    }

    /// Removes a deregistered image from DescribeImages, unless an instance still refers to it.
    fn forget_image(&mut self, id: &ImageId, at: Timestamp) {
        if self.image_is_referred_to(id) {
            let again = after(at, std::time::Duration::from_mins(10));
            self.schedule_image(id, Some(again));
            return;
        }
        if let Some(row) = self.data.images.remove(id) {
            self.index.remove_image(id, &row.name, &row.tags);
            for slot in row.slots {
                self.drop_source(&slot);
            }
        }
    }

    fn snapshot_due(&mut self, id: &SnapshotId, at: Timestamp) {
        let Some(row) = self.data.snapshots.get_mut(id) else {
            return;
        };
        if row.due != Some(at) {
            return;
        }
        row.due = None;
        let (region, image) = (row.region.clone(), row.image.clone());
        if let Some(reason) = row.fails.clone() {
            row.state = SnapshotState::Error;
            self.tell(at, &region, id.as_str(), format!("error: {reason}"));
            if self.index.pending.contains(&image) {
                self.fail_image(&image, &reason, at);
            }
            return;
        }
        row.state = SnapshotState::Completed;
        self.tell(at, &region, id.as_str(), "completed");
        self.snapshot_of_image_completed(&image, at);
    }

    /// Once all of an image's snapshots are completed, the image is registered after a short time.
    fn snapshot_of_image_completed(&mut self, image: &ImageId, at: Timestamp) {
        let Some(row) = self.data.images.get(image) else {
            return;
        };
        let all = row.state == ImageState::Pending
            && row.slots.iter().all(|slot| {
                let snapshot = slot.snapshot.as_ref();
                snapshot
                    .and_then(|s| self.data.snapshots.get(s))
                    .is_some_and(|s| s.state == SnapshotState::Completed)
            });
        if all {
            let due = after(at, self.settings().durations.registration);
            self.schedule_image(image, Some(due));
        }
    }
}
