//! Many saves at the same instant: how many succeed, the downtimes of their instances, and their requests to EC2.

mod limits;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use prism_asl::{Event, StateKind};
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::pace::Ec2Share;
use prism_functions::domain::pricing::STATE_TRANSITION;
use prism_functions::domain::save::{SaveRecord, SaveState};
use prism_functions::domain::tags::OWNER_TAG;
use prism_functions::domain::{Code, InstanceId, SaveId, Timestamp};
use prism_functions::ports::Executions as _;
use prism_local::ec2::{Durations, InstanceSpec, Traffic};
use serde_json::json;

use crate::ask;
use crate::world::{ADA, Setup, World, caller, region, save_request};

#[derive(Debug, Clone, Copy)]
pub struct Burst {
    pub saves: u32,
    /// Whether each instance takes between half and three times the usual time to stop and to start; otherwise all take
    /// the same time.
    pub varied: bool,
    /// The share of each bucket's refill that the account's other users take, in percent.
    pub neighbour_percent: u32,
    pub interactive: bool,
    /// The share of EC2's throttles that the deployment may use.
    pub share: Ec2Share,
    /// Whether events arrive, as they do in the deployment's own Region.
    pub events: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The number of saves that registered no version, by error code.
    pub failed: BTreeMap<String, u32>,
    /// The number of instances that do not run at the end.
    pub stranded: usize,
    /// The ratio of each instance's downtime to what EC2 alone needs, in ascending order.
    pub over_floor: Vec<f64>,
    /// The downtimes in seconds, in ascending order.
    pub downtimes: Vec<f64>,
    /// The longest time for which an instance was down beyond what EC2 alone needs, in seconds.
    pub beyond_floor_s: f64,
    /// The time from the instant until the last instance runs again, in seconds.
    pub last_running_s: f64,
    /// The time from the instant until the last version is registered, in seconds.
    pub last_registered_s: f64,
    /// The delay before the save that a user waited for began, in seconds.
    pub interactive_s: Option<f64>,
    /// The requests by bucket: the deployment's, and those of the account's other users.
    pub traffic: BTreeMap<String, (Traffic, Traffic)>,
    /// The requests of the sweeps, by bucket. They depend on the time and the number of Regions, not on the saves, and
    /// are not part of `traffic`.
    pub sweeps: BTreeMap<String, Traffic>,
    /// The number of state transitions of all executions. Each retry is one too.
    pub transitions: usize,
    /// A further save, which is refused; `None` unless there was a single save.
    pub refusal: Option<Refusal>,
}

/// A save that is refused by one of the last checks of its plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Refusal {
    /// The time from the request to the refusal, in seconds.
    pub after_s: f64,
    pub calls: u64,
}

impl Outcome {
    /// The value that this percentage of the values do not exceed; 0 if there are none.
    pub fn percentile(of: &[f64], percent: usize) -> f64 {
        let at = (of.len() * percent).div_ceil(100).max(1) - 1;
        of.get(at).copied().unwrap_or_default()
    }

    pub fn requests(&self) -> Traffic {
        self.sum(|(own, _)| *own)
    }

    pub fn neighbours(&self) -> Traffic {
        self.sum(|(_, neighbour)| *neighbour)
    }

    fn sum(&self, which: fn(&(Traffic, Traffic)) -> Traffic) -> Traffic {
        let requests = self.traffic.iter().filter(|(name, _)| !name.contains('/'));
        requests.fold(Traffic::default(), |sum, (_, traffic)| {
            plus(sum, which(traffic))
        })
    }

    /// The cost of a save's state transitions, in USD.
    #[expect(clippy::cast_precision_loss, reason = "prices fit into 52 bits")]
    pub fn usd_per_save(&self, saves: u32) -> f64 {
        self.transitions as f64 * STATE_TRANSITION / f64::from(saves)
    }
}

/// The saves of instances with the same pace.
struct Begun {
    id: SaveId,
    instance: InstanceId,
    floor_s: f64,
}

impl Burst {
    pub fn play(&self) -> Outcome {
        // An AMI takes five minutes.
        let mut setup = Setup::slow(7, |durations| {
            durations.snapshot_base = Duration::from_secs(270);
        });
        setup.cloud.throttles.neighbour_percent = self.neighbour_percent;
        setup.cloud.limits.instances = self.saves + 10;
        setup.settings.ec2_share = self.share;
        if !self.events {
            setup.events = false;
            setup.settings.events_from =
                Some(["eu-west-1".parse().expect("it is a Region")].into());
        }
        let world = setup.build();
        let start = world.now();
        let mut begun: Vec<Begun> = (0..self.saves)
            .map(|number| self.begin(&world, number))
            .collect();
        let interactive = self.interactive.then(|| {
            world.pass(60);
            by_hand(&world, self.saves)
        });
        let mut outcome = Outcome::default();
        while !world.executions.running().is_empty() {
            world.pass(300);
            outcome.count_transitions(&world);
            outcome.sweep(&world);
        }
        world
            .clock
            .run_until_idle()
            .expect("nothing waits for ever");
        outcome.count_transitions(&world);
        if let Some((by_hand, took)) = interactive {
            outcome.interactive_s = Some(took);
            begun.push(by_hand);
        }
        for save in &begun {
            outcome.add(&world, start, save);
        }
        outcome.over_floor.sort_by(f64::total_cmp);
        outcome.downtimes.sort_by(f64::total_cmp);
        outcome.traffic = traffic(&world);
        for (name, of) in &outcome.sweeps {
            if let Some((own, _)) = outcome.traffic.get_mut(name) {
                *own = minus(*own, *of);
            }
        }
        outcome.refusal = (self.saves == 1).then(|| refused(&world));
        outcome
    }

    /// Adds an instance and begins a save of it as a schedule does, without planning it beforehand.
    fn begin(&self, world: &World, number: u32) -> Begun {
        // Between half and three times, evenly distributed and in no order.
        let own = 50 + (number * 97) % 251;
        let pace = if self.varied { own } else { 100 };
        let name = format!("instance-{number}");
        let instance = add(world, &name, "ada", pace);
        Begun {
            id: start(world, number, &name, &format!("template-{number}")),
            instance,
            floor_s: floor_s(pace),
        }
    }
}

fn start(world: &World, number: u32, instance: &str, template: &str) -> SaveId {
    let id: SaveId = format!("save-{number:020x}").parse().expect("it is an id");
    let input = json!({
        "save_id": id, "epoch": 1, "caller": ADA.clone(), "request": save_request(instance, template),
    });
    let started = world.executions.start(id.as_str(), input);
    world.run(started).expect("the execution starts");
    id
}

/// Saves the only instance again, without the permission to start it, which is checked last.
fn refused(world: &World) -> Refusal {
    let calls = || {
        let so_far = Outcome {
            traffic: traffic(world),
            ..Outcome::default()
        };
        so_far.requests().calls
    };
    let (before, asked) = (calls(), world.now());
    let denied = world.admin.deny("StartInstances");
    denied.expect("the cloud answers");
    let id = start(world, 1, "instance-0", "template-0");
    let idle = world.clock.run_until_idle();
    idle.expect("nothing waits for ever");
    let record = world.record(&id).expect("the registry answers");
    assert_eq!(code(&record), Code::PermissionMissing.as_str());
    let ended = record.ended_at.expect("a refused save has ended");
    Refusal {
        after_s: seconds(ended - asked),
        calls: calls() - before,
    }
}

fn is_task(event: &Event) -> bool {
    matches!(event, Event::StateEntered { kind, .. } if *kind == StateKind::Task)
}

fn add(world: &World, name: &str, owner: &str, pace_percent: u32) -> InstanceId {
    let mut spec = InstanceSpec::named(name);
    spec.tags.insert(OWNER_TAG.to_owned(), owner.to_owned());
    spec.pace_percent = pace_percent;
    world
        .admin
        .add_instance(&region(), &spec)
        .expect("there is room")
}

/// The minimum time that EC2 needs with one volume: stop, snapshot, start.
fn floor_s(pace_percent: u32) -> f64 {
    let of = Durations::default();
    let paced = (of.stop + of.start) * pace_percent / 100;
    (paced + of.snapshot_initiation).as_secs_f64()
}

/// A user saves an instance and waits for it. Returns the save, and the time until its instance was asked to stop.
fn by_hand(world: &World, number: u32) -> (Begun, f64) {
    let name = format!("instance-{number}");
    let instance = add(world, &name, "grace", 100);
    let asked = world.now();
    let request = save_request(&name, &format!("template-{number}"));
    let grace = caller("grace");
    let started = loop {
        match ask!(world, start_save(&grace, request.clone(), None)) {
            Ok(started) => break started,
            Err(problem) if problem.code == Code::Throttled => world.pass(1),
            Err(problem) => panic!("{problem:?}"),
        }
    };
    let begun = loop {
        let record = world.must(world.service.env.registry.save(&started.save_id));
        let at = record.and_then(|it| it.value.stop_requested_at.or(it.value.ended_at));
        match at {
            Some(at) => break at,
            None => world.pass(1),
        }
    };
    let begun_s = seconds(begun - asked);
    let save = Begun {
        id: started.save_id,
        instance,
        floor_s: floor_s(100),
    };
    (save, begun_s)
}

fn traffic(world: &World) -> BTreeMap<String, (Traffic, Traffic)> {
    world.admin.traffic(&region()).expect("the cloud answers")
}

fn plus(one: Traffic, other: Traffic) -> Traffic {
    Traffic {
        calls: one.calls + other.calls,
        throttled: one.throttled + other.throttled,
    }
}

fn minus(all: Traffic, of: Traffic) -> Traffic {
    Traffic {
        calls: all.calls - of.calls,
        throttled: all.throttled - of.throttled,
    }
}

impl Outcome {
    /// Runs a sweep, and counts its requests.
    fn sweep(&mut self, world: &World) {
        let (before, begin) = (traffic(world), world.now());
        ask!(world, sweep()).expect("the sweep gets through");
        // Otherwise requests of saves would be counted as the sweep's.
        assert_eq!(world.now(), begin, "the sweep waits");
        for (name, (after, _)) in traffic(world) {
            let own = before.get(&name).map(|(own, _)| *own).unwrap_or_default();
            let sum = self.sweeps.entry(name).or_default();
            *sum = plus(*sum, minus(after, own));
        }
    }

    /// Counts the state transitions of executions that have ended, and discards their histories: those of thousands of
    /// executions take gigabytes.
    fn count_transitions(&mut self, world: &World) {
        for name in world.executions.names() {
            let Some(history) = world.executions.take_history(&name) else {
                continue;
            };
            let events = history.events();
            let count = |is: fn(&Event) -> bool| events.iter().filter(|it| is(&it.event)).count();
            let states = count(|event| matches!(event, Event::StateEntered { .. }));
            let scheduled = count(|event| matches!(event, Event::TaskScheduled { .. }));
            // Each further schedule of a task is a retry, which is a transition.
            self.transitions += states + scheduled.saturating_sub(count(is_task));
        }
    }

    fn add(&mut self, world: &World, begin: Timestamp, save: &Begun) {
        let history = world.cloud.history_of(&save.instance);
        let last = history.expect("the cloud answers").last().map(|it| it.1);
        self.stranded += usize::from(last != Some(InstanceState::Running));
        let stored = world.must(world.service.env.registry.save(&save.id));
        let record = stored.map(|it| it.value);
        let Some(record) = record else {
            let ended = world.run(world.executions.describe(save.id.as_str()));
            let error = ended.ok().and_then(|it| it.error).unwrap_or_default();
            *self.failed.entry(error).or_default() += 1;
            return;
        };
        if record.state != SaveState::Succeeded {
            *self.failed.entry(code(&record)).or_default() += 1;
        }
        if let Some(down) = record.downtime_s {
            self.downtimes.push(down);
            self.over_floor.push(down / save.floor_s);
            self.beyond_floor_s = self.beyond_floor_s.max(down - save.floor_s);
        }
        let after = |at: Option<Timestamp>| at.map_or(0.0, |at| seconds(at - begin));
        self.last_running_s = self.last_running_s.max(after(record.running_at));
        if record.version.is_some() {
            self.last_registered_s = self.last_registered_s.max(after(record.ended_at));
        }
    }
}

fn code(record: &SaveRecord) -> String {
    let failure = record.failure.as_ref();
    failure.map_or_else(|| "unknown".to_owned(), |it| it.code.clone())
}

fn seconds(of: TimeDelta) -> f64 {
    of.to_std().unwrap_or_default().as_secs_f64()
}
