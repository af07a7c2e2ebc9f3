//! Repeats a step at once, at every moment at which a save reaches it. Lambda may do so, and a retry after a lost
//! response does: the second run must return what the first did, and have no effect of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use async_trait::async_trait;
use prism_asl::{Functions, TaskFailure};
use prism_functions::domain::SaveId;
use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::save::{SaveRequest, SaveState};
use prism_functions::rules::PublicScope;
use prism_local::ec2::{AtReboot, Capacity, InstanceFacts, REGIONS};
use serde_json::{Value, json};

use crate::asks::Asks as _;
use crate::between::Between;
use crate::clean;
use crate::world::{
    ADA, Setup, World, brain, budget_request, id_of, keeping, launched, project_request, rebooting,
    region, save_request, schedule_request,
};

/// How a save goes. Each is a run of a schedule of Ada's that keeps one version, with a copy in a second Region, for a
/// project whose budget it exceeds; its AMIs are public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It succeeds, and so does the next one, which replaces its version.
    Succeeds,
    /// It has EC2 reboot the instance, which powers itself off instead.
    Reboots,
    /// It is refused, because another save of the instance is in progress.
    IsRefused,
    /// The permission for CreateImage is missing.
    IsDenied,
    /// Its AMI fails after the instance runs again.
    ImageFails,
    /// One of its snapshots fails.
    SnapshotFails,
    /// Its copy fails.
    CopyFails,
    /// It is cancelled while the instance is down.
    IsCancelled,
    /// EC2 has no capacity to start the instance again, for two days.
    Strands,
    /// It succeeds, and its version is then copied to a third Region.
    IsCopied,
    /// The same, but that copy fails.
    LaterCopyFails,
}

use Course::{
    CopyFails, ImageFails, IsCancelled, IsCopied, IsDenied, IsRefused, LaterCopyFails,
    SnapshotFails, Strands,
};

/// Plays these courses with every run of the step repeated. Panics if a second run differs from the first, if the step
/// is not reached, or if none of its first runs has an effect.
pub fn check(step: &'static str, courses: &[Course]) {
    for course in courses {
        let twice = Arc::new(Twice {
            step,
            world: OnceLock::new(),
            effective: Mutex::default(),
        });
        let mut setup = Setup::seeded(1);
        setup.settings.public_scope = PublicScope::World;
        setup.between = Arc::new(Repeating(Arc::clone(&twice)));
        let world = Arc::new(launched(setup));
        let set = twice.world.set(Arc::downgrade(&world));
        set.expect("it was not set before");
        play(&world, *course);
        let effective = *twice.effective.lock().expect("no run panicked");
        assert!(effective > 0, "{course:?}: {step} never had an effect");
    }
}

fn play(world: &World, course: Course) {
    for region in REGIONS {
        let region = region.parse().expect("it is a Region");
        let open = world.admin.block_public_images(&region, false);
        open.expect("the cloud answers");
    }
    let asked = match course {
        Course::Reboots => {
            let what = |facts: &mut InstanceFacts| facts.at_reboot = AtReboot::PowersOff;
            world.admin.edit(&id_of(world), what).expect("it answers");
            rebooting(request())
        }
        _ => request(),
    };
    schedule(world, asked);
    let mut saves = vec![run(world)];
    match course {
        IsRefused => {
            let other = world.service.start_save(&ADA, request(), None);
            saves.push(world.must(other).save_id);
        }
        IsDenied => {
            world.pass(10);
            world.admin.deny("CreateImage").expect("it answers");
        }
        ImageFails => world.admin.fail_next_image("why").expect("it answers"),
        SnapshotFails => world.admin.fail_next_snapshot("why").expect("it answers"),
        CopyFails => world.admin.fail_next_copy("why").expect("it answers"),
        IsCancelled => {
            world.pass(12);
            world.must(world.service.cancel_save(&ADA, &saves[0]));
        }
        Strands => {
            world.pass(12);
            room(world, Capacity::Refused);
            world.pass(2 * 24 * 3600);
            room(world, Capacity::Available);
            world.sweep(2);
        }
        Course::Succeeds | Course::Reboots | IsCopied | LaterCopyFails => {}
    }
    settle(world);
    match course {
        Course::Succeeds => saves.push(run(world)),
        IsCopied | LaterCopyFails => {
            if course == LaterCopyFails {
                world.admin.fail_next_copy("why").expect("it answers");
            }
            saves.push(copy(world));
        }
        _ => {}
    }
    settle(world);
    let last = saves.last().expect("one was begun");
    let last = world.record(last).expect("the save has a record");
    let expected = match course {
        IsRefused | IsDenied | ImageFails | SnapshotFails | LaterCopyFails => SaveState::Failed,
        IsCancelled => SaveState::Cancelled,
        _ => SaveState::Succeeded,
    };
    assert_eq!(last.state, expected, "{course:?}: {last:#?}");
    for save in &saves {
        let record = world.record(save).expect("the save has a record");
        // A version that the schedule no longer keeps has no AMIs left.
        if course != Course::Succeeds || record.save_id == last.save_id {
            clean::check(world, &record);
        }
    }
}

fn request() -> SaveRequest {
    SaveRequest {
        copy_to: BTreeSet::from(["us-west-2".parse().expect("it is a Region")]),
        public: true,
        publish_sensitive: true,
        project: Some(brain()),
        ..save_request("work", "kept")
    }
}

fn settle(world: &World) {
    let idle = world.clock.run_until_idle();
    idle.expect("nothing waits for ever");
}

fn room(world: &World, capacity: Capacity) {
    let set = world.admin.set_capacity(&region(), "*", capacity);
    set.expect("the cloud answers");
}

/// Creates the project, its budget, and the schedule.
fn schedule(world: &World, asked: SaveRequest) {
    let service = &world.service;
    let project = project_request("brain");
    world.must(service.create_project(&ADA, project));
    let budget = budget_request(0.01, &[100], false);
    let brain = brain();
    world.must(service.set_budget(&ADA, &brain, budget));
    world.must(service.create_schedule(&ADA, keeping(schedule_request("nightly", asked), 1)));
}

/// Runs the schedule.
fn run(world: &World) -> SaveId {
    let nightly = "nightly".parse().expect("it is a name");
    let started = world.service.run_schedule(&ADA, &nightly, None);
    world.must(started).save_id
}

/// Copies the first version to a third Region.
fn copy(world: &World) -> SaveId {
    let request = CopyRequest {
        template: "kept".parse().expect("it is a template's name"),
        version: 1,
        regions: BTreeSet::from(["eu-west-1".parse().expect("it is a Region")]),
        publish_sensitive: true,
    };
    world
        .must(world.service.start_copy(&ADA, &request, None))
        .save_id
}

/// Repeats every run of one step of a world.
struct Twice {
    step: &'static str,
    world: OnceLock<Weak<World>>,
    /// How many of its first runs had an effect.
    effective: Mutex<usize>,
}

struct Repeating(Arc<Twice>);

impl Between for Repeating {
    fn functions(&self, functions: Arc<dyn Functions>) -> Arc<dyn Functions> {
        Arc::new(Repeated {
            twice: Arc::clone(&self.0),
            functions,
        })
    }
}

struct Repeated {
    twice: Arc<Twice>,
    functions: Arc<dyn Functions>,
}

#[async_trait]
impl Functions for Repeated {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let world = self.twice.world.get().and_then(Weak::upgrade);
        let Some(world) = world.filter(|_| function == self.twice.step) else {
            return self.functions.invoke(function, payload).await;
        };
        let before = effects(&world);
        let first = self.functions.invoke(function, payload.clone()).await;
        let after = effects(&world);
        let second = self.functions.invoke(function, payload.clone()).await;
        assert_eq!(second, first, "{function} repeated with {payload}");
        let (once, again) = (lasting(&after), lasting(&effects(&world)));
        let changed: Vec<_> = again.symmetric_difference(&once).collect();
        assert!(
            changed.is_empty(),
            "{function} repeated with {payload} changed {changed:#?}"
        );
        *self.twice.effective.lock().expect("no run panicked") += usize::from(after != before);
        first
    }
}

/// Everything that a step can change: all of EC2 and its events, the items of the table, audit events included, and
/// the notices. Turns are left out, since one that is taken in vain only delays others by seconds.
fn effects(world: &World) -> Vec<Value> {
    let inventory = world.admin.inventory().expect("the cloud answers");
    let events = world.cloud.events().expect("the cloud answers");
    let notices = world.notices.0.lock().expect("no test panicked").clone();
    let items = world.items.all().into_iter();
    let items = items.filter(|(key, _)| !key.pk.starts_with("TURNS#"));
    let items: Vec<_> = items.collect();
    let seen = [
        json!(inventory.instances),
        json!(inventory.images),
        json!(inventory.snapshots),
        json!(inventory.volumes),
        json!(events),
        json!(notices),
        json!(items),
    ];
    let each = |kind: Value| kind.as_array().cloned().unwrap_or_default();
    seen.into_iter().flat_map(each).collect()
}

/// The effects as texts, and how many there are of each, without when something was done or last done again, and how
/// often.
fn lasting(effects: &[Value]) -> BTreeSet<(String, usize)> {
    let mut times = BTreeMap::new();
    for effect in effects {
        let mut effect = effect.clone();
        forget_times(&mut effect);
        *times.entry(effect.to_string()).or_insert(0) += 1;
    }
    times.into_iter().collect()
}

fn forget_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let counts = ["revision", "image_attempts"];
            fields.retain(|name, _| !name.ends_with("_at") && !counts.contains(&name.as_str()));
            fields.values_mut().for_each(forget_times);
        }
        Value::Array(values) => values.iter_mut().for_each(forget_times),
        _ => {}
    }
}
