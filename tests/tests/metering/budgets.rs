//! Budgets count what instances have cost.

use prism_functions::domain::sizes::usd_per_hour;
use prism_functions::domain::{Code, NoticeEvent};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, OLGA, World, brain, budget_request, region, save_request};

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
