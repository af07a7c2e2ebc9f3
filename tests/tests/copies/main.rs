//! Copying a version to further Regions, long after its save. The copy is complete or does not exist, whatever happens
//! (promises P4 to P6).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod interrupted;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::ec2::{Architecture, LaunchPermission};
use prism_functions::domain::save::{RegionCopy, SaveRecord, SaveRequest, SaveState};
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::template::Version;
use prism_functions::domain::{Code, Problem, Region, SaveId};
use prism_functions::operations::LaunchRequest;
use prism_functions::ports::{Ec2 as _, Image, ImageFilter, ImageState, KeyState, SnapshotFilter};
use prism_functions::rules::access::Caller;
use prism_functions::rules::{PublicScope, Settings};
use prism_tests::asks::Asks as _;
use prism_tests::clean;
use prism_tests::story::{tell, to_the_end};
use prism_tests::world::{
    Setup, World, begun, caller, id_of, launch_request, launched, region, save_request,
    share_request,
};

const FAR: &str = "eu-west-1";

fn named(names: &[&str]) -> BTreeSet<Region> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn ask(regions: &[&str]) -> CopyRequest {
    CopyRequest {
        template: "kept".parse().unwrap(),
        version: 1,
        regions: named(regions),
        publish_sensitive: false,
    }
}

/// A world with Ada's version `kept@1`, in one Region.
fn saved(setup: Setup) -> World {
    let world = launched(setup);
    let record = world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(record.version, Some(1), "{record:#?}");
    world
}

fn begin(world: &World, caller: &Caller, request: &CopyRequest) -> Result<SaveId, Problem> {
    let started = world.service.start_copy(caller, request, None);
    world.clock.run(started).map(|started| started.save_id)
}

fn copy(world: &World, request: &CopyRequest) -> SaveRecord {
    let id = begin(world, &caller("ada"), request).unwrap();
    to_the_end(world, &id);
    world.record(&id).unwrap()
}

fn version(world: &World) -> Version {
    let (registry, kept) = (&world.service.env.registry, "kept".parse().unwrap());
    let found = registry.version(&kept, 1);
    world.clock.run(found).unwrap().unwrap()
}

fn images(world: &World, id: &SaveId, region: &str) -> Vec<Image> {
    let filter = ImageFilter::OwnTag(SAVE_TAG.to_owned(), id.to_string());
    let region = region.parse().unwrap();
    let found = world
        .clock
        .run(world.service.env.ec2.images(&region, &filter));
    let mut found = found.unwrap();
    found.retain(|image| image.state != ImageState::Deregistered);
    found
}

#[test]
fn a_copy_that_failed_with_its_save_is_made_up_for() {
    let world = launched(Setup::seeded(3));
    let mut request = save_request("work", "kept");
    request.copy_to = named(&["us-west-2", FAR]);
    request.tags = BTreeMap::from([("grant".to_owned(), "42".to_owned())]);
    world.admin.fail_next_copy("the key is gone").unwrap();
    let save = world.save("ada", request).unwrap();
    let before = version(&world);
    assert_eq!((before.amis.len(), before.failed_regions.len()), (2, 1));
    let (lacking, why) = before.failed_regions.iter().next().unwrap();
    assert!(
        why.contains("failed: EC2 could not create the AMI"),
        "{why}"
    );
    let touched = world.cloud.history_of(&id_of(&world)).unwrap();

    let record = copy(&world, &ask(&[lacking.as_str()]));
    assert_eq!(record.state, SaveState::Succeeded, "{record:#?}");
    let after = version(&world);
    assert!(after.failed_regions.is_empty(), "{after:#?}");
    for (region, amis) in &before.amis {
        assert_eq!(after.amis.get(region), Some(amis), "what is there stays");
    }
    let made = images(&world, &record.save_id, lacking.as_str());
    let added = &after.amis[lacking][&after.architecture];
    assert_eq!(made[0].id, *added);
    assert_eq!(made[0].tags["grant"], "42", "the user's tags go along");
    assert_eq!(after.snapshots[lacking].len(), 1);
    assert!((after.usd_per_month - before.usd_per_month * 1.5).abs() < 1e-9);
    assert_eq!(touched, world.cloud.history_of(&id_of(&world)).unwrap());
    assert_eq!(
        world.record(&save.save_id).unwrap(),
        save,
        "its save is over"
    );
    let mut launch = launch_request("kept@1", "there");
    launch.region = lacking.clone();
    let ada = caller("ada");
    let launched = world.service.launch(&ada, &launch);
    assert_eq!(world.clock.run(launched).unwrap().0.image, *added);
}

#[test]
fn a_copy_as_a_story() {
    let world = saved(Setup::seeded(3));
    let record = copy(&world, &ask(&[FAR]));
    insta::assert_snapshot!(tell(&world, &record.save_id), @r"
           0s  PlanCopy
           0s  CopyImage
          15s  AwaitCopy x4
        2m02s  RegisterTemplate
        2m02s  CompleteSave
        2m02s  Succeeded
    save: succeeded as kept@1, eu-west-1 available
    left: AMIs 1, snapshots 1
    notices: copy.succeeded
    ");
    assert_eq!(record.kind(), "copy");
}

#[test]
fn a_copy_that_fails_again_leaves_its_cause_and_nothing_else() {
    let world = saved(Setup::seeded(3));
    let before = version(&world);
    world.admin.fail_next_copy("the key is gone").unwrap();
    let record = copy(&world, &ask(&[FAR]));
    assert_eq!(record.state, SaveState::Failed);
    let failure = record.failure.as_ref().unwrap();
    assert_eq!(failure.code, "CopyFailed");
    let again = "prism template copy kept@1 --region eu-west-1";
    assert!(failure.hint.ends_with(again), "{failure:?}");
    let after = version(&world);
    assert_eq!(after.amis, before.amis);
    let why = &after.failed_regions[&FAR.parse().unwrap()];
    assert!(
        why.contains("failed: EC2 could not create the AMI"),
        "{why}"
    );
    assert_eq!(copy(&world, &ask(&[FAR])).state, SaveState::Succeeded);
    assert!(version(&world).failed_regions.is_empty());
}

/// The number of concurrent copies to a Region is limited, so the next one waits for its turn.
#[test]
fn a_copy_waits_while_too_many_run_to_its_region() {
    let mut setup = Setup::slow(3, |d| d.copy_base = Duration::from_hours(5));
    setup.cloud.limits.copies_in_flight = 1;
    let world = saved(setup);
    for name in ["next", "last"] {
        world.save("ada", save_request("work", name)).unwrap();
    }
    let ids = ["kept", "next", "last"].map(|name| {
        let mut request = ask(&[FAR]);
        request.template = name.parse().unwrap();
        begin(&world, &caller("ada"), &request).unwrap()
    });
    for id in &ids {
        to_the_end(&world, id);
        let record = world.record(id).unwrap();
        let far = &record.copies[&FAR.parse().unwrap()];
        assert!(matches!(far, RegionCopy::Available { .. }), "{record:#?}");
    }
}

#[test]
fn of_two_regions_one_can_fail() {
    let world = saved(Setup::seeded(3));
    world.admin.fail_next_copy("the key is gone").unwrap();
    let record = copy(&world, &ask(&[FAR, "us-west-2"]));
    assert_eq!(record.state, SaveState::Succeeded, "{record:#?}");
    let failed = record.copies.values();
    let failed = failed.filter(|copy| matches!(copy, RegionCopy::Failed { .. }));
    assert_eq!(failed.count(), 1);
    let version = version(&world);
    assert_eq!((version.amis.len(), version.failed_regions.len()), (2, 1));
}

#[test]
fn each_architecture_is_copied_as_what_it_is() {
    let world = launched(Setup::seeded(3));
    let arm = LaunchRequest {
        architecture: Some(Architecture::Arm64),
        ..launch_request("ubuntu", "arm")
    };
    world
        .clock
        .run(world.service.launch(&caller("ada"), &arm))
        .unwrap();
    world.pass(300);
    let save = |instance: &str, add_arch| {
        let request = SaveRequest {
            add_arch,
            ..save_request(instance, "kept")
        };
        assert_eq!(world.save("ada", request).unwrap().version, Some(1));
    };
    // Its own AMI is not the first in any order of names.
    save("arm", false);
    let alone = version(&world);
    save("work", true);
    let before = version(&world);
    let first = copy(&world, &ask(&[FAR]));
    assert_eq!(first.state, SaveState::Succeeded, "{first:#?}");
    let far: Region = FAR.parse().unwrap();
    let between = version(&world);
    let has: Vec<Architecture> = between.amis[&far].keys().copied().collect();
    assert_eq!(has, [Architecture::Arm64]);
    let more = between.usd_per_month - before.usd_per_month;
    assert!((more - alone.usd_per_month).abs() < 1e-9, "{more}");
    let second = copy(&world, &ask(&[FAR]));
    assert_eq!(second.state, SaveState::Succeeded, "{second:#?}");
    let after = version(&world);
    let far = &far;
    for (architecture, record) in [
        (Architecture::Arm64, &first),
        (Architecture::X86_64, &second),
    ] {
        let made = images(&world, &record.save_id, FAR);
        assert_eq!(made[0].architecture, architecture);
        assert_eq!(after.amis[far][&architecture], made[0].id);
    }
    assert_eq!(after.snapshots[far].len(), 2);
    assert!((after.usd_per_month - 2.0 * before.usd_per_month).abs() < 1e-9);
    let full = begin(&world, &caller("ada"), &ask(&[FAR])).unwrap_err();
    assert_eq!(full.code, Code::CopyExists);
    let half = begin(&world, &caller("ada"), &ask(&[FAR, "us-west-2"])).unwrap_err();
    assert!(
        full.message.contains(FAR) && half.message.contains(FAR),
        "{half}"
    );
}

/// Launch permissions are not copied with an AMI, so the copy is opened to the template's grantees.
#[test]
fn a_copy_of_what_is_public_is_public() {
    let world = launched(Setup {
        settings: Settings {
            public_scope: PublicScope::World,
            ..Settings::default()
        },
        ..Setup::seeded(3)
    });
    let far: Region = FAR.parse().unwrap();
    for open in [&far, &region()] {
        world.admin.block_public_images(open, false).unwrap();
    }
    let mut request = save_request("work", "kept");
    request.public = true;
    world.save("ada", request).unwrap();
    let record = copy(&world, &ask(&[FAR]));
    let made = images(&world, &record.save_id, FAR).remove(0).id;
    let ec2 = &world.service.env.ec2;
    let there = world.clock.run(ec2.launch_permissions(&far, &made));
    assert_eq!(there.unwrap(), [LaunchPermission::Everyone]);
}

#[test]
fn what_cannot_be_copied_is_refused_before_it_begins() {
    let world = saved(Setup {
        settings: Settings {
            allowed_regions: "us-east-1,eu-west-1".parse().unwrap(),
            ..Settings::default()
        },
        ..Setup::seeded(3)
    });
    let ada = caller("ada");
    let writes = world.table.writes();
    let mut cases = vec![
        (caller("bob"), ask(&[FAR]), Code::TemplateNotFound),
        (ada.clone(), ask(&[]), Code::InvalidRegion),
        (ada.clone(), ask(&["mars-north-1"]), Code::InvalidRegion),
        (ada.clone(), ask(&["us-west-2"]), Code::RegionNotAllowed),
        (ada.clone(), ask(&["us-east-1"]), Code::CopyExists),
    ];
    let mut missing = ask(&[FAR]);
    missing.version = 7;
    cases.push((ada.clone(), missing, Code::VersionNotFound));
    let mut unknown = ask(&[FAR]);
    unknown.template = "other".parse().unwrap();
    cases.push((ada.clone(), unknown, Code::TemplateNotFound));
    for (who, request, code) in cases {
        let refused = begin(&world, &who, &request).unwrap_err();
        assert_eq!(refused.code, code, "{request:?}");
    }
    let home = version(&world).amis[&region()]
        .values()
        .next()
        .unwrap()
        .clone();
    let (ec2, here) = (&world.service.env.ec2, region());
    world.clock.run(ec2.deregister_image(&here, &home)).unwrap();
    let refused = begin(&world, &ada, &ask(&[FAR])).unwrap_err();
    assert_eq!(refused.code, Code::ImageFailed);
    assert_eq!(world.table.writes(), writes);
    let tag = SnapshotFilter::Tag("prism:template".to_owned(), "kept".to_owned());
    let far = FAR.parse().unwrap();
    let none = world.clock.run(world.service.env.ec2.snapshots(&far, &tag));
    assert!(none.unwrap().is_empty());
}

/// Ada's template `kept`, shared with another account.
fn shared_outside() -> (World, LaunchPermission) {
    let world = saved(Setup::seeded(11));
    let account = "444455556666";
    let request = share_request(format!("account:{account}"));
    let (ada, kept) = (caller("ada"), "kept".parse().unwrap());
    let shared = world.service.share(&ada, &kept, &request);
    world.clock.run(shared).unwrap();
    (world, LaunchPermission::Account(account.parse().unwrap()))
}

#[test]
fn a_copy_that_could_not_be_shared_is_refused_before_it_begins() {
    let (world, _) = shared_outside();
    let far = FAR.parse().unwrap();
    world.admin.set_ebs_defaults(&far, true, None).unwrap();
    let plan = || {
        let (ada, request) = (caller("ada"), ask(&[FAR]));
        let planned = world.service.plan_copy(&ada, &request);
        world.clock.run(planned)
    };
    let refused = plan().unwrap_err();
    assert_eq!(refused.code, Code::DefaultKeyShared, "{refused:?}");
    assert!(refused.message.contains(FAR), "{refused}");
    let begun = begin(&world, &caller("ada"), &ask(&[FAR]));
    assert_eq!(begun.unwrap_err().code, Code::DefaultKeyShared);
    let key = "arn:aws:kms:us-east-1:111122223333:key/1";
    world.admin.set_ebs_defaults(&far, true, Some(key)).unwrap();
    let warnings = plan().unwrap().warnings;
    assert_eq!(warnings[0].code, "KeyPolicyNeeded");
    world.admin.set_key_state(key, KeyState::Disabled).unwrap();
    assert_eq!(plan().unwrap_err().code, Code::KeyUnusable);
    world.admin.set_ebs_defaults(&far, false, None).unwrap();
    plan().unwrap();
}

/// Encryption by default is turned on while a save and a copy are under way.
#[test]
fn a_copy_that_cannot_be_opened_stays_closed_and_is_kept() {
    let (world, account) = shared_outside();
    let far: Region = FAR.parse().unwrap();
    let copied = SaveRequest {
        copy_to: named(&[FAR]),
        ..save_request("work", "kept")
    };
    let save = begun(&world, copied);
    world.pass(60);
    world.admin.set_ebs_defaults(&far, true, None).unwrap();
    to_the_end(&world, &save);
    let record = world.record(&save).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{:?}", record.failure);
    assert_eq!(record.closed_in.keys().collect::<Vec<_>>(), [&far]);
    assert_eq!(record.closed_in[&far], account.to_string());
    for (region, open) in [(&far, vec![]), (&region(), vec![account])] {
        let image = images(&world, &save, region.as_str()).remove(0).id;
        let held = world.ec2.launch_permissions(region, &image);
        assert_eq!(world.clock.run(held).unwrap(), open, "{region}");
    }
    clean::check(&world, &record);
}
