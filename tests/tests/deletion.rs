//! Deleting templates and versions: what prevents it, what is deleted, what is kept, and that nothing dangles however
//! often it is interrupted (promises P5, P6).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::sync::Arc;

use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::template::{TemplateRef, TemplateState, Version};
use prism_functions::domain::{Code, LaunchTemplateId, Problem, TemplateName};
use prism_functions::operations::{Deletion, Expected, LaunchRequest, TemplateEdit, TemplateView};
use prism_functions::ports::Ec2 as _;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    Setup, World, caller, import_request, launch_request, launched, region, save_request,
    share_request,
};

fn reference(text: &str) -> TemplateRef {
    text.parse().unwrap()
}

fn save_to(world: &World, template: &str, regions: &[&str]) -> u32 {
    let request = SaveRequest {
        copy_to: regions.iter().map(|name| name.parse().unwrap()).collect(),
        ..save_request("work", template)
    };
    let record = world.save("ada", request).unwrap();
    record.version.unwrap()
}

fn delete(world: &World, user: &str, text: &str, force: bool) -> Result<Deletion, Problem> {
    ask!(
        world,
        delete_template(&caller(user), &reference(text), force)
    )
}

fn version(world: &World, name: &str, number: u32) -> Version {
    let name: TemplateName = name.parse().unwrap();
    let registry = &world.service.env.registry;
    let found = world.clock.run(registry.version(&name, number));
    found.unwrap().unwrap()
}

/// The numbers of registered AMIs and of snapshots that belong to saves.
fn left(world: &World) -> (usize, usize) {
    let inventory = world.admin.inventory().unwrap();
    let images = inventory.images.iter();
    let images = images.filter(|(_, image)| image.tags.contains_key(SAVE_TAG));
    let snapshots = inventory.snapshots.iter();
    let snapshots = snapshots.filter(|(_, snapshot)| snapshot.tags.contains_key(SAVE_TAG));
    (images.count(), snapshots.count())
}

fn latest(world: &World, name: &str) -> u32 {
    match ask!(world, template(&caller("ada"), &reference(name))).unwrap() {
        TemplateView::Saved { template, .. } => template.latest,
        TemplateView::BuiltIn { .. } => panic!("it is built in"),
    }
}

#[test]
fn a_version_is_deleted_in_all_regions_and_its_number_is_not_reused() {
    let world = launched(Setup::seeded(61));
    save_to(&world, "kept", &["us-west-2", "eu-west-1"]);
    save_to(&world, "kept", &[]);
    assert_eq!(left(&world), (4, 4));
    let plan = ask!(world, plan_deletion(&caller("ada"), &reference("kept@1"))).unwrap();
    assert_eq!(
        (plan.versions.as_slice(), plan.whole, plan.latest),
        (&[1][..], false, Some(2))
    );
    assert_eq!(plan.images.values().map(BTreeSet::len).sum::<usize>(), 3);
    assert_eq!(left(&world), (4, 4));
    assert!(delete(&world, "ada", "kept@1", false).unwrap().finished);
    assert_eq!(left(&world), (1, 1));
    let gone = version(&world, "kept", 1);
    assert_eq!(gone.state, TemplateState::Deleted);
    assert!(gone.removed_at.is_some() && gone.amis.len() == 3);
    assert_eq!(save_to(&world, "kept", &[]), 3);
    // The name stands for the newest remaining version again.
    assert!(delete(&world, "ada", "kept@3", false).unwrap().finished);
    assert_eq!(latest(&world, "kept"), 2);
    assert_eq!(save_to(&world, "kept", &[]), 4);
    for text in ["kept@1", "kept@3", "kept@9"] {
        let refused = delete(&world, "ada", text, false).unwrap_err();
        assert_eq!(refused.code, Code::VersionNotFound, "{text}");
        let launch = launch_request(text, "again");
        let refused = ask!(world, plan_launch(&caller("ada"), &launch)).unwrap_err();
        assert_eq!(refused.code, Code::VersionNotFound, "{text}");
    }
    let back = ask!(
        world,
        rollback(&caller("ada"), &"kept".parse().unwrap(), Some(3), false)
    );
    assert_eq!(back.unwrap_err().code, Code::VersionNotFound);
}

#[test]
fn a_template_is_deleted_entirely_and_its_numbers_are_not_reused() {
    let world = launched(Setup::seeded(62));
    save_to(&world, "kept", &["us-west-2"]);
    save_to(&world, "kept", &[]);
    let before = left(&world);
    let deletion = delete(&world, "ada", "kept", false).unwrap();
    assert!(deletion.plan.whole && deletion.finished);
    assert_eq!(deletion.plan.versions, [2, 1]);
    assert_eq!((before, left(&world)), ((3, 3), (0, 0)));
    let gone = ask!(world, template(&caller("ada"), &reference("kept")));
    assert_eq!(gone.unwrap_err().code, Code::TemplateNotFound);
    let again = delete(&world, "ada", "kept", false).unwrap_err();
    assert_eq!(again.code, Code::TemplateNotFound);
    // A version number is never reused.
    assert_eq!(save_to(&world, "kept", &[]), 3);
    assert_eq!(version(&world, "kept", 1).state, TemplateState::Deleted);
    // Deleting the last version deletes the template.
    assert!(delete(&world, "ada", "kept@3", false).unwrap().plan.whole);
    assert_eq!(left(&world), (0, 0));
}

#[test]
fn a_template_in_use_is_deleted_only_with_force() {
    let world = launched(Setup::seeded(63));
    let public = SaveRequest {
        public: true,
        ..save_request("work", "kept")
    };
    world.save("ada", public).unwrap();
    let own = world.launch("ada", "kept", "own");
    world.launch("bob", "kept", "bobs");
    let plan = ask!(world, plan_deletion(&caller("ada"), &reference("kept"))).unwrap();
    assert_eq!(plan.instances[&region()], BTreeSet::from([own.id.clone()]));
    assert_eq!(plan.instances_of_others, 1);
    let refused = delete(&world, "ada", "kept@1", false).unwrap_err();
    assert_eq!(refused.code, Code::TemplateInUse);
    assert!(refused.message.contains(own.id.as_str()), "{refused}");
    assert_eq!(left(&world), (1, 1));
    let stranger = delete(&world, "bob", "kept", true).unwrap_err();
    assert_eq!(stranger.code, Code::NotAllowed);
    assert!(delete(&world, "ada", "kept", true).unwrap().finished);
    assert_eq!(left(&world), (0, 0));
    assert_eq!(world.instance(own.id.as_str()).id, own.id);
}

#[test]
fn a_share_prevents_it() {
    for (seed, to) in [(165, "user:bob"), (166, "account:444455556666")] {
        let world = launched(Setup::seeded(seed));
        save_to(&world, "kept", &[]);
        let (ada, kept) = (caller("ada"), "kept".parse().unwrap());
        let request = share_request(to);
        world.pass(60);
        ask!(world, share(&ada, &kept, &request)).unwrap();
        save_to(&world, "kept", &[]);
        let plan = ask!(world, plan_deletion(&ada, &reference("kept"))).unwrap();
        assert_eq!(plan.shares, [to.parse().unwrap()]);
        assert_eq!(plan.shares_of_others, 0);
        for text in ["kept", "kept@1"] {
            let refused = delete(&world, "ada", text, false).unwrap_err();
            assert_eq!(refused.code, Code::TemplateInUse, "{text}");
            assert!(refused.message.contains(to), "{refused}");
        }
        // A user relies on the version that existed when the template was shared; another account can launch all
        // versions.
        let newer = delete(&world, "ada", "kept@2", false);
        assert_eq!(newer.is_ok(), to == "user:bob", "{newer:?}");
        assert!(delete(&world, "ada", "kept", true).unwrap().finished);
        assert_eq!(left(&world), (0, 0));
    }
}

/// Adds a launch template to the account whose oldest version names an AMI of a version.
fn named(world: &World, version: &Version, id: &str) {
    let (region, image) = version.images().next().unwrap();
    let other = "ami-0000000000000abcd".parse().unwrap();
    let versions = [image.clone(), other];
    let id = id.parse().unwrap();
    let admin = &world.admin;
    admin.set_launch_template(region, &id, &versions).unwrap();
}

#[test]
fn a_launch_template_that_names_its_ami_prevents_it() {
    let world = launched(Setup::seeded(167));
    save_to(&world, "kept", &["us-west-2"]);
    save_to(&world, "kept", &[]);
    named(&world, &version(&world, "kept", 1), "lt-0123456789abcdef0");
    let plan = |text: &str| {
        let plan = ask!(world, plan_deletion(&caller("ada"), &reference(text))).unwrap();
        assert_eq!(plan.launch_templates_unknown, None);
        plan.launch_templates
    };
    assert!(plan("kept@2").is_empty());
    let users = plan("kept@1");
    assert_eq!(users, plan("kept"));
    let users: Vec<&str> = users
        .values()
        .flatten()
        .map(LaunchTemplateId::as_str)
        .collect();
    assert_eq!(users, ["lt-0123456789abcdef0"]);
    for text in ["kept", "kept@1"] {
        let refused = delete(&world, "ada", text, false).unwrap_err();
        assert_eq!(refused.code, Code::TemplateInUse, "{text}");
        assert!(
            refused.message.contains("lt-0123456789abcdef0"),
            "{refused}"
        );
    }
    // A deregistered AMI cannot be used by anything that names it, and must not hide the others.
    let gone = version(&world, "kept", 1);
    let (other, image) = gone.images().last().unwrap();
    assert_ne!(*other, region());
    world
        .clock
        .run(world.ec2.deregister_image(other, image))
        .unwrap();
    assert_eq!(plan("kept@1").len(), 1);
    assert!(delete(&world, "ada", "kept@2", false).unwrap().finished);
    assert!(delete(&world, "ada", "kept", true).unwrap().finished);
    assert_eq!(left(&world).0, 0);
}

#[test]
fn amis_that_launch_templates_name_count_as_used() {
    let world = launched(Setup::seeded(168));
    save_to(&world, "kept", &[]);
    let action = "DescribeImageReferences";
    world.admin.deny(action).unwrap();
    let plan = ask!(world, plan_deletion(&caller("ada"), &reference("kept")));
    let unknown = plan.unwrap().launch_templates_unknown.unwrap();
    assert!(unknown.contains("ec2:DescribeImageReferences"), "{unknown}");
    let refused = delete(&world, "ada", "kept", false).unwrap_err();
    assert_eq!(refused.code, Code::PermissionMissing);
    assert!(refused.message.contains(action), "{refused}");
    assert!(refused.advice().contains("--force"), "{refused:?}");
    assert_eq!(left(&world), (1, 1));
    assert!(delete(&world, "ada", "kept", true).unwrap().finished);
    assert_eq!(left(&world), (0, 0));
}

#[test]
fn a_schedule_that_saves_to_it_prevents_it() {
    let world = launched(Setup::seeded(64));
    save_to(&world, "kept", &[]);
    let nightly = ScheduleRequest {
        name: Some("nightly".parse().unwrap()),
        cadence: "rate(1 day)".parse().unwrap(),
        timezone: "UTC".parse().unwrap(),
        jitter_minutes: 0,
        keep: None,
        request: save_request("work", "kept"),
    };
    let made = ask!(world, create_schedule(&caller("ada"), nightly)).unwrap();
    let refused = delete(&world, "ada", "kept", false).unwrap_err();
    assert!(
        refused.message.contains("the schedule nightly"),
        "{refused}"
    );
    ask!(world, delete_schedule(&caller("ada"), &made.name)).unwrap();
    assert!(delete(&world, "ada", "kept", false).unwrap().finished);
}

#[test]
fn an_ami_of_several_versions_is_kept_until_the_last_is_deleted() {
    let world = launched(Setup::seeded(65));
    save_to(&world, "kept", &[]);
    let ada = caller("ada");
    let file = ask!(world, export_template(&ada, &reference("kept"))).unwrap();
    let copy = "copied".parse().unwrap();
    ask!(world, import_template(&ada, &copy, &import_request(file))).unwrap();
    let plan = ask!(world, plan_deletion(&ada, &reference("kept"))).unwrap();
    assert!(plan.images.is_empty() && plan.kept.len() == 1);
    assert!(delete(&world, "ada", "kept", false).unwrap().finished);
    assert_eq!(left(&world), (1, 1));
    let launch = launch_request("copied", "again");
    assert!(ask!(world, plan_launch(&ada, &launch)).is_ok());
    assert!(delete(&world, "ada", "copied", false).unwrap().finished);
    assert_eq!(left(&world), (0, 0));
}

/// A world whose EC2 loses the first response to every mutating request.
fn forgetful(seed: u64) -> World {
    launched(Setup {
        bend: |ec2| {
            Arc::new(prism_tests::bent::Bent {
                forgetful: true,
                ..prism_tests::bent::Bent::straight(ec2)
            })
        },
        ..Setup::seeded(seed)
    })
}

#[test]
fn the_sweep_finishes_interrupted_deletions() {
    let world = forgetful(66);
    save_to(&world, "kept", &["us-west-2"]);
    save_to(&world, "kept", &[]);
    let deletion = delete(&world, "ada", "kept", false).unwrap();
    assert!(!deletion.finished);
    let gone = ask!(world, template(&caller("ada"), &reference("kept")));
    assert_eq!(gone.unwrap_err().code, Code::TemplateNotFound);
    // Until then the name is not free.
    let early = ask!(
        world,
        plan_save(&caller("ada"), save_request("work", "kept"))
    );
    assert_eq!(early.unwrap_err().code, Code::TemplateNameTaken);
    world.sweep(12);
    assert_eq!(left(&world), (0, 0));
    for number in [1, 2] {
        assert!(version(&world, "kept", number).removed_at.is_some());
    }
    assert_eq!(save_to(&world, "kept", &[]), 3);
}

#[test]
fn many_versions_are_deleted_little_by_little() {
    let world = launched(Setup::seeded(67));
    for _ in 0..7 {
        save_to(&world, "kept", &[]);
    }
    assert!(!delete(&world, "ada", "kept", false).unwrap().finished);
    world.sweep(2);
    assert_eq!(left(&world), (0, 0));
}

#[test]
fn a_deprecated_version_is_launched_with_a_warning_and_restored() {
    let world = launched(Setup::seeded(68));
    save_to(&world, "kept", &[]);
    let ada = caller("ada");
    let warned = || {
        let plan = ask!(world, plan_launch(&ada, &launch_request("kept", "again")));
        plan.unwrap().warnings.len()
    };
    assert_eq!(warned(), 0);
    for text in ["kept", "kept@1"] {
        ask!(world, deprecate_template(&ada, &reference(text), true)).unwrap();
        assert_eq!(warned(), 1, "{text}");
        ask!(world, deprecate_template(&ada, &reference(text), false)).unwrap();
        assert_eq!(warned(), 0, "{text}");
    }
    let other = ask!(
        world,
        deprecate_template(&caller("bob"), &reference("kept"), true)
    );
    assert_eq!(other.unwrap_err().code, Code::TemplateNotFound);
}

#[test]
fn an_edit_that_was_decided_on_by_another_state_is_refused() {
    let world = launched(Setup::seeded(69));
    save_to(&world, "kept", &[]);
    let ada = caller("ada");
    let revision = |text: &str| match ask!(world, template(&ada, &reference(text))).unwrap() {
        TemplateView::Saved {
            revision,
            version_revision,
            ..
        } => (revision, version_revision),
        TemplateView::BuiltIn { .. } => panic!("it is built in"),
    };
    let edit = |notes: &str| TemplateEdit {
        description: None,
        notes: Some(notes.to_owned()),
    };
    let (first, of_version) = revision("kept");
    let (first, of_version) = (Expected::revision(first), Expected::revision(of_version));
    ask!(
        world,
        edit_template(&ada, &reference("kept"), &edit("one"), Some(&first))
    )
    .unwrap();
    let late = ask!(
        world,
        edit_template(&ada, &reference("kept"), &edit("two"), Some(&first))
    );
    assert_eq!(late.unwrap_err().code, Code::PreconditionFailed);
    let of_one = reference("kept@1");
    ask!(
        world,
        edit_template(&ada, &of_one, &edit("three"), Some(&of_version))
    )
    .unwrap();
    let late = ask!(
        world,
        edit_template(&ada, &of_one, &edit("four"), Some(&of_version))
    );
    assert_eq!(late.unwrap_err().code, Code::PreconditionFailed);
    let view = ask!(world, template(&ada, &reference("kept"))).unwrap();
    let TemplateView::Saved {
        template, version, ..
    } = view
    else {
        panic!("it is built in")
    };
    assert_eq!(
        (template.notes.as_str(), version.notes.as_str()),
        ("one", "three")
    );
    for bad in ["x".repeat(2001), "a\u{7}b".to_owned()] {
        let refused = ask!(
            world,
            edit_template(&ada, &reference("kept"), &edit(&bad), None)
        );
        assert_eq!(refused.unwrap_err().code, Code::InvalidDescription);
    }
}

#[test]
fn a_launch_inherits_tags_and_has_the_disk_that_it_asks_for() {
    let world = launched(Setup::seeded(70));
    let tagged = SaveRequest {
        tags: [("grant".to_owned(), "g-7".to_owned())].into(),
        ..save_request("work", "kept")
    };
    world.save("ada", tagged).unwrap();
    let again = world.launch("ada", "kept", "again");
    assert_eq!(again.tags["grant"], "g-7");
    assert_eq!(again.tags["prism:template"], "kept@1");
    let sized = |disk_gib| LaunchRequest {
        disk_gib: Some(disk_gib),
        ..launch_request("kept", "large")
    };
    let plan = ask!(world, plan_launch(&caller("ada"), &sized(100))).unwrap();
    assert_eq!(plan.root_size_gib, 100);
    for disk_gib in [0, 9, 16_385] {
        let refused = ask!(world, plan_launch(&caller("ada"), &sized(disk_gib)));
        assert_eq!(refused.unwrap_err().code, Code::InvalidInput);
    }
}

#[test]
fn an_old_version_in_use_prevents_the_deletion_of_a_thousand() {
    let mut setup = Setup::seeded(47);
    setup.cloud.throttles.enabled = false;
    let world = launched(setup);
    save_to(&world, "kept", &[]);
    world.launch("ada", "kept@1", "of the first");
    world.pass(1_000);
    save_to(&world, "other", &[]);
    let ada = caller("ada");
    let file = ask!(world, export_template(&ada, &reference("other"))).unwrap();
    let kept = "kept".parse().unwrap();
    for number in 2..=1_005 {
        let from = format!("saved_from: w{number}");
        let request = import_request(file.replacen("saved_from: work", &from, 1));
        let imported = world.service.import_template(&ada, &kept, &request);
        assert_eq!(world.clock.run(imported).unwrap().version, number);
    }
    let refused = delete(&world, "ada", "kept", false).unwrap_err();
    assert_eq!(refused.code, Code::TemplateInUse);
    let plan = ask!(world, plan_deletion(&ada, &reference("kept"))).unwrap();
    assert_eq!(plan.versions.len(), 1_005);
}
