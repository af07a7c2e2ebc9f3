//! What is shown of an instance.

use prism_functions::domain::sizes::usd_per_hour;
use prism_functions::domain::tags::DEPLOYMENT_TAG;
use prism_functions::operations::parts::{InRegion, InstanceName};
use prism_functions::operations::{Asked, ShowCostHistory, ShowInstance};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, OLGA, brain, region};

use crate::{DAY, costs, for_brain, in_hours, launch, near, ran, swept, team, volumes};

#[test]
fn a_list_tells_what_each_instance_costs_now_and_has_cost() {
    let world = team(21);
    launch(&world, "ada", &for_brain("ubuntu", "work"));
    launch(&world, "ada", &for_brain("ubuntu", "idle"));
    world.pass(DAY);
    ask!(world, stop_instance(&ADA, &region(), "idle")).unwrap();
    swept(&world);
    let listed = ask!(world, instances(&ADA, &region())).unwrap();
    let [idle, work] = listed.as_slice() else {
        panic!("{listed:?}")
    };
    let (idle, work) = (
        idle.spending.as_ref().unwrap(),
        work.spending.as_ref().unwrap(),
    );
    let price = usd_per_hour("t3.large").unwrap();
    near(work.compute_usd, price * 24.0);
    near(idle.compute_usd, price * 24.0);
    near(work.usd_per_hour - idle.usd_per_hour, price);
    assert!(idle.usd_per_hour > 0.0, "its volumes cost something");
    let shown = {
        let name = InstanceName("idle".to_owned());
        let asked = Asked::<ShowInstance>::by(name, InRegion { region: region() });
        ask!(world, told(&ADA, asked)).unwrap()
    };
    assert_eq!(shown.spending.as_ref(), Some(idle));
}

#[test]
fn the_history_has_what_instances_have_cost_in_each_month() {
    let world = team(30);
    let id = launch(&world, "ada", &for_brain("ubuntu", "work"));
    world.pass(60);
    swept(&world);
    // To 20 February: nothing was written at the turn of the month.
    world.pass(46 * DAY);
    let asked = Asked::<ShowCostHistory>::of(brain());
    let history = ask!(world, told(&OLGA, asked)).unwrap();
    let months = history.months.iter().map(|it| it.month.as_str());
    assert_eq!(months.collect::<Vec<_>>(), ["2026-01", "2026-02"]);
    let hourly = usd_per_hour("t3.large").unwrap() + volumes(&world, &region(), &id);
    for month in &history.months {
        let ran = in_hours(ran(&world, &id, month.month.parse().unwrap()));
        assert!(ran > 400.0, "{ran}");
        near(month.instances_usd, ran * hourly);
        near(month.usd, month.instances_usd);
    }
}

#[test]
fn a_launch_that_ec2_does_not_list_yet_counts() {
    let world = team(31);
    launch(&world, "ada", &for_brain("ubuntu", "work"));
    // At the same moment.
    swept(&world);
    world.pass(120);
    let total = costs(&world, "olga").compute.total;
    near(total.compute_usd, usd_per_hour("t3.large").unwrap() / 30.0);
}

#[test]
fn an_instance_that_has_lost_the_deployments_tag_costs_nothing_more() {
    let world = team(32);
    let id = launch(&world, "ada", &for_brain("ubuntu", "work"));
    world.pass(3600);
    swept(&world);
    let tagged = world
        .admin
        .edit(&id, |facts| drop(facts.tags.remove(DEPLOYMENT_TAG)));
    tagged.unwrap();
    swept(&world);
    let before = costs(&world, "olga").compute.total;
    assert!(before.compute_usd > 0.0, "{before:?}");
    world.pass(DAY);
    swept(&world);
    assert_eq!(costs(&world, "olga").compute.total, before);
}
