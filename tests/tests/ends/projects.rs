//! The end of a project: its members are told, nothing is launched or started any more, and its instances end.

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::end::{EndRequest, Then};
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveState;
use prism_functions::domain::tags::{DEPLOYMENT_TAG, OWNER_TAG, PROJECT_TAG};
use prism_functions::domain::{Code, InstanceId, NoticeEvent, Problem, Timestamp};
use prism_functions::operations::parts::{IfMatch, Json, Nothing};
use prism_functions::operations::{
    Asked, LiftProjectEnd, Operation as _, ProjectEndRequest, ProjectView, SetProjectEnd,
};
use prism_functions::rules::access::Caller;
use prism_local::ec2::InstanceSpec;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, BOB, DEPLOYMENT, OLGA, Setup, World, brain, launch_request, project_request, region, west,
};

use crate::{at, minute, minutes, notices, pass, set, shown, stored};

fn end_project(
    world: &World,
    by: &Caller,
    at: Timestamp,
    last_save: bool,
) -> Result<ProjectView, Problem> {
    let asked = Asked::<SetProjectEnd> {
        path: brain(),
        query: Nothing {},
        head: IfMatch(None),
        body: Json(ProjectEndRequest { at, last_save }),
    };
    world.run(world.service.told(by, asked))
}

fn lift(world: &World, by: &Caller) -> Result<(), Problem> {
    let asked = Asked::<LiftProjectEnd>::of(brain());
    world
        .run(LiftProjectEnd::run(&world.service, by, asked))
        .map(drop)
}

/// Olga's project, in which Ada works.
fn team(setup: Setup) -> World {
    let world = setup.build();
    ask!(world, create_project(&OLGA, project_request("brain"))).unwrap();
    let member = ProjectRole::Member;
    ask!(world, add_member(&OLGA, &brain(), &ADA.user, member)).unwrap();
    world
}

fn launch(world: &World, name: &str) -> InstanceId {
    let mut launch = launch_request("ubuntu", name);
    launch.project = Some(brain());
    let (_, view) = ask!(world, launch(&ADA, &launch)).unwrap();
    world.pass(60);
    view.id.parse().unwrap()
}

/// Adds an instance of Ada's, as if it was launched for the project.
fn add(world: &World, name: &str) -> InstanceId {
    let mut spec = InstanceSpec::named(name);
    let tags = [
        (OWNER_TAG, "ada"),
        (PROJECT_TAG, "brain"),
        (DEPLOYMENT_TAG, DEPLOYMENT),
    ];
    let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
    spec.tags.extend(tags);
    world.admin.add_instance(&region(), &spec).unwrap()
}

fn state(world: &World, id: &InstanceId) -> InstanceState {
    world.instance(id.as_str()).state
}

#[test]
fn members_are_told_a_week_a_day_and_an_hour_before() {
    let world = team(Setup::seeded(3));
    let end = world.now() + minutes(8 * 1440);
    end_project(&world, &OLGA, end, true).unwrap();
    let mut told = Vec::new();
    while world.now() < end {
        let ended = world.must(world.service.sweep_ends(minutes(0)));
        assert_eq!(ended, []);
        let notices = notices(&world, NoticeEvent::ProjectEnding);
        if notices.len() > told.len() {
            told.push((end - world.now()).num_minutes());
            let last = notices.last().unwrap();
            let both = [ADA.user.clone(), OLGA.user.clone()].into();
            assert_eq!((&last.to, last.project.as_ref()), (&both, Some(&brain())));
        }
        world.pass(600);
    }
    assert_eq!(told, [7 * 1440, 1440, 60]);
    let text = &notices(&world, NoticeEvent::ProjectEnding)[0].text;
    assert!(
        text.contains("ends in 7 days, at 2026-01-13 09:00 UTC"),
        "{text}"
    );
    assert!(text.contains("saved, and terminated after that"), "{text}");
    assert!(
        text.ends_with(
            "prism extend NAME --then terminate --last-save TEMPLATE, with --until 2026-01-13T09:00:00Z if it has no end of its own."
        ),
        "{text}"
    );
}

#[test]
fn nothing_is_launched_or_started_for_a_project_that_has_ended() {
    let world = team(Setup::seeded(3));
    let id = launch(&world, "work");
    end_project(&world, &OLGA, world.now() + minutes(30), false).unwrap();
    launch(&world, "more");
    pass(&world, 35);
    assert_eq!(state(&world, &id), InstanceState::Stopped);
    let mut another = launch_request("ubuntu", "another");
    another.project = Some(brain());
    let refused = ask!(world, launch(&ADA, &another)).unwrap_err();
    assert_eq!(refused.code, Code::ProjectEnded);
    let refused = ask!(world, start_instance(&ADA, &region(), "work")).unwrap_err();
    assert_eq!(refused.code, Code::ProjectEnded);
    let refused = set(&world, &ADA, "work", at(world.now() + minutes(90))).unwrap_err();
    assert_eq!(refused.code, Code::ProjectEnded);
    // Without the project, she launches as before.
    another.project = None;
    ask!(world, launch(&ADA, &another)).unwrap();
    lift(&world, &OLGA).unwrap();
    ask!(world, start_instance(&ADA, &region(), "work")).unwrap();
    assert_eq!(pass(&world, 20), []);
    assert_eq!(state(&world, &id), InstanceState::Running);
}

#[test]
fn only_those_who_manage_a_project_set_its_end() {
    let world = team(Setup::seeded(3));
    let end = world.now() + minutes(30);
    let refused = end_project(&world, &ADA, end, true).unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    assert_eq!(lift(&world, &ADA).unwrap_err().code, Code::NotAllowed);
    let refused = end_project(&world, &BOB, end, true).unwrap_err();
    assert_eq!(refused.code, Code::ProjectNotFound);
    let refused = end_project(&world, &OLGA, world.now(), true).unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
}

#[test]
fn sixty_instances_stop_within_five_minutes_and_none_is_terminated_before_its_last_save() {
    let mut setup = Setup::seeded(7);
    setup.cloud.throttles.neighbour_percent = 50;
    setup.cloud.limits.instances = 200;
    let world = team(setup);
    let mut instances: Vec<InstanceId> = (0..59)
        .map(|it| add(&world, &format!("Work {it}")))
        .collect();
    // One was stopped before.
    world.admin.stop(&instances[7]).unwrap();
    // The owner of one has chosen a template.
    instances.push(launch(&world, "chosen"));
    let chosen = EndRequest {
        for_minutes: Some(100_000),
        last_save: Some("my-own".parse().unwrap()),
        ..EndRequest::default()
    };
    set(&world, &ADA, "chosen", chosen).unwrap();
    let end = world.now() + minutes(30);
    end_project(&world, &OLGA, end, true).unwrap();
    while world.now() < end {
        assert_eq!(minute(&world), []);
    }
    while instances.iter().any(|id| !state(&world, id).is_gone()) {
        assert!(world.now() < end + minutes(120), "it does not end");
        minute(&world);
    }
    let mut last_saved = end;
    let mut by_template = 0;
    for id in &instances {
        let known = stored(&world, id).unwrap().end;
        let record = world.record(&known.save_id.unwrap()).unwrap();
        assert_eq!(record.state, SaveState::Succeeded);
        by_template += usize::from(record.request.template.as_str() == "my-own");
        let saved = record.ended_at.unwrap();
        let history = world.cloud.history_of(id).unwrap();
        let going = |(_, state): &&(Timestamp, InstanceState)| state.is_gone();
        let (gone, _) = *history.iter().find(going).unwrap();
        assert!(
            saved <= gone,
            "{id} was terminated at {gone} and saved at {saved}"
        );
        assert!(gone - saved <= minutes(5), "{id}: {}", gone - saved);
        last_saved = last_saved.max(saved);
        let stopping = |(_, state): &&(Timestamp, InstanceState)| *state == InstanceState::Stopping;
        let (stopped, _) = *history.iter().rfind(stopping).unwrap();
        assert!(stopped - end <= minutes(5), "{id}: {}", stopped - end);
        // From then on, nobody can change what is saved.
        let running = |(_, state): &&(Timestamp, InstanceState)| *state == InstanceState::Running;
        let (started, _) = *history.iter().rfind(running).unwrap();
        assert!(started <= stopped, "{id} runs again at {started}");
    }
    assert_eq!(by_template, 1);
    pass(&world, 10);
    let view = end_of(&world);
    assert!(view.ended_at.unwrap() <= last_saved + minutes(15));
    let traffic = world.admin.traffic(&region()).unwrap();
    for action in ["TerminateInstances", "StopInstances", "DescribeInstances"] {
        let (own, others) = traffic[action];
        assert_eq!((own.throttled, others.throttled), (0, 0), "{action}");
    }
    let starts = traffic.get("StartInstances");
    assert!(starts.is_none_or(|(own, _)| own.calls == 0), "{starts:?}");
}

#[test]
fn sixty_instances_stop_within_five_minutes_if_nothing_is_saved() {
    let mut setup = Setup::seeded(7);
    setup.cloud.throttles.neighbour_percent = 50;
    setup.cloud.limits.instances = 200;
    let world = team(setup);
    let instances: Vec<InstanceId> = (0..60)
        .map(|it| add(&world, &format!("work-{it}")))
        .collect();
    let end = world.now() + minutes(10);
    end_project(&world, &OLGA, end, false).unwrap();
    while world.now() < end + minutes(10) {
        minute(&world);
    }
    for id in &instances {
        let history = world.cloud.history_of(id).unwrap();
        let stopping = |(_, state): &&(Timestamp, InstanceState)| *state == InstanceState::Stopping;
        let (asked, _) = *history.iter().find(stopping).unwrap();
        assert!(
            (end..=end + minutes(5)).contains(&asked),
            "{id}: {}",
            asked - end
        );
        assert_eq!(state(&world, id), InstanceState::Stopped);
    }
    assert!(end_of(&world).ended_at.is_some());
}

fn end_of(world: &World) -> prism_functions::domain::end::ProjectEnd {
    let stored = world.must(world.service.env.registry.project(&brain()));
    stored.unwrap().value.end.unwrap()
}

/// An instance of Ada's that the end of its project has only stopped, because its last save failed.
fn only_stopped(world: &World) -> InstanceId {
    let id = launch(world, "work");
    end_project(world, &OLGA, world.now() + minutes(30), true).unwrap();
    pass(world, 29);
    world.admin.fail_next_image("EC2 had a bad day").unwrap();
    pass(world, 60);
    assert_eq!(state(world, &id), InstanceState::Stopped);
    id
}

#[test]
fn an_instance_whose_save_fails_stays_stopped_and_the_project_ends_nevertheless() {
    let world = team(Setup::seeded(3));
    only_stopped(&world);
    let told = notices(&world, NoticeEvent::InstanceEnded);
    assert!(
        told[0]
            .text
            .contains("was only stopped, because its last save failed"),
        "{told:?}"
    );
    assert_eq!(told[0].to, [ADA.user.clone()].into());
    assert!(end_of(&world).ended_at.is_some());
    let known = shown(&world, &ADA, "work").unwrap().unwrap();
    assert!(known.of_project && known.save_failure.is_some());
    assert_eq!(known.then, Then::Stop);
}

#[test]
fn an_end_that_is_lifted_in_time_ends_nothing() {
    let world = team(Setup::seeded(3));
    let id = launch(&world, "work");
    end_project(&world, &OLGA, world.now() + minutes(30), true).unwrap();
    pass(&world, 29);
    lift(&world, &OLGA).unwrap();
    lift(&world, &OLGA).unwrap();
    assert_eq!(pass(&world, 20), []);
    assert_eq!(state(&world, &id), InstanceState::Running);
    assert_eq!(shown(&world, &ADA, "work").unwrap(), None);
}

#[test]
fn only_this_deployments_instances_end_with_a_project() {
    let world = team(Setup::seeded(3));
    let ours = add(&world, "ours");
    let others = add(&world, "others");
    let nobodys = add(&world, "nobodys");
    let tag = |id, value: Option<&str>| {
        let tagged = world.admin.edit(id, |facts| {
            facts.tags.remove(DEPLOYMENT_TAG);
            let value = value.map(|value| (DEPLOYMENT_TAG.to_owned(), value.to_owned()));
            facts.tags.extend(value);
        });
        tagged.unwrap();
    };
    tag(&others, Some("others"));
    tag(&nobodys, None);
    end_project(&world, &OLGA, world.now() + minutes(5), false).unwrap();
    pass(&world, 20);
    assert_eq!(state(&world, &ours), InstanceState::Stopped);
    assert_eq!(state(&world, &others), InstanceState::Running);
    assert_eq!(state(&world, &nobodys), InstanceState::Running);
    assert!(end_of(&world).ended_at.is_some());
}

/// The owner has not chosen that anything is saved, or terminated after that.
#[test]
fn the_last_save_of_an_earlier_end_of_the_project_is_not_taken_over() {
    let world = team(Setup::seeded(3));
    let id = only_stopped(&world);
    lift(&world, &OLGA).unwrap();
    ask!(world, start_instance(&ADA, &region(), "work")).unwrap();
    world.pass(60);
    end_project(&world, &OLGA, world.now() + minutes(30), false).unwrap();
    pass(&world, 90);
    assert_eq!(state(&world, &id), InstanceState::Stopped);
}

/// The owner has chosen it for an end that is over.
#[test]
fn the_last_save_of_an_earlier_end_of_the_instance_is_not_taken_over() {
    let world = team(Setup::seeded(3));
    let id = launch(&world, "work");
    let own = EndRequest {
        for_minutes: Some(5),
        last_save: Some("my-own".parse().unwrap()),
        ..EndRequest::default()
    };
    set(&world, &ADA, "work", own).unwrap();
    pass(&world, 60);
    assert_eq!(state(&world, &id), InstanceState::Stopped);
    ask!(world, start_instance(&ADA, &region(), "work")).unwrap();
    world.pass(60);
    assert_eq!(state(&world, &id), InstanceState::Running);
    end_project(&world, &OLGA, world.now() + minutes(30), false).unwrap();
    pass(&world, 90);
    assert_eq!(state(&world, &id), InstanceState::Stopped);
}

#[test]
fn a_region_that_does_not_answer_is_asked_again() {
    use std::cell::Cell;
    thread_local! {
        static SILENT: Cell<bool> = const { Cell::new(false) };
    }
    let world = team(Setup::seeded(3).bent(|ec2| ec2.answers_in = |_| !SILENT.get()));
    let id = launch(&world, "work");
    end_project(&world, &OLGA, world.now() + minutes(5), false).unwrap();
    SILENT.set(true);
    for _ in 0..20 {
        let _ = world.run(world.service.sweep_ends(minutes(0)));
        world.pass(60);
    }
    assert_eq!(end_of(&world).ended_at, None);
    SILENT.set(false);
    assert_eq!(pass(&world, 10).len(), 1);
    assert_eq!(state(&world, &id), InstanceState::Stopped);
}

#[test]
fn an_instance_in_a_region_that_is_no_longer_allowed_ends_too() {
    let world = team(Setup::seeded(3));
    let mut launch = launch_request("ubuntu", "work");
    launch.project = Some(brain());
    launch.region = west();
    let (_, view) = ask!(world, launch(&ADA, &launch)).unwrap();
    world.pass(60);
    end_project(&world, &OLGA, world.now() + minutes(5), false).unwrap();
    let mut service = world.service.clone();
    service.env.settings.allowed_regions = "us-east-1".parse().unwrap();
    for _ in 0..20 {
        world.must(service.sweep_ends(minutes(0)));
        world.pass(60);
    }
    let history = world.cloud.history_of(&view.id.parse().unwrap()).unwrap();
    assert_eq!(history.last().unwrap().1, InstanceState::Stopped);
    assert!(end_of(&world).ended_at.is_some());
}
