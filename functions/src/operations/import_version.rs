//! The version that an import creates, and what is unknown about it.

use std::collections::{BTreeMap, BTreeSet};

use super::share_checks::Target;
use crate::domain::ec2::Architecture;
use crate::domain::inventory::Inventory;
use crate::domain::save::Warning;
use crate::domain::sizes::Size;
use crate::domain::template::{AddedArchitecture, TemplateRef, TemplateState, Usage, Version};
use crate::domain::template_file::{Machine, TemplateFile};
use crate::domain::{How, Region, SaveId, SnapshotId, TemplateName};
use crate::ports::{Image, Write};
use crate::rules::access::Caller;

/// What is known about the AMIs of a file.
pub(super) struct Images {
    /// Checks for the transaction that writes the version.
    pub(super) checks: Vec<Write>,
    /// The AMIs to open to the template's grantees.
    pub(super) targets: Vec<Target>,
    pub(super) snapshots: BTreeMap<Region, Vec<SnapshotId>>,
    /// The versions that already have the AMIs, one for each AMI; `None` for an AMI that no version has.
    pub(super) known: BTreeSet<Option<TemplateRef>>,
    pub(super) architecture: Architecture,
    pub(super) root_device: String,
    pub(super) root_size_gib: u32,
    pub(super) bytes: u64,
    /// The packages of a version that has one of the AMIs, if they are known.
    pub(super) inventory: Option<Inventory>,
    /// Whether other templates have one of the AMIs.
    pub(super) others: bool,
    /// Whether one of the AMIs is lent by a template that the importer may not open.
    pub(super) borrowed: bool,
}

/// The port of SSH. A file of the first format does not contain the open ports of the instance.
const SSH: u16 = 22;

pub(super) fn root_size(image: &Image) -> u32 {
    let root = image.volumes.iter();
    let mut root = root.filter(|volume| volume.device == image.root_device);
    root.next().map_or(1, |volume| volume.size_gib)
}

pub(super) fn first(image: &Image) -> Images {
    Images {
        checks: Vec::new(),
        targets: Vec::new(),
        known: BTreeSet::new(),
        snapshots: BTreeMap::new(),
        architecture: image.architecture,
        root_device: image.root_device.clone(),
        root_size_gib: root_size(image),
        bytes: 0,
        inventory: None,
        others: false,
        borrowed: false,
    }
}

/// Returns a warning about what launches cannot use because the file does not contain it.
pub(super) fn lacks(file: &TemplateFile, images: &Images) -> Option<Warning> {
    let mut lacks = Vec::new();
    match &file.launch {
        None => lacks.push(format!(
            "which ports are open (it opens {SSH}), whom to log in as, and which instance type to use (it is as for size M)"
        )),
        Some(launch) => {
            let amis = file.ami_config.amis.values().flat_map(BTreeMap::keys);
            let unknown = amis.filter(|it| !launch.machines.contains_key(it));
            let unknown: BTreeSet<&str> = unknown.map(|it| it.as_str()).collect();
            lacks.extend(unknown.into_iter().map(|it| format!("which instance type to use for {it}")));
        }
    }
    if images.inventory.is_none() {
        lacks.push("which packages are installed".to_owned());
    }
    (!lacks.is_empty()).then(|| Warning {
        code: "NotInFile".to_owned(),
        text: format!("The file does not say {}.", lacks.join("; ")),
    })
}

/// Returns what is known about the instance that the AMI of an architecture was saved from, or the default size M.
fn machine(file: &TemplateFile, images: &Images, architecture: Architecture) -> Machine {
    let told = file.launch.as_ref();
    let told = told.and_then(|launch| launch.machines.get(&architecture));
    Machine {
        instance_type: told.map_or_else(
            || Size::M.machine(architecture).instance_type.to_owned(),
            |machine| machine.instance_type.clone(),
        ),
        how: told.map_or_else(How::default, |machine| machine.how),
        // A volume cannot be smaller than its snapshot.
        root_size_gib: told
            .map_or(0, |machine| machine.root_size_gib)
            .max(images.root_size_gib),
    }
}

/// Returns the architectures other than the first, as if they had been added to the version.
fn added(
    file: &TemplateFile,
    images: &Images,
    first: Architecture,
    id: &SaveId,
) -> Vec<AddedArchitecture> {
    if file.launch.is_none() {
        return Vec::new();
    }
    let amis = file.ami_config.amis.values().flat_map(BTreeMap::keys);
    let others: BTreeSet<Architecture> = amis.copied().filter(|it| *it != first).collect();
    let added = others.into_iter().map(|architecture| {
        let machine = machine(file, images, architecture);
        AddedArchitecture {
            architecture,
            save_id: id.clone(),
            saved_from: file.saved_from.clone(),
            saved_from_id: None,
            saved_by: file.saved_by.clone(),
            saved_date: file.saved_date,
            instance_type: machine.instance_type,
            how: machine.how,
            root_size_gib: machine.root_size_gib,
            snapshot_bytes: 0,
        }
    });
    added.collect()
}

pub(super) fn version_of(
    caller: &Caller,
    name: &TemplateName,
    file: &TemplateFile,
    images: &Images,
    (number, id): (u32, &SaveId),
) -> Version {
    let parent = file.original_template.as_ref();
    let launch = file.launch.as_ref();
    let told = launch.map(|launch| launch.architecture);
    let mut amis = file.ami_config.amis.values();
    let told = told.filter(|told| amis.any(|here| here.contains_key(told)));
    let architecture = told.unwrap_or(images.architecture);
    let own = machine(file, images, architecture);
    Version {
        template: name.clone(),
        number,
        description: file.description.clone(),
        save_id: id.clone(),
        saved_from: file.saved_from.clone(),
        saved_from_id: None,
        saved_by: file.saved_by.clone(),
        saved_date: file.saved_date,
        how: own.how,
        schedule: None,
        parent: parent.map(ToString::to_string),
        amis: file.ami_config.amis.clone(),
        // The snapshots of lent AMIs are deleted with the template that lends them.
        snapshots: if images.borrowed {
            BTreeMap::new()
        } else {
            images.snapshots.clone()
        },
        failed_regions: BTreeMap::new(),
        architecture,
        instance_type: own.instance_type,
        root_device: images.root_device.clone(),
        root_size_gib: own.root_size_gib,
        volumes: Vec::new(),
        excluded_volumes: Vec::new(),
        packages: images.inventory.as_ref().map(|told| told.packages.len()),
        login: launch.and_then(|launch| launch.login.clone()),
        ports: launch.map_or_else(|| vec![SSH], |launch| launch.ports.clone()),
        snapshot_bytes: images.bytes,
        // The snapshots already count for another version.
        usd_per_month: 0.0,
        notes: String::new(),
        state: TemplateState::Active,
        tags: launch.map(|launch| launch.tags.clone()).unwrap_or_default(),
        added: added(file, images, architecture, id),
        imported_by: Some(caller.user.clone()),
        borrowed: Some(images.borrowed),
        usage: Usage::default(),
        deleted_at: None,
        removed_at: None,
        deprecation: None,
        stuck: None,
    }
}
