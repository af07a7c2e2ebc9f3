//! What is sent, and to whom.

use prism_functions::domain::NoticeEvent;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveRequest;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, BOB, OLGA, Setup, World, brain, budget_request, caller, id_of, kept, launched, nightly,
    project_request, region, save_request, saved, schedule_request, share_request,
};

use crate::{sent, users};

fn project(world: &World) {
    ask!(world, create_project(&OLGA, project_request("brain"))).unwrap();
    for (user, role) in [
        ("ada", ProjectRole::Member),
        ("alex", ProjectRole::Admin),
        ("vic", ProjectRole::Viewer),
    ] {
        let user = user.parse().unwrap();
        world.must(world.service.add_member(&OLGA, &brain(), &user, role));
    }
}

fn for_brain() -> SaveRequest {
    SaveRequest {
        project: Some(brain()),
        ..save_request("work", "kept")
    }
}

#[test]
fn the_end_of_a_save_is_told_to_the_user_who_saved() {
    let world = launched(Setup::seeded(3));
    saved(&world, save_request("work", "kept"));
    let [notice] = sent(&world, NoticeEvent::SaveSucceeded).try_into().unwrap();
    assert_eq!(notice.to, users(["ada"]));
    assert_eq!(notice.template, Some(kept()));
    assert_eq!(notice.instance, Some(id_of(&world)));
    assert!(notice.save_id.is_some() && !notice.alarm, "{notice:?}");
}

#[test]
fn a_share_is_told_to_those_who_receive_it_once() {
    let world = launched(Setup::seeded(3));
    project(&world);
    saved(&world, save_request("work", "kept"));
    let share = |to: &str| ask!(world, share(&ADA, &kept(), &share_request(to))).unwrap();
    share("user:bob");
    share("user:bob");
    let [to_bob] = sent(&world, NoticeEvent::ShareReceived).try_into().unwrap();
    assert_eq!(to_bob.to, users(["bob"]));
    assert_eq!(to_bob.template, Some(kept()));
    share("project:brain");
    share("account:444455556666");
    share("public");
    let [_, to_brain] = sent(&world, NoticeEvent::ShareReceived).try_into().unwrap();
    // Ada, who shared it, knows.
    assert_eq!(to_brain.to, users(["alex", "olga", "vic"]));
    assert_eq!(to_brain.project, Some(brain()));
    assert!(ask!(world, share(&BOB, &kept(), &share_request("user:eve"))).is_err());
    assert_eq!(sent(&world, NoticeEvent::ShareReceived).len(), 2);
}

#[test]
fn a_budget_is_told_to_those_who_manage_the_project() {
    let world = launched(Setup::seeded(3));
    project(&world);
    let request = budget_request(0.01, &[50], false);
    world.must(world.service.set_budget(&OLGA, &brain(), request));
    saved(&world, for_brain());
    let [notice] = sent(&world, NoticeEvent::BudgetCrossed).try_into().unwrap();
    assert_eq!(notice.to, users(["alex", "olga"]));
    assert_eq!(notice.project, Some(brain()));
}

#[test]
fn a_schedule_that_missed_runs_or_could_not_begin_is_told_to_its_owner() {
    let world = launched(Setup::seeded(3));
    let asked = schedule_request("nightly", save_request("work", "kept"));
    ask!(world, create_schedule(&caller("ada"), asked)).unwrap();
    let fire = || {
        assert_eq!(ask!(world, fire_due_schedules()).unwrap().len(), 1);
        world.clock.run_until_idle().unwrap();
    };
    world.pass(24 * 3600 + 60);
    fire();
    assert_eq!(sent(&world, NoticeEvent::ScheduleMissed), []);
    world.pass(4 * 24 * 3600);
    fire();
    let [missed] = sent(&world, NoticeEvent::ScheduleMissed)
        .try_into()
        .unwrap();
    assert_eq!(missed.to, users(["ada"]));
    assert_eq!(missed.schedule, Some(nightly()));
    assert!(missed.text.contains("missed 3 runs"), "{}", missed.text);
    ask!(world, terminate_instance(&ADA, &region(), "work")).unwrap();
    world.pass(24 * 3600);
    fire();
    let [failed] = sent(&world, NoticeEvent::ScheduleFailed)
        .try_into()
        .unwrap();
    assert_eq!(failed.to, users(["ada"]));
    assert_eq!(failed.schedule, Some(nightly()));
}
