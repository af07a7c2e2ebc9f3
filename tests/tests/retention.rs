//! Schedules that keep a number of versions: older ones are deleted after each run, with their AMIs and snapshots, but
//! never one that is in use.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::BoxFuture;
use prism_asl::{Functions, TaskFailure};
use prism_functions::domain::audit::Subject;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::{SaveRequest, SaveState};
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::template::{TemplateRef, TemplateState, Version};
use prism_functions::domain::{Code, ImageId, ProjectName, TemplateName};
use prism_functions::operations::{AuditPage, ProjectRequest, SaveView, Service};
use prism_functions::ports::{Ec2 as _, ImageFilter};
use prism_functions::steps;
use prism_local::ec2::Admin;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::between::Between;
use prism_tests::world::{
    Setup, World, caller, import_request, launch_request, launched, region, save_request, seeded,
    share_request,
};
use serde_json::Value;

fn kept() -> TemplateName {
    "kept".parse().unwrap()
}

fn asked(keep: Option<u32>) -> ScheduleRequest {
    ScheduleRequest {
        name: Some("nightly".parse().unwrap()),
        cadence: "1d".parse().unwrap(),
        timezone: "UTC".parse().unwrap(),
        jitter_minutes: 0,
        keep,
        request: save_request("work", "kept"),
    }
}

fn world(seed: u64, keep: u32) -> World {
    let world = launched(Setup::seeded(seed));
    let made = ask!(world, create_schedule(&caller("ada"), asked(Some(keep)))).unwrap();
    assert_eq!(made.keep, Some(keep));
    world
}

fn night(world: &World) -> SaveView {
    world.pass(24 * 3600);
    let fired = ask!(world, fire_due_schedules()).unwrap();
    assert_eq!(fired.len(), 1);
    world.clock.run_until_idle().unwrap();
    let saves = ask!(world, saves(&caller("ada"), 1, None)).unwrap();
    let save = saves.items.into_iter().next().unwrap();
    assert_eq!(save.state, SaveState::Succeeded, "{:?}", save.failure);
    save
}

fn versions(world: &World) -> Vec<Version> {
    let registry = &world.service.env.registry;
    let listed = world.clock.run(registry.versions(&kept(), 1000, None));
    listed.unwrap().items
}

/// The numbers of the existing versions, the newest first.
fn there(world: &World) -> Vec<u32> {
    let there = versions(world).into_iter();
    let there = there.filter(|version| version.state != TemplateState::Deleted);
    there.map(|version| version.number).collect()
}

fn images(world: &World) -> usize {
    let inventory = world.admin.inventory().unwrap();
    let images = inventory.images.iter();
    images
        .filter(|(_, image)| image.tags.contains_key(SAVE_TAG))
        .count()
}

fn share(world: &World, to: &str) {
    let request = share_request(to);
    ask!(world, share(&caller("ada"), &kept(), &request)).unwrap();
}

fn unshare(world: &World, to: &str) {
    let request = share_request(to);
    ask!(world, unshare(&caller("ada"), &kept(), &request)).unwrap();
}

#[test]
fn what_a_launch_template_names_or_may_name_is_kept() {
    let world = world(30, 1);
    night(&world);
    let first = versions(&world).remove(0);
    let (region, image) = first.images().next().unwrap();
    let id = "lt-0123456789abcdef0".parse().unwrap();
    let admin = &world.admin;
    let set = |versions: &[ImageId]| admin.set_launch_template(region, &id, versions).unwrap();
    set(std::slice::from_ref(image));
    night(&world);
    assert_eq!(there(&world), [2, 1]);
    set(&[]);
    // If EC2 does not say, the AMI may be in use.
    admin.deny("DescribeImageReferences").unwrap();
    night(&world);
    assert_eq!(there(&world), [3, 2, 1]);
    admin.allow("DescribeImageReferences").unwrap();
    night(&world);
    assert_eq!(there(&world), [4]);
}

#[test]
fn the_newest_are_kept_and_the_rest_is_deleted_with_its_images() {
    let world = world(31, 2);
    for wanted in [vec![1], vec![2, 1], vec![3, 2], vec![4, 3]] {
        night(&world);
        assert_eq!(there(&world), wanted);
    }
    world.sweep(1);
    assert_eq!(images(&world), 2);
    for gone in versions(&world).iter().filter(|it| it.number < 3) {
        assert!(gone.removed_at.is_some() && gone.deleted_at.is_some());
    }
    let filter = AuditPage {
        resource: Some(Subject::Template(kept())),
        ..AuditPage::default()
    };
    let events = ask!(world, audit_events(&caller("ada"), &filter, 100, None)).unwrap();
    let deletions: Vec<_> = events
        .items
        .iter()
        .filter(|event| event.action == "template.delete")
        .map(|event| (event.user.as_str(), event.details.clone()))
        .collect();
    let details = |version: u32| {
        let details = serde_json::json!({"version": version, "schedule": "nightly", "keep": 2});
        ("ada", details.as_object().unwrap().clone())
    };
    assert_eq!(deletions, [details(2), details(1)]);
}

#[test]
fn versions_saved_by_hand_neither_count_nor_are_deleted() {
    let world = world(32, 1);
    world.save("ada", save_request("work", "kept")).unwrap();
    night(&world);
    night(&world);
    world.save("ada", save_request("work", "kept")).unwrap();
    night(&world);
    assert_eq!(there(&world), [5, 4, 1]);
}

/// A reason for keeping a version, and what removes it.
struct Need {
    what: &'static str,
    begin: fn(&World),
    end: fn(&World),
}

fn end_instance(world: &World) {
    ask!(world, terminate_instance(&caller("ada"), &region(), "user")).unwrap();
    world.pass(3600);
}

fn roll_back(world: &World, to: u32) {
    ask!(world, rollback(&caller("ada"), &kept(), Some(to), false)).unwrap();
}

/// The reasons for keeping the first version, each created before the second.
const NEEDS: [Need; 5] = [
    Need {
        what: "an instance runs from it",
        begin: |world| drop(world.launch("ada", "kept@1", "user")),
        end: end_instance,
    },
    Need {
        what: "an instance of it is stopped",
        begin: |world| {
            world.launch("ada", "kept@1", "user");
            ask!(world, stop_instance(&caller("ada"), &region(), "user")).unwrap();
            world.pass(3600);
        },
        end: end_instance,
    },
    Need {
        what: "it is shared with a user",
        begin: |world| share(world, "user:bob"),
        end: |world| unshare(world, "user:bob"),
    },
    Need {
        what: "it is shared with an account",
        begin: |world| share(world, "account:210987654321"),
        end: |world| unshare(world, "account:210987654321"),
    },
    Need {
        what: "another template uses its AMI",
        begin: |world| {
            let first: TemplateRef = "kept@1".parse().unwrap();
            let file = ask!(world, export_template(&caller("ada"), &first)).unwrap();
            let (name, request) = ("other".parse().unwrap(), import_request(file));
            ask!(world, import_template(&caller("ada"), &name, &request)).unwrap();
        },
        end: |world| {
            let other: TemplateRef = "other".parse().unwrap();
            ask!(world, delete_template(&caller("ada"), &other, true)).unwrap();
        },
    },
];

#[test]
fn a_version_that_somebody_needs_stays_until_nobody_does() {
    for (seed, need) in (40..).zip(&NEEDS) {
        let world = world(seed, 1);
        night(&world);
        (need.begin)(&world);
        night(&world);
        assert!(there(&world).contains(&1), "{}", need.what);
        world.sweep(1);
        let first = versions(&world).into_iter().find(|it| it.number == 1);
        for (region, image) in first.unwrap().images() {
            let filter = ImageFilter::Ids(vec![image.clone()]);
            let found = world.clock.run(world.ec2.images(region, &filter));
            assert!(!found.unwrap().is_empty(), "{}", need.what);
        }
        (need.end)(&world);
        night(&world);
        assert!(!there(&world).contains(&1), "{} is past", need.what);
    }
}

/// Something that happens right before the next save ends, when its versions are counted.
type Moment = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// Runs it at that moment.
#[derive(Clone, Default)]
struct Meanwhile(Arc<Mutex<Option<Moment>>>);

struct Interrupted(Arc<dyn Functions>, Meanwhile);

impl Between for Meanwhile {
    fn functions(&self, functions: Arc<dyn Functions>) -> Arc<dyn Functions> {
        Arc::new(Interrupted(functions, self.clone()))
    }
}

#[async_trait]
impl Functions for Interrupted {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let step = steps::find(function).map(|step| step.name);
        let moment = (step == Some("CompleteSave")).then(|| self.1.0.lock().unwrap().take());
        if let Some(moment) = moment.flatten() {
            moment().await;
        }
        self.0.invoke(function, payload).await
    }
}

/// A world whose schedule keeps one version and has made it, and something that happens at the end of the next run.
fn at_the_end_of_the_next(
    seed: u64,
    what: impl FnOnce(Service, Admin) -> BoxFuture<'static, ()> + Send + 'static,
) -> World {
    let meanwhile = Meanwhile::default();
    let world = launched(Setup {
        between: Arc::new(meanwhile.clone()),
        ..Setup::seeded(seed)
    });
    ask!(world, create_schedule(&caller("ada"), asked(Some(1)))).unwrap();
    night(&world);
    let (service, admin) = (world.service.clone(), world.admin.clone());
    *meanwhile.0.lock().unwrap() = Some(Box::new(|| what(service, admin)));
    night(&world);
    assert!(meanwhile.0.lock().unwrap().is_none());
    world
}

#[test]
fn the_latest_version_is_kept() {
    let world = at_the_end_of_the_next(38, |service, _| {
        Box::pin(async move {
            let (ada, kept) = (caller("ada"), kept());
            let back = service.rollback(&ada, &kept, Some(1), false);
            back.await.unwrap();
        })
    });
    assert_eq!((latest(&world), there(&world)), (1, vec![2, 1]));
    night(&world);
    assert_eq!((latest(&world), there(&world)), (3, vec![3]));
}

#[test]
fn versions_launched_a_moment_ago_are_kept() {
    let world = at_the_end_of_the_next(39, |service, _| {
        Box::pin(async move {
            let request = launch_request("kept@1", "user");
            service.launch(&caller("ada"), &request).await.unwrap();
            // EC2 does not return it yet.
            let mine = service.instances(&caller("ada"), &region()).await.unwrap();
            assert!(mine.iter().all(|instance| instance.name != "user"));
        })
    });
    assert_eq!(there(&world), [2, 1]);
    world.pass(300);
    end_instance(&world);
    night(&world);
    assert_eq!(there(&world), [3]);
}

/// A save registers its version whatever happens to the older ones.
#[test]
fn versions_that_cannot_be_checked_are_kept_and_fail_no_save() {
    let world = at_the_end_of_the_next(37, |_, admin| {
        Box::pin(async move { admin.deny("DescribeInstances").unwrap() })
    });
    assert_eq!(there(&world), [2, 1]);
    world.admin.allow("DescribeInstances").unwrap();
    night(&world);
    assert_eq!(there(&world), [3]);
}

#[test]
fn versions_from_after_a_share_can_be_deleted() {
    let world = world(33, 1);
    night(&world);
    share(&world, "user:bob");
    for _ in 0..3 {
        night(&world);
    }
    // The first version existed when the template was shared with Bob.
    assert_eq!(there(&world), [4, 1]);
}

#[test]
fn a_schedule_does_what_its_owner_may_at_that_moment() {
    let world = launched(Setup::seeded(34));
    let (olga, brain): (_, ProjectName) = (caller("olga"), "brain".parse().unwrap());
    let project = ProjectRequest {
        name: brain.clone(),
        description: String::new(),
    };
    ask!(world, create_project(&olga, project)).unwrap();
    let become_one = |role| {
        let ada = "ada".parse().unwrap();
        ask!(world, add_member(&olga, &brain, &ada, role)).unwrap();
    };
    world.launch("olga", "ubuntu", "hers");
    let first = SaveRequest {
        project: Some(brain.clone()),
        ..save_request("hers", "kept")
    };
    world.save("olga", first).unwrap();
    become_one(ProjectRole::Admin);
    ask!(world, create_schedule(&caller("ada"), asked(Some(1)))).unwrap();
    night(&world);
    night(&world);
    // An admin may save to the project's templates, but may not delete their versions.
    assert_eq!(there(&world), [3, 2, 1]);
    become_one(ProjectRole::Owner);
    night(&world);
    assert_eq!(there(&world), [4, 1]);
}

#[test]
fn at_random_as_many_are_kept_as_the_rule_says() {
    let world = launched(Setup::seeded(35));
    for keep in [0, 101, u32::MAX] {
        let refused = ask!(world, create_schedule(&caller("ada"), asked(Some(keep))));
        let problem = refused.unwrap_err();
        assert_eq!(problem.code, Code::InvalidInput);
        assert!(problem.message.contains("keep"), "{problem}");
    }
    ask!(world, create_schedule(&caller("ada"), asked(Some(3)))).unwrap();
    // A different number is a different schedule.
    let other = ask!(world, create_schedule(&caller("ada"), asked(None)));
    assert_eq!(other.unwrap_err().code, Code::ScheduleNameTaken);
}

/// Whatever happens between the runs, only versions that are not in use are deleted. EC2, the grants and the imports
/// are checked right before and after.
#[test]
fn at_random_no_needed_version_is_deleted() {
    let mut gone = 0;
    for seed in 0..12 {
        let world = world(seed, 2);
        let chance = seeded(seed);
        let below = |most: usize| usize::try_from(chance.next() % most as u64).unwrap();
        let (mut instances, mut shared) = (0, None);
        for _ in 0..8 {
            for _ in 0..below(3) {
                let there = there(&world);
                let Some(number) = there.get(below(there.len().max(1))).copied() else {
                    continue;
                };
                match below(4) {
                    0 => {
                        instances += 1;
                        let name = format!("user-{instances}");
                        world.launch("ada", &format!("kept@{number}"), &name);
                    }
                    1 => roll_back(&world, number),
                    2 if instances > 0 => {
                        let name = format!("user-{}", 1 + below(instances));
                        // It may have ended before.
                        let _ = terminate(&world, &name);
                    }
                    _ => {
                        if let Some(to) = shared.take() {
                            unshare(&world, to);
                        } else {
                            let to = ["user:bob", "account:210987654321"][below(2)];
                            share(&world, to);
                            shared = Some(to);
                        }
                    }
                }
            }
            // The terminated instances have disappeared by then.
            world.pass(3600);
            let (before, needed) = (there(&world), needed(&world));
            night(&world);
            let after = there(&world);
            for number in before.iter().filter(|it| !after.contains(it)) {
                assert!(!needed.contains(number), "seed {seed}: {number} was needed");
                gone += 1;
            }
            let latest = latest(&world);
            assert!(after.contains(&latest), "seed {seed}: {latest} is gone");
        }
    }
    assert!(gone > 12, "only {gone} went");
}

fn terminate(world: &World, name: &str) -> bool {
    ask!(world, terminate_instance(&caller("ada"), &region(), name)).is_ok()
}

fn latest(world: &World) -> u32 {
    let registry = &world.service.env.registry;
    let stored = world.clock.run(registry.template(&kept())).unwrap();
    stored.unwrap().value.latest
}

/// The versions that a run that starts now may not delete.
fn needed(world: &World) -> BTreeSet<u32> {
    let Ok(grants) = ask!(world, shares(&caller("ada"), &kept())) else {
        return BTreeSet::new();
    };
    let inventory = world.admin.inventory().unwrap();
    let runs = |version: &Version| {
        let images: BTreeSet<_> = version.images().map(|(_, image)| image).collect();
        let mut instances = inventory.instances.iter();
        instances.any(|(_, it)| images.contains(&it.image))
    };
    let is_shared = |version: &Version| {
        let mut grants = grants.iter();
        grants.any(|it| it.launch.is_some() || it.at >= version.saved_date)
    };
    let all = versions(world).into_iter();
    let needed = all.filter(|it| runs(it) || is_shared(it));
    needed.map(|version| version.number).collect()
}
