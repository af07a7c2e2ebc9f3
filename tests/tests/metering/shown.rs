//! What is shown of an instance.

use prism_functions::domain::sizes::usd_per_hour;
use prism_functions::operations::parts::{InRegion, InstanceName};
use prism_functions::operations::{Asked, ShowInstance};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, region};

use crate::{DAY, for_brain, launch, near, swept, team};

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
