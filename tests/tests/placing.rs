//! A launch is tried in one zone after another, and never makes two instances.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::time::Duration;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::{Either, IdempotencyKey, Nothing};
use prism_functions::operations::{
    Asked, InstanceView, LaunchInstance, Launched, Operation as _, Service,
};
use prism_functions::ports::{Ec2, SubnetFilter};
use prism_local::ec2::Capacity;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, give_way, interleave, yielding};
use prism_tests::world::{ADA, Setup, World, launch_request, region};

const TYPE: &str = "t3.large";

fn zone(letter: char) -> String {
    format!("{}{letter}", region())
}

fn full(world: &World, letter: char, capacity: Capacity) {
    let set = world
        .admin
        .set_capacity_in_zone(&zone(letter), TYPE, capacity);
    set.unwrap();
}

fn code(code: &str) -> Capacity {
    Capacity::RefusedAs(code.to_owned())
}

/// Launches with a request ID.
async fn launch(service: &Service, name: &str, key: &str) -> Result<InstanceView, Problem> {
    Ok(launched(service, name, key).await?.instance)
}

async fn launched(service: &Service, name: &str, key: &str) -> Result<Launched, Problem> {
    let asked = Asked::<LaunchInstance>::with(Nothing {}, launch_request("ubuntu", name));
    let asked = asked.head(IdempotencyKey(Some(key.to_owned())));
    match LaunchInstance::run(service, &ADA, asked).await? {
        Either::Other(launched) => Ok(launched.value),
        Either::One(plan) => panic!("it was only planned: {plan:?}"),
    }
}

/// The number of instances that exist.
fn instances(world: &World) -> usize {
    let there = world.admin.inventory().unwrap().instances.into_iter();
    let there = there.filter(|(_, instance)| instance.state != InstanceState::ShuttingDown);
    there.count()
}

#[test]
fn launches_are_distributed_among_the_zones() {
    let world = Setup::seeded(1).build();
    let mut zones = Vec::new();
    for n in 0..4 {
        let (plan, view) = ask!(
            world,
            launch(&ADA, &launch_request("ubuntu", &format!("n{n}")))
        )
        .unwrap();
        assert_eq!(view.zone.as_ref(), plan.zones.first());
        assert_eq!(plan.zones.len(), 3);
        zones.push(view.zone.unwrap());
        world.pass(10);
    }
    assert_eq!(zones, ['a', 'b', 'c', 'a'].map(zone));
    let listed = ask!(world, instances(&ADA, &region())).unwrap();
    assert!(listed.iter().all(|view| view.zone.is_some()), "{listed:?}");
}

#[test]
fn a_launch_goes_where_there_is_room() {
    for refusal in [
        "InsufficientInstanceCapacity",
        "InsufficientFreeAddressesInSubnet",
        "InsufficientVolumeCapacity",
        "Unsupported",
    ] {
        let world = Setup::seeded(1).build();
        full(&world, 'a', code(refusal));
        full(&world, 'b', Capacity::Refused);
        let instance = world.launch("ada", "ubuntu", "work");
        assert_eq!(instance.zone, Some(zone('c')), "{refusal}");
        assert_eq!(instances(&world), 1);
    }
}

#[test]
fn a_zone_that_does_not_offer_the_type_is_not_tried() {
    let world = Setup::seeded(1).build();
    world.admin.set_offered(&zone('a'), TYPE, false).unwrap();
    let request = launch_request("ubuntu", "work");
    let plan = ask!(world, plan_launch(&ADA, &request)).unwrap();
    assert_eq!(plan.zones, ['b', 'c'].map(zone));
    for letter in ['b', 'c'] {
        world.admin.set_offered(&zone(letter), TYPE, false).unwrap();
    }
    let problem = ask!(world, plan_launch(&ADA, &request)).unwrap_err();
    assert_eq!(problem.code, Code::InstanceTypeNotOffered);
    insta::assert_snapshot!(problem.message, @"No zone that this deployment launches into in us-east-1 offers t3.large; it launches into us-east-1a, us-east-1b, us-east-1c.");
}

#[test]
fn a_launch_that_no_zone_can_take_names_what_was_tried() {
    let world = Setup::seeded(1).build();
    world.admin.set_offered(&zone('c'), TYPE, false).unwrap();
    full(&world, 'a', Capacity::Refused);
    full(&world, 'b', code("InsufficientFreeAddressesInSubnet"));
    let began = world.now();
    let problem = ask!(world, launch(&ADA, &launch_request("ubuntu", "work"))).unwrap_err();
    assert_eq!(problem.code, Code::NoCapacity);
    insta::assert_snapshot!(problem.message, @"No zone of us-east-1 has room for the instance type t3.large at the moment. Nothing was launched. Tried: us-east-1a (subnet-00e82d1b8cae39b1d): InsufficientInstanceCapacity; us-east-1b (subnet-08be57a00c0c09225): InsufficientFreeAddressesInSubnet; us-east-1c: it does not offer the type.");
    assert!((world.now() - began).num_seconds() <= 15, "it ends in time");
    assert_eq!(instances(&world), 0);
}

#[test]
fn a_launch_that_takes_too_long_ends_and_is_continued_by_a_repetition() {
    let mut setup = Setup::seeded(1);
    // One request a minute, so that there is no time for a second one.
    setup.settings.ec2_share = "1".parse().unwrap();
    let world = setup.build();
    full(&world, 'a', Capacity::Refused);
    let problem = world
        .run(launch(&world.service, "work", "once"))
        .unwrap_err();
    assert_eq!(problem.code, Code::NoCapacity);
    assert!(
        problem.message.contains("us-east-1b"),
        "{}",
        problem.message
    );
    assert!(
        problem.message.contains("not tried in time"),
        "{}",
        problem.message
    );
    // Although there is room again where it was refused, the launch is continued.
    full(&world, 'a', Capacity::Available);
    world.pass(60);
    let view = world.run(launch(&world.service, "work", "once")).unwrap();
    assert_eq!(view.zone, Some(zone('b')));
    assert_eq!(instances(&world), 1);
}

#[test]
fn other_errors_end_a_launch_at_once() {
    for (refusal, expected) in [
        ("InstanceLimitExceeded", Code::QuotaExceeded),
        ("UnauthorizedOperation", Code::PermissionMissing),
        ("InternalError", Code::AwsUnavailable),
    ] {
        let world = Setup::seeded(1).build();
        full(&world, 'a', code(refusal));
        let problem = ask!(world, launch(&ADA, &launch_request("ubuntu", "work"))).unwrap_err();
        assert_eq!(problem.code, expected);
        assert_eq!(instances(&world), 0, "{refusal}");
    }
}

#[test]
fn configured_subnets_are_tried_in_their_order() {
    let mut setup = Setup::seeded(1);
    let world = Setup::seeded(1).build();
    let subnets = world.run(world.ec2.subnets(&region(), &SubnetFilter::Default));
    let mut ids: Vec<_> = subnets.unwrap().into_iter().map(|it| it.id).collect();
    ids.reverse();
    ids.insert(0, "subnet-0123456789abcdef0".parse().unwrap());
    setup.settings.launch_subnets = ids[..3].to_vec();
    let world = setup.build();
    let request = launch_request("ubuntu", "work");
    let plan = ask!(world, plan_launch(&ADA, &request)).unwrap();
    assert_eq!(plan.zones, ['c', 'b'].map(zone));
    full(&world, 'c', Capacity::Refused);
    assert_eq!(world.launch("ada", "ubuntu", "work").zone, Some(zone('b')));

    let mut elsewhere = launch_request("ubuntu", "other");
    elsewhere.region = "us-west-2".parse().unwrap();
    let problem = ask!(world, launch(&ADA, &elsewhere)).unwrap_err();
    assert!(problem.advice().contains("LaunchSubnets"), "{problem:?}");
}

#[test]
fn a_repeated_launch_returns_the_instance_although_an_earlier_zone_has_room_again() {
    let world = Setup::seeded(1).build();
    full(&world, 'a', Capacity::Refused);
    let once = || world.run(launched(&world.service, "work", "once")).unwrap();
    let first = once();
    assert_eq!(first.instance.zone, Some(zone('b')));
    let refused = first.refused_in.iter();
    let refused: Vec<_> = refused
        .map(|it| (it.zone.clone(), it.code.as_str()))
        .collect();
    assert_eq!(refused, [(zone('a'), "InsufficientInstanceCapacity")]);
    full(&world, 'a', Capacity::Available);
    world.pass(60);
    let again = once();
    assert_eq!(again.instance.id, first.instance.id);
    assert_eq!(again.instance.zone, first.instance.zone);
    assert_eq!(again.refused_in, first.refused_in);
    assert_eq!(instances(&world), 1);
}

#[test]
fn the_same_request_id_in_another_region_is_another_launch() {
    let world = Setup::seeded(1).build();
    let here = world.run(launch(&world.service, "work", "one")).unwrap();
    let mut request = launch_request("ubuntu", "work");
    request.region = "us-west-2".parse().unwrap();
    let asked = Asked::<LaunchInstance>::with(Nothing {}, request);
    let asked = asked.head(IdempotencyKey(Some("one".to_owned())));
    let launched = world.run(LaunchInstance::run(&world.service, &ADA, asked));
    let Either::Other(there) = launched.unwrap() else {
        panic!("it was only planned");
    };
    assert_eq!(there.value.instance.zone.as_deref(), Some("us-west-2a"));
    assert_ne!(there.value.instance.id, here.id);
    let again = world.run(launch(&world.service, "work", "one")).unwrap();
    assert_eq!((again.id, instances(&world)), (here.id, 2));
}

#[test]
fn a_launch_whose_result_was_lost_is_repeated_in_the_same_zone() {
    let world = Setup::seeded(1)
        .bent(|ec2| ec2.loses_launches = true)
        .build();
    full(&world, 'a', Capacity::Refused);
    // The response of the refusal is lost, and then the one of the launch in another zone.
    for _ in 0..2 {
        let problem = world
            .run(launch(&world.service, "work", "once"))
            .unwrap_err();
        assert_eq!(problem.code, Code::AwsUnavailable);
        world.pass(60);
    }
    assert_eq!(instances(&world), 1);
    full(&world, 'a', Capacity::Available);
    let view = world.run(launch(&world.service, "work", "once")).unwrap();
    assert_eq!(view.zone, Some(zone('b')));
    assert_eq!(instances(&world), 1);
}

#[test]
fn a_launch_ends_in_time_although_ec2_does_not_respond_and_is_continued_by_a_repetition() {
    let world = Setup::seeded(1).bent(|ec2| ec2.hangs = true).build();
    full(&world, 'a', Capacity::Refused);
    let told = ["a", "b"].map(|_| {
        let began = world.now();
        let problem = world.run(launch(&world.service, "work", "once"));
        let problem = problem.unwrap_err();
        assert_eq!(problem.code, Code::AwsUnavailable);
        let took = (world.now() - began).num_seconds();
        assert!((20..29).contains(&took), "{took}");
        world.pass(60);
        problem.message
    });
    assert!(!told[0].contains("Refused before"), "{told:?}");
    assert!(told[1].contains("Refused before: us-east-1a (subnet-"));
    let view = world.run(launch(&world.service, "work", "once")).unwrap();
    assert_eq!(view.zone, Some(zone('b')));
    assert_eq!(instances(&world), 1);
}

#[test]
fn a_launch_that_was_refused_everywhere_begins_again() {
    let world = Setup::seeded(1).build();
    world.set_capacity(Capacity::Refused);
    let problem = world
        .run(launch(&world.service, "work", "once"))
        .unwrap_err();
    assert_eq!(problem.code, Code::NoCapacity);
    world.set_capacity(Capacity::Available);
    world.pass(60);
    let view = world.run(launch(&world.service, "work", "once")).unwrap();
    assert_eq!(view.zone, Some(zone('a')));
    assert_eq!(instances(&world), 1);
}

#[test]
fn two_requests_for_one_launch_at_once_make_one_instance() {
    let mut terminated = 0;
    for seed in 0..400 {
        let mut setup = Setup::seeded(seed);
        // No time passes between the requests.
        setup.cloud.throttles.enabled = false;
        setup.cloud.durations.consistency = Duration::ZERO;
        let world = setup.build();
        let service = yielding(&world);
        let mut rng = fastrand::Rng::with_seed(seed);
        let changes: Vec<_> = (0..24)
            .map(|_| (rng.choice(['a', 'b', 'c']).unwrap(), rng.bool()))
            .collect();
        full(&world, 'a', Capacity::Refused);
        let room = async {
            for (letter, room) in changes {
                let capacity = if room {
                    Capacity::Available
                } else {
                    Capacity::Refused
                };
                full(&world, letter, capacity);
                for _ in 0..4 {
                    give_way().await;
                }
            }
            None
        };
        let asked = || async { Some(launch(&service, "work", "once").await) };
        let calls: Vec<Doing<'_, _>> = vec![Box::pin(asked()), Box::pin(asked()), Box::pin(room)];
        let told = interleave(calls, &mut rng);
        let told: Vec<_> = told.into_iter().flatten().collect();
        let made: BTreeSet<_> = told.iter().flatten().map(|view| view.id.clone()).collect();
        assert!(made.len() <= 1, "{seed}: {told:?}");
        assert_eq!(instances(&world), made.len(), "{seed}: {told:?}");
        for problem in told.iter().filter_map(|told| told.as_ref().err()) {
            // No turn becomes free while no time passes.
            let codes = [Code::NoCapacity, Code::Throttled];
            assert!(codes.contains(&problem.code), "{seed}: {problem:?}");
        }
        let events = world.cloud.events().unwrap();
        terminated += events
            .iter()
            .filter(|event| event.what.starts_with("shutting-down"))
            .count();
    }
    assert!(terminated > 0, "the record had to decide");
}
