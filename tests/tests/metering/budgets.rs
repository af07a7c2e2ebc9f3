//! Budgets count what instances have cost.

use std::cell::Cell;
use std::future::Future as _;
use std::task::{Context, Waker};

use prism_functions::domain::save::SaveState;
use prism_functions::domain::sizes::usd_per_hour;
use prism_functions::domain::{Code, NoticeEvent, Problem};
use prism_functions::operations::parts::{IdempotencyKey, Nothing};
use prism_functions::operations::{Asked, LaunchInstance, LaunchRequest, Operation as _};
use prism_local::ec2::Capacity;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, interleave, yielding};
use prism_tests::world::{
    ADA, OLGA, Setup, World, begun, brain, budget_request, project_request, region, save_request,
    west,
};
use serde_json::json;

use crate::{DAY, HOUR, costs, for_brain, launch, near, swept, team};

fn budget(world: &World, limit_usd: f64, alerts: &[u16], hard_stop: bool) {
    let request = budget_request(limit_usd, alerts, hard_stop);
    world.must(world.service.set_budget(&OLGA, &brain(), request));
}

/// The percentages that notices have reported.
fn told(world: &World) -> Vec<String> {
    let notices = world.notices.0.lock().unwrap();
    let crossed = notices
        .iter()
        .filter(|it| it.event == NoticeEvent::BudgetCrossed);
    let percent = |text: &str| {
        let words: Vec<&str> = text.split(' ').collect();
        let at = words.iter().position(|word| *word == "%").unwrap();
        words[at - 1].to_owned()
    };
    crossed.map(|it| percent(&it.text)).collect()
}

#[test]
fn alerts_cross_while_instances_run_and_again_in_the_next_month() {
    let world = team(11);
    let day = usd_per_hour("t3.large").unwrap() * 24.0;
    budget(&world, day * 10.0, &[10, 50], false);
    launch(&world, "ada", &for_brain("ubuntu", "work"));
    for (days, expected) in [(0, 0), (1, 1), (1, 1), (4, 2), (4, 2)] {
        world.pass(days * DAY);
        swept(&world);
        swept(&world);
        assert_eq!(told(&world).len(), expected, "{:?}", told(&world));
    }
    // In the next month, they are told again, and nothing was stopped.
    world.pass(17 * DAY);
    swept(&world);
    assert_eq!(told(&world), ["10", "50"]);
    world.pass(6 * DAY);
    swept(&world);
    assert_eq!(told(&world), ["10", "50", "10", "50"]);
    let listed = ask!(world, instances(&ADA, &region())).unwrap();
    assert_eq!(listed[0].state.as_str(), "running");
}

#[test]
fn a_small_sum_is_not_shown_as_nothing() {
    let world = team(12);
    budget(&world, usd_per_hour("t3.large").unwrap() * 1.5, &[], true);
    launch(&world, "ada", &for_brain("ubuntu", "work"));
    world.pass(120);
    let refused = ask!(world, launch(&ADA, &for_brain("ubuntu", "second"))).unwrap_err();
    let sum = "have cost less than $0.01 this month";
    assert!(refused.message.contains(sum), "{refused}");
}

#[test]
fn a_hard_stop_refuses_what_the_next_hour_does_not_cover() {
    let world = team(12);
    let price = usd_per_hour("t3.large").unwrap();
    budget(&world, price * 10.5, &[], true);
    let id = launch(&world, "ada", &for_brain("ubuntu", "work"));
    world.pass(8 * HOUR);
    // 8 hours, an hour of what runs, and an hour of this one.
    launch(&world, "ada", &for_brain("ubuntu", "second"));
    world.pass(120);
    ask!(world, stop_instance(&ADA, &region(), "second")).unwrap();
    world.pass(HOUR);
    let refused = ask!(world, launch(&ADA, &for_brain("ubuntu", "third"))).unwrap_err();
    assert_eq!(refused.code, Code::BudgetExceeded);
    for figure in [
        "$0.75 this month",
        "$0.0832 an hour now",
        "add $0.0832 an hour",
        "$0.87",
    ] {
        assert!(
            refused.message.contains(figure),
            "{figure}: {}",
            refused.message
        );
    }
    let refused = ask!(world, start_instance(&ADA, &region(), "second")).unwrap_err();
    assert_eq!(refused.code, Code::BudgetExceeded);
    // Nothing was launched or started, and what runs is not stopped.
    world.pass(10 * DAY);
    swept(&world);
    assert_eq!(world.instance(id.as_str()).state.as_str(), "running");
    let listed = ask!(world, instances(&ADA, &region())).unwrap();
    let stopped = listed.iter().find(|it| it.name == "second").unwrap();
    assert_eq!((listed.len(), stopped.state.as_str()), (2, "stopped"));
    let refused = ask!(world, launch(&ADA, &for_brain("ubuntu", "third"))).unwrap_err();
    assert!(
        refused.message.contains("is used up"),
        "{}",
        refused.message
    );
    // A save is refused too, with what it adds a month.
    let request = prism_functions::domain::save::SaveRequest {
        project: Some(brain()),
        ..save_request("work", "kept")
    };
    let refused = ask!(world, plan_save(&ADA, request)).unwrap_err();
    assert_eq!(refused.code, Code::BudgetExceeded);
    // The next month begins with nothing but what still runs.
    world.pass(20 * DAY);
    swept(&world);
    budget(&world, 100.0, &[], true);
    ask!(world, start_instance(&ADA, &region(), "second")).unwrap();
}

#[test]
fn a_project_is_compared_with_versions_and_instances() {
    let world = team(13);
    let request = prism_functions::domain::save::SaveRequest {
        project: Some(brain()),
        ..save_request("work", "kept")
    };
    launch(&world, "ada", &for_brain("ubuntu", "work"));
    world.pass(HOUR);
    assert!(world.save("ada", request).unwrap().version.is_some());
    world.pass(DAY);
    budget(&world, 50.0, &[], false);
    let costs = costs(&world, "olga");
    assert!(costs.usd_per_month > 0.0 && costs.compute.total.usd > 0.0);
    near(
        costs.month_usd,
        costs.usd_per_month + costs.compute.total.usd,
    );
    near(costs.used_percent.unwrap(), costs.month_usd * 2.0);
    assert!(costs.month_forecast_usd > costs.month_usd);
}

/// What the project has cost and costs an hour now, in USD.
fn spent(world: &World) -> (f64, f64) {
    let total = costs(world, "olga").compute.total;
    (total.usd, total.usd_per_hour)
}

/// Runs the same call for each name at once, in an order that the seed decides. Returns how many were refused.
fn at_once<'a, T: std::fmt::Debug>(
    seed: u64,
    calls: impl IntoIterator<Item = Doing<'a, Result<T, Problem>>>,
) -> usize {
    let mut rng = fastrand::Rng::with_seed(seed);
    let ends = interleave(calls.into_iter().collect(), &mut rng);
    let refused: Vec<Problem> = ends.into_iter().filter_map(Result::err).collect();
    for problem in &refused {
        assert_eq!(problem.code, Code::BudgetExceeded, "{seed}: {problem:?}");
    }
    refused.len()
}

#[test]
fn starts_at_once_do_not_exceed_a_hard_stop_together() {
    let price = usd_per_hour("t3.large").unwrap();
    let names = ["a", "b", "c", "d", "e", "f"];
    for seed in 0..40 {
        let world = team(seed);
        for name in names {
            launch(&world, "ada", &for_brain("ubuntu", name));
            world.pass(120);
            ask!(world, stop_instance(&ADA, &region(), name)).unwrap();
        }
        world.pass(120);
        swept(&world);
        let (usd, usd_per_hour) = spent(&world);
        budget(&world, usd + usd_per_hour + price * 2.5, &[], true);
        let (service, region) = (yielding(&world), region());
        let start = |name| Box::pin(service.start_instance(&ADA, &region, name)) as Doing<'_, _>;
        let refused = at_once(seed, names.map(start));
        // More may be refused than need be, while one is counted twice.
        assert!((4..=5).contains(&refused), "{seed}: {refused} were refused");
        // What has started is no longer noted beside its meter: exactly what is left of the budget can start.
        let listed = ask!(world, instances(&ADA, &region)).unwrap();
        let stopped = listed.iter().filter(|it| it.state.as_str() == "stopped");
        let outcomes = stopped.map(|it| ask!(world, start_instance(&ADA, &region, &it.name)));
        let started = outcomes.flatten().count();
        assert_eq!(names.len() - refused + started, 2, "{seed}");
    }
}

#[test]
fn launches_at_once_do_not_exceed_a_hard_stop_together() {
    let price = usd_per_hour("t3.large").unwrap();
    for seed in 0..40 {
        let world = team(seed);
        budget(&world, price * 1.5, &[], true);
        let service = yielding(&world);
        let requests = ["a", "b", "c"].map(|name| for_brain("ubuntu", name));
        let launch = |request| Box::pin(service.launch(&ADA, request)) as Doing<'_, _>;
        let refused = at_once(seed, requests.iter().map(launch));
        assert_eq!(refused, 2, "{seed}");
    }
}

#[test]
fn a_request_id_in_several_regions_opens_no_way_around_a_hard_stop() {
    let price = usd_per_hour("t3.large").unwrap();
    for seed in 0..20 {
        let world = team(seed);
        budget(&world, price * 1.5, &[], true);
        let service = yielding(&world);
        let launch = |at: &str| {
            let request = LaunchRequest {
                region: at.parse().unwrap(),
                ..for_brain("ubuntu", "work")
            };
            let asked = Asked::<LaunchInstance>::with(Nothing {}, request);
            let asked = asked.head(IdempotencyKey(Some("once".to_owned())));
            let service = &service;
            let launched = async move { LaunchInstance::run(service, &ADA, asked).await.map(drop) };
            Box::pin(launched) as Doing<'_, _>
        };
        let refused = at_once(seed, ["us-east-1", "us-west-2", "eu-west-1"].map(launch));
        assert_eq!(refused, 2, "{seed}");
    }
}

#[test]
fn a_launch_that_fails_or_never_returns_counts_no_longer_than_it_may_take() {
    let world = team(1);
    let price = usd_per_hour("t3.large").unwrap();
    budget(&world, price * 1.5, &[], true);
    world.set_capacity(Capacity::Refused);
    let refused = ask!(world, launch(&ADA, &for_brain("ubuntu", "a"))).unwrap_err();
    assert_eq!(refused.code, Code::NoCapacity);
    world.set_capacity(Capacity::Available);
    world.pass(60);
    // What has failed does not count.
    let service = yielding(&world);
    let request = for_brain("ubuntu", "b");
    let mut launch = Box::pin(service.launch(&ADA, &request));
    // This one ends with its process, after its hour was noted.
    let noted = || {
        let items = world.items.all();
        let starting = items.iter().find(|(key, _)| key.sk == "STARTING");
        starting.is_some_and(|(_, item)| item["record"]["all"] != json!({}))
    };
    assert!(!noted());
    let mut context = Context::from_waker(Waker::noop());
    while !noted() {
        assert!(launch.as_mut().poll(&mut context).is_pending());
    }
    drop(launch);
    let other = for_brain("ubuntu", "c");
    let refused = ask!(world, launch(&ADA, &other)).unwrap_err();
    assert!(refused.message.contains("begin now"), "{}", refused.message);
    world.pass(120);
    ask!(world, launch(&ADA, &other)).unwrap();
}

/// An instance runs in a Region that the deployment allows no longer and that refuses all requests.
#[test]
fn a_region_that_is_refused_holds_up_no_alert() {
    thread_local! {
        static REFUSED: Cell<bool> = const { Cell::new(false) };
    }
    let mut setup = Setup::seeded(33);
    setup.cloud.throttles.enabled = false;
    let world = setup
        .bent(|ec2| ec2.answers_in = |at| *at == region() || !REFUSED.get())
        .build();
    ask!(world, create_project(&OLGA, project_request("brain"))).unwrap();
    let day = usd_per_hour("t3.large").unwrap() * 24.0;
    budget(&world, day * 10.0, &[10], false);
    let mut there = for_brain("ubuntu", "there");
    there.region = west();
    launch(&world, "olga", &there);
    launch(&world, "olga", &for_brain("ubuntu", "here"));
    world.pass(DAY);
    REFUSED.set(true);
    let mut service = world.service.clone();
    service.env.settings.allowed_regions = "us-east-1".parse().unwrap();
    world.must(service.sweep());
    assert_eq!(told(&world), ["10"]);
}

/// A save has to bring its instance back, whatever it costs, and so may its owner.
#[test]
fn a_stranded_instance_is_started_although_the_budget_is_used_up() {
    let world = team(35);
    launch(&world, "ada", &for_brain("ubuntu", "work"));
    world.pass(HOUR);
    let mut request = save_request("work", "kept");
    request.project = Some(brain());
    let id = begun(&world, request);
    world.pass(5);
    world.set_capacity(Capacity::RefusedAs("UnsupportedOperation".to_owned()));
    world.pass(120);
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Stranded, "{record:#?}");
    world.set_capacity(Capacity::Available);
    budget(&world, 0.01, &[], true);
    ask!(world, start_instance(&ADA, &region(), "work")).unwrap();
    world.pass(120);
    let listed = ask!(world, instances(&ADA, &region())).unwrap();
    assert_eq!(listed[0].state.as_str(), "running");
}
