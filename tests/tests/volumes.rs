//! Volumes: which of them an AMI contains, which of them end with an instance, and which are left over.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;

use prism_functions::domain::save::{SaveRequest, SaveState};
use prism_functions::domain::{Code, InstanceId, VolumeId};
use prism_functions::operations::parts::{InRegion, InstanceName};
use prism_functions::operations::{
    Asked, InstanceVolume, LaunchRequest, ListVolumes, Operation as _, ScheduleEdit,
};
use prism_functions::ports::Encryption;
use prism_local::ec2::VolumeSpec;
use prism_tests::asks::Asks as _;
use prism_tests::untouched::{ask, plans, refuses, world};
use prism_tests::world::{
    ADA, Setup, World, launch_request, rebooting, region, saved, schedule_request,
};
use prism_tests::{ask, clean};

fn add(world: &World, id: &InstanceId, device: &str, size_gib: u32) -> VolumeId {
    let spec = VolumeSpec {
        device: device.to_owned(),
        size_gib,
        used_bytes: 1 << 20,
        encryption: Encryption::None,
        delete_on_termination: false,
    };
    world.admin.add_volume(id, &spec).unwrap()
}

fn without(volumes: &[&str]) -> SaveRequest {
    SaveRequest {
        exclude_volumes: volumes.iter().map(ToString::to_string).collect(),
        ..ask()
    }
}

fn volumes(world: &World, name: &str) -> Vec<InstanceVolume> {
    let region = region();
    let asked = Asked::<ListVolumes>::by(InstanceName(name.to_owned()), InRegion { region });
    let listed = world.run(ListVolumes::run(&world.service, &ADA, asked));
    listed.unwrap().value.volumes
}

fn devices(volumes: &[InstanceVolume]) -> Vec<&str> {
    volumes.iter().map(|it| it.device.as_str()).collect()
}

#[test]
fn a_volume_is_left_out_of_the_ami() {
    for how in [|it| it, rebooting] {
        for by_id in [false, true] {
            let (world, id) = world();
            let scratch = add(&world, &id, "/dev/sdf", 400);
            add(&world, &id, "/dev/sdg", 7);
            let whole = plans(&world, &how(ask()));
            let named = if by_id { scratch.as_str() } else { "/dev/sdf" };
            let request = how(without(&[named]));
            let plan = plans(&world, &request);
            assert_eq!(plan.instance.excluded.len(), 1);
            let excluded = &plan.instance.excluded[0];
            assert_eq!((&excluded.id, excluded.size_gib), (&scratch, 400));
            assert!(plan.usd_per_month_at_most + 19.9 < whole.usd_per_month_at_most);
            let warned = plan.warnings.iter().find(|it| it.code == "VolumesLeftOut");
            assert!(warned.unwrap().text.contains("/dev/sdf"));

            let number = saved(&world, request);
            let version = world.version("kept", number);
            let left_out: Vec<&str> = version
                .excluded_volumes
                .iter()
                .map(|it| it.device.as_str())
                .collect();
            assert_eq!(left_out, ["/dev/sdf"]);
            let captured: Vec<&str> = version
                .volumes
                .iter()
                .map(|it| it.device.as_str())
                .collect();
            assert_eq!(captured, ["/dev/sda1", "/dev/sdg"]);
            assert_eq!(version.snapshots[&region()].len(), 2);
            let record = world.record(&version.save_id).unwrap();
            assert_eq!(record.state, SaveState::Succeeded);
            assert!(!record.captured_volumes.as_ref().unwrap().contains(&scratch));
            clean::check(&world, &record);
            world.launch("ada", "kept", "again");
            assert_eq!(
                devices(&volumes(&world, "again")),
                ["/dev/sda1", "/dev/sdg"]
            );
        }
    }
}

#[test]
fn what_cannot_be_left_out_is_refused_before_anything_is_touched() {
    let (world, id) = world();
    let root = world.instance(id.as_str()).volumes[0].volume.clone();
    for named in ["/dev/sda1", root.as_str()] {
        refuses(&world, &without(&[named]), Code::RootVolumeNeeded, named);
    }
    for named in ["/dev/sdf", "vol-0123456789abcdef0", "*"] {
        let problem = refuses(&world, &without(&[named]), Code::VolumeNotFound, named);
        assert!(problem.advice().contains(root.as_str()), "{problem:?}");
    }
    let many: BTreeSet<String> = (0..41).map(|n| format!("/dev/sd{n}")).collect();
    let request = SaveRequest {
        exclude_volumes: many,
        ..ask()
    };
    refuses(&world, &request, Code::InvalidInput, "41");
}

#[test]
fn pending_snapshots_of_a_volume_that_is_left_out_do_not_matter() {
    let (world, id) = world();
    let busy = add(&world, &id, "/dev/sdf", 400);
    for _ in 0..5 {
        world.admin.take_snapshot(&busy).unwrap();
    }
    world.pass(2);
    refuses(&world, &ask(), Code::SnapshotsPending, busy.as_str());
    plans(&world, &without(&["/dev/sdf"]));
}

#[test]
fn a_volume_that_is_replaced_before_the_capture_is_captured() {
    let (world, id) = world();
    let scratch = add(&world, &id, "/dev/sdf", 400);
    let request = without(&["/dev/sdf"]);
    let save = prism_tests::world::begun(&world, request);
    world.pass(5);
    world.admin.detach(&scratch).unwrap();
    let other = add(&world, &id, "/dev/sdf", 8);
    world.clock.run_until_idle().unwrap();
    let record = world.record(&save).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{:?}", record.failure);
    assert!(record.captured_volumes.as_ref().unwrap().contains(&other));
}

/// A version of an instance with a data volume that does not end with it.
fn with_data() -> World {
    let (world, id) = world();
    add(&world, &id, "/dev/sdf", 400);
    saved(&world, ask());
    world
}

fn terminate(world: &World, name: &str) {
    ask!(world, terminate_instance(&ADA, &region(), name)).unwrap();
    world.pass(600);
}

#[test]
fn the_volumes_of_a_launch_end_with_the_instance() {
    let world = with_data();
    let before = world.admin.inventory().unwrap().volumes.len();
    world.launch("ada", "kept", "again");
    let volumes = volumes(&world, "again");
    assert_eq!(devices(&volumes), ["/dev/sda1", "/dev/sdf"]);
    assert!(volumes.iter().all(|it| it.delete_on_termination));
    assert_eq!(volumes[1].usd_per_month, Some(32.0));
    terminate(&world, "again");
    assert_eq!(world.admin.inventory().unwrap().volumes.len(), before);
    assert!(ask!(world, leftovers()).unwrap().volumes.is_empty());
}

#[test]
fn volumes_that_are_kept_are_named_and_found() {
    let world = with_data();
    let request = LaunchRequest {
        keep_volumes: true,
        ..launch_request("kept", "again")
    };
    let (plan, _) = ask!(world, launch(&ADA, &request)).unwrap();
    world.pass(600);
    let kept = plan.volumes.iter().filter(|it| !it.delete_on_termination);
    let kept: Vec<_> = kept.map(|it| (it.device.as_str(), it.size_gib)).collect();
    assert_eq!(kept, [("/dev/sdf", 400)]);
    let listed = volumes(&world, "again");
    let survivor = listed.iter().find(|it| !it.delete_on_termination).unwrap();
    assert!(
        ask!(world, leftovers()).unwrap().volumes.is_empty(),
        "it is attached"
    );
    terminate(&world, "again");
    let found = ask!(world, leftovers()).unwrap();
    assert!(found.found.is_empty(), "{:?}", found.found);
    let [left] = found.volumes.as_slice() else {
        panic!("{:?}", found.volumes);
    };
    assert_eq!((&left.id, left.usd_per_month), (&survivor.id, Some(32.0)));
    assert_eq!(
        (left.owner.as_str(), left.name.as_deref()),
        ("ada", Some("again"))
    );
    // Nothing removes it.
    ask!(world, fix(&found.found)).unwrap();
    world.sweep(3);
    assert_eq!(ask!(world, leftovers()).unwrap().volumes, found.volumes);
}

#[test]
fn the_volumes_of_others_are_not_reported() {
    let world = with_data();
    let request = LaunchRequest {
        keep_volumes: true,
        ..launch_request("kept", "again")
    };
    ask!(world, launch(&ADA, &request)).unwrap();
    world.pass(600);
    terminate(&world, "again");
    let mut other = Setup::seeded(9);
    other.identity = prism_functions::rules::Identity::known("deployment-other".parse().unwrap());
    let mut service = world.service.clone();
    service.env.identity = other.identity;
    let found = world.run(service.leftovers()).unwrap();
    assert!(found.volumes.is_empty(), "{:?}", found.volumes);
}

#[test]
fn a_schedule_leaves_out_the_volumes_that_it_is_changed_to_leave_out() {
    let (world, id) = world();
    add(&world, &id, "/dev/sdf", 400);
    let schedule = schedule_request("nightly", ask());
    ask!(world, create_schedule(&ADA, schedule)).unwrap();
    let nightly = "nightly".parse().unwrap();
    let excluded = |volumes: &[&str]| {
        let edit = ScheduleEdit {
            exclude_volumes: Some(without(volumes).exclude_volumes),
            ..ScheduleEdit::default()
        };
        let edited = ask!(world, edit_schedule(&ADA, &nightly, edit)).unwrap();
        assert_eq!(edited.request, without(volumes));
        let started = ask!(world, run_schedule(&ADA, &nightly, None)).unwrap();
        world.clock.run_until_idle().unwrap();
        let record = world.record(&started.save_id).unwrap();
        let version = record
            .version
            .unwrap_or_else(|| panic!("{:?}", record.failure));
        let plan = record.plan.unwrap();
        let excluded: Vec<_> = plan
            .instance
            .excluded
            .into_iter()
            .map(|it| it.device)
            .collect();
        (version, excluded)
    };
    assert_eq!(excluded(&["/dev/sdf"]), (1, vec!["/dev/sdf".to_owned()]));
    assert_eq!(excluded(&[]), (2, Vec::new()));
}
