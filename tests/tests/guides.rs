//! The guides for an instance that does not come back: for each cause what happened, what to try, and the commands to
//! run.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::time::Duration;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::guide::{self, Guide};
use prism_functions::domain::save::{SaveRecord, SaveState};
use prism_functions::operations::SaveView;
use prism_functions::ports::Encryption;
use prism_local::ec2::{Capacity, KeyPolicy};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::cloudformation::template;
use prism_tests::story::to_the_end;
use prism_tests::world::{
    ADA, Setup, World, begun, id_of, launch_request, launched, region, save_request,
};

fn told(world: &World, record: &SaveRecord) -> SaveView {
    ask!(world, save(&ADA, &record.save_id)).unwrap()
}

fn told_guide(world: &World, record: &SaveRecord) -> Guide {
    told(world, record).guide.unwrap()
}

/// A save that encounters a problem between its stop and its start, and has ended.
fn stranded(meets: impl FnOnce(&World)) -> (World, SaveRecord) {
    let world = launched(Setup::seeded(11));
    let mut request = save_request("work", "kept");
    request.copy_to.insert("eu-west-1".parse().unwrap());
    let id = begun(&world, request);
    world.pass(22);
    meets(&world);
    world.clock.run_until_idle().unwrap();
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Stranded, "{record:#?}");
    (world, record)
}

fn no_room(world: &World) {
    let none = Capacity::Refused;
    world
        .admin
        .set_capacity(&region(), "t3.large", none)
        .unwrap();
}

fn commands(guide: &Guide) -> Vec<&str> {
    guide
        .steps
        .iter()
        .map(|step| step.command.as_str())
        .collect()
}

/// The save was for a template, and its AMI is good: it can be launched where there is capacity.
#[test]
fn no_room_offers_the_template_elsewhere() {
    let (world, record) = stranded(no_room);
    assert_eq!(record.version, Some(1), "{record:#?}");
    let guide = told_guide(&world, &record);
    assert_eq!(guide.cause, "NoCapacity");
    assert!(guide.happened.contains("t3.large"), "{guide:#?}");
    let watch = format!("prism saves watch {}", record.save_id);
    let id = id_of(&world);
    let modify = format!(
        "aws ec2 modify-instance-attribute --region us-east-1 --instance-id {id} --instance-type t3.xlarge"
    );
    assert_eq!(
        commands(&guide),
        [
            "prism start work --region us-east-1",
            "prism launch kept@1 work-again --region us-east-1 --size L",
            "prism launch kept@1 work-again --region us-east-1",
            "prism template copy kept@1 --region us-west-2",
            "prism launch kept@1 work-again --region us-west-2",
            modify.as_str(),
            watch.as_str(),
        ]
    );
    // The version can be launched, and shows what it lacks.
    let kept = "kept".parse().unwrap();
    let found = world.service.env.registry.version(&kept, 1);
    let version = world.run(found).unwrap().unwrap();
    assert!(
        version
            .failed_regions
            .contains_key(&"eu-west-1".parse().unwrap())
    );
    let mut launch = launch_request("kept@1", "work-again");
    launch.size = Some("L".parse().unwrap());
    ask!(world, launch(&ADA, &launch)).unwrap();
    world.pass(300);
    let again = ask!(world, instance(&ADA, &region(), "work-again"));
    assert_eq!(again.unwrap().state, InstanceState::Running);
    // The instance's duty remains, and it is started once there is capacity.
    world
        .admin
        .set_capacity(&region(), "t3.large", Capacity::Available)
        .unwrap();
    world.sweep(90);
    to_the_end(&world, &record.save_id);
    let record = world.record(&record.save_id).unwrap();
    assert_eq!(
        (record.state, record.version),
        (SaveState::Succeeded, Some(1))
    );
    assert_eq!((record.failure, record.trouble), (None, None));
}

/// While Prism still retries, the record says why, and until when.
#[test]
fn the_reason_for_waiting_is_shown() {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, save_request("work", "kept"));
    world.pass(22);
    assert_eq!(told(&world, &world.record(&id).unwrap()).guide, None);
    no_room(&world);
    world.pass(3600);
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Running);
    assert_eq!(told_guide(&world, &record).cause, "NoCapacity");
    let since = record.trouble.as_ref().unwrap().since;
    world.pass(3600);
    let later = world.record(&id).unwrap();
    assert_eq!(
        later.trouble.unwrap().since,
        since,
        "it is the same trouble"
    );
    world
        .admin
        .set_capacity(&region(), "t3.large", Capacity::Available)
        .unwrap();
    to_the_end(&world, &id);
    let record = world.record(&id).unwrap();
    assert_eq!(
        (record.state, &record.trouble),
        (SaveState::Succeeded, &None)
    );
    assert_eq!(told(&world, &record).guide, None);
}

/// If an accepted start fails later, only the state of the instance shows the reason.
#[test]
fn a_start_that_falls_back_for_want_of_room_is_no_room_too() {
    let (world, record) = stranded(|world| {
        let late = Capacity::FailsLate;
        world.admin.set_capacity(&region(), "*", late).unwrap();
    });
    assert_eq!(record.failure.as_ref().unwrap().code, "RestoreGaveUp");
    let guide = told_guide(&world, &record);
    assert_eq!(guide.cause, "NoCapacity");
    assert!(
        guide
            .happened
            .contains("Server.InsufficientInstanceCapacity"),
        "{guide:#?}"
    );
}

/// An unusable key ends the restore at once, and no version is made: its snapshot could not be used either.
#[test]
fn a_lost_key_ends_it_at_once() {
    let key = "arn:aws:kms:us-east-1:111122223333:key/1";
    let world = launched(Setup::seeded(11));
    let volume = world.instance(id_of(&world).as_str()).volumes[0]
        .volume
        .clone();
    let encryption = Encryption::CustomerKey(key.to_owned());
    world.admin.set_encryption(&volume, encryption).unwrap();
    let id = begun(&world, save_request("work", "kept"));
    world.pass(22);
    world.admin.set_key_policy(key, KeyPolicy::Nobody).unwrap();
    world.pass(60);
    let record = world.record(&id).unwrap();
    assert_eq!((record.state, record.version), (SaveState::Stranded, None));
    let guide = told_guide(&world, &record);
    assert_eq!(guide.cause, "KmsKey");
    let commands = commands(&guide).join("\n");
    for command in [
        "aws kms enable-key",
        "aws kms cancel-key-deletion",
        "prism start work",
    ] {
        assert!(commands.contains(command), "{commands}");
    }
    let notices = world.notices.0.lock().unwrap();
    let alarm = notices.iter().find(|notice| notice.alarm).unwrap();
    assert!(
        alarm.text.ends_with(&format!("prism saves show {id}")),
        "{alarm:?}"
    );
}

#[test]
fn a_missing_permission_is_named() {
    let (world, record) = stranded(|world| world.admin.deny("StartInstances").unwrap());
    assert_eq!(told_guide(&world, &record).cause, "PermissionMissing");
}

/// A terminated instance needs no restore, so the save is not stranded.
#[test]
fn a_termination_ends_it_at_once() {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, save_request("work", "kept"));
    world.pass(22);
    no_room(&world);
    world.pass(5 * 3600);
    world.admin.terminate(&id_of(&world)).unwrap();
    world.pass(900);
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Failed, "{record:#?}");
    let finding = serde_json::to_value(record.finding).unwrap();
    assert_eq!(finding, "gone");
}

fn operations() -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join("docs/operations.md")).unwrap()
}

#[test]
fn every_cause_is_in_the_operators_guide() {
    let text = operations();
    for cause in guide::causes() {
        assert!(text.contains(&format!("`{cause}`")), "{cause}");
    }
}

#[test]
fn every_alarm_has_its_section() {
    let (text, template) = (operations(), template());
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    assert!(alarms.len() > 5, "{}", alarms.len());
    for (id, alarm) in alarms {
        let name = prism_tests::cloudformation::text(&alarm["AlarmName"]);
        let name = name.replace("${AWS::StackName}", "prism");
        assert!(text.contains(&format!("\n### `{name}`: ")), "{id}: {name}");
    }
}

#[test]
fn a_stop_that_hangs_is_reported_at_once() {
    let world = launched(Setup::slow(11, |d| d.stop = Duration::from_hours(3)));
    let id = begun(&world, save_request("work", "kept"));
    world.pass(16 * 60);
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Running, "{record:#?}");
    let guide = told_guide(&world, &record);
    assert_eq!(guide.cause, "Stopping");
    assert!(commands(&guide)[0].ends_with("--force"), "{guide:#?}");
    to_the_end(&world, &id);
    let record = world.record(&id).unwrap();
    assert_eq!((record.state, record.trouble), (SaveState::Failed, None));
}
