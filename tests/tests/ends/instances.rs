//! The end of an instance: the warning, the last save, and what prevents it.

use prism_functions::domain::audit::Channel;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::end::{EndRequest, EndState, Then};
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveState;
use prism_functions::domain::tags::{DEPLOYMENT_TAG, OWNER_TAG};
use prism_functions::domain::{Code, NoticeEvent};
use prism_functions::operations::AuditPage;
use prism_functions::ports::Ec2Error;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, BOB, OLGA, Setup, World, begun, brain, kept, launch_request, project_request, region,
    save_request,
};

use crate::{at, ending, minute, minutes, notices, pass, remove, set, shown, state, stored};

#[test]
fn an_instance_is_stopped_at_its_end_after_a_warning() {
    let world = World::new(3);
    let end = world.now() + minutes(60);
    let instance = ending(&world, at(end));
    let listed = ask!(world, instances(&ADA, &region())).unwrap();
    assert_eq!(listed[0].end.as_ref().unwrap().at, end);
    pass(&world, 43);
    assert_eq!(notices(&world, NoticeEvent::InstanceEnding), []);
    pass(&world, 2);
    let warned = notices(&world, NoticeEvent::InstanceEnding);
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert_eq!(warned[0].to, [ADA.user.clone()].into());
    assert_eq!(warned[0].instance, Some(instance.id.clone()));
    assert!(warned[0].text.contains("ends in 15 min"), "{warned:?}");
    let extend = format!("prism extend {} --for 2h --region us-east-1", instance.id);
    assert!(warned[0].text.ends_with(&extend), "{warned:?}");
    let ended = pass(&world, 13);
    assert_eq!(
        (ended, state(&world, &instance)),
        (vec![], InstanceState::Running)
    );
    let ended = pass(&world, 2);
    assert_eq!((ended.len(), &ended[0].instance), (1, &instance.id));
    assert_eq!(state(&world, &instance), InstanceState::Stopped);
    let told = notices(&world, NoticeEvent::InstanceEnded);
    assert_eq!(told.len(), 1);
    assert!(
        told[0]
            .text
            .ends_with("has reached its end and was stopped.")
    );
    let known = shown(&world, &ADA, "work").unwrap().unwrap();
    assert_eq!(known.state, EndState::Ended);
    // It was ended once: started again, it keeps running.
    ask!(world, start_instance(&ADA, &region(), "work")).unwrap();
    assert_eq!(pass(&world, 10), []);
    assert_eq!(state(&world, &instance), InstanceState::Running);
    assert_eq!(notices(&world, NoticeEvent::InstanceEnded).len(), 1);
    // Until a new end is set.
    set(&world, &ADA, "work", at(world.now() + minutes(5))).unwrap();
    assert_eq!(pass(&world, 7).len(), 1);
    assert_eq!(state(&world, &instance), InstanceState::Stopped);
}

#[test]
fn the_audit_says_on_whose_behalf_it_was_stopped() {
    let world = World::new(3);
    ending(&world, at(world.now() + minutes(5)));
    pass(&world, 6);
    let events = ask!(world, audit_events(&ADA, &AuditPage::default(), 20, None));
    let events = events.unwrap().items;
    let stop = events
        .iter()
        .find(|it| it.action == "instance.stop")
        .unwrap();
    assert_eq!((&stop.user, stop.origin.channel), (&ADA.user, Channel::End));
}

fn saved_first(then: Then) -> EndRequest {
    EndRequest {
        for_minutes: Some(5),
        then,
        last_save: Some(kept()),
        ..EndRequest::default()
    }
}

#[test]
fn an_instance_is_terminated_only_after_its_last_save() {
    let world = World::new(3);
    let instance = ending(&world, saved_first(Then::Terminate));
    pass(&world, 5);
    let id = loop {
        assert_eq!(minute(&world), []);
        let end = shown(&world, &ADA, "work").unwrap().unwrap();
        if let Some(id) = end.save_id {
            break id;
        }
    };
    while world.record(&id).unwrap().state == SaveState::Running {
        assert!(!state(&world, &instance).is_gone());
        minute(&world);
    }
    let record = world.record(&id).unwrap();
    assert_eq!(
        (record.state, record.version),
        (SaveState::Succeeded, Some(1))
    );
    assert_eq!(record.saved_by, ADA.user);
    pass(&world, 3);
    assert_eq!(state(&world, &instance), InstanceState::Terminated);
    let told = notices(&world, NoticeEvent::InstanceEnded);
    assert!(
        told[0]
            .text
            .ends_with("was terminated after it was saved to kept."),
        "{told:?}"
    );
}

/// The sweep may not have run for a while.
#[test]
fn a_late_warning_does_not_say_how_much_time_was_left() {
    let world = World::new(3);
    ending(&world, at(world.now() + minutes(60)));
    world.pass(56 * 60);
    pass(&world, 1);
    let warned = &notices(&world, NoticeEvent::InstanceEnding)[0].text;
    assert!(
        warned.contains(") ends at ") && !warned.contains("15 min"),
        "{warned}"
    );
}

#[test]
fn an_instance_whose_last_save_fails_is_stopped_and_not_terminated() {
    let world = World::new(3);
    let instance = ending(&world, saved_first(Then::Terminate));
    world.admin.fail_next_image("EC2 had a bad day").unwrap();
    pass(&world, 60);
    assert_eq!(state(&world, &instance), InstanceState::Stopped);
    let told = notices(&world, NoticeEvent::InstanceEnded);
    assert_eq!(told.len(), 1);
    let text = &told[0].text;
    assert!(
        text.contains("was only stopped, because its last save failed: save-"),
        "{text}"
    );
    assert!(text.contains("ImageFailed"), "{text}");
}

#[test]
fn an_instance_whose_last_save_is_refused_is_stopped_and_not_terminated() {
    let world = World::new(3);
    let instance = ending(&world, saved_first(Then::Terminate));
    // Somebody else takes the name of the template.
    world.launch("bob", "ubuntu", "his");
    world.save("bob", save_request("his", "kept")).unwrap();
    pass(&world, 20);
    assert_eq!(state(&world, &instance), InstanceState::Stopped);
    let told = notices(&world, NoticeEvent::InstanceEnded);
    assert!(told[0].text.contains("TemplateNameTaken"), "{told:?}");
}

#[test]
fn an_instance_under_a_save_is_ended_after_it() {
    let world = World::new(3);
    let instance = ending(&world, at(world.now() + minutes(5)));
    pass(&world, 3);
    let id = begun(&world, save_request("work", "kept"));
    while !world.record(&id).is_ok_and(|it| it.state.is_final()) {
        assert_eq!(minute(&world), []);
    }
    assert_eq!(world.record(&id).unwrap().state, SaveState::Succeeded);
    assert_eq!(pass(&world, 2).len(), 1);
    assert_eq!(state(&world, &instance), InstanceState::Stopped);
}

#[test]
fn an_end_is_moved_and_removed_and_the_owner_is_warned_again() {
    let world = World::new(3);
    let instance = ending(&world, at(world.now() + minutes(20)));
    pass(&world, 10);
    assert_eq!(notices(&world, NoticeEvent::InstanceEnding).len(), 1);
    set(&world, &ADA, "work", at(world.now() + minutes(60))).unwrap();
    assert_eq!(pass(&world, 58), []);
    assert_eq!(notices(&world, NoticeEvent::InstanceEnding).len(), 2);
    remove(&world, &ADA, "work").unwrap();
    remove(&world, &ADA, "work").unwrap();
    assert_eq!(pass(&world, 10), []);
    assert_eq!(state(&world, &instance), InstanceState::Running);
    assert_eq!(shown(&world, &ADA, "work").unwrap(), None);
}

#[test]
fn an_instance_that_is_gone_or_no_longer_ours_is_left_alone() {
    let world = World::new(3);
    let instance = ending(&world, at(world.now() + minutes(5)));
    world.admin.terminate(&instance.id).unwrap();
    assert_eq!(pass(&world, 7), []);
    assert_eq!(stored(&world, &instance.id), None);
    for (tag, value) in [
        (DEPLOYMENT_TAG, None),
        (DEPLOYMENT_TAG, Some("others")),
        (OWNER_TAG, Some("bob")),
    ] {
        let world = World::new(3);
        let instance = ending(&world, at(world.now() + minutes(5)));
        let tagged = world.admin.edit(&instance.id, |facts| match value {
            None => drop(facts.tags.remove(tag)),
            Some(value) => drop(facts.tags.insert(tag.to_owned(), value.to_owned())),
        });
        tagged.unwrap();
        assert_eq!(pass(&world, 7), []);
        assert_eq!(state(&world, &instance), InstanceState::Running, "{tag}");
        assert_eq!(stored(&world, &instance.id), None);
    }
}

#[test]
fn an_instance_that_ec2_does_not_list_yet_keeps_its_end() {
    let world = World::new(3);
    let mut launch = launch_request("ubuntu", "work");
    launch.end = Some(EndRequest {
        for_minutes: Some(2),
        ..EndRequest::default()
    });
    let (_, view) = world.must(world.service.launch(&ADA, &launch));
    // The warning is due at once.
    assert_eq!(pass(&world, 1), []);
    assert_eq!(pass(&world, 5).len(), 1);
    assert_eq!(world.instance(&view.id).state, InstanceState::Stopped);
}

#[test]
fn a_refusal_of_ec2_is_told_once_and_asked_again_ever_more_rarely() {
    use std::cell::Cell;
    thread_local! {
        static REFUSED: Cell<u32> = const { Cell::new(0) };
        static PROTECTED: Cell<bool> = const { Cell::new(true) };
    }
    let world = Setup::seeded(3)
        .bent(|ec2| {
            ec2.refuses = |action| {
                let refused = action == "StopInstances" && PROTECTED.get();
                REFUSED.set(REFUSED.get() + u32::from(refused));
                refused.then(|| Ec2Error::new(action, "OperationNotPermitted", "stop protection"))
            };
        })
        .build();
    let instance = ending(&world, at(world.now() + minutes(2)));
    assert_eq!(pass(&world, 120), []);
    assert!((5..10).contains(&REFUSED.get()), "{}", REFUSED.get());
    let told = notices(&world, NoticeEvent::InstanceEnding);
    assert_eq!(told.len(), 2, "the warning and the refusal: {told:?}");
    assert!(
        shown(&world, &ADA, "work")
            .unwrap()
            .unwrap()
            .refusal
            .is_some()
    );
    PROTECTED.set(false);
    assert_eq!(pass(&world, 65).len(), 1);
    assert_eq!(state(&world, &instance), InstanceState::Stopped);
    assert!(
        shown(&world, &ADA, "work")
            .unwrap()
            .unwrap()
            .refusal
            .is_none()
    );
}

#[test]
fn the_owner_and_the_managers_of_the_project_may_set_an_end_and_nobody_else() {
    let world = World::new(3);
    ask!(world, create_project(&OLGA, project_request("brain"))).unwrap();
    let member = |user: &prism_functions::rules::access::Caller| {
        ask!(
            world,
            add_member(&OLGA, &brain(), &user.user, ProjectRole::Member)
        )
        .unwrap();
    };
    member(&ADA);
    let mut launch = launch_request("ubuntu", "work");
    launch.project = Some(brain());
    ask!(world, launch(&ADA, &launch)).unwrap();
    world.pass(60);
    let end = at(world.now() + minutes(90));
    let refusals = [
        set(&world, &BOB, "work", end.clone()).map(drop),
        shown(&world, &BOB, "work").map(drop),
        remove(&world, &BOB, "work"),
    ];
    for refused in refusals {
        assert_eq!(refused.unwrap_err().code, Code::InstanceNotFound);
    }
    member(&BOB);
    let refused = set(&world, &BOB, "work", end.clone()).unwrap_err();
    assert_eq!(refused.code, Code::InstanceNotFound);
    set(&world, &OLGA, "work", end.clone()).unwrap();
    let known = shown(&world, &ADA, "work").unwrap().unwrap();
    assert_eq!((known.set_by, Some(known.at)), (OLGA.user.clone(), end.at));
    remove(&world, &ADA, "work").unwrap();
}

#[test]
fn a_template_that_the_owner_may_not_save_to_is_refused_beforehand() {
    let world = World::new(3);
    world.launch("bob", "ubuntu", "his");
    world.save("bob", save_request("his", "kept")).unwrap();
    world.launch("ada", "ubuntu", "work");
    let request = EndRequest {
        for_minutes: Some(90),
        last_save: Some(kept()),
        ..EndRequest::default()
    };
    let refused = set(&world, &ADA, "work", request).unwrap_err();
    assert_eq!(refused.code, Code::TemplateNameTaken);
    assert_eq!(shown(&world, &ADA, "work").unwrap(), None);
}

#[test]
fn many_ends_at_once_stay_within_the_share_of_ec2s_limits() {
    let mut setup = Setup::seeded(7);
    setup.cloud.throttles.neighbour_percent = 50;
    setup.cloud.limits.instances = 2000;
    let world = setup.build();
    let end = world.now() + minutes(30);
    let launched: Vec<_> = (0..120)
        .map(|number| {
            let mut launch = launch_request("ubuntu", &format!("work-{number}"));
            launch.end = Some(at(end));
            let (_, view) = loop {
                match ask!(world, launch(&ADA, &launch)) {
                    Err(problem) if problem.code == Code::Throttled => world.pass(1),
                    launched => break launched.unwrap(),
                }
            };
            world.pass(1);
            view.id
        })
        .collect();
    while world.now() < end + minutes(3) {
        minute(&world);
    }
    for id in &launched {
        let id = id.parse().unwrap();
        let history = world.cloud.history_of(&id).unwrap();
        assert_eq!(history.last().unwrap().1, InstanceState::Stopped);
    }
    let traffic = world.admin.traffic(&region()).unwrap();
    let (own, others) = traffic["StopInstances"];
    assert_eq!(
        (own.throttled, others.throttled),
        (0, 0),
        "{own:?} {others:?}"
    );
    assert_eq!(own.calls, 120);
}
