//! The instances that a user holds are known before EC2 lists them: a name is used once.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use prism_functions::domain::limits::Limits;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::sizes::{Size, usd_per_hour};
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::{Either, IdempotencyKey, Nothing};
use prism_functions::operations::{
    Asked, InstanceView, LaunchInstance, LaunchRequest, Operation as _, ProjectEdit, ProjectRequest,
};
use prism_functions::ports::{Condition, Key, Table as _, Write};
use prism_functions::rules::access::Caller;
use prism_local::ec2::Capacity;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, OLGA, Setup, World, brain, budget_request, launch_request, region};

/// Launches with a request ID, and again when EC2 launches no more at once, as the command line does.
async fn keyed(
    world: &World,
    by: &Caller,
    request: LaunchRequest,
    key: String,
) -> Result<InstanceView, Problem> {
    loop {
        let asked = Asked::<LaunchInstance>::with(Nothing {}, request.clone());
        let asked = asked.head(IdempotencyKey(Some(key.clone())));
        let told = LaunchInstance::run(&world.service, by, asked).await;
        let pause = match told {
            Err(problem) if problem.code == Code::Throttled => problem.retry_after_s.unwrap_or(1),
            Err(problem) => return Err(problem),
            Ok(Either::Other(launched)) => return Ok(launched.value.instance),
            Ok(Either::One(plan)) => panic!("it was only planned: {plan:?}"),
        };
        world
            .service
            .env
            .clock
            .sleep(Duration::from_secs(pause.into()))
            .await;
    }
}

fn instances(world: &World) -> usize {
    world.admin.inventory().unwrap().instances.len()
}

#[test]
fn one_of_many_launches_of_a_name_at_once_gets_it() {
    let world = Setup::seeded(1).build();
    let launches = (0..100).map(|n| {
        keyed(
            &world,
            &ADA,
            launch_request("ubuntu", "work"),
            format!("r{n}"),
        )
    });
    let told = world.run(join_all(launches));
    let refused = told.iter().filter_map(|it| it.as_ref().err());
    let codes: BTreeSet<Code> = refused.map(|problem| problem.code).collect();
    assert_eq!(codes, BTreeSet::from([Code::InstanceNameTaken]));
    assert_eq!(told.iter().filter(|it| it.is_ok()).count(), 1);
    assert_eq!(instances(&world), 1);
}

#[test]
fn many_launches_of_different_names_at_once_all_begin() {
    let world = Setup::seeded(1).build();
    let launches = (0..20).map(|n| {
        let request = launch_request("ubuntu", &format!("n{n}"));
        keyed(&world, &ADA, request, format!("r{n}"))
    });
    for told in world.run(join_all(launches)) {
        told.unwrap();
    }
    assert_eq!(instances(&world), 20);
}

#[test]
fn a_repeated_request_is_the_same_launch() {
    let world = Setup::seeded(1).build();
    let launch = || {
        keyed(
            &world,
            &ADA,
            launch_request("ubuntu", "work"),
            "once".to_owned(),
        )
    };
    let first = world.run(launch()).unwrap();
    assert_eq!(world.run(launch()).unwrap().id, first.id);
    world.pass(600);
    assert_eq!(world.run(launch()).unwrap().id, first.id);
    assert_eq!(instances(&world), 1);
}

#[test]
fn a_name_is_free_again_once_its_instance_is_gone() {
    let world = Setup::seeded(1).build();
    let launch = |key: &str| {
        let launched = keyed(
            &world,
            &ADA,
            launch_request("ubuntu", "work"),
            key.to_owned(),
        );
        world.run(launched)
    };
    let first = launch("a").unwrap();
    assert_eq!(launch("b").unwrap_err().code, Code::InstanceNameTaken);
    world.pass(300);
    ask!(world, terminate_instance(&ADA, &region(), "work")).unwrap();
    let second = launch("c").unwrap();
    assert_ne!(second.id, first.id);
    // Somebody terminates it in the console.
    world.pass(300);
    world.admin.terminate(&second.id.parse().unwrap()).unwrap();
    world.pass(300);
    launch("d").unwrap();
}

#[test]
fn a_launch_that_is_refused_holds_no_name() {
    let world = Setup::seeded(1).build();
    world.set_capacity(Capacity::Refused);
    let launch = |key: &str| {
        let launched = keyed(
            &world,
            &ADA,
            launch_request("ubuntu", "work"),
            key.to_owned(),
        );
        world.run(launched)
    };
    assert_eq!(launch("a").unwrap_err().code, Code::NoCapacity);
    world.set_capacity(Capacity::Available);
    launch("b").unwrap();
}

#[test]
fn an_instance_can_be_stopped_before_ec2_lists_it() {
    for by_id in [false, true] {
        let world = Setup::seeded(1).build();
        let launched = world.run(keyed(
            &world,
            &ADA,
            launch_request("ubuntu", "work"),
            "a".to_owned(),
        ));
        let id = launched.unwrap().id;
        let name = if by_id { &id } else { "work" };
        let view = ask!(world, terminate_instance(&ADA, &region(), name)).unwrap();
        assert_eq!(view.id, id);
    }
}

/// A world with a project of Olga's that has these limits, and Ada in it.
fn limited(limits: Limits) -> World {
    let world = Setup::seeded(1).build();
    let service = &world.service;
    let request = ProjectRequest {
        name: brain(),
        description: String::new(),
    };
    world.must(service.create_project(&OLGA, request));
    world.must(service.add_member(&OLGA, &brain(), &ADA.user, ProjectRole::Member));
    let edit = ProjectEdit {
        limits: Some(limits),
        ..ProjectEdit::default()
    };
    let view = world.must(service.edit_project(&OLGA, &brain(), edit));
    assert!(!view.project.limits.are_none());
    world
}

fn for_brain(name: &str) -> LaunchRequest {
    LaunchRequest {
        project: Some(brain()),
        ..launch_request("ubuntu", name)
    }
}

#[test]
fn a_thousand_attempts_at_once_do_not_exceed_the_limit_of_a_member() {
    let world = limited(Limits {
        instances_per_member: Some(2),
        ..Limits::default()
    });
    let launches =
        (0..1000).map(|n| keyed(&world, &ADA, for_brain(&format!("n{n}")), format!("r{n}")));
    let told = world.run(join_all(launches));
    let refused = told.iter().filter_map(|it| it.as_ref().err());
    let codes: BTreeSet<Code> = refused.map(|problem| problem.code).collect();
    assert_eq!(codes, BTreeSet::from([Code::ProjectLimitReached]));
    assert_eq!(told.iter().filter(|it| it.is_ok()).count(), 2);
    assert_eq!(instances(&world), 2);
    // Without the project, and for other members, nothing changes.
    world.must(keyed(
        &world,
        &ADA,
        launch_request("ubuntu", "own"),
        "own".to_owned(),
    ));
    world.must(keyed(&world, &OLGA, for_brain("first"), "first".to_owned()));
    // An instance that ends makes room.
    world.pass(300);
    let first = told.into_iter().find_map(Result::ok).unwrap();
    ask!(world, terminate_instance(&ADA, &region(), &first.id)).unwrap();
    world.must(keyed(&world, &ADA, for_brain("again"), "again".to_owned()));
    let full = world.run(keyed(&world, &ADA, for_brain("more"), "more".to_owned()));
    assert_eq!(full.unwrap_err().code, Code::ProjectLimitReached);
}

#[test]
fn a_request_id_in_several_regions_opens_no_way_around_the_limit_of_a_member() {
    let world = limited(Limits {
        instances_per_member: Some(2),
        ..Limits::default()
    });
    let launches = ["us-east-1", "us-west-2", "eu-west-1"].map(|region| {
        let request = LaunchRequest {
            region: region.parse().unwrap(),
            ..for_brain("work")
        };
        keyed(&world, &ADA, request, "once".to_owned())
    });
    let told = world.run(join_all(launches));
    let refused = told.iter().filter_map(|it| it.as_ref().err());
    let codes: Vec<Code> = refused.map(|problem| problem.code).collect();
    assert_eq!(codes, [Code::ProjectLimitReached]);
    assert_eq!(instances(&world), 2);
    // Those that were launched count later, too.
    world.pass(600);
    let more = world.run(keyed(&world, &ADA, for_brain("more"), "more".to_owned()));
    assert_eq!(more.unwrap_err().code, Code::ProjectLimitReached);
}

#[test]
fn instances_that_stop_or_that_the_registry_does_not_know_count() {
    let world = limited(Limits {
        instances_per_member: Some(1),
        ..Limits::default()
    });
    world.must(keyed(&world, &ADA, for_brain("old"), "old".to_owned()));
    world.pass(300);
    ask!(world, stop_instance(&ADA, &region(), "old")).unwrap();
    world.pass(300);
    let again = || keyed(&world, &ADA, for_brain("new"), "new".to_owned());
    assert_eq!(
        world.run(again()).unwrap_err().code,
        Code::ProjectLimitReached
    );
    // The registry of a deployment from before has no list of what a user holds.
    let key = Key::new("USER#ada", "INSTANCES");
    let delete = [Write::Delete(key, Condition::ItemPresent)];
    world.run(world.items.transact(&delete)).unwrap();
    let problem = world.run(again()).unwrap_err();
    insta::assert_snapshot!(problem.message, @"The project brain allows each member 1 instance, and ada has 1: old.");
    let planned = ask!(world, plan_launch(&ADA, &for_brain("new")));
    assert_eq!(planned.unwrap_err().code, Code::ProjectLimitReached);
}

#[test]
fn a_member_s_hours_of_a_month_are_used_up() {
    let world = limited(Limits {
        hours_per_month: Some(5),
        ..Limits::default()
    });
    // Two instances for two hours each are four hours.
    for name in ["a", "b"] {
        world.must(keyed(&world, &ADA, for_brain(name), name.to_owned()));
    }
    world.pass(2 * 3600);
    ask!(world, plan_launch(&ADA, &for_brain("c"))).unwrap();
    world.pass(3600);
    let problem = ask!(world, plan_launch(&ADA, &for_brain("c"))).unwrap_err();
    assert_eq!(problem.code, Code::ProjectLimitReached);
    insta::assert_snapshot!(problem.message, @"The project brain allows each member 5 hours a month, and the instances of ada have run for 6.0 hours in 2026-01.");
    // A stopped instance is not started again, what runs is not stopped, and others have hours of their own.
    ask!(world, stop_instance(&ADA, &region(), "a")).unwrap();
    world.pass(300);
    let start = ask!(world, start_instance(&ADA, &region(), "a")).unwrap_err();
    assert_eq!(start.code, Code::ProjectLimitReached);
    world.must(keyed(&world, &OLGA, for_brain("hers"), "hers".to_owned()));
    // The next month begins with none.
    ask!(world, stop_instance(&ADA, &region(), "b")).unwrap();
    world.pass(31 * 86400);
    ask!(world, start_instance(&ADA, &region(), "a")).unwrap();
}

/// What a launch has used does not refuse its own repetition.
#[test]
fn a_repeated_request_is_the_same_launch_when_all_is_used_up() {
    let world = limited(Limits {
        instances_per_member: Some(1),
        hours_per_month: Some(5),
        ..Limits::default()
    });
    let usd = usd_per_hour("t3.large").unwrap() * 1.5;
    let budget = budget_request(usd, &[], true);
    world.must(world.service.set_budget(&OLGA, &brain(), budget));
    let launch = |key: &str| world.run(keyed(&world, &ADA, for_brain("work"), key.to_owned()));
    let first = launch("once").unwrap();
    // First the budget does not cover another hour, then it is used up, and then the hours are.
    for (hours, code) in [
        (0, Code::BudgetExceeded),
        (2, Code::BudgetExceeded),
        (4, Code::ProjectLimitReached),
    ] {
        world.pass(hours * 3600);
        assert_eq!(launch("once").unwrap().id, first.id, "{hours}");
        assert_eq!(launch("other").unwrap_err().code, code, "{hours}");
    }
    // EC2 may have forgotten the launch, so that the request would launch another instance.
    world.pass(86400);
    assert!(launch("once").is_err());
    assert_eq!(instances(&world), 1);
}

/// The process of a launch ends when EC2 has launched the instance, and before the user holds it.
#[test]
fn a_launch_that_was_interrupted_is_repeated_when_all_is_used_up() {
    let world = limited(Limits {
        instances_per_member: Some(1),
        ..Limits::default()
    });
    let usd = usd_per_hour("t3.large").unwrap() * 1.5;
    let budget = budget_request(usd, &[], true);
    world.must(world.service.set_budget(&OLGA, &brain(), budget));
    let launch = |key: &str| world.run(keyed(&world, &ADA, for_brain("work"), key.to_owned()));
    let first = launch("once").unwrap();
    let interrupted = || {
        let key = Key::new("USER#ada", "INSTANCES");
        let mut item = world.run(world.items.get(&key)).unwrap().unwrap();
        let held = &mut item.attributes["record"]["all"][0];
        assert!(held.as_object_mut().unwrap().remove("instance").is_some());
        let put = [Write::Put(item, Condition::ItemPresent)];
        world.run(world.items.transact(&put)).unwrap();
    };
    interrupted();
    world.pass(2 * 3600);
    assert_eq!(launch("other").unwrap_err().code, Code::BudgetExceeded);
    assert_eq!(launch("once").unwrap().id, first.id);
    // EC2 may have forgotten the launch, so that the request would launch another instance.
    interrupted();
    world.pass(86400);
    assert_eq!(launch("once").unwrap_err().code, Code::BudgetExceeded);
    assert_eq!(instances(&world), 1);
}

#[test]
fn nothing_larger_than_the_limit_is_launched() {
    let world = limited(Limits {
        largest_size: Some(Size::M),
        ..Limits::default()
    });
    let sized = |size: Size| LaunchRequest {
        size: Some(size),
        ..for_brain("work")
    };
    let problem = ask!(world, plan_launch(&ADA, &sized(Size::GpuS))).unwrap_err();
    assert_eq!(problem.code, Code::ProjectLimitReached);
    insta::assert_snapshot!(problem.message, @"The project brain allows instances up to the size M (t3.large, $0.0832 per hour), and g4dn.xlarge costs $0.5260 per hour.");
    for size in [Size::XS, Size::M] {
        ask!(world, plan_launch(&ADA, &sized(size))).unwrap();
    }
}

/// A request ID of a launch that EC2 has refused opens no way around a limit.
#[test]
fn a_request_that_was_refused_takes_no_place_beyond_the_limit_later() {
    let world = limited(Limits {
        instances_per_member: Some(1),
        ..Limits::default()
    });
    for (key, refusal) in [
        ("quota", "InstanceLimitExceeded"),
        ("throttle", "RequestLimitExceeded"),
    ] {
        world.set_capacity(Capacity::RefusedAs(refusal.to_owned()));
        let asked = Asked::<LaunchInstance>::with(Nothing {}, for_brain("first"));
        let asked = asked.head(IdempotencyKey(Some(key.to_owned())));
        let refused = world.run(LaunchInstance::run(&world.service, &ADA, asked));
        assert!(refused.is_err(), "{refusal}");
        world.set_capacity(Capacity::Available);
        world.pass(60);
    }
    world.must(keyed(&world, &ADA, for_brain("one"), "one".to_owned()));
    world.pass(60);
    for key in ["quota", "throttle"] {
        let more = world.run(keyed(&world, &ADA, for_brain("more"), key.to_owned()));
        assert_eq!(more.unwrap_err().code, Code::ProjectLimitReached, "{key}");
    }
    assert_eq!(instances(&world), 1);
}
