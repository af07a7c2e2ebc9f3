//! The sweep of ends dies at any of its calls of the table, or runs twice at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::future::join;
use prism_functions::domain::NoticeEvent;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::end::{EndRequest, Then};
use prism_functions::operations::{AuditPage, Service};
use prism_functions::ports::{Instance, Item, Key, Page, Query, Table, TableError, Write};
use prism_functions::registry::Registry;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::yielding;
use prism_tests::world::{ADA, World, kept};

use crate::{ending, minutes, notices, state, stored};

/// A table that answers a number of calls, and then none. The last call has its effect, or has none.
pub(crate) struct Crashing {
    table: Arc<dyn Table>,
    left: AtomicUsize,
    crashes: AtomicUsize,
    late: bool,
}

impl Crashing {
    pub(crate) fn after(table: Arc<dyn Table>, calls: usize) -> Self {
        Self {
            table,
            left: AtomicUsize::new(calls / 2),
            crashes: AtomicUsize::new(0),
            late: calls % 2 == 1,
        }
    }

    pub(crate) fn crashed(&self) -> bool {
        self.crashes.load(Ordering::Relaxed) > 0
    }

    /// Whether the call is answered, and whether it has its effect.
    fn call(&self) -> (bool, bool) {
        let count = |left: usize| left.checked_sub(1);
        let answered = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count)
            .is_ok();
        let before = self
            .crashes
            .fetch_add(usize::from(!answered), Ordering::Relaxed);
        (answered, answered || (self.late && before == 0))
    }
}

fn dead() -> TableError {
    TableError::Unavailable {
        reason: "by the test".to_owned(),
        transient: true,
        advice: None,
        source: None,
    }
}

#[async_trait]
impl Table for Crashing {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        if !self.call().0 {
            return Err(dead());
        }
        self.table.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        if !self.call().0 {
            return Err(dead());
        }
        self.table.query(query).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        let (answered, takes_effect) = self.call();
        if takes_effect {
            let done = self.table.transact(writes).await;
            if answered {
                return done;
            }
        }
        Err(dead())
    }
}

/// An instance that is saved and terminated in three minutes.
fn due() -> (World, Instance) {
    let world = World::new(3);
    let request = EndRequest {
        for_minutes: Some(3),
        then: Then::Terminate,
        last_save: Some(kept()),
        ..EndRequest::default()
    };
    let instance = ending(&world, request);
    (world, instance)
}

/// The instance was saved once and terminated once, and its owner knows it.
fn check(world: &World, instance: &Instance, context: &str) {
    assert_eq!(
        state(world, instance),
        InstanceState::Terminated,
        "{context}"
    );
    let saves = ask!(world, saves(&ADA, 10, None)).unwrap().items;
    assert_eq!((saves.len(), saves[0].version), (1, Some(1)), "{context}");
    let events = ask!(world, audit_events(&ADA, &AuditPage::default(), 50, None));
    let events = events.unwrap().items;
    let terminated = events.iter().filter(|it| it.action == "instance.terminate");
    assert_eq!(terminated.count(), 1, "{context}");
    for event in [NoticeEvent::InstanceEnding, NoticeEvent::InstanceEnded] {
        assert!(!notices(world, event).is_empty(), "{context}: {event}");
    }
    let end = stored(world, &instance.id).unwrap();
    assert_eq!(end.next_at, None, "{context}");
}

#[test]
fn a_sweep_that_dies_at_any_call_is_completed_by_the_next() {
    for calls in 0.. {
        let (world, instance) = due();
        let mut crashes = 0;
        for _ in 0..25 {
            let table = Arc::new(Crashing::after(Arc::clone(&world.table) as _, calls));
            let mut service: Service = world.service.clone();
            service.env.registry = Registry::new(Arc::clone(&table) as _);
            let swept = world.run(service.sweep_ends(minutes(0)));
            assert_eq!(swept.is_err(), table.crashed(), "at {calls}: {swept:?}");
            crashes += usize::from(table.crashed());
            world.must(world.service.sweep_ends(minutes(0)));
            world.pass(60);
        }
        check(&world, &instance, &format!("at {calls}"));
        if crashes == 0 {
            assert!(calls >= 16, "{calls}");
            break;
        }
    }
}

#[test]
fn two_sweeps_at_once_end_an_instance_once() {
    let (world, instance) = due();
    let (one, other) = (yielding(&world), yielding(&world));
    let mut ended = 0;
    for _ in 0..25 {
        let both = join(one.sweep_ends(minutes(0)), other.sweep_ends(minutes(0)));
        let (first, second) = world.run(both);
        ended += first.unwrap().len() + second.unwrap().len();
        world.pass(60);
    }
    assert_eq!(ended, 1);
    check(&world, &instance, "two at once");
    assert_eq!(notices(&world, NoticeEvent::InstanceEnded).len(), 1);
}
