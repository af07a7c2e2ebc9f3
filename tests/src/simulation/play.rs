//! Plays a run: a world, its requests and faults, and time until everything has settled.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prism_asl::{Functions, VirtualClock};
use prism_functions::domain::save::SaveState;
use prism_functions::ports::{Clock, Ec2, Executions, Inspect, Notifier, Table};
use serde_json::{Value, json};

use super::before::{OTHER, OWNER, SCHEDULE};
use super::conductor::Conductor;
use super::hands::Hands;
use super::lambda::Lambda;
use super::mutant::Mutant;
use super::ports::{Skewed, Through};
use super::run::Run;
use super::scene::{Deed, SCHEDULED, Scene, Way, Wish};
use super::wanted::{Subject, Wanted};
use super::{neighbour, oracle};
use crate::between::Between;
use crate::world::{Setup, World, caller};

/// The interval of the sweep, as in `infra/template.yaml`, in seconds.
const SWEEP_S: u64 = 300;
/// The number of sweeps, four days, after which everything must have settled.
const SWEEPS: u32 = 1152;

struct Everywhere {
    conductor: Conductor,
    mutant: Option<&'static Mutant>,
}

impl Everywhere {
    fn through<P: ?Sized>(&self, port: Arc<P>) -> Through<P> {
        Through {
            port,
            conductor: self.conductor.clone(),
            mutant: self.mutant,
        }
    }
}

impl Between for Everywhere {
    fn clock(&self, clock: Arc<dyn Clock>) -> Arc<dyn Clock> {
        Arc::new(Skewed(clock))
    }

    fn ec2(&self, ec2: Arc<dyn Ec2>) -> Arc<dyn Ec2> {
        Arc::new(self.through(ec2))
    }

    fn table(&self, table: Arc<dyn Table>) -> Arc<dyn Table> {
        Arc::new(self.through(table))
    }

    fn inspect(&self, inspect: Arc<dyn Inspect>) -> Arc<dyn Inspect> {
        Arc::new(self.through(inspect))
    }

    fn notifier(&self, notifier: Arc<dyn Notifier>) -> Arc<dyn Notifier> {
        Arc::new(self.through(notifier))
    }

    fn executions(&self, executions: Arc<dyn Executions>) -> Arc<dyn Executions> {
        Arc::new(self.through(executions))
    }

    fn functions(&self, functions: Arc<dyn Functions>) -> Arc<dyn Functions> {
        Arc::new(Lambda {
            functions,
            conductor: self.conductor.clone(),
        })
    }
}

impl Run {
    pub(crate) fn play(scene: Scene) -> Self {
        let theirs = scene.saves();
        let conductor = Conductor::new(scene.script);
        let mut setup = Setup {
            cloud: scene.cloud,
            settings: scene.settings,
            events: scene.events,
            between: Arc::new(Everywhere {
                conductor: conductor.clone(),
                mutant: scene.mutant,
            }),
            ..Setup::seeded(scene.seed)
        };
        if let Some(machine) = scene.mutant.map(Mutant::machine) {
            setup.machine = machine;
        }
        if scene.mutant.is_some_and(|it| it.takes_all_for_its_own) {
            setup.identity = neighbour::identity();
        }
        let world = setup.build();
        conductor.set_clock(world.clock.clone());
        neighbour::settle(&world, &theirs);
        let neighbours = neighbour::belongings(&world);
        (scene.prepare)(&world);
        world.pass(10);
        let begin = world.now();
        conductor.begin(Hands {
            executions: world.executions.clone(),
            admin: world.admin.clone(),
            ec2: world.ec2.clone(),
            cloud: world.cloud.clone(),
            service: world.service.clone(),
            table: Arc::clone(&world.table),
            owner: caller(OWNER),
            subjects: Mutex::new(saved_before(&world)),
            events: scene.events,
        });
        let mut run = Self {
            world,
            conductor,
            begin,
            denies: scene.denies,
            neighbours,
            violations: Vec::new(),
        };
        let played = catch_unwind(AssertUnwindSafe(|| {
            let settled = run.pass(&scene.wishes, &scene.later, scene.way);
            let settled = settled && run.lift_protection();
            run.conductor.calm();
            if run.conductor.has_arrived() {
                return oracle::unbound(&run).collect();
            }
            let mut violations = oracle::violations(&run);
            if !settled {
                violations.insert(0, "it never settles".to_owned());
            }
            if scene.again && violations.is_empty() {
                violations = oracle::again::check(&run);
            }
            violations
        }));
        run.conductor.calm();
        run.violations = played.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            vec![format!("panicked: {}", text.unwrap_or_default())]
        });
        run
    }

    /// Lets time pass until everything has settled, with a sweep every five minutes. Returns whether it has settled.
    fn pass(&self, wishes: &[Wish], later: &[(u64, Deed)], way: Way) -> bool {
        match way {
            Way::Requests => wishes.iter().for_each(|wish| self.wish(wish.clone())),
            Way::Schedule => self.fire(),
            Way::DryRun => self.ask_for_plan(&wishes[0]),
        }
        let last = wishes.iter().map(|wish| wish.after_ms / 1000).max();
        let mut later: Vec<&(u64, Deed)> = later.iter().collect();
        later.sort_by_key(|(after_s, _)| *after_s);
        let mut now = 0;
        let mut quiet = 0;
        for _ in 0..SWEEPS {
            let until = now + SWEEP_S;
            for (after_s, deed) in later.extract_if(.., |(after_s, _)| *after_s < until) {
                self.world.pass(after_s - now);
                now = *after_s;
                deed(&self.world);
            }
            self.world.pass(until - now);
            now = until;
            if self.conductor.has_arrived() {
                return true;
            }
            quiet = if later.is_empty() && last < Some(now) && self.is_settled() {
                quiet + 1
            } else {
                0
            };
            // Late calls may still take effect, and a sweep may find something to do.
            if quiet == 2 {
                return true;
            }
            self.conductor.sweep();
        }
        false
    }

    /// Lifts the protection of AMIs. Returns whether everything that was to be deleted is then deleted.
    fn lift_protection(&self) -> bool {
        if !self.protects() || self.conductor.has_arrived() {
            return true;
        }
        let inventory = self.world.admin.inventory().expect("the cloud answers");
        for (_, image) in inventory.images {
            let lifted = self.world.admin.protect_image(&image.id, false);
            lifted.expect("the AMI is there");
        }
        for _ in 0..SWEEPS {
            let going = self.conductor.hands().is_some_and(|it| it.has_deletions());
            if !going && !self.conductor.busy() {
                return true;
            }
            self.conductor.sweep();
            self.world.pass(SWEEP_S);
        }
        false
    }

    fn wish(&self, wish: Wish) {
        let conductor = self.conductor.clone();
        let clock = self.world.clock.clone();
        self.world.clock.spawn(async move {
            sleep(&clock, wish.after_ms).await;
            conductor.request(wish.wanted, wish.request_id, 5).await;
        });
    }

    /// The command line starts no execution for a dry run; a portal may.
    fn ask_for_plan(&self, wish: &Wish) {
        let Wanted::Save(request) = &wish.wanted else {
            return;
        };
        let input = json!({
            "save_id": "save-0000000000000000dead",
            "caller": caller(OWNER), "request": request, "dry_run": true,
        });
        self.start("save-0000000000000000dead", input);
    }

    fn fire(&self) {
        let schedule = SCHEDULE.parse().expect("it is a schedule's name");
        let owner = caller(OWNER).user;
        let stored = self.world.service.env.registry.schedule(&owner, &schedule);
        let stored = self.world.must(stored);
        let schedule = stored.expect("the path has a schedule").value;
        if let Some(hands) = self.conductor.hands() {
            hands.add(Subject {
                id: SCHEDULED.parse().expect("it is the id of a save"),
                wanted: Wanted::Save(schedule.request.clone()),
                request_id: "run".to_owned(),
                begun: true,
            });
        }
        self.start(SCHEDULED, schedule.input());
    }

    fn start(&self, name: &str, input: Value) {
        let started = self.world.run(self.world.executions.start(name, input));
        started.expect("the execution begins");
    }

    /// Whether nothing is under way, no save is open, and no deletion is pending.
    fn is_settled(&self) -> bool {
        let Some(hands) = self.conductor.hands() else {
            return true;
        };
        let open = |state| matches!(state, SaveState::Running | SaveState::Stranded);
        !self.conductor.busy()
            && (self.protects() || !hands.has_deletions())
            && hands.executions.running().is_empty()
            && hands
                .subjects()
                .iter()
                .filter_map(|subject| hands.record(&subject.id))
                .all(|record| !open(record.state))
    }
}

fn saved_before(world: &World) -> Vec<Subject> {
    let registry = &world.service.env.registry;
    let saves = [OWNER, OTHER].into_iter().flat_map(|name| {
        let owner = caller(name).user;
        world.must(registry.saves_of(&owner, 100, None)).items
    });
    let subjects = saves.map(|record| Subject {
        id: record.save_id,
        wanted: Wanted::Save(record.request),
        request_id: "before".to_owned(),
        begun: true,
    });
    subjects.collect()
}

async fn sleep(clock: &VirtualClock, ms: u64) {
    prism_asl::Clock::sleep(clock, Duration::from_millis(ms)).await;
}
