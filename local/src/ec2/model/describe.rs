//! The Describe and Get actions.

use prism_functions::domain::ec2::{InstanceState, LaunchPermission, StatusChecks};
use prism_functions::domain::{InstanceId, Region, VolumeId};
use prism_functions::ports::{
    AttachedVolume, Ec2Error, Image, ImageFilter, ImageState, ImageVolume, Instance,
    InstanceFilter, InstanceType, Snapshot, SnapshotFilter, SnapshotState, Tags, Ticket,
    UnusedVolume, Volume,
};

use super::launch::parsed;
use super::{ImageRow, InstanceRow, Model, Purchase, Scope, SnapshotRow, after};
use crate::ec2::settings::REGIONS;
use crate::ec2::{errors, types};

impl Model {
    pub(crate) fn regions(&mut self, scope: &Scope<'_>) -> Result<Vec<Region>, Ec2Error> {
        self.admit(scope, "DescribeRegions")?;
        Ok(REGIONS.iter().map(|name| parsed(name)).collect())
    }

    pub(crate) fn instances(
        &mut self,
        scope: &Scope<'_>,
        filter: &InstanceFilter,
    ) -> Result<Vec<Instance>, Ec2Error> {
        const ACTION: &str = "DescribeInstances";
        self.admit(scope, ACTION)?;
        match filter {
            InstanceFilter::Ids(ids) => {
                let known = |id: &&InstanceId| self.instance(scope, ACTION, id).is_ok();
                let (known, unknown): (Vec<_>, Vec<_>) = ids.iter().partition(known);
                if !unknown.is_empty() {
                    return Err(errors::instances_not_found(ACTION, &unknown));
                }
                let rows = known.iter().map(|id| self.instance(scope, ACTION, id));
                rows.map(|row| Ok(self.described_instance(row?))).collect()
            }
            InstanceFilter::Tag(key, value) => {
                Ok(self.listed_instances(scope, |row| row.tags.get(key) == Some(value)))
            }
            InstanceFilter::Tagged(key) => {
                Ok(self.listed_instances(scope, |row| row.tags.contains_key(key)))
            }
            InstanceFilter::Images(images) => {
                Ok(self.listed_instances(scope, |row| images.contains(&row.image)))
            }
        }
    }

    /// The account's instances that match and are not terminated.
    fn listed_instances(
        &self,
        scope: &Scope<'_>,
        passes: impl Fn(&InstanceRow) -> bool,
    ) -> Vec<Instance> {
        let rows = self.data.instances.values();
        rows.filter(|row| {
            passes(row)
                && row.account == *scope.account
                && row.region == *scope.region
                && row.visible_at <= scope.now
                && row.state != InstanceState::Terminated
        })
        .map(|row| self.described_instance(row))
        .collect()
    }

    #[expect(
        clippy::unused_self,
        reason = "it reads as a question to the model at its call sites"
    )]
    pub(crate) fn described_instance(&self, row: &InstanceRow) -> Instance {
        let attached = row.volumes.iter().map(|a| AttachedVolume {
            device: a.device.clone(),
            volume: a.volume.clone(),
            delete_on_termination: a.delete_on_termination,
            moving: a.moving,
        });
        Instance {
            id: row.id.clone(),
            tags: row.tags.clone(),
            state: row.state,
            state_reason: row.state_reason.clone(),
            transitioned_at: row.transitioned_at,
            instance_type: row.instance_type.clone(),
            architecture: row.architecture,
            zone: Some(row.zone()),
            image: row.image.clone(),
            ebs_root: row.ebs_root,
            root_device: row.root_device.clone(),
            volumes: attached.collect(),
            spot: row.purchase != Purchase::OnDemand,
            hibernation: row.hibernation,
            product_codes: row.product_codes.clone(),
            public_ip: row.public_ip.clone(),
            has_profile: row.profile.is_some(),
            elastic_ip: row.elastic_ip,
            launched_at: row.launched_at,
            ties: row.ties.clone(),
        }
    }

    /// Starts a session. Its agent is connected while the instance runs, if it has an instance profile. Nothing can join
    /// the session: no programs run on the instance.
    pub(crate) fn start_session(
        &mut self,
        scope: &Scope<'_>,
        id: &InstanceId,
    ) -> Result<Ticket, Ec2Error> {
        const ACTION: &str = "StartSession";
        let now = scope.now;
        let row = self.instance(scope, ACTION, id);
        let connected = row.is_ok_and(|row| {
            row.state == InstanceState::Running && row.profile.is_some() && !row.is_rebooting(now)
        });
        if !connected {
            let message = format!("{id} is not connected.");
            return Err(Ec2Error::new(ACTION, "TargetNotConnected", message));
        }
        let session_id = self.next_id("session");
        Ok(Ticket {
            stream_url: format!("wss://simulated.invalid/{session_id}"),
            token: format!("simulated-{session_id}"),
            session_id,
        })
    }

    pub(crate) fn stop_protection(
        &mut self,
        scope: &Scope<'_>,
        id: &InstanceId,
    ) -> Result<bool, Ec2Error> {
        const ACTION: &str = "DescribeInstanceAttribute";
        self.admit(scope, ACTION)?;
        Ok(self.instance(scope, ACTION, id)?.stop_protection)
    }

    pub(crate) fn status_checks(
        &mut self,
        scope: &Scope<'_>,
        id: &InstanceId,
    ) -> Result<StatusChecks, Ec2Error> {
        const ACTION: &str = "DescribeInstanceStatus";
        self.admit(scope, ACTION)?;
        let row = self.instance(scope, ACTION, id)?;
        if row.state != InstanceState::Running {
            return Ok(StatusChecks::NotApplicable);
        }
        let since = row.history.last().map_or(scope.now, |(at, _)| *at);
        let since = since.max(row.reboots.last().map_or(since, |last| last.up_at));
        let known = after(since, self.settings().durations.status_checks) <= scope.now;
        Ok(if known {
            StatusChecks::Ok
        } else {
            StatusChecks::Initializing
        })
    }

    /// EC2 clears the console at each boot.
    pub(crate) fn console(
        &mut self,
        scope: &Scope<'_>,
        id: &InstanceId,
    ) -> Result<String, Ec2Error> {
        const ACTION: &str = "GetConsoleOutput";
        self.admit(scope, ACTION)?;
        let state = self.instance(scope, ACTION, id)?.state;
        let runs = state == InstanceState::Running;
        Ok(if runs {
            self.printed(id)
        } else {
            String::new()
        })
    }

    pub(crate) fn volumes(
        &mut self,
        scope: &Scope<'_>,
        ids: &[VolumeId],
    ) -> Result<Vec<Volume>, Ec2Error> {
        const ACTION: &str = "DescribeVolumes";
        self.admit(scope, ACTION)?;
        let known = |id: &VolumeId| {
            let row = self.data.volumes.get(id);
            row.filter(|r| r.account == *scope.account && r.region == *scope.region)
                .ok_or_else(|| errors::volume_not_found(ACTION, id))
        };
        ids.iter().map(|id| Ok(known(id)?.described())).collect()
    }

    pub(crate) fn unused_volumes(
        &mut self,
        scope: &Scope<'_>,
        tag: &str,
    ) -> Result<Vec<UnusedVolume>, Ec2Error> {
        self.admit(scope, "DescribeVolumes")?;
        let unused = self.data.volumes.values().filter(|row| {
            row.account == *scope.account
                && row.region == *scope.region
                && row.attached_to.is_none()
                && row.tags.contains_key(tag)
        });
        let unused = unused.map(|row| UnusedVolume {
            id: row.id.clone(),
            size_gib: row.size_gib,
            kind: row.kind.clone(),
            tags: row.tags.clone(),
        });
        Ok(unused.collect())
    }

    pub(crate) fn instance_type(
        &mut self,
        scope: &Scope<'_>,
        name: &str,
    ) -> Result<InstanceType, Ec2Error> {
        const ACTION: &str = "DescribeInstanceTypes";
        self.admit(scope, ACTION)?;
        let facts = types::facts_of(name).ok_or_else(|| {
            let message = format!("The following supplied instance types do not exist: [{name}]");
            Ec2Error::new(ACTION, "InvalidInstanceType", message)
        })?;
        Ok(facts.described())
    }

    pub(crate) fn public_images_blocked(&mut self, scope: &Scope<'_>) -> Result<bool, Ec2Error> {
        self.admit(scope, "GetImageBlockPublicAccessState")?;
        let area = self.area(scope.account, scope.region);
        Ok(area.is_none_or(|area| area.block_public_images))
    }

    fn own_images(&self, scope: &Scope<'_>, passes: impl Fn(&ImageRow) -> bool) -> Vec<Image> {
        let rows = self.data.images.values();
        rows.filter(|row| {
            row.account == *scope.account && passes(row) && self.image_is_listed(scope, row)
        })
        .map(|row| described_image(scope, row))
        .collect()
    }

    pub(crate) fn images(
        &mut self,
        scope: &Scope<'_>,
        filter: &ImageFilter,
    ) -> Result<Vec<Image>, Ec2Error> {
        const ACTION: &str = "DescribeImages";
        self.admit(scope, ACTION)?;
        let key = match filter {
            // The AMI that has the name, and those that had it until just now.
            ImageFilter::OwnName(name) => (String::new(), name.clone()),
            ImageFilter::OwnTag(key, value) => (key.clone(), value.clone()),
            ImageFilter::OwnTagged(key) => {
                return Ok(self.own_images(scope, |row| row.tags.contains_key(key)));
            }
            ImageFilter::OwnPublic => {
                let everyone = LaunchPermission::Everyone;
                return Ok(self.own_images(scope, |row| row.permissions.contains(&everyone)));
            }
            ImageFilter::Ids(ids) => {
                let (mut told, mut unknown) = (Vec::with_capacity(ids.len()), Vec::new());
                for id in ids {
                    let row = self.data.images.get(id);
                    let row = row
                        .filter(|r| r.region == *scope.region && r.visible_at <= scope.now)
                        .filter(|r| r.allows(scope.account));
                    match row {
                        None => unknown.push(id),
                        // While instances refer to a deregistered image, a request for its ID returns nothing.
                        Some(row) if !self.image_is_listed(scope, row) => {}
                        Some(row) => told.push(described_image(scope, row)),
                    }
                }
                if !unknown.is_empty() {
                    return Err(errors::images_not_found(ACTION, &unknown));
                }
                return Ok(told);
            }
        };
        let ids = self.index.images_by_tag.get(&key).into_iter().flatten();
        let own = ids
            .filter_map(|id| self.data.images.get(id))
            .filter(|row| row.account == *scope.account && self.image_is_listed(scope, row));
        Ok(own.map(|row| described_image(scope, row)).collect())
    }

    /// Whether listings include it: not before it is visible, and only for a short time after it is deregistered
    /// ("recently deregistered images appear in the results for a short interval").
    fn image_is_listed(&self, scope: &Scope<'_>, row: &ImageRow) -> bool {
        let visible = self.settings().durations.deregistered_visible;
        row.region == *scope.region
            && row.visible_at <= scope.now
            && row
                .deregistered_at
                .is_none_or(|at| scope.now < after(at, visible))
    }

    pub(crate) fn snapshots(
        &mut self,
        scope: &Scope<'_>,
        filter: &SnapshotFilter,
    ) -> Result<Vec<Snapshot>, Ec2Error> {
        const ACTION: &str = "DescribeSnapshots";
        self.admit(scope, ACTION)?;
        let told = |row: &&SnapshotRow| {
            row.account == *scope.account
                && row.region == *scope.region
                && row.visible_at <= scope.now
        };
        let passes = |row: &&SnapshotRow| match filter {
            SnapshotFilter::Ids(_) | SnapshotFilter::Tag(..) => true,
            SnapshotFilter::Tagged(key) => row.tags.contains_key(key),
            SnapshotFilter::Pending(volumes) => {
                row.state == SnapshotState::Pending && volumes.contains(&row.volume)
            }
        };
        let all = &self.data.snapshots;
        let rows: Vec<&SnapshotRow> = match filter {
            SnapshotFilter::Ids(ids) => {
                let found = |id| {
                    let row = all.get(id).filter(&told);
                    row.ok_or_else(|| errors::snapshot_not_found(ACTION, id))
                };
                ids.iter().map(found).collect::<Result<_, _>>()?
            }
            SnapshotFilter::Tag(key, value) => {
                let tag = (key.clone(), value.clone());
                let ids = self.index.snapshots_by_tag.get(&tag).into_iter().flatten();
                ids.filter_map(|id| all.get(id)).collect()
            }
            SnapshotFilter::Pending(_) | SnapshotFilter::Tagged(_) => all.values().collect(),
        };
        let rows = rows.into_iter().filter(told).filter(passes);
        Ok(rows.map(|row| described_snapshot(scope, row)).collect())
    }
}

pub(super) fn described_image(scope: &Scope<'_>, row: &ImageRow) -> Image {
    let mapped = row.state != ImageState::Pending || row.mappings_visible_at <= scope.now;
    let volumes = row.slots.iter().map(|slot| ImageVolume {
        device: slot.device.clone(),
        // At first, EC2 omits the snapshot (EC2 fact 2).
        snapshot: slot.snapshot.clone().filter(|_| mapped),
        size_gib: slot.size_gib,
    });
    Image {
        id: row.id.clone(),
        name: row.name.clone(),
        owner: row.account.clone(),
        state: row.state,
        state_reason: row.state_reason.clone(),
        architecture: row.architecture,
        root_device: row.root_device.clone(),
        volumes: volumes.collect(),
        source_instance: row.source_instance.clone(),
        product_codes: row.product_codes.clone(),
        protected: row.protected,
        // Only the owner can see the tags.
        tags: if row.account == *scope.account {
            row.tags.clone()
        } else {
            Tags::new()
        },
        created_at: row.created_at,
    }
}

pub(super) fn described_snapshot(scope: &Scope<'_>, row: &SnapshotRow) -> Snapshot {
    let completed = row.state == SnapshotState::Completed;
    Snapshot {
        id: row.id.clone(),
        volume: row.volume.clone(),
        state: row.state,
        progress_percent: if completed { 100 } else { progress(scope, row) },
        volume_size_gib: row.size_gib,
        full_size_bytes: completed.then_some(row.full_bytes),
        started_at: row.started_at,
        tags: row.tags.clone(),
    }
}

/// The progress of a snapshot, which stays below 100% while it is pending.
fn progress(scope: &Scope<'_>, row: &SnapshotRow) -> u8 {
    let all = row
        .ends_at
        .signed_duration_since(row.started_at)
        .num_milliseconds();
    let done = scope
        .now
        .signed_duration_since(row.started_at)
        .num_milliseconds();
    if all <= 0 {
        return 0;
    }
    u8::try_from((done.max(0).saturating_mul(100) / all).min(99)).unwrap_or(99)
}
