//! Notices reach people whatever happens to those who receive them, and no save waits for that.

use chrono::TimeDelta;
use prism_functions::domain::end::EndRequest;
use prism_functions::domain::save::SaveState;
use prism_functions::domain::{NoticeEvent, Timestamp};
use prism_functions::operations::parts::{IfMatch, Json, Nothing};
use prism_functions::operations::{
    Asked, Deliveries, NotifyRequest, ProjectEndRequest, SetProjectEnd,
};
use prism_functions::ports::{CourierError, Notice, Post};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, Setup, World, brain, launch_request, launched, project_request, save_request,
};
use serde_json::{Value, json};

use crate::{reachable, request, sent, set, shown};

fn down() -> CourierError {
    CourierError {
        reason: "connection refused".to_owned(),
        transient: true,
    }
}

fn fails(world: &World) -> SaveState {
    // There is no such instance.
    let record = world.save("ada", save_request("nobody", "kept")).unwrap();
    record.state
}

fn everything() -> NotifyRequest {
    NotifyRequest {
        on: Some(
            NoticeEvent::ALL
                .iter()
                .copied()
                .filter(|it| *it != NoticeEvent::Test)
                .collect(),
        ),
        ..request()
    }
}

fn id_of(post: &Post) -> &str {
    let found = post
        .headers
        .iter()
        .find(|(name, _)| *name == "prism-notice-id");
    &found.unwrap().1
}

fn due(world: &World) -> Deliveries {
    world.must(world.service.deliver_due())
}

#[test]
fn each_kind_of_notice_takes_both_ways() {
    let world = World::new(6);
    reachable(&world, &ADA);
    set(&world, &ADA, everything()).unwrap();
    for event in NoticeEvent::ALL {
        let notice = Notice {
            to: [ADA.user.clone()].into(),
            ..Notice::new(*event, world.now(), format!("About {event}."))
        };
        world.run(world.service.env.tell(&notice));
        let delivered = world.must(world.service.deliver_notice(&notice));
        assert_eq!(
            delivered,
            Deliveries {
                delivered: 2,
                ..Deliveries::default()
            },
            "{event}"
        );
        let [mail] = world.letters.mails().try_into().unwrap();
        assert!(
            mail.subject.contains(event.as_str()) && mail.text.contains("About"),
            "{mail:?}"
        );
        let [post] = world.letters.posts().try_into().unwrap();
        let body: Value = serde_json::from_str(&post.body).unwrap();
        assert_eq!(body["event"], event.as_str());
        assert_eq!(body["user"], "ada");
        // Once delivered, it is not sent again, neither by the timer nor by a second event.
        assert_eq!(
            world.must(world.service.deliver_notice(&notice)),
            Deliveries::default()
        );
    }
    assert_eq!(due(&world), Deliveries::default());
}

#[test]
fn a_user_gets_only_what_was_chosen() {
    let world = launched(Setup::seeded(6));
    reachable(&world, &ADA);
    world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(due(&world), Deliveries::default());
    fails(&world);
    assert_eq!(
        due(&world).delivered,
        0,
        "it was refused before it had a record"
    );
    set(&world, &ADA, everything()).unwrap();
    world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(due(&world).delivered, 2);
    let mails = world.letters.mails();
    assert!(
        mails[0]
            .subject
            .starts_with("[Prism] save.succeeded: work was saved as kept@2."),
        "{mails:?}"
    );
}

#[test]
fn receivers_that_are_down_delay_no_save_and_lose_nothing() {
    let took = |is_down: bool| {
        let world = launched(Setup::seeded(6));
        reachable(&world, &ADA);
        set(&world, &ADA, everything()).unwrap();
        world.letters.break_down(is_down.then(down));
        let began = world.now();
        let record = world.save("ada", save_request("work", "kept")).unwrap();
        assert_eq!(record.state, SaveState::Succeeded);
        (world, record.ended_at.unwrap() - began)
    };
    let (_, without) = took(false);
    let (world, with) = took(true);
    assert_eq!(with, without);
    let tried = due(&world);
    assert_eq!(
        tried,
        Deliveries {
            postponed: 2,
            ..Deliveries::default()
        }
    );
    // Not before its time.
    assert_eq!(due(&world), Deliveries::default());
    world.pass(60);
    assert_eq!(due(&world).postponed, 2);
    world.letters.break_down(None);
    world.pass(3 * 60);
    assert_eq!(due(&world).delivered, 2);
    let [mail] = world.letters.mails().try_into().unwrap();
    assert!(
        mail.text.contains("work was saved as kept@1."),
        "{}",
        mail.text
    );
    let delivered = shown(&world, &ADA).webhook.unwrap().deliveries;
    assert_eq!(
        (delivered.delivered_at, delivered.failure),
        (Some(world.now()), None)
    );
}

#[test]
fn what_one_process_cannot_send_another_one_does() {
    let mut world = launched(Setup::seeded(6));
    reachable(&world, &ADA);
    set(&world, &ADA, everything()).unwrap();
    world.save("ada", save_request("work", "kept")).unwrap();
    let couriers = std::mem::take(&mut world.service.couriers);
    assert_eq!(due(&world).postponed, 2);
    world.service.couriers = couriers;
    world.pass(60);
    assert_eq!(due(&world).delivered, 2);
}

#[test]
fn a_notice_is_given_up_after_a_day_and_its_user_can_see_that() {
    let world = launched(Setup::seeded(6));
    reachable(&world, &ADA);
    set(&world, &ADA, everything()).unwrap();
    world.letters.break_down(Some(down()));
    world.save("ada", save_request("work", "kept")).unwrap();
    let began = world.now();
    let (mut attempts, mut given_up) = (0, 0);
    while attempts < 100 {
        let deliveries = due(&world);
        attempts += deliveries.postponed + deliveries.given_up;
        given_up += deliveries.given_up;
        if given_up == 2 {
            break;
        }
        world.pass(60);
    }
    let hours = (world.now() - began).num_hours();
    assert!((19..=24).contains(&hours), "{hours}");
    assert_eq!(attempts, 2 * 14);
    let failure = shown(&world, &ADA)
        .email
        .unwrap()
        .deliveries
        .failure
        .unwrap();
    assert_eq!(failure.reason, "connection refused");
    assert_eq!(failure.event, NoticeEvent::SaveSucceeded);
    // It is not tried again, even if it could arrive now.
    world.letters.break_down(None);
    world.pass(48 * 3600);
    assert_eq!(due(&world), Deliveries::default());
}

#[test]
fn what_can_never_arrive_is_given_up_at_once() {
    let world = World::new(6);
    reachable(&world, &ADA);
    crate::test(&world, &ADA).unwrap();
    let error = CourierError {
        transient: false,
        ..down()
    };
    world.letters.break_down(Some(error));
    assert_eq!(
        due(&world),
        Deliveries {
            given_up: 2,
            ..Deliveries::default()
        }
    );
}

#[test]
fn a_deliverer_that_ends_in_the_middle_is_followed_by_another() {
    let world = World::new(6);
    reachable(&world, &ADA);
    crate::test(&world, &ADA).unwrap();
    let [notice] = sent(&world, NoticeEvent::Test).try_into().unwrap();
    // Two at once deliver it once.
    let (one, other) = (&world.service, world.service.clone());
    let both = futures::future::join(one.deliver_notice(&notice), other.deliver_due());
    let (one, other) = world.run(both);
    assert_eq!(one.unwrap().delivered + other.unwrap().delivered, 2);
    let posts = world.letters.posts();
    assert_eq!(posts.len(), 1);
    assert!(id_of(&posts[0]).starts_with("notice-"));
}

#[test]
fn a_repeated_notice_of_a_save_is_one_notice() {
    let world = World::new(6);
    reachable(&world, &ADA);
    let at = |minute: i64| -> Timestamp { world.now() + chrono::TimeDelta::minutes(minute) };
    let stranded = |minute: i64, text: &str| Notice {
        to: [ADA.user.clone()].into(),
        save_id: Some("save-0123456789abcdef".parse().unwrap()),
        ..Notice::new(NoticeEvent::SaveStranded, at(minute), text)
    };
    for notice in [stranded(0, "a"), stranded(1, "a"), stranded(2, "b")] {
        world.run(world.service.env.tell(&notice));
    }
    world.pass(600);
    assert_eq!(due(&world).delivered, 4);
    let posts = world.letters.posts();
    assert_ne!(id_of(&posts[0]), id_of(&posts[1]));
}

/// An instance and a project of Ada's, of whose ends she is to be warned now.
fn ending(world: &World) {
    let at = world.now() + TimeDelta::minutes(30);
    let mut launch = launch_request("ubuntu", "work");
    launch.end = Some(EndRequest {
        at: Some(at),
        warn_minutes: Some(60),
        ..EndRequest::default()
    });
    ask!(world, launch(&ADA, &launch)).unwrap();
    ask!(world, create_project(&ADA, project_request("brain"))).unwrap();
    let last_save = false;
    let asked = Asked::<SetProjectEnd> {
        path: brain(),
        query: Nothing {},
        head: IfMatch(None),
        body: Json(ProjectEndRequest { at, last_save }),
    };
    world.run(world.service.told(&ADA, asked)).unwrap();
    world.pass(60);
}

/// That the warning was sent cannot be recorded, and the sweep does not run for a while.
#[test]
fn a_warning_that_is_repeated_late_arrives_once() {
    for (sk, event) in [
        ("END", NoticeEvent::InstanceEnding),
        ("META", NoticeEvent::ProjectEnding),
    ] {
        let world = World::new(6);
        reachable(&world, &ADA);
        set(&world, &ADA, everything()).unwrap();
        ending(&world);
        world.table.fail_writes_of(Some(sk));
        let swept = world.run(world.service.sweep_ends(TimeDelta::zero()));
        assert!(swept.is_err(), "{swept:?}");
        world.table.fail_writes_of(None);
        world.pass(600);
        world.must(world.service.sweep_ends(TimeDelta::zero()));
        let [first, late] = sent(&world, event).try_into().unwrap();
        assert_eq!(first.at, late.at, "{event}");
        assert_ne!(first.text, late.text, "{event}");
        assert_eq!(due(&world).delivered, 4, "{event}");
        assert_eq!(world.letters.posts().len(), 2, "{event}");
    }
}

#[test]
fn what_the_function_is_invoked_with_is_an_event_or_a_tick() {
    let world = World::new(6);
    reachable(&world, &ADA);
    crate::test(&world, &ADA).unwrap();
    let [notice] = sent(&world, NoticeEvent::Test).try_into().unwrap();
    let event = json!({ "source": "prism", "detail": notice });
    let answered = world.must(world.service.deliver_by(&event));
    assert_eq!(
        answered,
        json!({ "delivered": 2, "postponed": 0, "given_up": 0 })
    );
    world.pass(60);
    crate::test(&world, &ADA).unwrap();
    for tick in [json!({ "detail": {} }), json!(null)] {
        world.must(world.service.deliver_by(&tick));
    }
    assert_eq!(world.letters.posts().len(), 2);
}

#[test]
fn a_channel_that_is_removed_gets_nothing_more() {
    let world = World::new(6);
    reachable(&world, &ADA);
    crate::test(&world, &ADA).unwrap();
    let off = NotifyRequest {
        off: ["email".parse().unwrap(), "webhook".parse().unwrap()].into(),
        ..request()
    };
    set(&world, &ADA, off).unwrap();
    assert_eq!(due(&world), Deliveries::default());
    assert!(world.letters.mails().is_empty() && world.letters.posts().is_empty());
}
