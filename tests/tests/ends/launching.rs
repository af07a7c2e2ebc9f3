//! The end that a launch sets: whatever interrupts the launch, the instance has its end.

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{Code, NoticeEvent};
use prism_functions::operations::Service;
use prism_functions::ports::InstanceFilter;
use prism_functions::registry::Registry;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, World, launch_request, region};
use std::sync::Arc;

use crate::crashes::Crashing;
use crate::{at, minutes, notices, pass, set, shown};

#[test]
fn a_plan_says_when_the_instance_ends_and_writes_nothing() {
    let world = World::new(3);
    let mut launch = launch_request("ubuntu", "work");
    let end = world.now() + minutes(60);
    launch.end = Some(at(end));
    let plan = ask!(world, plan_launch(&ADA, &launch)).unwrap();
    assert_eq!(plan.end.unwrap().at, end);
    assert_eq!(pass(&world, 70), []);
    launch.end = Some(at(world.now()));
    let refused = ask!(world, plan_launch(&ADA, &launch)).unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
}

#[test]
fn an_interrupted_launch_leaves_no_instance_without_its_end() {
    let mut left = 0;
    for calls in 0.. {
        let world = World::new(3);
        let mut launch = launch_request("ubuntu", "work");
        let end = world.now() + minutes(60);
        launch.end = Some(at(end));
        let table = Arc::new(Crashing::after(Arc::clone(&world.table) as _, calls));
        let mut service: Service = world.service.clone();
        service.env.registry = Registry::new(Arc::clone(&table) as _);
        let launched = world.run(service.launch(&ADA, &launch));
        if !table.crashed() {
            launched.unwrap();
            break;
        }
        // EC2 lists a new instance after a moment.
        world.pass(30);
        let named = InstanceFilter::Tag("Name".to_owned(), "work".to_owned());
        let found = world.run(prism_functions::ports::Ec2::instances(
            &world.ec2,
            &region(),
            &named,
        ));
        let found = found.unwrap();
        pass(&world, 15);
        if let Some(instance) = found.first() {
            left += 1;
            assert_eq!(
                shown(&world, &ADA, "work").unwrap().unwrap().at,
                end,
                "at {calls}"
            );
            assert_eq!(pass(&world, 50).len(), 1);
            assert_eq!(
                world.instance(instance.id.as_str()).state,
                InstanceState::Stopped
            );
        }
        // Nothing is left of a launch that launched nothing.
        let due = world.now() + minutes(600);
        world.pass(600 * 60);
        assert_eq!(pass(&world, 1), [], "at {calls}, {due}");
    }
    assert!(left >= 2, "{left}");
}

#[test]
fn a_repeated_launch_keeps_the_end_that_was_set_since() {
    let world = World::new(3);
    let mut launch = launch_request("ubuntu", "work");
    launch.end = Some(at(world.now() + minutes(60)));
    let asked = || {
        use prism_functions::operations::parts::{IdempotencyKey, Nothing};
        use prism_functions::operations::{Asked, LaunchInstance, Operation as _};
        let asked = Asked::<LaunchInstance>::with(Nothing {}, launch.clone());
        let asked = asked.head(IdempotencyKey(Some("once".to_owned())));
        world.must(LaunchInstance::run(&world.service, &ADA, asked))
    };
    drop(asked());
    world.pass(60);
    let later = world.now() + minutes(500);
    set(&world, &ADA, "work", at(later)).unwrap();
    drop(asked());
    pass(&world, 5);
    assert_eq!(shown(&world, &ADA, "work").unwrap().unwrap().at, later);
    assert_eq!(notices(&world, NoticeEvent::InstanceEnding), []);
}
