//! Random launches, starts, stops and terminations, by Prism and by others, with events and sweeps that may be late.

use std::collections::BTreeMap;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::month::Month;
use prism_functions::domain::sizes::{Size, usd_per_hour};
use prism_functions::domain::{InstanceId, Region, Timestamp};
use prism_functions::operations::{LaunchRequest, Left, Leftover};
use prism_functions::ports::{Ec2 as _, InstanceFilter};
use prism_functions::rules::compute::hours;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{World, brain, caller, launch_request, region, west};
use proptest::prelude::*;

use crate::{costs, event, for_brain, in_hours, mine, near, ran_in, swept, team};

const USERS: [&str; 2] = ["ada", "mia"];
const ACTS: usize = 60;

struct Machine {
    id: InstanceId,
    user: &'static str,
    of_project: bool,
    region: Region,
    kind: String,
    /// Its states. EC2 forgets those of a terminated instance.
    states: Vec<(Timestamp, InstanceState)>,
}

struct Play {
    world: World,
    rng: fastrand::Rng,
    machines: Vec<Machine>,
}

impl Play {
    fn act(&mut self) {
        match self.rng.u8(..10) {
            0 | 1 => self.launch(),
            2..=6 if !self.machines.is_empty() => self.change(),
            7 => swept(&self.world),
            _ => self.world.pass(self.rng.u64(60..200_000)),
        }
    }

    fn launch(&mut self) {
        let (user, of_project) = (USERS[self.rng.usize(..2)], self.rng.bool());
        let name = format!("box-{}", self.machines.len());
        let template = if self.rng.bool() {
            "ubuntu"
        } else {
            "python-ml"
        };
        let request = if of_project {
            for_brain(template, &name)
        } else {
            launch_request(template, &name)
        };
        let request = LaunchRequest {
            region: if self.rng.bool() { region() } else { west() },
            size: Some(Size::ALL[self.rng.usize(..5)]),
            ..request
        };
        let (plan, view) = ask!(self.world, launch(&caller(user), &request)).unwrap();
        self.machines.push(Machine {
            id: view.id.parse().unwrap(),
            user,
            of_project,
            region: request.region,
            kind: plan.instance_type,
            states: Vec::new(),
        });
        self.world.pass(self.rng.u64(300..2000));
    }

    /// What Prism does not learn of is told by EC2 later, except a stop that is followed by a start, and a termination
    /// after an hour.
    fn change(&mut self) {
        let chosen = self.rng.usize(..self.machines.len());
        let machine = &self.machines[chosen];
        let (world, id) = (&self.world, &machine.id);
        let (user, name) = (caller(machine.user), id.as_str());
        let by_prism = self.rng.bool();
        let state = state(world, machine);
        match state.as_deref() {
            Some("running") if self.rng.u8(..6) == 0 => {
                if by_prism {
                    ask!(world, terminate_instance(&user, &machine.region, name)).unwrap();
                } else {
                    world.admin.terminate(id).unwrap();
                    // EC2 forgets a terminated instance after an hour, and with it when it ran.
                    world.pass(self.rng.u64(60..2500));
                    swept(world);
                }
            }
            Some("running") if by_prism => {
                ask!(world, stop_instance(&user, &machine.region, name)).unwrap();
            }
            Some("running") => world.admin.stop(id).unwrap(),
            Some("stopped") if by_prism => {
                ask!(world, start_instance(&user, &machine.region, name)).unwrap();
            }
            Some("stopped") => {
                swept(world);
                world.admin.start(id).unwrap();
            }
            _ => return,
        }
        world.pass(self.rng.u64(300..900));
        let states = world.cloud.history_of(id).unwrap();
        if self.rng.bool() {
            let state = state_name(world, id);
            let event = event(world, &machine.region, id, &state);
            ask!(world, wake(&event)).unwrap();
        }
        self.machines[chosen].states = states;
    }
}

fn state(world: &World, machine: &Machine) -> Option<String> {
    let ids = InstanceFilter::Ids(vec![machine.id.clone()]);
    let found = world.run(world.ec2.instances(&machine.region, &ids));
    let found = found.ok()?.pop()?;
    Some(found.state.as_str().to_owned())
}

fn state_name(world: &World, id: &InstanceId) -> String {
    let states = world.cloud.history_of(id).unwrap();
    states.last().unwrap().1.as_str().to_owned()
}

fn check(seed: u64) {
    let mut play = Play {
        world: team(seed),
        rng: fastrand::Rng::with_seed(seed),
        machines: Vec::new(),
    };
    for _ in 0..ACTS {
        play.act();
    }
    let Play {
        world,
        mut machines,
        ..
    } = play;
    for machine in &mut machines {
        let states = world.cloud.history_of(&machine.id).unwrap();
        if !states.is_empty() {
            machine.states = states;
        }
    }
    let ran = |machine: &Machine, month| ran_in(&machine.states, world.now(), month);
    swept(&world);
    let found = world.must(world.service.leftovers()).found;
    let wrong = |it: &Leftover| matches!(it.what, Left::ComputeSum { .. });
    assert!(!found.iter().any(wrong), "{found:?}");
    let month = Month::of(world.now());
    for month in [month, month.previous()] {
        for user in USERS {
            let theirs = machines
                .iter()
                .filter(|it| it.user == user && it.of_project);
            let seconds = theirs.map(|it| ran(it, month)).sum();
            let user = user.parse().unwrap();
            let counted = world.must(hours(&world.service.env, &brain(), &user, month));
            near(counted, in_hours(seconds));
        }
    }
    let mut projects = 0.0;
    for user in USERS {
        let own = mine(&world, user);
        let listed: BTreeMap<&str, f64> = own
            .instances
            .iter()
            .map(|it| (it.id.as_str(), it.spending.compute_usd))
            .collect();
        let mut total = 0.0;
        for machine in machines.iter().filter(|it| it.user == user) {
            let price = usd_per_hour(&machine.kind).unwrap();
            let usd = in_hours(ran(machine, month)) * price;
            near(listed.get(machine.id.as_str()).copied().unwrap_or(0.0), usd);
            total += usd;
            projects += if machine.of_project { usd } else { 0.0 };
        }
        near(own.total.compute_usd, total);
        near(
            own.templates.iter().map(|it| it.spending.compute_usd).sum(),
            total,
        );
    }
    let brain = costs(&world, "olga").compute;
    near(brain.total.compute_usd, projects);
    near(
        brain.people.iter().map(|it| it.spending.usd).sum(),
        brain.total.usd,
    );
    near(
        brain.instances.iter().map(|it| it.spending.usd).sum(),
        brain.total.usd,
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_sums_are_those_of_a_plain_recomputation(seed in any::<u64>()) {
        check(seed);
    }
}
