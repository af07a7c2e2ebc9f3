//! Ends beside saves, refusals of EC2, and failures of the registry.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::end::{EndRequest, Then};
use prism_functions::domain::save::SaveState;
use prism_functions::domain::{Code, NoticeEvent};
use prism_functions::operations::{AuditPage, Service};
use prism_functions::ports::{Ec2Error, Item, Key, Page, Query, Table, TableError, Write};
use prism_functions::registry::Registry;
use prism_local::ec2::Capacity;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, Setup, World, begun, kept, launch_request, region, save_request};

use crate::{at, ending, minute, minutes, notices, pass, remove, set, shown, state, stored};

#[test]
fn the_stop_of_a_save_is_not_the_end_of_the_instance() {
    let world = World::new(3);
    let instance = ending(&world, at(world.now() + minutes(1)));
    let id = begun(&world, save_request("work", "kept"));
    let mut down = 0;
    while !world.record(&id).is_ok_and(|it| it.state.is_final()) {
        let ended = world.must(world.service.sweep_ends(minutes(0)));
        assert_eq!(ended, []);
        let state = state(&world, &instance);
        down += u32::from(state != InstanceState::Running);
        world.pass(3);
    }
    assert!(down > 3, "{down}");
    assert_eq!(world.record(&id).unwrap().state, SaveState::Succeeded);
    assert_eq!(notices(&world, NoticeEvent::InstanceEnded), []);
    assert_eq!(pass(&world, 2).len(), 1);
    assert_eq!(state(&world, &instance), InstanceState::Stopped);
}

/// EC2 throttles the request to stop the instance. A save that begins then starts it again, which is no start by its owner.
#[test]
fn the_start_of_a_save_after_a_throttled_stop_is_no_start_by_the_owner() {
    thread_local! {
        static THROTTLED: Cell<bool> = const { Cell::new(true) };
    }
    let world = Setup::seeded(3)
        .bent(|ec2| {
            ec2.refuses = |action| {
                let refused = action == "StopInstances" && THROTTLED.get();
                refused.then(|| Ec2Error::new(action, "RequestLimitExceeded", "slow down"))
            };
        })
        .build();
    let instance = ending(&world, at(world.now() + minutes(1)));
    for _ in 0..3 {
        let throttled = world.run(world.service.sweep_ends(minutes(0)));
        assert_eq!(throttled.unwrap_err().code, Code::Throttled);
        world.pass(60);
    }
    THROTTLED.set(false);
    world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(state(&world, &instance), InstanceState::Running);
    assert_eq!(pass(&world, 2).len(), 1);
    assert_eq!(state(&world, &instance), InstanceState::Stopped);
    assert_eq!(stops(&world), 1);
}

/// How many stops of an instance the audit has.
fn stops(world: &World) -> usize {
    let events = ask!(world, audit_events(&ADA, &AuditPage::default(), 100, None)).unwrap();
    let stops = events
        .items
        .iter()
        .filter(|it| it.action == "instance.stop");
    stops.count()
}

/// What became of the request is not known. It had no effect.
#[test]
fn the_start_of_a_save_after_a_stop_without_a_response_is_no_start_by_the_owner() {
    thread_local! {
        static LOST: Cell<bool> = const { Cell::new(true) };
    }
    let world = Setup::seeded(3)
        .bent(|ec2| {
            ec2.refuses = |action| {
                let lost = action == "StopInstances" && LOST.get();
                lost.then(|| Ec2Error::new(action, "InternalError", "try again"))
            };
        })
        .build();
    let instance = ending(&world, at(world.now() + minutes(1)));
    let lost = world.run(world.service.sweep_ends(minutes(0)));
    assert_eq!(lost.unwrap_err().code, Code::AwsUnavailable);
    LOST.set(false);
    let id = begun(&world, save_request("work", "kept"));
    while !world.record(&id).is_ok_and(|it| it.state.is_final()) {
        assert_eq!(world.must(world.service.sweep_ends(minutes(0))), []);
        world.pass(3);
    }
    assert_eq!(state(&world, &instance), InstanceState::Running);
    assert_eq!(pass(&world, 2).len(), 1);
    assert_eq!(state(&world, &instance), InstanceState::Stopped);
}

#[test]
fn an_instance_is_not_terminated_long_after_its_last_save() {
    thread_local! {
        static PROTECTED: Cell<bool> = const { Cell::new(true) };
    }
    let world = Setup::seeded(3)
        .bent(|ec2| {
            ec2.refuses = |action| {
                let refused = action == "TerminateInstances" && PROTECTED.get();
                let error = || Ec2Error::new(action, "OperationNotPermitted", "protection");
                refused.then(error)
            };
        })
        .build();
    let request = EndRequest {
        for_minutes: Some(2),
        then: Then::Terminate,
        last_save: Some(kept()),
        ..EndRequest::default()
    };
    let instance = ending(&world, request);
    pass(&world, 100);
    assert_eq!(state(&world, &instance), InstanceState::Running);
    PROTECTED.set(false);
    // An hour later, but more than two hours after the save.
    world.pass(3600);
    pass(&world, 70);
    assert_eq!(state(&world, &instance), InstanceState::Stopped);
    let told = notices(&world, NoticeEvent::InstanceEnded);
    let text = &told[0].text;
    assert!(
        text.contains("was only stopped, because its last save, save-")
            && text.contains("is outdated"),
        "{text}"
    );
    let end = shown(&world, &ADA, "work").unwrap().unwrap();
    assert_eq!((end.then, end.refusal), (Then::Stop, None));
    assert_eq!(stops(&world), 1);
}

#[test]
fn a_launch_that_was_refused_gives_its_end_to_no_other_instance() {
    let world = World::new(3);
    let mut launch = launch_request("ubuntu", "work");
    launch.end = Some(EndRequest {
        then: Then::Terminate,
        ..at(world.now() + minutes(60))
    });
    world.set_capacity(Capacity::Refused);
    let refused = ask!(world, launch(&ADA, &launch)).unwrap_err();
    assert_eq!(refused.code, Code::NoCapacity);
    world.set_capacity(Capacity::Available);
    world.pass(10);
    launch.end = None;
    let (_, view) = ask!(world, launch(&ADA, &launch)).unwrap();
    pass(&world, 90);
    assert_eq!(shown(&world, &ADA, "work").unwrap(), None);
    assert_eq!(world.instance(&view.id).state, InstanceState::Running);
}

/// Whoever has read an end that was removed since must not replace a later one.
#[test]
fn an_end_that_is_set_again_has_a_revision_of_its_own() {
    let world = World::new(3);
    let instance = ending(&world, at(world.now() + minutes(60)));
    let revision = || {
        let registry = &world.service.env.registry;
        let stored = world.must(registry.end(&region(), &instance.id));
        stored.unwrap().revision
    };
    for _ in 0..3 {
        set(&world, &ADA, "work", at(world.now() + minutes(70))).unwrap();
    }
    let before = revision();
    remove(&world, &ADA, "work").unwrap();
    set(&world, &ADA, "work", at(world.now() + minutes(80))).unwrap();
    assert!(revision() > before, "{} {before}", revision());
}

/// A table that does not say how users are notified while `silent` is set.
struct Silent {
    table: Arc<dyn Table>,
    silent: AtomicBool,
}

#[async_trait]
impl Table for Silent {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        if key.sk == "NOTIFY" && self.silent.load(Ordering::Relaxed) {
            return Err(TableError::Unavailable {
                reason: "by the test".to_owned(),
                transient: true,
                advice: None,
                source: None,
            });
        }
        self.table.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        self.table.transact(writes).await
    }
}

#[test]
fn a_warning_that_cannot_be_sent_is_sent_by_the_next_sweep() {
    let world = World::new(3);
    let instance = ending(&world, at(world.now() + minutes(30)));
    pass(&world, 14);
    let table = Arc::new(Silent {
        table: Arc::clone(&world.table) as _,
        silent: AtomicBool::new(true),
    });
    let mut service: Service = world.service.clone();
    service.env.registry = Registry::new(Arc::clone(&table) as _);
    let swept = world.run(service.sweep_ends(minutes(0)));
    assert!(swept.is_err(), "{swept:?}");
    table.silent.store(false, Ordering::Relaxed);
    world.must(service.sweep_ends(minutes(0)));
    assert_eq!(notices(&world, NoticeEvent::InstanceEnding).len(), 1);
    minute(&world);
    assert_eq!(notices(&world, NoticeEvent::InstanceEnding).len(), 1);
    assert!(stored(&world, &instance.id).is_some());
}
