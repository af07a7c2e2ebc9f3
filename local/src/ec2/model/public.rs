//! Public parameters and the AMIs that they refer to.
//!
//! Every parameter under /aws/service/ resolves to a fixed AMI in its Region. The AMI's ID is derived from the path,
//! so every simulated cloud has the same one.

use std::collections::BTreeSet;

use prism_functions::domain::ec2::{Architecture, LaunchPermission};
use prism_functions::domain::{AccountId, ImageId, SnapshotId, Timestamp, VolumeId};
use prism_functions::ports::{Ec2Error, Encryption, ImageState, SnapshotState};

use super::launch::parsed;
use super::{ImageRow, Model, Scope, Slot, SlotSource, SnapshotRow, scramble};
use crate::ec2::guest::disk::{Disk, System};
use crate::ec2::settings::REGIONS;

/// The account that owns all public AMIs in the simulator.
pub(crate) const PUBLISHER: &str = "137112412989";

impl Model {
    pub(crate) fn parameter(
        &mut self,
        scope: &Scope<'_>,
        parameter: &str,
    ) -> Result<ImageId, Ec2Error> {
        const ACTION: &str = "GetParameter";
        self.advance(scope.now);
        let known = parameter.starts_with("/aws/service/")
            && parameter.len() <= 1011
            && REGIONS.contains(&scope.region.as_str());
        if !known {
            let message = format!(
                "Systems Manager Parameter Store has no public parameter {} in {}",
                prism_functions::domain::ids::shown(parameter),
                scope.region
            );
            return Err(Ec2Error::new(ACTION, "ParameterNotFound", message));
        }
        let digits = fingerprint(&format!("{}{parameter}", scope.region));
        let id: ImageId = parsed(&format!("ami-a{digits:016x}"));
        if !self.data.images.contains(&id) {
            self.publish(scope, &id, parameter, digits);
        }
        Ok(id)
    }

    fn publish(&mut self, scope: &Scope<'_>, id: &ImageId, parameter: &str, digits: u64) {
        let base = Base::of(parameter);
        let disk = self.new_disk(Disk::fresh(base.system, base.used_bytes));
        let snapshot: SnapshotId = parsed(&format!("snap-a{digits:016x}"));
        let volume: VolumeId = parsed(&format!("vol-a{digits:016x}"));
        let owner: AccountId = parsed(PUBLISHER);
        // Published long before the simulation starts.
        let published = Timestamp::default();
        let snapshot_row = SnapshotRow {
            id: snapshot.clone(),
            account: owner.clone(),
            region: scope.region.clone(),
            volume: volume.clone(),
            image: id.clone(),
            state: SnapshotState::Completed,
            size_gib: base.size_gib,
            encryption: Encryption::None,
            disk,
            full_bytes: base.used_bytes,
            copied_bytes: base.used_bytes,
            tags: prism_functions::ports::Tags::new(),
            started_at: published,
            visible_at: published,
            due: None,
            ends_at: published,
            fails: None,
        };
        let slot = Slot {
            device: base.root_device.to_owned(),
            size_gib: base.size_gib,
            encryption: Encryption::None,
            delete_on_termination: true,
            source: SlotSource::Volume(volume),
            snapshot: Some(snapshot.clone()),
        };
        let row = ImageRow {
            id: id.clone(),
            account: owner.clone(),
            region: scope.region.clone(),
            name: parameter.trim_start_matches('/').to_owned(),
            description: format!("The AMI that {parameter} names"),
            state: ImageState::Available,
            state_reason: None,
            architecture: base.architecture,
            root_device: base.root_device.to_owned(),
            slots: vec![slot],
            source_instance: None,
            copied: false,
            product_codes: Vec::new(),
            tags: prism_functions::ports::Tags::new(),
            permissions: BTreeSet::from([LaunchPermission::Everyone]),
            created_at: published,
            visible_at: published,
            mappings_visible_at: published,
            due: None,
            fails: None,
            deregistered_at: None,
            protected: false,
        };
        let name = (owner, row.region.clone(), row.name.clone());
        self.index.names.insert(name, id.clone());
        self.index.add_image(id, &row.name, &row.tags);
        self.data.snapshots.insert(snapshot, snapshot_row);
        self.data.images.insert(id.clone(), row);
    }
}

struct Base {
    architecture: Architecture,
    system: System,
    root_device: &'static str,
    size_gib: u32,
    used_bytes: u64,
}

impl Base {
    fn of(parameter: &str) -> Self {
        let path = parameter.to_ascii_lowercase();
        let arm = path.contains("arm64") || path.contains("aarch64");
        let debian = ["ubuntu", "debian"].iter().any(|name| path.contains(name));
        let large = ["deeplearning", "deep-learning", "gpu", "windows"]
            .iter()
            .any(|name| path.contains(name));
        Self {
            architecture: if arm {
                Architecture::Arm64
            } else {
                Architecture::X86_64
            },
            system: if debian {
                System::Debian
            } else {
                System::Amazon
            },
            root_device: if debian { "/dev/sda1" } else { "/dev/xvda" },
            size_gib: if large { 40 } else { 8 },
            used_bytes: if large { 24 << 30 } else { 2 << 30 },
        }
    }
}

fn fingerprint(text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| scramble(hash ^ u64::from(byte)).wrapping_add(1);
    text.bytes().fold(0, mix)
}
