//! What instances cost, whoever starts and stops them: the sums are those of a plain recomputation from the states that
//! the simulated EC2 went through.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod budgets;
mod random;
mod shown;
mod wrong;

use std::collections::BTreeMap;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::month::Month;
use prism_functions::domain::pricing::volume_usd_per_month;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::sizes::{Size, usd_per_hour};
use prism_functions::domain::{InstanceId, Region, Timestamp, UserId};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{
    Asked, LaunchRequest, MyCosts, ProjectCosts, ShowMyCosts, Spending,
};
use prism_functions::ports::{Ec2 as _, InstanceFilter};
use prism_functions::rules::compute::hours;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, OLGA, Setup, World, brain, caller, launch_request, project_request, region, save_request,
    west,
};
use serde_json::{Value, json};

pub(crate) const HOUR: u64 = 3600;
pub(crate) const DAY: u64 = 24 * HOUR;

/// A world with a project of Olga's, in which Ada and Mia are members, and Vic is a viewer.
pub(crate) fn team(seed: u64) -> World {
    let mut setup = Setup::seeded(seed);
    setup.cloud.throttles.enabled = false;
    let world = setup.build();
    ask!(world, create_project(&OLGA, project_request("brain"))).unwrap();
    for user in ["ada", "mia"] {
        let user: UserId = user.parse().unwrap();
        let role = ProjectRole::Member;
        world.must(world.service.add_member(&OLGA, &brain(), &user, role));
    }
    world
}

pub(crate) fn for_brain(template: &str, name: &str) -> LaunchRequest {
    LaunchRequest {
        project: Some(brain()),
        ..launch_request(template, name)
    }
}

pub(crate) fn launch(world: &World, user: &str, request: &LaunchRequest) -> InstanceId {
    let (_, view) = ask!(world, launch(&caller(user), request)).unwrap();
    view.id.parse().unwrap()
}

pub(crate) fn swept(world: &World) {
    ask!(world, sweep()).unwrap();
}

pub(crate) fn costs(world: &World, user: &str) -> ProjectCosts {
    ask!(world, project_costs(&caller(user), &brain())).unwrap()
}

pub(crate) fn mine(world: &World, user: &str) -> MyCosts {
    let asked = Asked::<ShowMyCosts>::of(Nothing {});
    ask!(world, told(&caller(user), asked)).unwrap()
}

/// The event that EventBridge sends.
pub(crate) fn event(world: &World, region: &Region, id: &InstanceId, state: &str) -> Value {
    json!({
        "source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification",
        "time": world.now(), "region": region, "detail": {"instance-id": id, "state": state},
    })
}

/// The seconds for which an instance ran in a month until now, from its states.
pub(crate) fn ran(world: &World, id: &InstanceId, month: Month) -> i64 {
    let states = world.cloud.history_of(id).unwrap();
    ran_in(&states, world.now(), month)
}

pub(crate) fn ran_in(states: &[(Timestamp, InstanceState)], now: Timestamp, month: Month) -> i64 {
    let ends = states.iter().skip(1).map(|(at, _)| *at).chain([now]);
    let clipped = |at: Timestamp| at.clamp(month.begin(), month.end()).timestamp();
    let each = states.iter().zip(ends).map(|((from, state), until)| {
        let runs = matches!(state.as_str(), "pending" | "running");
        if runs {
            clipped(until) - clipped(*from)
        } else {
            0
        }
    });
    each.sum()
}

#[track_caller]
pub(crate) fn near(is: f64, should: f64) {
    assert!((is - should).abs() < 1e-4, "{is}, not {should}");
}

fn month_of(world: &World) -> Month {
    Month::of(world.now())
}

fn in_hours(seconds: i64) -> f64 {
    f64::from(i32::try_from(seconds).unwrap()) / 3600.0
}

/// The price per hour of the volumes of an instance.
fn volumes(world: &World, region: &Region, id: &InstanceId) -> f64 {
    let ids = InstanceFilter::Ids(vec![id.clone()]);
    let instance = world
        .run(world.ec2.instances(region, &ids))
        .unwrap()
        .remove(0);
    let ids: Vec<_> = instance
        .volumes
        .iter()
        .map(|it| it.volume.clone())
        .collect();
    let found = world.run(world.ec2.volumes(region, &ids)).unwrap();
    let prices = found
        .iter()
        .map(|it| volume_usd_per_month(&it.kind, it.size_gib).unwrap());
    (prices.sum::<f64>() / 730.0 * 1e6).round() / 1e6
}

fn spent_on<'a>(costs: &'a MyCosts, id: &InstanceId) -> &'a Spending {
    let found = costs.instances.iter().find(|it| it.id == id.as_str());
    &found.unwrap().spending
}

#[test]
fn a_running_instance_costs_its_type_and_a_stopped_one_its_volumes() {
    let world = team(1);
    let id = launch(&world, "ada", &for_brain("ubuntu", "work"));
    let price = usd_per_hour("t3.large").unwrap();
    world.pass(DAY);
    swept(&world);
    let disk = volumes(&world, &region(), &id);
    assert!(disk > 0.0);
    let day = mine(&world, "ada").total;
    near(day.hours, in_hours(ran(&world, &id, month_of(&world))));
    near(day.compute_usd, day.hours * price);
    near(day.volumes_usd, day.hours * disk);
    near(day.usd_per_hour, price + disk);
    near(day.unmeasured_hours + day.unpriced_hours, 0.0);
    // Somebody stops it in the console, and Prism learns of it a day later.
    world.admin.stop(&id).unwrap();
    world.pass(DAY);
    swept(&world);
    world.pass(DAY);
    let stopped = mine(&world, "ada").total;
    near(stopped.hours, in_hours(ran(&world, &id, month_of(&world))));
    near(stopped.volumes_usd, 72.0 * disk);
    near(stopped.usd_per_hour, disk);
    let rest = (month_of(&world).end() - world.now()).num_seconds();
    near(stopped.forecast_usd, stopped.usd + in_hours(rest) * disk);
    assert_eq!(costs(&world, "ada").compute.total, stopped);
    // It is terminated in the console: nothing costs anything from then on.
    world.admin.terminate(&id).unwrap();
    let then = mine(&world, "ada").total.usd;
    world.pass(HOUR / 2);
    swept(&world);
    world.pass(DAY);
    let ended = mine(&world, "ada").total;
    near(ended.usd, then);
    near(ended.usd_per_hour, 0.0);
}

#[test]
fn a_month_turns_without_a_sweep_and_with_one() {
    let world = team(2);
    let id = launch(&world, "ada", &for_brain("ubuntu", "work"));
    let january = month_of(&world);
    let before = (january.end() - world.now()).num_seconds();
    world.pass(before.unsigned_abs() + 10 * HOUR);
    let february = month_of(&world);
    let of = |month| {
        let (env, ada) = (&world.service.env, &ADA.user);
        world.must(hours(env, &brain(), ada, month))
    };
    for _ in 0..2 {
        near(mine(&world, "ada").total.hours, 10.0);
        near(spent_on(&mine(&world, "ada"), &id).hours, 10.0);
        near(of(january), in_hours(ran(&world, &id, january)));
        near(of(february), 10.0);
        swept(&world);
    }
    // After months without a sweep, too.
    world.pass(150 * DAY);
    let july = month_of(&world);
    for _ in 0..2 {
        near(of(july), in_hours(ran(&world, &id, july)));
        near(of(july), mine(&world, "ada").total.hours);
        near(of(february), 28.0 * 24.0);
        swept(&world);
    }
    let listed = ask!(world, instances(&ADA, &region())).unwrap();
    near(listed[0].spending.as_ref().unwrap().hours, of(july));
}

#[test]
fn each_region_person_and_template_has_its_share() {
    let world = team(3);
    let far = LaunchRequest {
        region: west(),
        size: Some(Size::XS),
        ..for_brain("python-ml", "far")
    };
    let ids = BTreeMap::from([
        ("work", launch(&world, "ada", &for_brain("ubuntu", "work"))),
        ("far", launch(&world, "mia", &far)),
        (
            "own",
            launch(&world, "ada", &launch_request("ubuntu", "own")),
        ),
    ]);
    world.pass(DAY);
    swept(&world);
    world.admin.stop(&ids["far"]).unwrap();
    world.pass(DAY);
    swept(&world);
    let of = |name: &str| in_hours(ran(&world, &ids[name], month_of(&world)));
    let compute = costs(&world, "olga").compute;
    near(compute.total.hours, of("work") + of("far"));
    let price = |kind: &str| usd_per_hour(kind).unwrap();
    let (work, far) = (
        of("work") * price("t3.large"),
        of("far") * price("t3.small"),
    );
    near(compute.total.compute_usd, work + far);
    let named = |of: &[prism_functions::operations::SpendingOf]| -> BTreeMap<String, f64> {
        let each = of.iter();
        each.map(|it| (it.name.clone(), it.spending.compute_usd))
            .collect()
    };
    let people = named(&compute.people);
    near(people["ada"], work);
    near(people["mia"], far);
    let templates = named(&compute.templates);
    near(templates["ubuntu"], work);
    near(templates["python-ml"], far);
    assert_eq!(compute.instances.len(), 2);
    // Those who do not manage the project see only their own instances, and all of the sums.
    let seen = costs(&world, "mia").compute;
    let own = seen.instances.iter().map(|it| it.name.clone().unwrap());
    assert_eq!(own.collect::<Vec<_>>(), ["far"]);
    assert_eq!((seen.total, seen.people), (compute.total, compute.people));
    let own = mine(&world, "ada");
    near(own.total.hours, of("work") + of("own"));
    assert_eq!(own.projects.len(), 1);
    near(own.projects[0].spending.compute_usd, work);
}

#[test]
fn a_lost_launch_a_lost_stop_and_a_late_event_are_made_up_for() {
    let world = team(4);
    // The registry did not answer after the launch.
    let request = for_brain("ubuntu", "work");
    world.table.fail_writes_of(Some("METER"));
    let id = launch(&world, "ada", &request);
    world.table.fail_writes_of(None);
    world.pass(DAY);
    assert!(mine(&world, "ada").instances.is_empty());
    let listed = ask!(world, instances(&ADA, &region())).unwrap();
    assert_eq!(listed[0].spending, None);
    swept(&world);
    let now = || in_hours(ran(&world, &id, month_of(&world)));
    near(mine(&world, "ada").total.hours, now());
    // An event makes the sums right at once; whether it is repeated or outdated does not matter.
    world.admin.stop(&id).unwrap();
    world.pass(HOUR);
    let stopped = event(&world, &region(), &id, "stopped");
    for _ in 0..2 {
        ask!(world, wake(&stopped)).unwrap();
        near(mine(&world, "ada").total.hours, now());
    }
    ask!(world, start_instance(&ADA, &region(), "work")).unwrap();
    world.pass(HOUR);
    ask!(world, wake(&stopped)).unwrap();
    near(mine(&world, "ada").total.hours, now());
    // EC2 has forgotten an instance that was terminated long ago.
    ask!(world, terminate_instance(&ADA, &region(), "work")).unwrap();
    let then = now();
    world.pass(10 * DAY);
    swept(&world);
    near(mine(&world, "ada").total.hours, then);
    // An instance that is not Prism's has no meter.
    let other = "i-0123456789abcdef0".parse().unwrap();
    let other = event(&world, &region(), &other, "stopped");
    ask!(world, wake(&other)).unwrap();
}

#[test]
fn the_stop_of_a_save_is_not_paid() {
    let world = team(5);
    let id = launch(&world, "ada", &for_brain("ubuntu", "work"));
    world.pass(DAY);
    let record = world.save("ada", save_request("work", "kept")).unwrap();
    assert!(record.version.is_some(), "{:?}", record.failure);
    let states = world.cloud.history_of(&id).unwrap();
    let at = |wanted: &str| {
        let found = states.iter().rfind(|(_, state)| state.as_str() == wanted);
        found.unwrap().0.timestamp()
    };
    let down = at("pending") - at("stopping");
    assert!(down > 0);
    // The events of the stop and of the start: the first tells when it stopped, the second when it started.
    swept(&world);
    let all = in_hours(ran(&world, &id, month_of(&world)));
    let counted = mine(&world, "ada").total.hours;
    // Without an event between the two, the stop counts as running time.
    near(counted, all + in_hours(down));
}

#[test]
fn a_type_without_a_price_is_not_free() {
    let world = team(6);
    let id = launch(&world, "ada", &for_brain("ubuntu", "work"));
    world.pass(HOUR);
    world.admin.stop(&id).unwrap();
    world.pass(HOUR);
    swept(&world);
    let kind = |facts: &mut prism_local::ec2::InstanceFacts| {
        facts.instance_type = "m7i.large".to_owned();
    };
    world.admin.edit(&id, kind).unwrap();
    world.admin.start(&id).unwrap();
    world.pass(2 * HOUR);
    swept(&world);
    let costs = mine(&world, "ada").total;
    near(costs.unpriced_hours, 2.0);
    assert!(costs.unpriced_now);
    near(
        costs.compute_usd,
        (costs.hours - 2.0) * usd_per_hour("t3.large").unwrap(),
    );
}
