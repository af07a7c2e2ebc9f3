//! Whose something in EC2 is (promise P9): all that a deployment makes carries its identity, and what carries another
//! one is neither seen nor touched.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on ends by its panic"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use prism_functions::domain::{Code, DeploymentId};
use prism_functions::ports::Tags;
use prism_functions::registry::Registry;
use prism_functions::steps::{DEPLOYMENT_TAG, Env, Identity};
use prism_local::store::MemoryTable;
use prism_tests::world::{DEPLOYMENT, World, save_request};

fn is_ours(tags: &Tags) -> bool {
    tags.get(DEPLOYMENT_TAG).map(String::as_str) == Some(DEPLOYMENT)
}

#[test]
fn everything_that_is_made_says_which_deployment_made_it() {
    let world = World::new(1);
    let instance = world.launch("ada", "ubuntu", "work");
    assert!(is_ours(&instance.tags), "{instance:#?}");
    let mut request = save_request("work", "kept");
    request.copy_to = BTreeSet::from(["eu-west-1".parse().unwrap()]);
    assert_eq!(world.save("ada", request).unwrap().version, Some(1));
    let inventory = world.admin.inventory().unwrap();
    assert_eq!((inventory.images.len(), inventory.snapshots.len()), (2, 2));
    for (region, image) in &inventory.images {
        assert!(is_ours(&image.tags), "{region}: {image:#?}");
    }
    for (region, snapshot) in &inventory.snapshots {
        assert!(is_ours(&snapshot.tags), "{region}: {snapshot:#?}");
    }
}

/// A process of a deployment that is configured with that identity.
fn process(world: &World, table: &Arc<MemoryTable>, configured: Option<&str>) -> Env {
    let configured = configured.map(|id| id.parse().unwrap());
    Env {
        registry: Registry::new(Arc::clone(table) as _),
        identity: Identity::configured(configured),
        ..world.service.env.clone()
    }
}

fn identity(world: &World, env: &Env) -> Result<DeploymentId, Code> {
    let asked = world.clock.run(env.deployment());
    asked.cloned().map_err(|problem| problem.code)
}

/// A deployment keeps its identity in its table: whoever restores the table has the same one, and whoever configures
/// another table by mistake is refused before anything is made or removed.
#[test]
fn a_table_is_of_one_deployment_for_good() {
    let world = World::new(2);
    let table = Arc::new(MemoryTable::default());
    let ask = |configured| identity(&world, &process(&world, &table, configured));
    assert_eq!(ask(None), Err(Code::DeploymentMismatch), "nobody knows it");
    assert_eq!(
        ask(Some("the-first-one")).unwrap().as_str(),
        "the-first-one"
    );
    assert_eq!(ask(None).unwrap().as_str(), "the-first-one");
    assert_eq!(
        ask(Some("the-first-one")).unwrap().as_str(),
        "the-first-one"
    );
    assert_eq!(ask(Some("the-second-one")), Err(Code::DeploymentMismatch));
    assert_eq!(
        ask(None).unwrap().as_str(),
        "the-first-one",
        "it is unchanged"
    );
}

/// Two processes that begin at once agree, and each asks the table once in its life.
#[test]
fn a_process_asks_once_for_its_identity() {
    let world = World::new(3);
    let env = Env {
        identity: Identity::configured(Some("the-first-one".parse().unwrap())),
        ..world.service.env.clone()
    };
    identity(&world, &env).unwrap();
    let writes = world.table.writes();
    let reads = world.table.reads();
    identity(&world, &env.clone()).unwrap();
    assert_eq!((world.table.writes(), world.table.reads()), (writes, reads));
}
