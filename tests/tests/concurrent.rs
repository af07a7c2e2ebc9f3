//! Sixty-four concurrent callers on one template, interleaved at every table access by a seed: saves that register,
//! rollbacks, edits, deletions, launches, shares and their revocations. Version numbers are gapless and unique, the
//! name stands for what the last change said, no change undoes another (promises P4, P6), and the AMIs are open to the
//! template's grantees and to nobody else (promise P7).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use prism_asl::{Functions, TaskFailure};
use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::grant::GrantState;
use prism_functions::domain::template::{Template, TemplateState, Version};
use prism_functions::domain::{Code, Problem, TemplateName};
use prism_functions::operations::{Service, TemplateEdit};
use prism_functions::ports::{Ec2 as _, Item, Key, Page, Query, Table, TableError, Write};
use prism_functions::registry::{Registry, Stored};
use prism_functions::rules::Env;
use prism_functions::steps;
use prism_local::executions::StepFunctions;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, Sleepless, give_way, interleave};
use prism_tests::watched::Watched;
use prism_tests::world::{ADA, Setup, World, launch_request, save_request, share_request as to};
use proptest::prelude::*;
use serde_json::{Value, json};

const SAVES: usize = 16;
const CALLERS: usize = 64;
/// The maximum number of seconds until the saves have reached it.
const LOOKS: usize = 3600;
const BEFORE: u32 = 4;

struct Held(StepFunctions);

#[async_trait]
impl Functions for Held {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let id = payload["save_id"].as_str().unwrap_or_default();
        if function == "RegisterTemplate"
            && let Some(reached) = HELD.lock().unwrap().get_mut(id)
        {
            *reached = true;
            return Err(TaskFailure::from_handler("RegistryConflict", "it is held"));
        }
        self.0.invoke(function, payload).await
    }
}

static HELD: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());

/// A table whose callers yield before and after each call, and that records the template after each transaction.
struct Yielding {
    table: Arc<Watched>,
    left: Mutex<Vec<(u64, u32, u32)>>,
}

impl Yielding {
    fn remember(&self, now: (u64, u32, u32)) {
        let mut left = self.left.lock().unwrap();
        if left.last() != Some(&now) {
            left.push(now);
        }
    }
}

fn meta() -> Key {
    Key::new("TEMPLATE#kept", "META")
}

#[async_trait]
impl Table for Yielding {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        give_way().await;
        self.table.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        give_way().await;
        self.table.query(query).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        give_way().await;
        self.table.transact(writes).await?;
        let item = self.table.get(&meta()).await?.unwrap();
        let record = &item.attributes["record"];
        let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
        let revision = item.attributes["revision"].as_u64().unwrap();
        let now = (
            revision,
            number(&record["latest"]),
            number(&record["newest"]),
        );
        self.remember(now);
        give_way().await;
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Done {
    Saved(u32),
    RolledBack(u32, u32),
    Edited,
    Deleted(u32),
    Launched,
    Shared,
    TakenBack,
}

type Call<'a> = Doing<'a, Result<Done, Problem>>;

/// A template with some versions, and saves of it that are about to be registered.
struct Scene {
    world: World,
    payloads: Vec<Value>,
}

fn scene(seed: u64) -> Scene {
    let mut setup = Setup::seeded(seed);
    setup.cloud.throttles.enabled = false;
    setup.wrap = |steps| Arc::new(Held(steps));
    let world = setup.build();
    for number in 0..SAVES {
        let request = launch_request("ubuntu", &format!("work-{number}"));
        ask!(world, launch(&ADA, &request)).unwrap();
        world.pass(1);
    }
    world.pass(300);
    for _ in 0..BEFORE {
        let record = world.save("ada", save_request("work-0", "kept")).unwrap();
        assert!(record.version.is_some(), "{:?}", record.failure);
    }
    let mut payloads = Vec::new();
    for number in 0..SAVES {
        let id = format!("once-{seed}-{number}");
        let save_id = prism_functions::operations::save_id_of(&ADA.user, &id).unwrap();
        HELD.lock().unwrap().insert(save_id.to_string(), false);
        let request = save_request(&format!("work-{number}"), "kept");
        ask!(world, start_save(&ADA, request, Some(&id))).unwrap();
        payloads.push(json!({ "save_id": save_id, "epoch": 1 }));
    }
    let reached = || HELD.lock().unwrap().values().all(|reached| *reached);
    for _ in 0..LOOKS {
        world.pass(1);
        if reached() {
            return Scene { world, payloads };
        }
    }
    panic!("not all saves reach their registration");
}

async fn saved(env: Env, payload: Value) -> Result<Done, Problem> {
    let step = steps::find("RegisterTemplate").unwrap();
    // As in the definition, which retries conflicts.
    for _ in 0..CALLERS {
        match (step.invoke)(&env, payload.clone()).await {
            Err(problem) if problem.code == Code::RegistryConflict => {}
            Err(problem) => return Err(problem),
            Ok(output) => {
                let version = output["version"].as_u64().unwrap();
                return Ok(Done::Saved(u32::try_from(version).unwrap()));
            }
        }
    }
    panic!("it is never registered");
}

const OUTSIDE: [&str; 2] = ["account:444455556666", "account:777788889999"];

/// Which of them a caller uses.
fn calls_to(text: &str) -> usize {
    text.len() % OUTSIDE.len()
}

fn calls<'a>(service: &'a Service, scene: &'a Scene, rng: &mut fastrand::Rng) -> Vec<Call<'a>> {
    let name: TemplateName = "kept".parse().unwrap();
    let mut calls: Vec<Call<'a>> = Vec::new();
    for payload in &scene.payloads {
        calls.push(Box::pin(saved(service.env.clone(), payload.clone())));
    }
    while calls.len() < CALLERS {
        let (name, number) = (name.clone(), rng.u32(1..BEFORE));
        let text = format!("by {}", calls.len());
        calls.push(match rng.u8(0..6) {
            0 => Box::pin(async move {
                let done = service.rollback(&ADA, &name, Some(number), false).await?;
                Ok(Done::RolledBack(done.from, done.to))
            }),
            1 => Box::pin(async move {
                let edit = TemplateEdit {
                    description: Some(text),
                    notes: None,
                };
                let reference = name.as_str().parse()?;
                service.edit_template(&ADA, &reference, &edit, None).await?;
                Ok(Done::Edited)
            }),
            2 => Box::pin(async move {
                let reference = format!("{name}@{number}").parse()?;
                service.delete_template(&ADA, &reference, false).await?;
                Ok(Done::Deleted(number))
            }),
            3 => Box::pin(async move {
                let request = to(OUTSIDE[calls_to(&text)]);
                service.share(&ADA, &name, &request).await?;
                Ok(Done::Shared)
            }),
            4 => Box::pin(async move {
                let request = to(OUTSIDE[calls_to(&text)]);
                service.unshare(&ADA, &name, &request).await?;
                Ok(Done::TakenBack)
            }),
            _ => Box::pin(async move {
                let request = launch_request("kept", &format!("again {text}"));
                service.launch(&ADA, &request).await?;
                Ok(Done::Launched)
            }),
        });
    }
    calls
}

fn end(world: &World) -> (Stored<Template>, Vec<Version>) {
    let registry = &world.service.env.registry;
    let name = "kept".parse().unwrap();
    let template = world.run(registry.template(&name)).unwrap().unwrap();
    let versions = world.run(registry.versions(&name, 1000, None)).unwrap();
    (template, versions.items)
}

fn check(seed: u64) {
    let scene = scene(seed);
    let table = Arc::new(Yielding {
        table: Arc::clone(&scene.world.table),
        left: Mutex::default(),
    });
    let mut service = scene.world.service.clone();
    service.env.registry = Registry::new(Arc::clone(&table) as Arc<dyn Table>);
    service.env.clock = Arc::new(Sleepless(service.env.clock));
    let (before, _) = end(&scene.world);
    let mut rng = fastrand::Rng::with_seed(seed);
    let calls = calls(&service, &scene, &mut rng);
    let ends = interleave(calls, &mut rng);
    let (after, versions) = end(&scene.world);
    let done: Vec<&Done> = ends.iter().filter_map(|end| end.as_ref().ok()).collect();
    for end in &ends {
        if let Err(problem) = end {
            let expected = matches!(
                problem.code,
                // A launch may find that its AMI was deleted after it was resolved, or may have to wait for its turn.
                Code::RegistryConflict
                    | Code::Throttled
                    | Code::VersionNotFound
                    | Code::TemplateInUse
                    | Code::NotReady
                    // There is no share yet or no longer, or it is being revoked.
                    | Code::ShareNotFound
                    | Code::ShareFailed
            );
            assert!(expected, "seed {seed}: {problem:?}");
        }
    }
    // The numbers are gapless and unique, and each save has its own version.
    let numbers: Vec<u32> = versions.iter().rev().map(|it| it.number).collect();
    let newest = BEFORE + u32::try_from(SAVES).unwrap();
    assert_eq!(numbers, (1..=newest).collect::<Vec<_>>(), "seed {seed}");
    assert_eq!(after.value.newest(), newest);
    let of_saves: BTreeSet<u32> = done
        .iter()
        .filter_map(|done| match done {
            Done::Saved(number) => Some(*number),
            _ => None,
        })
        .collect();
    assert_eq!(of_saves, (BEFORE + 1..=newest).collect(), "seed {seed}");
    // Deleted versions are deleted, and the name stands for none of them.
    let deleted: BTreeSet<u32> = done
        .iter()
        .filter_map(|done| match done {
            Done::Deleted(number) => Some(*number),
            _ => None,
        })
        .collect();
    for version in &versions {
        let gone = version.state == TemplateState::Deleted;
        assert_eq!(gone, deleted.contains(&version.number), "seed {seed}");
        assert!(!gone || version.number != after.value.latest, "seed {seed}");
    }
    // Every change is one revision, and each is based on the previous one.
    let left = table.left.lock().unwrap();
    let mut revision = before.revision;
    for pair in left.windows(2) {
        let ((old, _, was_newest), (new, _, is_newest)) = (pair[0], pair[1]);
        assert_eq!(new, old + 1, "seed {seed}: a change was skipped or undone");
        assert!(is_newest == was_newest || is_newest == was_newest + 1);
        revision = new;
    }
    assert_eq!(revision, after.revision, "seed {seed}");
    let (_, latest, _) = *left.last().unwrap();
    assert_eq!(latest, after.value.latest, "seed {seed}");
    check_shares(seed, &scene.world, &versions);
    // No launch was lost.
    let launched = done.iter().filter(|done| ***done == Done::Launched).count();
    let of_versions: u64 = versions.iter().map(|it| it.usage.launches).sum();
    assert_eq!(after.value.launches, u64::try_from(launched).unwrap());
    assert_eq!(of_versions, after.value.launches, "seed {seed}");
    // All saves succeed. Other requests may fail because their target was deleted.
    assert!(
        launched > 0 && done.len() > SAVES + CALLERS / 8,
        "seed {seed}: {ends:?}"
    );
}

/// The grantees of a template are those who can launch its AMIs. An interrupted share is completed by repeating the
/// request.
fn check_shares(seed: u64, world: &World, versions: &[Version]) {
    let name = "kept".parse().unwrap();
    let registry = &world.service.env.registry;
    for grant in world.run(registry.grants(&name)).unwrap() {
        let request = to(grant.to.to_string());
        let done = match grant.state {
            GrantState::Open => continue,
            GrantState::Opening => ask!(world, share(&ADA, &name, &request)).map(drop),
            GrantState::Closing => ask!(world, unshare(&ADA, &name, &request)).map(drop),
        };
        done.unwrap_or_else(|problem| panic!("seed {seed}: {}", problem.chain()));
    }
    let grants = world.run(registry.grants(&name)).unwrap();
    let shared: BTreeSet<LaunchPermission> = grants
        .into_iter()
        .filter_map(|grant| grant.launch)
        .collect();
    let there = versions
        .iter()
        .filter(|it| it.state != TemplateState::Deleted);
    for (region, image) in there.flat_map(Version::images) {
        let open = world.ec2.launch_permissions(region, image);
        let open: BTreeSet<LaunchPermission> = world.run(open).unwrap().into_iter().collect();
        assert_eq!(open, shared, "seed {seed}: {image}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sixty_four_at_once_lose_nothing(seed in any::<u64>()) {
        check(seed);
    }
}
