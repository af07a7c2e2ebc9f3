//! How users choose to be notified.

use std::collections::BTreeSet;

use prism_functions::domain::audit::Subject;
use prism_functions::domain::{Code, NoticeEvent, Problem};
use prism_functions::operations::{AuditPage, NotifyRequest, NotifyView};
use prism_functions::ports::Couriers;
use prism_functions::rules::access::Caller;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, BOB, World};
use serde_json::{Value, json};

use crate::{code_in, confirm, request, set, shown, test};

fn email(world: &World, address: &str) -> Result<NotifyView, Problem> {
    let email = Some(address.parse()?);
    set(world, &ADA, NotifyRequest { email, ..request() }).map(|it| it.notify)
}

#[test]
fn nothing_but_a_code_is_sent_to_an_address_until_it_is_confirmed() {
    let world = World::new(4);
    let view = email(&world, "ada@example.org").unwrap();
    assert!(!view.email.unwrap().confirmed);
    let [mail] = world.letters.mails().try_into().unwrap();
    let code = code_in(&mail.text);
    assert_eq!(
        test(&world, &ADA).unwrap_err().code,
        Code::NoticesUnavailable
    );
    assert_eq!(world.letters.mails(), []);
    // Bob's settings are his own.
    assert_eq!(
        confirm(&world, &BOB, &code).unwrap_err().code,
        Code::ConfirmationWrong
    );
    assert!(
        confirm(&world, &ADA, &code)
            .unwrap()
            .email
            .unwrap()
            .confirmed
    );
    test(&world, &ADA).unwrap();
    world.must(world.service.deliver_due());
    assert_eq!(world.letters.mails().len(), 1);
    // The same address again needs no code; another one does.
    assert!(
        email(&world, "ada@example.org")
            .unwrap()
            .email
            .unwrap()
            .confirmed
    );
    assert_eq!(world.letters.mails(), []);
    assert!(
        !email(&world, "eve@example.org")
            .unwrap()
            .email
            .unwrap()
            .confirmed
    );
    assert_eq!(world.letters.mails().len(), 1);
}

#[test]
fn a_code_expires_and_can_be_tried_five_times() {
    let world = World::new(4);
    email(&world, "ada@example.org").unwrap();
    let code = code_in(&world.letters.mails()[0].text);
    for _ in 0..5 {
        assert_eq!(
            confirm(&world, &ADA, "00000000").unwrap_err().code,
            Code::ConfirmationWrong
        );
    }
    confirm(&world, &ADA, &code).unwrap_err();
    email(&world, "ada@example.org").unwrap();
    let code = code_in(&world.letters.mails()[0].text);
    world.pass(3600);
    confirm(&world, &ADA, &code).unwrap_err();
    email(&world, "ada@example.org").unwrap();
    let code = code_in(&world.letters.mails()[0].text);
    world.pass(3599);
    confirm(&world, &ADA, &code).unwrap();
}

#[test]
fn only_a_few_codes_are_sent_a_day() {
    let world = World::new(4);
    for number in 0..5 {
        email(&world, &format!("a{number}@example.org")).unwrap();
    }
    let problem = email(&world, "victim@example.org").unwrap_err();
    assert_eq!(problem.code, Code::LimitReached);
    assert_eq!(world.letters.mails().len(), 5);
    let kept = shown(&world, &ADA).email.unwrap();
    assert_eq!(kept.address.as_str(), "a4@example.org");
    world.pass(24 * 3600);
    email(&world, "victim@example.org").unwrap();
}

#[test]
fn a_secret_is_shown_once_and_can_be_replaced() {
    let world = World::new(4);
    let webhook = || NotifyRequest {
        webhook: Some("https://hooks.example.org/a".parse().unwrap()),
        ..request()
    };
    let rotate = || NotifyRequest {
        rotate_secret: true,
        ..request()
    };
    let problem = set(&world, &ADA, rotate()).unwrap_err();
    assert_eq!(problem.code, Code::InvalidInput);
    let first = set(&world, &ADA, webhook()).unwrap().secret.unwrap();
    assert!(format!("{first:?}").len() < 20 && first.0.len() > 64);
    let view = serde_json::to_string(&shown(&world, &ADA)).unwrap();
    assert!(!view.contains(&first.0), "{view}");
    let second = set(&world, &ADA, rotate()).unwrap();
    assert_ne!(second.secret.unwrap(), first);
    assert!(second.notify.webhook.unwrap().former_secret_until.is_some());
    let signatures = |world: &World| {
        test(world, &ADA).unwrap();
        world.must(world.service.deliver_due());
        let posts = world.letters.posts();
        let signed = posts[0]
            .headers
            .iter()
            .find(|(name, _)| *name == "prism-signature");
        signed.unwrap().1.matches("v1=").count()
    };
    assert_eq!(signatures(&world), 2);
    world.pass(24 * 3600);
    assert_eq!(signatures(&world), 1);
    assert_eq!(
        shown(&world, &ADA).webhook.unwrap().former_secret_until,
        None
    );
}

#[test]
fn events_are_chosen_and_channels_removed() {
    let world = World::new(4);
    let view = shown(&world, &ADA);
    assert!(view.defaults && view.on.contains(&NoticeEvent::SaveStranded));
    assert!(!view.on.contains(&NoticeEvent::SaveSucceeded));
    let on = Some([NoticeEvent::SaveSucceeded].into());
    let chosen = set(
        &world,
        &ADA,
        NotifyRequest {
            on,
            desktop: Some(true),
            ..request()
        },
    );
    let chosen = chosen.unwrap().notify;
    assert_eq!(Vec::from_iter(chosen.on), [NoticeEvent::SaveSucceeded]);
    assert!(chosen.desktop && !chosen.defaults);
    let off = NotifyRequest {
        off: ["desktop".parse().unwrap()].into(),
        defaults: true,
        ..request()
    };
    let view = set(&world, &ADA, off).unwrap().notify;
    assert!(view.defaults && !view.desktop);
    let test = NotifyRequest {
        on: Some([NoticeEvent::Test].into()),
        ..request()
    };
    assert_eq!(
        set(&world, &ADA, test).unwrap_err().code,
        Code::InvalidInput
    );
}

/// The audit of a user, oldest first: each action with its details.
fn audited(world: &World, by: &Caller) -> Vec<(String, Value)> {
    let filter = AuditPage {
        resource: Some(Subject::Notify),
        ..AuditPage::default()
    };
    let events = ask!(world, audit_events(by, &filter, 100, None)).unwrap();
    let events = events.items.into_iter().rev();
    let told = events.map(|event| {
        assert_eq!((&event.user, &event.project), (&by.user, &None));
        (event.action, Value::Object(event.details))
    });
    told.collect()
}

#[test]
fn changes_are_in_the_audit_without_addresses_and_only_for_their_user() {
    let world = World::new(4);
    let by_both = NotifyRequest {
        email: Some("ada@example.org".parse().unwrap()),
        webhook: Some("https://hooks.example.org/prism".parse().unwrap()),
        ..request()
    };
    set(&world, &ADA, by_both).unwrap();
    let code = code_in(&world.letters.mails()[0].text);
    world.pass(1);
    confirm(&world, &ADA, &code).unwrap();
    world.pass(1);
    let change = |request| {
        set(&world, &ADA, request).unwrap();
        world.pass(1);
    };
    let on: Option<BTreeSet<_>> = Some([NoticeEvent::SaveFailed].into());
    let chosen = NotifyRequest {
        on,
        desktop: Some(true),
        off: ["webhook".parse().unwrap()].into(),
        ..request()
    };
    change(chosen.clone());
    // Neither is a change: what is set already, a test, and what became of it.
    change(chosen);
    test(&world, &ADA).unwrap();
    world.must(world.service.deliver_due());
    email(&world, "eve@example.org").unwrap();
    confirm(&world, &ADA, "00000000").unwrap_err();
    let told = audited(&world, &ADA);
    let expected = [
        ("notify.set", json!({"set": ["email", "webhook"]})),
        ("notify.confirm", json!({"channel": "email"})),
        (
            "notify.set",
            json!({"set": ["desktop"], "removed": ["webhook"], "on": ["save.failed"]}),
        ),
        ("notify.set", json!({"set": ["email"]})),
    ];
    let expected = expected.map(|(action, details)| (action.to_owned(), details));
    assert_eq!(told, expected);
    assert_eq!(audited(&world, &BOB), []);
}

#[test]
fn a_deployment_without_couriers_says_so() {
    let mut world = World::new(4);
    world.service.couriers = Couriers::default();
    assert_eq!(
        email(&world, "ada@example.org").unwrap_err().code,
        Code::NoticesUnavailable
    );
    let webhook = Some("https://hooks.example.org/a".parse().unwrap());
    let problem = set(
        &world,
        &ADA,
        NotifyRequest {
            webhook,
            ..request()
        },
    )
    .unwrap_err();
    assert_eq!(problem.code, Code::NoticesUnavailable);
    assert_eq!(
        (shown(&world, &ADA).email, shown(&world, &ADA).webhook),
        (None, None)
    );
}
