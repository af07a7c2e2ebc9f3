//! What those who manage a project may do with the instances of its members: see that they run and stop them, and no
//! more.

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{Code, Problem, UserId};
use prism_functions::operations::parts::{InstanceName, Paging};
use prism_functions::operations::{
    Asked, InstanceView, LaunchRequest, ListProjectInstances, Operation as _, ProjectInstance,
    ShowInstance, StopProjectInstance, WhoseInstance,
};
use prism_functions::rules::access::Caller;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, OLGA, World, caller, launch_request, region, save_request};

use crate::{brain, launch_for_brain, project};

fn stop(
    world: &World,
    by: &Caller,
    name: &str,
    owner: Option<&str>,
) -> Result<ProjectInstance, Problem> {
    let query = WhoseInstance {
        region: region(),
        owner: owner.map(|owner| owner.parse::<UserId>().unwrap()),
    };
    let path = (brain(), InstanceName(name.to_owned()));
    let asked = Asked::<StopProjectInstance>::by(path, query);
    Ok(world
        .run(StopProjectInstance::run(&world.service, by, asked))?
        .value)
}

fn show(world: &World, by: &Caller, name: &str) -> Result<InstanceView, Problem> {
    let query = prism_functions::operations::parts::InRegion { region: region() };
    let asked = Asked::<ShowInstance>::by(InstanceName(name.to_owned()), query);
    Ok(world
        .run(ShowInstance::run(&world.service, by, asked))?
        .value)
}

/// Ada and Mia each have an instance called `work` for the project, and Ada one of her own.
fn course() -> World {
    let world = World::new(5);
    project(&world);
    for user in ["ada", "mia"] {
        let request = LaunchRequest {
            project: Some(brain()),
            ..launch_request("ubuntu", "work")
        };
        ask!(world, launch(&caller(user), &request)).unwrap();
        world.pass(10);
    }
    ask!(world, launch(&ADA, &launch_request("ubuntu", "private"))).unwrap();
    world.pass(300);
    world
}

#[test]
fn a_manager_stops_what_runs_for_the_project_and_the_owner_sees_who_did() {
    let world = course();
    let ambiguous = stop(&world, &OLGA, "work", None).unwrap_err();
    assert_eq!(ambiguous.code, Code::InstanceNameAmbiguous);
    assert!(
        ambiguous.message.contains("(ada)") && ambiguous.message.contains("(mia)"),
        "{ambiguous}"
    );
    let stopping = stop(&world, &OLGA, "work", Some("ada")).unwrap();
    assert_eq!(stopping.state, InstanceState::Stopping);
    assert_eq!(stopping.owner.as_ref().unwrap().as_str(), "ada");
    world.pass(300);
    let seen = show(&world, &ADA, "work").unwrap();
    assert_eq!(seen.state, InstanceState::Stopped);
    assert_eq!(seen.stopped_by.unwrap().user, OLGA.user);
    assert_eq!(
        show(&world, &caller("mia"), "work").unwrap().state,
        InstanceState::Running
    );
    // Repeating it is no error, and its owner starts it again, after which nobody has stopped it.
    stop(&world, &OLGA, &seen.id, None).unwrap();
    ask!(world, start_instance(&ADA, &region(), "work")).unwrap();
    world.pass(300);
    assert_eq!(show(&world, &ADA, "work").unwrap().stopped_by, None);
    ask!(world, stop_instance(&ADA, &region(), "work")).unwrap();
    world.pass(300);
    let seen = show(&world, &ADA, "work").unwrap();
    assert_eq!(
        (seen.state, seen.stopped_by),
        (InstanceState::Stopped, None)
    );
}

#[test]
fn the_audit_says_who_stopped_whose_instance() {
    let world = course();
    let stopped = stop(&world, &OLGA, "work", Some("ada")).unwrap();
    let filter = prism_functions::operations::AuditPage {
        resource: Some(
            format!("instance:{}/{}", region(), stopped.id)
                .parse()
                .unwrap(),
        ),
        ..Default::default()
    };
    let events = ask!(world, audit_events(&ADA, &filter, 10, None))
        .unwrap()
        .items;
    let event = events
        .iter()
        .find(|event| event.action == "instance.stop")
        .unwrap();
    assert_eq!(event.user, OLGA.user);
    assert_eq!(event.details["owner"], "ada");
    assert_eq!(event.project.as_ref(), Some(&brain()));
}

#[test]
fn nobody_else_stops_it_and_a_manager_does_nothing_else() {
    let world = course();
    for (by, code) in [
        (caller("mia"), Code::NotAllowed),
        (caller("vic"), Code::NotAllowed),
        (caller("sue"), Code::ProjectNotFound),
    ] {
        let refused = stop(&world, &by, "work", Some("ada")).unwrap_err();
        assert_eq!(refused.code, code, "{}", by.user);
    }
    // An instance that is not for the project is not there, by its name or its ID.
    let private = show(&world, &ADA, "private").unwrap();
    for name in ["private", &private.id] {
        let refused = stop(&world, &OLGA, name, None).unwrap_err();
        assert_eq!(refused.code, Code::InstanceNotFound);
    }
    let id = stop(&world, &OLGA, "work", Some("mia")).unwrap().id;
    world.pass(300);
    for refused in [
        ask!(world, start_instance(&OLGA, &region(), &id)).map(drop),
        ask!(world, terminate_instance(&OLGA, &region(), &id)).map(drop),
        show(&world, &OLGA, &id).map(drop),
        ask!(world, plan_save(&OLGA, save_request(&id, "kept"))).map(drop),
    ] {
        assert_eq!(refused.unwrap_err().code, Code::InstanceNotFound);
    }
}

#[test]
fn an_instance_that_is_being_saved_is_not_stopped() {
    let world = course();
    ask!(world, start_save(&ADA, save_request("work", "kept"), None)).unwrap();
    world.pass(5);
    let busy = stop(&world, &OLGA, "work", Some("ada")).unwrap_err();
    assert_eq!(busy.code, Code::InstanceBusy);
}

#[test]
fn a_manager_sees_everybodys_instances_with_owners_and_prices() {
    let world = course();
    launch_for_brain("olga", "ubuntu", &world).unwrap();
    world.pass(30);
    let asked = Asked::<ListProjectInstances>::by(brain(), Paging::default());
    let listed = world
        .must(ListProjectInstances::run(&world.service, &OLGA, asked))
        .value;
    let mut seen: Vec<(&str, &str)> = listed
        .items
        .iter()
        .map(|it| (it.name.as_str(), it.owner.as_ref().unwrap().as_str()))
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [("olga-box", "olga"), ("work", "ada"), ("work", "mia")]
    );
    assert!(listed.items.iter().all(|it| it.usd_per_hour > Some(0.0)));
    // Everybody launched their own.
    assert!(listed.items.iter().all(|it| it.launched_by == it.owner));
}
