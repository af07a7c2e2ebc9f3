//! Creating, changing and deleting schedules with calls that fail midway or are concurrent.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use prism_functions::domain::schedule::{Schedule, ScheduleState};
use prism_functions::domain::{Code, Problem, Timestamp};
use prism_functions::operations::{Fixed, Keep, Left, ScheduleEdit, Service};
use prism_functions::ports::{
    Condition, Firing, Key, Schedules, SchedulesError, Table as _, Write,
};
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, interleave, yielding};
use prism_tests::world::caller;

use super::{asked, name, world};

/// A scheduler beside the registry that fails as the test says: its contents, and the next failures.
#[derive(Default)]
struct Flaky {
    there: Mutex<BTreeSet<String>>,
    next: Mutex<VecDeque<Fate>>,
}

#[derive(Clone, Copy)]
enum Fate {
    Works,
    Lost,
    /// It does nothing, and does not respond.
    Down,
    Refuses,
}

impl Flaky {
    fn meet(&self, act: impl FnOnce(&mut BTreeSet<String>)) -> Result<(), SchedulesError> {
        let fate = self.next.lock().unwrap().pop_front().unwrap_or(Fate::Works);
        if matches!(fate, Fate::Works | Fate::Lost) {
            act(&mut self.there.lock().unwrap());
        }
        match fate {
            Fate::Works => Ok(()),
            Fate::Refuses => Err(SchedulesError::Unacceptable {
                reason: "the quota is used up".to_owned(),
            }),
            Fate::Lost | Fate::Down => Err(SchedulesError::Unavailable {
                reason: "no answer".to_owned(),
                source: None,
            }),
        }
    }
}

fn key(schedule: &Schedule) -> String {
    format!(
        "{} {} {}",
        schedule.owner, schedule.name, schedule.created_at
    )
}

#[async_trait]
impl Schedules for Flaky {
    async fn put(&self, schedule: &Schedule, _: Timestamp) -> Result<(), SchedulesError> {
        self.meet(|there| _ = there.insert(key(schedule)))
    }

    async fn delete(&self, schedule: &Schedule) -> Result<(), SchedulesError> {
        self.meet(|there| _ = there.remove(&key(schedule)))
    }

    fn id(&self, schedule: &Schedule) -> String {
        key(schedule)
    }

    async fn firing(&self) -> Result<Vec<Firing>, SchedulesError> {
        self.meet(|_| ())?;
        let there = self.there.lock().unwrap();
        let firing = there.iter().map(|id| {
            let mut words = id.split(' ');
            Firing {
                id: id.clone(),
                owner: words.next().unwrap().parse().unwrap(),
                schedule: words.next().unwrap().parse().unwrap(),
            }
        });
        Ok(firing.collect())
    }

    async fn remove(&self, id: &str) -> Result<(), SchedulesError> {
        self.meet(|there| _ = there.remove(id))
    }
}

/// Whatever fails midway, every schedule that fires is visible, and deleting it leaves nothing.
#[test]
fn no_failure_leaves_a_schedule_without_a_record() {
    use Fate::{Down, Lost, Refuses, Works};
    let fates = [Works, Lost, Down, Refuses];
    for first in fates {
        for second in fates {
            for third in fates {
                let world = world();
                let flaky = Arc::new(Flaky::default());
                let service = Service {
                    schedules: Arc::clone(&flaky) as Arc<dyn Schedules>,
                    ..world.service.clone()
                };
                let (ada, nightly) = (caller("ada"), name("nightly"));
                let shown = || {
                    let shown = world.clock.run(service.schedule(&ada, &nightly));
                    shown.map(|view| view.schedule)
                };
                *flaky.next.lock().unwrap() = [first, second, third].into();
                let made = world.clock.run(service.create_schedule(&ada, asked("1d")));
                assert_eq!(made.is_ok(), matches!(first, Works));
                check(&flaky, shown());
                if made.is_err() && shown().is_err() {
                    assert!(matches!(second, Works), "taken back");
                    continue;
                }
                let deleted = world.clock.run(service.delete_schedule(&ada, &nightly));
                check(&flaky, shown());
                if deleted.is_err() {
                    let left = world.clock.run(service.create_schedule(&ada, asked("1d")));
                    assert_eq!(left.unwrap_err().code, Code::ScheduleNameTaken);
                    flaky.next.lock().unwrap().clear();
                    world
                        .clock
                        .run(service.delete_schedule(&ada, &nightly))
                        .unwrap();
                }
                assert!(flaky.there.lock().unwrap().is_empty());
                assert_eq!(shown().unwrap_err().code, Code::ScheduleNotFound);
            }
        }
    }
}

/// Concurrent changes and deletions of a schedule: what fires agrees with the record, and without a record nothing
/// fires.
#[test]
fn changes_at_once_leave_nothing_that_fires_unseen() {
    let mut both = [0, 0];
    for seed in 0..60 {
        let world = world();
        let flaky = Arc::new(Flaky::default());
        let service = Service {
            schedules: Arc::clone(&flaky) as Arc<dyn Schedules>,
            ..world.service.clone()
        };
        let (ada, nightly) = (caller("ada"), name("nightly"));
        let made = service.create_schedule(&ada, asked("1d"));
        world.clock.run(made).unwrap();
        let mut at_once = service.clone();
        at_once.env = yielding(&world).env;
        let keep = ScheduleEdit {
            keep: Some(Keep::Newest(3)),
            ..ScheduleEdit::default()
        };
        let calls: Vec<Doing<'_, Result<(), Problem>>> = vec![
            Box::pin(async { at_once.delete_schedule(&ada, &nightly).await }),
            Box::pin(async {
                let edited = at_once.edit_schedule(&ada, &nightly, keep.clone());
                edited.await.map(drop)
            }),
        ];
        let ends = interleave(calls, &mut fastrand::Rng::with_seed(seed));
        let shown = world.clock.run(service.schedule(&ada, &nightly));
        check(&flaky, shown.map(|view| view.schedule));
        for (end, count) in ends.iter().zip(&mut both) {
            *count += u32::from(end.is_ok());
        }
    }
    // Each was faster in some cases.
    assert!(
        both.iter().all(|count| *count > 0 && *count < 60),
        "{both:?}"
    );
}

#[test]
fn the_doctor_finds_what_fires_without_a_record_and_deletes_that_alone() {
    let world = world();
    let flaky = Arc::new(Flaky::default());
    let service = Service {
        schedules: Arc::clone(&flaky) as Arc<dyn Schedules>,
        ..world.service.clone()
    };
    let (ada, nightly) = (caller("ada"), name("nightly"));
    let create = || world.clock.run(service.create_schedule(&ada, asked("1d")));
    let first = create().unwrap();
    let found = || world.clock.run(service.leftovers()).unwrap();
    assert_eq!(found().found, []);
    // Its record is lost and created again a second later. The old schedule then has no record, and the new one does.
    let stored = world
        .clock
        .run(service.env.registry.schedule(&ada.user, &nightly));
    let pk = format!("SCHEDULE#ada#{}", stored.unwrap().unwrap().value.name);
    let gone = [Write::Delete(Key::new(pk, "META"), Condition::ItemPresent)];
    world.clock.run(world.table.transact(&gone)).unwrap();
    world.pass(1);
    let second = create().unwrap();
    // A paused schedule has its record too.
    let pause = service.pause_schedule(&ada, &nightly, true);
    world.clock.run(pause).unwrap();
    let left = found();
    let [leftover] = &left.found[..] else {
        panic!("{left:?}");
    };
    let Left::Firing {
        id,
        owner,
        schedule,
    } = &leftover.what
    else {
        panic!("{leftover:?}");
    };
    assert_eq!((id, owner, schedule), (&key(&first), &ada.user, &nightly));
    let fixed = world.clock.run(service.fix(&left.found)).unwrap();
    assert!(matches!(fixed[..], [(_, Fixed::Done)]), "{fixed:?}");
    assert_eq!(*flaky.there.lock().unwrap(), BTreeSet::from([key(&second)]));
    assert_eq!(found().found, []);
    // If the scheduler does not respond, everything else can still be read.
    flaky.next.lock().unwrap().push_back(Fate::Down);
    let left = found();
    let unseen = left.scheduler.unwrap();
    assert_eq!(
        (unseen.code, left.found),
        (Code::AwsUnavailable, Vec::new())
    );
    assert!(left.regions.len() >= 10);
}

/// An active schedule fires, and one that fires has a record.
fn check(flaky: &Flaky, shown: Result<Schedule, Problem>) {
    let there = flaky.there.lock().unwrap();
    match shown {
        Ok(it) if it.state == ScheduleState::Active => assert!(there.contains(&key(&it))),
        Ok(_) => {}
        Err(problem) => {
            assert_eq!(problem.code, Code::ScheduleNotFound);
            assert!(there.is_empty(), "it fires unseen");
        }
    }
}
