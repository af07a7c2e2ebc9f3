//! Showing sensitive files to more people needs separate consent, whichever operation would show them (promise P10).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::ec2::{Architecture, InstanceState};
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::{SaveRequest, SaveState};
use prism_functions::domain::{Code, ImageId, InstanceId, Problem, Region, SaveId, UserId};
use prism_functions::operations::{ImportRequest, ScheduleEdit, ShareRequest, Shared};
use prism_functions::ports::{Ec2, Ec2Error, ImageFilter, ImageState, Inspect};
use prism_functions::rules::{PublicScope, Settings};
use prism_functions::steps;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, interleave, yielding};
use prism_tests::untouched::{ask, plan};
use prism_tests::world::{
    ADA, OLGA, Setup, World, begun, brain, caller, consenting, id_of, kept, launch_request,
    launched, moved, project_request, public, region, save_request, saved, schedule_request,
    share_request,
};

const KEY: &str = "/home/ubuntu/.ssh/id_rsa";
const AWS: &str = "/home/ubuntu/.aws/credentials";
const ORGANIZATION: &str =
    "organization:arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5";

fn run_on(world: &World, id: &InstanceId, words: &[&str]) {
    let account = world.ec2.account().clone();
    let guest = world.cloud.guest(account, region(), id.clone());
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(guest.run(&words, b"secret").unwrap().exit_code, 0);
}

fn put(world: &World, path: &str) {
    run_on(world, &id_of(world), &["tee", path]);
}

fn share(world: &World, to: &str, publish_sensitive: bool) -> Result<Shared, Problem> {
    let request = ShareRequest {
        to: to.to_owned(),
        publish_sensitive,
        with_snapshots: false,
        approve: false,
    };
    ask!(world, share(&ADA, &kept(), &request))
}

fn paths(refused: &Problem) -> Vec<&str> {
    assert_eq!(refused.code, Code::SensitiveFiles, "{refused}");
    for file in &refused.files {
        let named = format!("{} ({})", file.path, file.what);
        assert!(refused.message.contains(&named), "{refused}");
    }
    assert!(refused.advice().contains("--publish-sensitive"));
    refused.files.iter().map(|it| it.path.as_str()).collect()
}

/// Asserts that a save is refused with these files, and changes nothing, for any caller.
fn refused(world: &World, request: &SaveRequest, expected: &[&str]) {
    for real in [false, true] {
        let problem = plan(world, "ada", request, real).unwrap_err();
        assert_eq!(paths(&problem), expected);
    }
    // A save without a plan is refused too, with the names of the files.
    let before = world.admin.inventory().unwrap();
    let record = world.save("ada", request.clone()).unwrap();
    assert_eq!(record.state, SaveState::Failed);
    let failure = record.failure.unwrap();
    assert_eq!(failure.code, "SensitiveFiles");
    for path in expected {
        assert!(failure.message.contains(path), "{}", failure.message);
    }
    assert_eq!(record.stop_requested_at, None);
    assert_eq!(world.admin.inventory().unwrap(), before);
}

#[test]
fn a_public_save_without_sensitive_files_takes_no_consent() {
    let world = launched(Setup::seeded(7));
    put(&world, "/home/ubuntu/data.csv");
    put(&world, "/etc/ssh/ssh_host_rsa_key");
    let plan = plan(&world, "ada", &public(ask()), false).unwrap();
    // Files that every machine has are only reported.
    let told: Vec<&str> = plan.shows.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(told, ["/etc/ssh/ssh_host_rsa_key"]);
    assert_eq!(saved(&world, public(ask())), 1);
}

#[test]
fn a_public_save_shows_sensitive_files_with_a_consent_only() {
    let world = launched(Setup::seeded(7));
    put(&world, KEY);
    put(&world, AWS);
    refused(&world, &public(ask()), &[AWS, KEY]);
    let plan = plan(&world, "ada", &consenting(public(ask())), false).unwrap();
    assert_eq!(plan.shows.len(), 2);
    assert!(plan.warnings.iter().any(|it| it.code == "SensitiveFiles"));
    assert_eq!(saved(&world, consenting(public(ask()))), 1);
    // A private template shows nothing to other users.
    assert_eq!(saved(&world, save_request("work", "mine")), 1);
}

#[test]
fn a_public_save_shows_what_the_versions_before_it_have() {
    let world = launched(Setup::seeded(7));
    put(&world, KEY);
    saved(&world, ask());
    run_on(&world, &id_of(&world), &["rm", KEY]);
    refused(&world, &public(ask()), &[KEY]);
    assert_eq!(saved(&world, consenting(public(ask()))), 2);
}

#[test]
fn the_next_version_of_what_others_see_is_one_more_way_to_show_it() {
    for to in ["user:bob", "account:123456789012", ORGANIZATION, "public"] {
        let world = launched(Setup::seeded(7));
        saved(&world, ask());
        share(&world, to, false).unwrap();
        put(&world, KEY);
        refused(&world, &ask(), &[KEY]);
        assert_eq!(saved(&world, consenting(ask())), 2);
    }
}

#[test]
fn the_plan_of_a_save_names_everybody_who_will_be_able_to_launch_the_version() {
    let world = launched(Setup::seeded(7));
    saved(&world, ask());
    let visible_to = || plan(&world, "ada", &ask(), false).unwrap().visible_to;
    assert!(visible_to().is_empty());
    share(&world, "user:bob", false).unwrap();
    assert_eq!(visible_to(), ["the user bob"]);
    share(&world, "public", false).unwrap();
    assert_eq!(visible_to(), ["the user bob", "everybody"]);
}

#[test]
fn the_plan_of_a_member_does_not_name_those_with_whom_others_share_the_template() {
    let world = launched(Setup::seeded(7));
    project(&world);
    saved(&world, moved(ask(), "brain"));
    share(&world, "project:brain", false).unwrap();
    share(&world, "user:bob", false).unwrap();
    world.launch("mia", "ubuntu", "hers");
    let planned = || plan(&world, "mia", &save_request("hers", "kept"), false);
    assert_eq!(
        planned().unwrap().visible_to,
        [
            "its owner ada",
            "the managers of the project brain",
            "others with whom it is shared"
        ]
    );
    // Nor do warnings and refusals.
    let hers = ask!(world, instances(&caller("mia"), &region())).unwrap()[0]
        .id
        .parse()
        .unwrap();
    run_on(&world, &hers, &["tee", "/etc/ssh/ssh_host_rsa_key"]);
    let plan = planned().unwrap();
    assert!(plan.warnings.iter().any(|it| it.code == "SensitiveFiles"));
    let plan = serde_json::to_string(&plan).unwrap();
    assert!(!plan.contains("bob"), "{plan}");
    run_on(&world, &hers, &["tee", KEY]);
    let refused = planned().unwrap_err();
    assert_eq!(refused.code, Code::SensitiveFiles);
    assert!(!refused.message.contains("bob"), "{refused}");
}

#[test]
fn a_share_with_anybody_shows_all_versions() {
    for to in ["user:bob", "account:123456789012", ORGANIZATION, "public"] {
        let world = launched(Setup::seeded(7));
        put(&world, KEY);
        saved(&world, ask());
        run_on(&world, &id_of(&world), &["rm", KEY]);
        saved(&world, ask());
        let before = world.table.writes();
        let problem = share(&world, to, false).unwrap_err();
        assert_eq!(paths(&problem), [KEY]);
        assert_eq!(problem.files[0].versions, [1]);
        assert_eq!(world.table.writes(), before);
        share(&world, to, true).unwrap();
        // A grantee who sees the files already is no addition.
        assert!(share(&world, to, false).unwrap().repeated);
    }
}

#[test]
fn a_share_during_a_save_shows_nothing_without_consent() {
    let world = launched(Setup::seeded(7));
    saved(&world, ask());
    put(&world, KEY);
    let id = begun(&world, ask());
    world.pass(30);
    share(&world, "user:bob", false).unwrap();
    world.clock.run_until_idle().unwrap();
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Failed);
    assert_eq!(record.failure.unwrap().code, "SensitiveFiles");
    assert_eq!((record.version, record.leftovers), (None, None));
    let instance = world.instance(id_of(&world).as_str());
    assert_eq!(instance.state, InstanceState::Running);
    // Consent that was given stays valid.
    let id = begun(&world, consenting(ask()));
    world.pass(30);
    share(&world, "user:mia", false).unwrap();
    world.clock.run_until_idle().unwrap();
    assert_eq!(world.record(&id).unwrap().version, Some(2));
}

thread_local! {
    /// The AMIs that were opened to others, if only for a moment.
    static OPENED: RefCell<Vec<ImageId>> = const { RefCell::new(Vec::new()) };
}

/// A save whose AMI is ready to be registered, of a disk with a key that the previous version did not have.
fn ready(seed: u64) -> (World, SaveId, ImageId) {
    let mut setup = Setup::seeded(seed);
    setup.cloud.throttles.enabled = false;
    let world = launched(setup.bent(|ec2| {
        ec2.opened = |image| OPENED.with_borrow_mut(|all| all.push(image.clone()));
    }));
    saved(&world, ask());
    put(&world, KEY);
    let id = begun(&world, ask());
    loop {
        world.pass(1);
        let record = world.record(&id).unwrap();
        let image = record.image.clone().filter(|_| record.step == "AwaitImage");
        if let Some(image) = image {
            let there = ImageFilter::Ids(vec![image.clone()]);
            let told = world.run(world.ec2.images(&region(), &there));
            let told = told.unwrap().remove(0);
            if told.state == ImageState::Available && told.volumes.len() == 1 {
                return (world, id, image);
            }
        }
        assert_eq!(record.state, SaveState::Running, "{record:#?}");
    }
}

/// Whichever comes second would show what the first has added, and needs consent. No order of the two publishes the key
/// without consent, in this deployment or in EC2, not even for a moment.
#[test]
fn a_share_and_a_registration_at_once_show_nothing_unasked() {
    let (mut given, mut versions) = (0, 0);
    for seed in 0..120 {
        let (world, id, image) = ready(7);
        OPENED.with_borrow_mut(Vec::clear);
        let service = yielding(&world);
        let to = ["user:bob", "account:444455556666"][(seed % 2) as usize];
        let request = share_request(to);
        let kept = kept();
        let share: Doing<'_, Result<(), Problem>> = Box::pin(async {
            let shared = service.share(&ADA, &kept, &request).await;
            shared.map(drop)
        });
        let step = steps::find("RegisterTemplate").unwrap();
        let payload = serde_json::json!({"save_id": id, "epoch": 1});
        let register: Doing<'_, Result<(), Problem>> = Box::pin(async {
            let registered = (step.invoke)(&service.env, payload).await;
            registered.map(drop)
        });
        let mut rng = fastrand::Rng::with_seed(seed);
        let ends = interleave(vec![share, register], &mut rng);
        for end in &ends {
            let code = end.as_ref().err().map(|problem| problem.code);
            assert!(
                matches!(code, None | Some(Code::SensitiveFiles)),
                "seed {seed}: {ends:?}"
            );
        }
        assert!(
            ends.iter().any(Result::is_err),
            "seed {seed}: {to} sees the key, and nobody was asked"
        );
        let opened = OPENED.with_borrow(|all| all.contains(&image));
        assert!(!opened, "seed {seed}: the AMI was open to {to}");
        given += u32::from(ends[0].is_ok());
        versions += u32::from(ends[1].is_ok());
    }
    assert!(given > 5 && versions > 5, "{given} {versions}");
}

fn project(world: &World) {
    ask!(world, create_project(&OLGA, project_request("brain"))).unwrap();
    for user in ["ada", "mia"] {
        let user: UserId = user.parse().unwrap();
        let (brain, role) = (brain(), ProjectRole::Member);
        ask!(world, add_member(&OLGA, &brain, &user, role)).unwrap();
    }
}

#[test]
fn a_project_is_more_people_and_so_is_what_is_anothers() {
    let world = launched(Setup::seeded(7));
    project(&world);
    put(&world, KEY);
    saved(&world, ask());
    let moved = moved(ask(), "brain");
    refused(&world, &moved, &[KEY]);
    assert_eq!(
        paths(&share(&world, "project:brain", false).unwrap_err()),
        [KEY]
    );
    saved(&world, consenting(moved.clone()));
    share(&world, "project:brain", true).unwrap();
    // A member saves to Ada's template, so Ada sees the file.
    world.launch("mia", "ubuntu", "hers");
    let hers = ask!(world, instances(&caller("mia"), &region())).unwrap()[0]
        .id
        .parse()
        .unwrap();
    run_on(&world, &hers, &["tee", AWS]);
    let plan = plan(&world, "mia", &save_request("hers", "kept"), true);
    assert_eq!(paths(&plan.unwrap_err()), [AWS]);
    // If the user is the project's only member, saving for it shows the file to nobody else.
    ask!(world, create_project(&ADA, project_request("own"))).unwrap();
    let request = SaveRequest {
        project: Some("own".parse().unwrap()),
        ..save_request("work", "mine")
    };
    assert_eq!(saved(&world, request), 1);
}

#[test]
fn an_added_architecture_a_copy_a_rollback_and_an_import_show_files_too() {
    let world = launched(Setup::seeded(7));
    let service = &world.service;
    put(&world, KEY);
    saved(&world, ask());
    run_on(&world, &id_of(&world), &["rm", KEY]);
    saved(&world, ask());
    let file = ask!(world, export_template(&ADA, &"kept@1".parse().unwrap())).unwrap();
    share(&world, "user:bob", true).unwrap();

    let copy = |publish_sensitive| CopyRequest {
        template: kept(),
        version: 1,
        regions: BTreeSet::from(["us-west-2".parse().unwrap()]),
        publish_sensitive,
    };
    let started = ask!(world, start_copy(&ADA, &copy(false), None));
    assert_eq!(paths(&started.unwrap_err()), [KEY]);
    let started = ask!(world, start_copy(&ADA, &copy(true), None));
    world.clock.run_until_idle().unwrap();
    let record = world.record(&started.unwrap().save_id).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{:?}", record.failure);

    let kept = kept();
    let back = service.rollback(&ADA, &kept, Some(1), false);
    assert_eq!(paths(&world.run(back).unwrap_err()), [KEY]);
    let back = service.rollback(&ADA, &kept, Some(1), true);
    assert_eq!(world.run(back).unwrap().to, 1);
    // The later version has no files that this one lacks.
    let back = service.rollback(&ADA, &kept, Some(2), false);
    assert_eq!(world.run(back).unwrap().to, 2);

    let import = |name: &str, publish_sensitive| {
        let request = ImportRequest {
            file: file.clone(),
            publish_sensitive,
        };
        let name = name.parse().unwrap();
        ask!(world, import_template(&ADA, &name, &request))
    };
    assert_eq!(paths(&import("kept", false).unwrap_err()), [KEY]);
    assert_eq!(import("kept", true).unwrap().version, 3);
    // An import as a private template shows nothing to others, and keeps the known files.
    assert!(import("again", false).unwrap().warnings.is_empty());
    let (again, to) = ("again".parse().unwrap(), "user:bob".to_owned());
    let shared = ask!(world, share(&ADA, &again, &share_request(to)));
    assert_eq!(paths(&shared.unwrap_err()), [KEY]);

    let arm = prism_functions::operations::LaunchRequest {
        architecture: Some(Architecture::Arm64),
        ..launch_request("ubuntu", "arm")
    };
    let (_, view) = ask!(world, launch(&ADA, &arm)).unwrap();
    world.pass(300);
    run_on(&world, &view.id.parse().unwrap(), &["tee", AWS]);
    let added = SaveRequest {
        add_arch: true,
        version: Some(2),
        ..save_request("arm", "kept")
    };
    refused(&world, &added, &[AWS]);
    assert_eq!(saved(&world, consenting(added)), 2);
    // The version has the files of both.
    let problem = share(&world, "user:mia", false).unwrap_err();
    assert_eq!(paths(&problem), [AWS, KEY]);
    let of = |path: &str| problem.files.iter().find(|it| it.path == path).unwrap();
    assert_eq!(of(AWS).versions, [2]);
    assert_eq!(of(KEY).versions, [1, 3]);
}

#[test]
fn a_schedule_consents_to_what_its_owner_has_seen() {
    let world = launched(Setup::seeded(7));
    put(&world, KEY);
    let service = &world.service;
    let asked = |request| schedule_request("nightly", request);
    let made = service.create_schedule(&ADA, asked(public(ask())));
    assert_eq!(paths(&world.run(made).unwrap_err()), [KEY]);
    let made = service.create_schedule(&ADA, asked(consenting(public(ask()))));
    assert_eq!(world.run(made).unwrap().consents.len(), 1);
    let night = || {
        world.pass(24 * 3600);
        let fired = ask!(world, fire_due_schedules()).unwrap();
        assert_eq!(fired.len(), 1);
        world.clock.run_until_idle().unwrap();
        let runs = service.schedule(&ADA, &fired[0].schedule);
        world.run(runs).unwrap().runs.remove(0)
    };
    assert_eq!(night().version, Some(1));
    put(&world, AWS);
    let run = night();
    assert_eq!(run.state, SaveState::Failed);
    let failure = run.failure.unwrap();
    assert_eq!(failure.code, "SensitiveFiles");
    assert!(
        failure.message.contains(AWS) && !failure.message.contains(KEY),
        "{}",
        failure.message
    );
    let edit = ScheduleEdit {
        publish_sensitive: Some(true),
        ..ScheduleEdit::default()
    };
    assert_eq!(
        world
            .run(service.edit_schedule(&ADA, &"nightly".parse().unwrap(), edit))
            .unwrap()
            .consents
            .len(),
        2
    );
    assert_eq!(night().version, Some(2));
}

/// The instance reports nothing.
struct Mute;

#[async_trait]
impl Inspect for Mute {
    async fn packages(&self, _: &Region, _: &InstanceId) -> Result<Option<Inventory>, Ec2Error> {
        Ok(None)
    }
}

fn mute(scope: PublicScope) -> World {
    let mut setup = Setup::seeded(7);
    setup.inspect = Some(Box::new(|_| Arc::new(Mute)));
    setup.settings = Settings {
        public_scope: scope,
        organization: Some(ORGANIZATION["organization:".len()..].parse().unwrap()),
        ..Settings::default()
    };
    let world = launched(setup);
    world.admin.block_public_images(&region(), false).unwrap();
    world
}

#[test]
fn uninspected_data_leaves_the_deployment_only_with_consent() {
    let world = mute(PublicScope::Deployment);
    let told = plan(&world, "ada", &public(ask()), false).unwrap().warnings;
    assert!(told.iter().any(|it| it.code == "NotInspected"));
    assert_eq!(saved(&world, public(ask())), 1);
    let refused = share(&world, "account:123456789012", false).unwrap_err();
    assert_eq!(refused.code, Code::FilesUnknown);
    share(&world, "account:123456789012", true).unwrap();
    for scope in [PublicScope::World, PublicScope::Organization] {
        let world = mute(scope);
        let refused = plan(&world, "ada", &public(ask()), true).unwrap_err();
        assert_eq!(refused.code, Code::FilesUnknown);
        assert_eq!(saved(&world, consenting(public(ask()))), 1);
        assert_eq!(saved(&world, consenting(ask())), 2);
    }
}
