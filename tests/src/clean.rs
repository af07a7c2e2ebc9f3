//! Checks the state that every save must leave, however it ends (promises P1, P4, P5).

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::{SaveRecord, SaveState};
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::ports::{Image, ImageFilter, ImageState, Key, SnapshotFilter, Table as _};

use crate::sums;
use crate::world::{World, region};

/// Checks a save that should have ended: the instance is back in its original state or gone, no lock or duty remains,
/// and the record agrees with EC2. Panics with the record otherwise.
pub fn check(world: &World, record: &SaveRecord) {
    check_released(world, record);
    let Ok(saved) = record.instance() else { return };
    let instance = world.instance(saved.id.as_str());
    let back = instance.state == saved.original_state || instance.state.is_gone();
    let theirs = changed_by_others(world, record);
    assert!(
        back || theirs,
        "the instance is {:?}: {record:#?}",
        instance.state
    );
}

/// The same, except for the state of the instance, which a user may have changed after the save.
pub fn check_released(world: &World, record: &SaveRecord) {
    assert!(
        record.state.is_final(),
        "the save has not ended: {record:#?}"
    );
    assert_ne!(record.state, SaveState::Stranded, "{record:#?}");
    check_instance(world, record);
    check_images(world, record);
    check_copy_locks(world, record);
    check_pledge(world, record);
    assert_eq!(sums::wrong(world, record), Vec::<String>::new());
    if record.version.is_some() && record.plan.is_some() {
        check_moments(world, record);
    }
}

/// The snapshots of a version captured an instance that was stopped, or down for its reboot, so no files were half
/// written.
fn check_moments(world: &World, record: &SaveRecord) {
    let id = &record.instance().expect("a version has a plan").id;
    let history = world.cloud.history_of(id).expect("the cloud answers");
    let tag = SnapshotFilter::Tag(SAVE_TAG.to_owned(), record.save_id.to_string());
    let ec2 = &world.service.env.ec2;
    let taken = world.run(ec2.snapshots(&record.request.region, &tag));
    for snapshot in taken.expect("EC2 answers") {
        let until = history.iter().filter(|(at, _)| *at <= snapshot.started_at);
        // An instance that was stopped when it was terminated had nothing left to write.
        let state = until.rev().map(|(_, state)| *state).find(|s| !s.is_gone());
        let rebooted = world.cloud.was_down_for_reboot(id, snapshot.started_at);
        let rebooted = rebooted.expect("the cloud answers") && record.reboots();
        assert!(
            rebooted || state == Some(InstanceState::Stopped),
            "{} captured it at {}: {history:#?}",
            snapshot.id,
            snapshot.started_at
        );
    }
}

fn check_copy_locks(world: &World, record: &SaveRecord) {
    let Some(source) = &record.copy_of else {
        return;
    };
    let registry = &world.service.env.registry;
    let name = &record.request.template;
    for region in &record.request.copy_to {
        let holder = registry.copy_holder(name, source.version, region);
        let holder = world.must(holder);
        assert_ne!(holder.as_ref(), Some(&record.save_id), "{record:#?}");
    }
}

fn check_pledge(world: &World, record: &SaveRecord) {
    let paid_by = record.plan.as_ref().and_then(|plan| plan.paid_by.as_ref());
    let Some(project) = paid_by.or(record.request.project.as_ref()) else {
        return;
    };
    let key = Key::new(
        format!("PROJECT#{project}"),
        format!("PLEDGE#{}", record.save_id),
    );
    let pledge = world.run(world.table.get(&key));
    assert_eq!(pledge.expect("the table answers"), None, "{record:#?}");
}

fn check_instance(world: &World, record: &SaveRecord) {
    let Ok(saved) = record.instance() else { return };
    let registry = &world.service.env.registry;
    let lock = world.must(registry.lock_holder(&region(), &saved.id));
    assert_eq!(lock, None, "the lock is held: {record:#?}");
    let duty = world.must(registry.duty(&region(), &saved.id));
    let discharged = duty.expect("a planned save has a duty").value.discharged;
    assert!(discharged.is_some(), "the duty is open: {record:#?}");
}

fn changed_by_others(world: &World, record: &SaveRecord) -> bool {
    let Ok(saved) = record.instance() else {
        return false;
    };
    let duty = world.must(world.service.env.registry.duty(&region(), &saved.id));
    let finding = duty
        .and_then(|duty| duty.value.discharged)
        .map(|discharge| discharge.finding);
    finding == Some(prism_functions::domain::save::Finding::ChangedByOthers)
}

/// A registered version has available AMIs; any other save has left neither AMIs nor snapshots.
fn check_images(world: &World, record: &SaveRecord) {
    let (key, value) = (SAVE_TAG.to_owned(), record.save_id.to_string());
    let owned = ImageFilter::OwnTag(key.clone(), value.clone());
    let tagged = SnapshotFilter::Tag(key, value);
    let ec2 = &world.service.env.ec2;
    // The source AMI of a copy belongs to another save.
    let own = record.copy_of.is_none().then_some(&record.request.region);
    for region in record.request.copy_to.iter().chain(own) {
        let images = world.run(ec2.images(region, &owned)).expect("EC2 answers");
        let registered = |image: &Image| image.state != ImageState::Deregistered;
        let images: Vec<_> = images.into_iter().filter(registered).collect();
        let snapshots = world
            .run(ec2.snapshots(region, &tagged))
            .expect("EC2 answers");
        let failed_here = matches!(
            record.copies.get(region),
            Some(prism_functions::domain::save::RegionCopy::Failed { .. })
        );
        if record.version.is_some() && !failed_here {
            assert!(
                images
                    .iter()
                    .all(|image| image.state == ImageState::Available),
                "{images:#?}"
            );
            assert_eq!(images.len(), 1, "{region}: {record:#?}");
        } else {
            assert!(
                images.is_empty(),
                "orphaned AMIs in {region}: {images:#?} of {record:#?}"
            );
            assert!(
                snapshots.is_empty(),
                "orphaned snapshots in {region}: {snapshots:#?} of {record:#?}"
            );
        }
    }
}
