//! Rights that a user had when a save began but no longer has when it ends, and templates that move to another project.

use prism_functions::domain::audit::Channel;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::{SaveRequest, SaveState};
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Code, Problem, ProjectName, SaveId, TemplateName, UserId};
use prism_functions::operations::ProjectRequest;
use prism_tests::asks::Asks as _;
use prism_tests::story::to_the_end;
use prism_tests::world::{World, begun, caller, copy_request, save_request};

use crate::{RunIt as _, brain, for_brain, kept, project, saved};

fn evil() -> ProjectName {
    "evil".parse().unwrap()
}

fn made(world: &World, user: &str, name: ProjectName) {
    let request = ProjectRequest {
        name,
        description: String::new(),
    };
    let by = caller(user);
    let made = world.service.create_project(&by, request);
    world.clock.run_it(made);
}

fn has_role(world: &World, user: &str, role: ProjectRole) {
    let (olga, brain, user): (_, _, UserId) = (caller("olga"), brain(), user.parse().unwrap());
    let changed = world.service.add_member(&olga, &brain, &user, role);
    world.clock.run_it(changed);
}

fn leaves(world: &World, user: &str) {
    let (olga, brain, user): (_, _, UserId) = (caller("olga"), brain(), user.parse().unwrap());
    let removed = world.service.remove_member(&olga, &brain, &user);
    world.clock.run_it(removed);
}

/// The project brain, in which Ada has the template `kept`; Adam is an admin there, and has an instance.
fn lab() -> World {
    let world = World::new(23);
    project(&world);
    has_role(&world, "adam", ProjectRole::Admin);
    world.launch("ada", "ubuntu", "work");
    world.launch("adam", "ubuntu", "play");
    saved(&world, for_brain(save_request("work", "kept")));
    world
}

fn into(project: ProjectName, instance: &str, agreed: bool) -> SaveRequest {
    SaveRequest {
        project: Some(project),
        move_template: agreed,
        ..save_request(instance, "kept")
    }
}

fn project_of(world: &World, name: &TemplateName) -> Option<ProjectName> {
    let stored = world
        .clock
        .run_it(world.service.env.registry.template(name));
    stored.and_then(|stored| stored.value.project)
}

fn refusal(ended: Result<prism_functions::domain::save::SaveRecord, Problem>) -> String {
    match ended {
        Ok(record) => record.failure.unwrap().code,
        Err(problem) => problem.code.to_string(),
    }
}

#[test]
fn moving_a_template_requires_the_right_to_delete_it() {
    let world = lab();
    made(&world, "adam", evil());
    let (adam, all): (_, TemplateRef) = (caller("adam"), "kept".parse().unwrap());
    let delete = || {
        let deleted = world.service.delete_template(&adam, &all, true);
        world.clock.run(deleted).unwrap_err().code
    };
    assert_eq!(delete(), Code::NotAllowed);
    let ended = world.save("adam", into(evil(), "play", true));
    assert_eq!(refusal(ended), "NotAllowed");
    assert_eq!(project_of(&world, &kept()), Some(brain()));
    assert_eq!(delete(), Code::NotAllowed);
    // The owner of the project may delete what is in it, and may therefore also move it out.
    made(&world, "olga", "other".parse().unwrap());
    world.launch("olga", "ubuntu", "box");
    let ended = world.save("olga", into("other".parse().unwrap(), "box", true));
    assert_eq!(ended.unwrap().version, Some(2));
}

#[test]
fn an_admin_who_may_move_it_at_first_and_not_at_the_end_moves_nothing() {
    let world = lab();
    made(&world, "adam", evil());
    has_role(&world, "adam", ProjectRole::Owner);
    let adam = caller("adam");
    let started = world
        .service
        .start_save(&adam, into(evil(), "play", true), None);
    let id = world.clock.run_it(started).save_id;
    world.pass(5);
    has_role(&world, "adam", ProjectRole::Admin);
    to_the_end(&world, &id);
    let failure = world.record(&id).unwrap().failure.unwrap();
    assert_eq!(failure.code, "NotAllowed", "{failure:?}");
    assert_eq!(project_of(&world, &kept()), Some(brain()));
}

#[test]
fn a_move_is_planned_with_its_costs_and_made_where_it_was_agreed_to() {
    let world = lab();
    made(&world, "ada", evil());
    let ada = caller("ada");
    let plan = world.service.plan_save(&ada, into(evil(), "work", false));
    let plan = world.clock.run_it(plan);
    let moves = plan.moves.unwrap();
    assert_eq!((moves.from, moves.to), (Some(brain()), evil()));
    assert_eq!(moves.up_to_version, 1);
    let (registry, from) = (&world.service.env.registry, brain());
    let costs = world.clock.run_it(registry.project_usd(&from));
    assert!((moves.usd_per_month - costs).abs() < 1e-9 && costs > 0.0);
    let before = world.admin.inventory().unwrap();
    let ended = world.save("ada", into(evil(), "work", false));
    assert_eq!(refusal(ended), "MoveNotAgreed");
    assert_eq!(world.admin.inventory().unwrap(), before);
    assert_eq!(project_of(&world, &kept()), Some(brain()));
    let ended = world.save("ada", into(evil(), "work", true)).unwrap();
    assert_eq!(ended.version, Some(2));
    assert_eq!(project_of(&world, &kept()), Some(evil()));
    // If nothing moves, no consent is needed.
    let plan = world.service.plan_save(&ada, into(evil(), "work", false));
    assert_eq!(world.clock.run_it(plan).moves, None);
}

#[test]
fn the_consent_to_move_is_for_the_project_in_the_plan() {
    let world = lab();
    world.launch("ada", "ubuntu", "more");
    let third: ProjectName = "third".parse().unwrap();
    made(&world, "ada", evil());
    made(&world, "ada", third.clone());
    let slow = begun(&world, into(evil(), "work", true));
    world.pass(5);
    let ada = caller("ada");
    let quick = world
        .service
        .start_save(&ada, into(third.clone(), "more", true), None);
    let quick = world.clock.run_it(quick).save_id;
    to_the_end(&world, &quick);
    to_the_end(&world, &slow);
    let ends: Vec<_> = [&quick, &slow]
        .map(|id| world.record(id).unwrap())
        .into_iter()
        .map(|record| record.failure.map(|it| it.code))
        .collect();
    let refused = Some("MoveNotAgreed".to_owned());
    assert!(ends.contains(&None) && ends.contains(&refused), "{ends:?}");
}

#[test]
fn a_schedule_moves_no_template() {
    let world = lab();
    made(&world, "ada", evil());
    let asked = |agreed, project: ProjectName| ScheduleRequest {
        name: Some("nightly".parse().unwrap()),
        cadence: "rate(1 day)".parse().unwrap(),
        timezone: "UTC".parse().unwrap(),
        jitter_minutes: 0,
        keep: None,
        request: into(project, "work", agreed),
    };
    let ada = caller("ada");
    let create = |asked| {
        let made = world.service.create_schedule(&ada, asked);
        world.clock.run(made)
    };
    let refused = create(asked(true, evil())).unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
    let refused = create(asked(false, evil())).unwrap_err();
    assert_eq!(refused.code, Code::MoveNotAgreed);
    create(asked(false, brain())).unwrap();
    // It is moved by hand later, and the schedule does not move it back.
    let moved = world.save("ada", into(evil(), "work", true)).unwrap();
    assert_eq!(moved.version, Some(2));
    let name = "nightly".parse().unwrap();
    let run = world.service.run_schedule(&ada, &name, None);
    assert_eq!(world.clock.run(run).unwrap_err().code, Code::MoveNotAgreed);
    world.pass(25 * 3600);
    let fired = world.clock.run_it(world.service.fire_due_schedules());
    assert_eq!(fired.len(), 1);
    world.clock.run_until_idle().unwrap();
    let runs = world.clock.run_it(world.service.schedule(&ada, &name)).runs;
    let failure = format!("{:?}", runs[0]);
    assert!(failure.contains("MoveNotAgreed"), "{failure}");
    assert_eq!(project_of(&world, &kept()), Some(evil()));
}

fn images_of(world: &World, id: &SaveId) -> usize {
    let inventory = world.admin.inventory().unwrap();
    let ours = |tag: &String| tag == id.as_str();
    let images = inventory.images.iter();
    images
        .filter(|(_, image)| image.tags.get(SAVE_TAG).is_some_and(ours))
        .count()
}

/// Ada is in the project when each of these begins, and is removed or demoted before it ends.
#[test]
fn a_user_who_leaves_a_project_during_a_save_leaves_nothing_there() {
    type Change = fn(&World);
    let removed: Change = |world| leaves(world, "ada");
    let demoted: Change = |world| has_role(world, "ada", ProjectRole::Viewer);
    for (template, change) in [
        ("fresh", removed),
        ("fresh", demoted),
        ("kept", removed),
        ("kept", demoted),
    ] {
        let world = lab();
        let id = begun(&world, for_brain(save_request("work", template)));
        world.pass(5);
        change(&world);
        to_the_end(&world, &id);
        let record = world.record(&id).unwrap();
        assert_eq!(record.state, SaveState::Failed, "{template}");
        let failure = record.failure.unwrap();
        assert!(
            ["ProjectNotFound", "NotAllowed"].contains(&failure.code.as_str()),
            "{template}: {failure:?}"
        );
        assert!(
            failure.message.contains("This changed after"),
            "{failure:?}"
        );
        assert_eq!(images_of(&world, &id), 0, "{template}");
        let registry = &world.service.env.registry;
        let name = template.parse().unwrap();
        let there = world.clock.run_it(registry.template(&name));
        let newest = there.map_or(0, |stored| stored.value.newest());
        assert_eq!(newest, u32::from(template == "kept"));
    }
}

#[test]
fn a_copy_and_an_added_architecture_end_so_too() {
    let world = lab();
    let copy = prism_functions::domain::copy::CopyRequest {
        publish_sensitive: true,
        ..copy_request("kept", 1, &["us-west-2"])
    };
    let ada = caller("ada").by(Channel::Cli);
    let started = world.service.start_copy(&ada, &copy, None);
    let id = world.clock.run_it(started).save_id;
    world.pass(5);
    leaves(&world, "ada");
    to_the_end(&world, &id);
    let failure = world.record(&id).unwrap().failure.unwrap();
    assert_eq!(failure.code, "ProjectNotFound", "{failure:?}");
    assert_eq!(images_of(&world, &id), 0);
}

/// A schedule runs with the rights that its owner has at each run, and at its end.
#[test]
fn the_schedule_of_who_was_demoted_saves_nothing_for_the_project() {
    let world = lab();
    let ada = caller("ada");
    let asked = ScheduleRequest {
        name: Some("nightly".parse().unwrap()),
        cadence: "rate(1 day)".parse().unwrap(),
        timezone: "UTC".parse().unwrap(),
        jitter_minutes: 0,
        keep: None,
        request: SaveRequest {
            move_template: false,
            ..for_brain(save_request("work", "dawn"))
        },
    };
    world
        .clock
        .run_it(world.service.create_schedule(&ada, asked));
    world.pass(25 * 3600);
    let fired = world.clock.run_it(world.service.fire_due_schedules());
    assert_eq!(fired.len(), 1);
    world.pass(5);
    has_role(&world, "ada", ProjectRole::Viewer);
    world.clock.run_until_idle().unwrap();
    let name = "nightly".parse().unwrap();
    let last = || {
        let view = world.clock.run_it(world.service.schedule(&ada, &name));
        format!("{:?}", view.runs[0])
    };
    assert!(last().contains("NotAllowed"), "{}", last());
    // The next run does not even stop the instance.
    world.pass(25 * 3600);
    world.clock.run_it(world.service.fire_due_schedules());
    world.clock.run_until_idle().unwrap();
    assert!(last().contains("NotAllowed"), "{}", last());
    assert_eq!(project_of(&world, &"dawn".parse().unwrap()), None);
    let registry = &world.service.env.registry;
    let dawn = world
        .clock
        .run_it(registry.template(&"dawn".parse().unwrap()));
    assert!(dawn.is_none());
}
