//! Each function makes exactly the calls that it declares. A step that makes an undeclared call fails every test of the
//! workspace (`prism_tests::recorded`); this test checks that every declared call is made in some scenario.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "calls/edits.rs"]
mod edits;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::executor::block_on;
use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::end::{EndRequest, Then};
use prism_functions::domain::save::{RegionCopy, SaveRequest};
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::domain::session::SessionKind;
use prism_functions::domain::{ImageId, Region, SaveId};
use prism_functions::operations::{
    Asked, LaunchRequest, ProjectEndRequest, SetProjectEnd, ShareRequest, TemplatesPage, calls,
};
use prism_functions::ports::{
    Call, Change, Condition, Ec2 as _, Encryption, Key, Reservation, Table as _, Write,
};
use prism_functions::registry::Awaited;
use prism_functions::steps;
use prism_local::ec2::Capacity;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::recorded::{calling, seen};
use prism_tests::simulation::{Path, play};
use prism_tests::story::to_the_end;
use prism_tests::sums;
use prism_tests::untouched::ask;
use prism_tests::watched::Watched;
use prism_tests::world::{
    ADA, BOB, Setup, World, begun, budget_request, copy_request, id_of, import_request,
    launch_request, launched, moved, project_request, public, region, save_request, share_request,
};
use serde_json::{Value, json};

/// A public version in two further Regions, one of which fails, with an EC2 that loses responses.
fn for_the_world() {
    let setup = Setup::seeded(11).open_to_the_world();
    let world = launched(setup.bent(|ec2| ec2.forgetful = true));
    let copy_to: BTreeSet<_> = ["us-west-2", "eu-west-1"]
        .map(|name| name.parse().unwrap())
        .into();
    for open in copy_to.iter().chain([&region()]) {
        world.admin.block_public_images(open, false).unwrap();
    }
    let request = SaveRequest {
        public: true,
        copy_to,
        ..ask()
    };
    let id = begun(&world, request);
    world.pass(60);
    world.admin.fail_next_copy("no key there").unwrap();
    to_the_end(&world, &id);
    // The save looks up whether the template was shared with its user.
    world.launch("bob", "ubuntu", "his");
    let refused = world.save("bob", save_request("his", "kept")).unwrap();
    assert_eq!(refused.failure.unwrap().code, "TemplateNameTaken");
    let record = world.record(&id).unwrap();
    let failed = |(region, copy): (&Region, &RegionCopy)| {
        matches!(copy, RegionCopy::Failed { .. }).then(|| region.clone())
    };
    let request = CopyRequest {
        template: record.request.template.clone(),
        version: 1,
        regions: record.copies.iter().filter_map(failed).collect(),
        publish_sensitive: false,
    };
    let copy = ask!(world, start_copy(&ADA, &request, None)).unwrap();
    to_the_end(&world, &copy.save_id);
    // The copy looks up whether the template was shared with its user.
    let input = json!({"copy": request, "save_id": "save-00000000", "caller": BOB.clone()});
    world
        .run(world.service.executions.start("hers", input))
        .unwrap();
    world.clock.run_until_idle().unwrap();
    // Two versions whose deletion loses the first responses of EC2 and is left to the sweep. Another public template
    // keeps the AMI of the first; its other share with an account is revoked.
    to_the_end(&world, &begun(&world, ask()));
    let request = share_request("account:444455556666");
    let kept = "kept".parse().unwrap();
    ask!(world, share(&ADA, &kept, &request)).unwrap();
    imported(&world, "kept@1", "again");
    let everyone = share_request("public");
    let again = "again".parse().unwrap();
    ask!(world, share(&ADA, &again, &everyone)).unwrap();
    let all = "kept".parse().unwrap();
    let deletion = world.service.delete_template(&ADA, &all, true);
    assert!(!world.run(deletion).unwrap().finished);
    sweep(&world, 12);
}

/// Ada imports a version as a template with another name.
fn imported(world: &World, reference: &str, name: &str) {
    let file = ask!(world, export_template(&ADA, &reference.parse().unwrap()));
    let request = import_request(file.unwrap());
    let name = name.parse().unwrap();
    ask!(world, import_template(&ADA, &name, &request)).unwrap();
}

/// A project's template that is moved to another project, and whose share is revoked while a version of it is being
/// registered.
fn of_a_team() {
    static TABLE: OnceLock<Arc<Watched>> = OnceLock::new();
    /// Revokes the share as `unshare` does: deletes the grant and increments the revision.
    fn taken_back(_: &ImageId) {
        let Some(table) = TABLE.get() else { return };
        let pk = "TEMPLATE#kept";
        let grant = Key::new(pk, "GRANT#account:444455556666");
        if block_on(table.get(&grant)).unwrap().is_some() {
            let raised = vec![Change::Add("revision".to_owned(), 1)];
            let writes = [
                Write::Delete(grant, Condition::Always),
                Write::Update(Key::new(pk, "META"), raised, Condition::Always),
            ];
            block_on(table.transact(&writes)).unwrap();
        }
    }
    let world = launched(Setup::seeded(11).bent(|ec2| ec2.opened = taken_back));
    let service = &world.service;
    for name in ["brain", "other"] {
        ask!(world, create_project(&ADA, project_request(name))).unwrap();
        to_the_end(&world, &begun(&world, moved(ask(), name)));
    }
    let budget = budget_request(0.01, &[1], false);
    let (other, kept) = ("other".parse().unwrap(), "kept".parse().unwrap());
    ask!(world, set_budget(&ADA, &other, budget)).unwrap();
    // The project pays for the copy.
    let request = copy_request("kept", 1, &["us-west-2"]);
    let copy = service.start_copy(&ADA, &request, None);
    to_the_end(&world, &world.run(copy).unwrap().save_id);
    let request = ShareRequest {
        with_snapshots: true,
        ..share_request("account:444455556666")
    };
    ask!(world, share(&ADA, &kept, &request)).unwrap();
    TABLE.set(Arc::clone(&world.table)).unwrap();
    let id = begun(&world, ask());
    to_the_end(&world, &id);
    in_vain_for_a_project(&world);
    let image = world.record(&id).unwrap().image.unwrap();
    let here = region();
    let open = world.ec2.launch_permissions(&here, &image);
    assert_eq!(world.run(open).unwrap(), []);
}

/// An instance with a volume encrypted with a customer managed key is saved, and the version copied.
fn under_a_key() {
    let world = launched(Setup::seeded(11));
    encrypt(&world);
    to_the_end(&world, &begun(&world, ask()));
    let request = copy_request("kept", 1, &["us-west-2"]);
    let copy = ask!(world, start_copy(&ADA, &request, None)).unwrap();
    to_the_end(&world, &copy.save_id);
}

/// Encrypts the first volume of Ada's instance with a customer managed key.
fn encrypt(world: &World) {
    let volume = &world.instance(id_of(world).as_str()).volumes[0].volume;
    let key = "arn:aws:kms:us-east-1:111122223333:key/1".to_owned();
    let encryption = Encryption::CustomerKey(key);
    world.admin.set_encryption(volume, encryption).unwrap();
}

/// A save for a project whose costs had not been summed up when it began.
fn in_vain_for_a_project(world: &World) {
    let id = begun(world, ask());
    world.pass(5);
    sums::forget(world, &"other".parse().unwrap(), &"kept".parse().unwrap());
    world.admin.fail_next_image("EC2 had a bad day").unwrap();
    to_the_end(world, &id);
}

/// The instance is in a fleet, and must start in a capacity reservation.
fn tie(world: &World) {
    let open = Reservation {
        active: true,
        ends_at: None,
    };
    world.admin.set_reservation("cr-1", open).unwrap();
    let tied = world.admin.edit(&id_of(world), |facts| {
        facts.fleet = Some("fleet-1".to_owned());
        facts.ties.reservation = Some("cr-1".to_owned());
    });
    tied.unwrap();
}

/// A stopped instance whose AMI fails.
fn failed_images() {
    let world = launched(Setup::seeded(11));
    world.admin.stop(&id_of(&world)).unwrap();
    world.pass(120);
    let id = begun(&world, ask());
    to_the_end(&world, &id);
    world.admin.fail_next_image("EC2 had a bad day").unwrap();
    let id = begun(&world, ask());
    to_the_end(&world, &id);
}

/// There is no capacity for a day: the save is stranded with a public version, and the sweep recovers it.
fn stranded() {
    let world = launched(Setup::seeded(11).open_to_the_world());
    world.admin.block_public_images(&region(), false).unwrap();
    let id = begun(&world, public(ask()));
    world.pass(5);
    let room = |capacity| world.admin.set_capacity(&region(), "*", capacity).unwrap();
    room(Capacity::Refused);
    // First the save gives up, then the restore, then its recovery.
    world.pass(17 * 3600);
    sweep(&world, 1);
    world.pass(13 * 3600);
    wake(
        &world,
        "EC2 Instance State-change Notification",
        &json!({"instance-id": id_of(&world), "state": "stopped"}),
    );
    room(Capacity::Available);
    sweep(&world, 12 * 12);
    to_the_end(&world, &id);
}

/// The share of a template is revoked while a stranded save opens its AMI.
fn stranded_and_shared_no_more() {
    let path = Path::named("shared and stranded").unwrap();
    let taken_back = "Stranded.AddLaunchPermissions#1=unshare".parse().unwrap();
    let run = play(path, &[taken_back], None);
    assert_eq!(run.violations, Vec::<String>::new());
}

/// The template moves to a project while a save of it is being registered, or is stranded.
fn gone_to_a_project() {
    for name in [
        "its template goes to a project",
        "stranded, and its template goes to a project",
    ] {
        let run = play(Path::named(name).unwrap(), &[], None);
        assert_eq!(run.violations, Vec::<String>::new(), "{name}");
    }
}

/// An instance of a project costs as much as an alert says, and an event reports that it was stopped.
fn costing() {
    let world = launched(slow());
    ask!(world, create_project(&ADA, project_request("brain"))).unwrap();
    let (brain, budget) = ("brain".parse().unwrap(), budget_request(10.0, &[1], false));
    ask!(world, set_budget(&ADA, &brain, budget)).unwrap();
    let request = LaunchRequest {
        project: Some(brain),
        ..launch_request("ubuntu", "other")
    };
    let id = ask!(world, launch(&ADA, &request)).unwrap().1.id;
    world.pass(24 * 3600);
    sweep(&world, 1);
    world.admin.stop(&id.parse().unwrap()).unwrap();
    world.pass(300);
    let stopped = json!({"instance-id": id, "state": "stopped"});
    wake(&world, "EC2 Instance State-change Notification", &stopped);
}

/// Events report the AMI, and an execution that was stopped midway.
fn woken() {
    let world = launched(slow());
    let id = begun(&world, ask());
    until_it_waits(&world, &id);
    let image = world.record(&id).unwrap().image.unwrap();
    let of_image = json!({"ImageId": image, "State": "available"});
    wake(&world, "EC2 AMI State Change", &of_image);
    let stop = world.service.executions.stop(id.as_str(), "aborted");
    world.run(stop).unwrap();
    wake(
        &world,
        "Step Functions Execution Status Change",
        &json!({"name": id, "status": "ABORTED"}),
    );
    to_the_end(&world, &id);
}

/// A world whose AMIs take long enough to wait for their events.
fn slow() -> Setup {
    Setup::slow(11, |durations| {
        durations.snapshot_base = Duration::from_secs(400);
    })
}

/// Lets a save run until it waits for an event of its AMI.
fn until_it_waits(world: &World, id: &SaveId) {
    let (registry, here) = (&world.service.env.registry, region());
    for _ in 0..300 {
        world.pass(1);
        let Some(image) = world.record(id).unwrap().image else {
            continue;
        };
        let wait = registry.wait(&here, Awaited::Image(&image), world.now());
        if world.run(wait).unwrap().is_some() {
            return;
        }
    }
    panic!("it never waits");
}

fn wake(world: &World, kind: &str, detail: &Value) {
    let event = json!({"detail-type": kind, "region": region(), "detail": detail});
    let woken = world.run(calling("Wake", world.service.wake(&event)));
    woken.unwrap();
}

fn sweep(world: &World, times: u32) {
    for _ in 0..times {
        let swept = world.run(calling("Sweep", world.service.sweep()));
        swept.unwrap();
        world.pass(300);
    }
}

fn few_kept() {
    let world = launched(Setup::seeded(17));
    tie(&world);
    let rolling = nightly(Some(1));
    let name = ask!(world, create_schedule(&ADA, rolling)).unwrap().name;
    for _ in 0..2 {
        let run = world.service.run_schedule(&ADA, &name, None);
        to_the_end(&world, &world.run(run).unwrap().save_id);
        // The next run finds that others were missed.
        world.pass(3 * 24 * 3600);
    }
}

/// More versions than one call removes, so that the rest is left to the sweep. Another public template keeps the AMI of
/// the oldest; its other share with an account is revoked.
fn more_than_one_call_removes() {
    let world = launched(Setup::seeded(11).open_to_the_world());
    world.admin.block_public_images(&region(), false).unwrap();
    for _ in 0..7 {
        to_the_end(&world, &begun(&world, ask()));
    }
    imported(&world, "kept@1", "again");
    for (name, to, with_snapshots) in [
        ("kept", "account:444455556666", true),
        ("again", "account:777788889999", true),
        ("again", "public", false),
    ] {
        let request = ShareRequest {
            to: to.to_owned(),
            publish_sensitive: true,
            with_snapshots,
            approve: false,
        };
        ask!(world, share(&ADA, &name.parse().unwrap(), &request)).unwrap();
    }
    assert!(
        !ask!(world, delete_template(&ADA, &"kept".parse().unwrap(), true))
            .unwrap()
            .finished
    );
    sweep(&world, 3);
}

fn nightly(keep: Option<u32>) -> ScheduleRequest {
    ScheduleRequest {
        jitter_minutes: 0,
        keep,
        name: None,
        cadence: "rate(1 day)".parse().unwrap(),
        timezone: "UTC".parse().unwrap(),
        request: ask(),
    }
}

/// An AMI that is not available yet when all of its snapshots are completed.
fn registered_late() {
    let setup = Setup::slow(11, |durations| {
        durations.registration = Duration::from_mins(5);
    });
    let world = launched(setup);
    let id = begun(&world, ask());
    to_the_end(&world, &id);
}

#[test]
fn every_declared_call_of_a_step_is_made() {
    for_the_world();
    of_a_team();
    under_a_key();
    failed_images();
    stranded();
    stranded_and_shared_no_more();
    gone_to_a_project();
    woken();
    costing();
    few_kept();
    more_than_one_call_removes();
    registered_late();
    for step in steps::ALL {
        check(step.name, step.calls);
    }
    check("Sweep", calls::SWEEP);
    ended();
    check("Ends", calls::ENDS);
    check("Wake", calls::WAKE);
}

/// Instances that reach their ends: one is saved and terminated, another is stopped with its project.
fn ended() {
    let world = Setup::seeded(11).build();
    ask!(world, create_project(&ADA, project_request("brain"))).unwrap();
    let mut launch = launch_request("ubuntu", "work");
    launch.end = Some(EndRequest {
        for_minutes: Some(2),
        then: Then::Terminate,
        last_save: Some("kept".parse().unwrap()),
        ..EndRequest::default()
    });
    ask!(world, launch(&ADA, &launch)).unwrap();
    let mut launch = launch_request("ubuntu", "other");
    launch.project = Some("brain".parse().unwrap());
    ask!(world, launch(&ADA, &launch)).unwrap();
    let end = ProjectEndRequest {
        at: world.now() + chrono::TimeDelta::minutes(10),
        last_save: false,
    };
    let asked = Asked::<SetProjectEnd>::with("brain".parse().unwrap(), end);
    world.run(world.service.told(&ADA, asked)).unwrap();
    for _ in 0..30 {
        let sweep = world.service.sweep_ends(chrono::TimeDelta::zero());
        world.run(calling("Ends", sweep)).unwrap();
        world.pass(60);
    }
    // Terminated, its end is kept for a while; an instance that somebody else terminates has none.
    let mut launch = launch_request("ubuntu", "third");
    launch.end = Some(EndRequest {
        for_minutes: Some(2),
        ..EndRequest::default()
    });
    let (_, view) = ask!(world, launch(&ADA, &launch)).unwrap();
    world.pass(60);
    world.admin.terminate(&view.id.parse().unwrap()).unwrap();
    world.pass(300);
    let sweep = world.service.sweep_ends(chrono::TimeDelta::zero());
    world.run(calling("Ends", sweep)).unwrap();
}

fn check(handler: &str, declared: &[Call]) {
    let declared: BTreeSet<Call> = declared.iter().copied().collect();
    let never: Vec<_> = declared.difference(&seen(handler)).copied().collect();
    assert!(
        never.is_empty(),
        "{handler} declares {never:?} and never does it"
    );
}

#[test]
fn every_declared_call_of_the_api_is_made() {
    let world = slow().open_to_the_world().profiled().build();
    world.admin.block_public_images(&region(), false).unwrap();
    let here = region();
    let service = &world.service;
    as_api(
        &world,
        service.launch(&ADA, &launch_request("python-ml", "work")),
    )
    .unwrap();
    world.pass(300);
    let kind = SessionKind::Ssh;
    as_api(&world, service.start_session(&ADA, &here, "work", kind)).unwrap();
    tie(&world);
    as_api(&world, service.plan_save(&ADA, public(ask()))).unwrap();
    let volume = &world.instance(id_of(&world).as_str()).volumes[0].volume;
    encrypt(&world);
    as_api(&world, service.plan_save(&ADA, ask())).unwrap();
    world
        .admin
        .set_encryption(volume, Encryption::None)
        .unwrap();
    // The request is repeated although its execution never started, which is looked up.
    let again = || service.start_save(&ADA, public(ask()), Some("again"));
    let never = block_on(calling("Api", again())).unwrap().save_id;
    block_on(service.executions.stop(never.as_str(), "aborted")).unwrap();
    world.clock.run_until_idle().unwrap();
    as_api(&world, again()).unwrap();
    to_the_end(&world, &never);
    let started = as_api(
        &world,
        service.start_save(&ADA, public(ask()), Some("once")),
    );
    let id = started.unwrap().save_id;
    until_it_waits(&world, &id);
    as_api(&world, service.save(&ADA, &id)).unwrap();
    as_api(&world, service.saves(&ADA, 10, None)).unwrap();
    as_api(&world, service.cancel_save(&ADA, &id)).unwrap();
    to_the_end(&world, &id);
    as_api(&world, service.instances(&ADA, &here)).unwrap();
    as_api(&world, service.stop_instance(&ADA, &here, "work")).unwrap();
    world.pass(300);
    as_api(&world, service.start_instance(&ADA, &here, "work")).unwrap();
    world.pass(300);
    to_the_end(&world, &begun(&world, ask()));
    let kept = "kept".parse().unwrap();
    let every = TemplatesPage::default();
    as_api(&world, service.templates(&ADA, &every, 10, None)).unwrap();
    let far = "eu-west-1".parse().unwrap();
    world.admin.block_public_images(&far, false).unwrap();
    let elsewhere = CopyRequest {
        template: "kept".parse().unwrap(),
        version: 1,
        regions: [far].into(),
        publish_sensitive: false,
    };
    as_api(&world, service.plan_copy(&ADA, &elsewhere)).unwrap();
    as_api(&world, service.versions(&ADA, &kept, 10, None)).unwrap();
    to_the_end(&world, &begun(&world, ask()));
    as_api(&world, service.rollback(&ADA, &kept, None, false)).unwrap();
    as_team(&world);
    let made = as_api(&world, service.create_schedule(&ADA, nightly(None))).unwrap();
    as_api(&world, service.schedules(&ADA, 10, None)).unwrap();
    as_api(&world, service.schedule(&ADA, &made.name)).unwrap();
    as_api(&world, service.pause_schedule(&ADA, &made.name, true)).unwrap();
    let run = as_api(&world, service.run_schedule(&ADA, &made.name, None));
    to_the_end(&world, &run.unwrap().save_id);
    as_api(&world, service.delete_schedule(&ADA, &made.name)).unwrap();
    imported(&world, "kept", "again");
    let all = "kept".parse().unwrap();
    as_api(&world, service.delete_template(&ADA, &all, true)).unwrap();
    edits::edited(&world);
    as_api(&world, service.terminate_instance(&ADA, &here, "work")).unwrap();
    edits::reach(&world, service);
    check("Api", calls::API);
    check("Deliver", calls::DELIVER);
}

fn as_team(world: &World) {
    let service = &world.service;
    let (brain, kept) = ("brain".parse().unwrap(), "kept".parse().unwrap());
    let request = project_request("brain");
    as_api(world, service.create_project(&ADA, request)).unwrap();
    to_the_end(world, &begun(world, moved(ask(), "brain")));
    let budget = budget_request(0.01, &[1], false);
    as_api(world, service.set_budget(&ADA, &brain, budget)).unwrap();
    as_api(world, service.project_costs(&ADA, &brain)).unwrap();
    let everyone = share_request("public");
    as_api(world, service.share(&ADA, &kept, &everyone)).unwrap();
    as_api(world, service.unshare(&ADA, &kept, &everyone)).unwrap();
    let account = ShareRequest {
        with_snapshots: true,
        ..share_request("account:444455556666")
    };
    as_api(world, service.share(&ADA, &kept, &account)).unwrap();
    as_api(world, service.unshare(&ADA, &kept, &account)).unwrap();
}

fn as_api<T>(world: &World, call: impl Future<Output = T>) -> T {
    world.run(calling("Api", call))
}
