//! Who can log in to an instance: the keys that a launch installs, and sessions.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use prism_functions::domain::audit::Subject;
use prism_functions::domain::first_boot::MARK;
use prism_functions::domain::public_key::{LAUNCH_KEYS, PublicKey};
use prism_functions::domain::session::SessionKind;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::{AuditPage, LaunchRequest, Session};
use prism_functions::ports::Instance;
use prism_functions::rules::access::Caller;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::keys::ed25519;
use prism_tests::world::{
    ADA, BOB, Setup, World, launch_request, launched, region, save_request, share_request,
};

const FILE: &str = "/home/ubuntu/.ssh/authorized_keys";

fn own(world: &World, by: &Caller, key: PublicKey) {
    ask!(world, add_key(by, key)).unwrap();
}

/// The keys that can log in to an instance, as the file has them.
fn keys(world: &World, instance: &Instance) -> String {
    let account = world.ec2.account().clone();
    let guest = world.cloud.guest(account, region(), instance.id.clone());
    let bytes = guest.file(FILE).unwrap().unwrap_or_default();
    String::from_utf8(bytes).unwrap()
}

fn line(key: &PublicKey) -> String {
    format!("{key}{MARK}\n")
}

#[test]
fn a_launch_installs_the_callers_keys_and_those_of_the_request() {
    let world = World::new(1);
    let (mine, extra) = (ed25519(1, "ada@laptop"), ed25519(2, "robot"));
    own(&world, &ADA, mine.clone());
    own(&world, &BOB, ed25519(3, "bob"));
    let request = LaunchRequest {
        public_keys: vec![extra.clone(), mine.clone()],
        ..launch_request("python-ml", "work")
    };
    let (plan, view) = ask!(world, launch(&ADA, &request)).unwrap();
    let mut prints = vec![mine.fingerprint(), extra.fingerprint()];
    prints.sort();
    assert_eq!(plan.public_keys, prints);
    assert_eq!(view.login.as_deref(), Some("ubuntu"));
    world.pass(300);
    let known = keys(&world, &world.instance(&view.id));
    assert_eq!(known.lines().count(), 2);
    for key in [mine, extra] {
        assert!(known.contains(&line(&key)), "{known}");
    }
}

#[test]
fn an_instance_of_a_saved_template_has_the_keys_of_whoever_launches_it() {
    let world = World::new(2);
    let (ada, bob) = (ed25519(1, "ada"), ed25519(2, "bob"));
    own(&world, &ADA, ada.clone());
    own(&world, &BOB, bob.clone());
    let work = world.launch("ada", "ubuntu", "work");
    assert_eq!(keys(&world, &work), line(&ada));
    // What somebody writes by hand is part of what is saved.
    let by_hand = format!("{}\n", ed25519(9, "group"));
    let account = world.ec2.account().clone();
    let guest = world.cloud.guest(account, region(), work.id.clone());
    let add = ["tee", "-a", FILE].map(str::to_owned);
    guest.run(&add, by_hand.as_bytes()).unwrap();
    let saved = world.save("ada", save_request("work", "kept")).unwrap();
    assert!(saved.version.is_some(), "{saved:?}");
    let to = share_request("user:bob");
    ask!(world, share(&ADA, &prism_tests::world::kept(), &to)).unwrap();

    let theirs = world.launch("bob", "kept", "mine");
    assert_eq!(keys(&world, &theirs), format!("{by_hand}{}", line(&bob)));
    // Whoever has no keys gets none of another user's either.
    let olga = prism_tests::world::OLGA.clone();
    let to = share_request("user:olga");
    ask!(world, share(&ADA, &prism_tests::world::kept(), &to)).unwrap();
    let request = launch_request("kept", "third");
    let (plan, view) = ask!(world, launch(&olga, &request)).unwrap();
    assert_eq!(plan.public_keys, []);
    world.pass(300);
    assert_eq!(keys(&world, &world.instance(&view.id)), by_hand);
}

#[test]
fn too_many_keys_are_refused_before_anything_is_launched() {
    let world = World::new(3);
    let many = 0..=u8::try_from(LAUNCH_KEYS).unwrap();
    let request = LaunchRequest {
        public_keys: many.map(|number| ed25519(number, "")).collect(),
        ..launch_request("ubuntu", "work")
    };
    let refused = ask!(world, launch(&ADA, &request)).unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
    assert_eq!(ask!(world, instances(&ADA, &region())).unwrap(), []);
}

/// A world whose launches have an instance profile, in which Ada has `work`.
fn profiled() -> World {
    launched(Setup::seeded(4).profiled())
}

fn session(world: &World, by: &Caller, kind: SessionKind) -> Result<Session, Problem> {
    ask!(world, start_session(by, &region(), "work", kind))
}

#[test]
fn a_session_is_for_the_owner_of_a_running_instance_with_a_profile() {
    let world = profiled();
    let started = session(&world, &ADA, SessionKind::Ssh).unwrap();
    assert!(!started.token.is_empty());
    assert!(!format!("{started:?}").contains(&started.token));
    let refused = session(&world, &BOB, SessionKind::Ssh).unwrap_err();
    assert_eq!(refused.code, Code::InstanceNotFound);
    let nowhere = SessionKind::Port {
        port: 0,
        local_port: 1,
    };
    let refused = session(&world, &ADA, nowhere).unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
    ask!(world, stop_instance(&ADA, &region(), "work")).unwrap();
    world.pass(300);
    let refused = session(&world, &ADA, SessionKind::Ssh).unwrap_err();
    assert_eq!(refused.code, Code::InstanceStateWrong);
    let hint = format!(
        "Start it first: prism start {} --region us-east-1",
        started.instance
    );
    assert_eq!(refused.hint, Some(hint));

    let bare = launched(Setup::seeded(5));
    let refused = session(&bare, &ADA, SessionKind::Ssh).unwrap_err();
    assert_eq!(refused.code, Code::ProfileMissing);
}

#[test]
fn sessions_are_in_the_audit_log_without_their_token() {
    let world = profiled();
    let started = session(&world, &ADA, SessionKind::Shell { login: None }).unwrap();
    let filter = AuditPage {
        resource: Some(Subject::Instance(region(), started.instance.clone())),
        ..AuditPage::default()
    };
    let events = ask!(world, audit_events(&ADA, &filter, 10, None)).unwrap();
    let event = &events.items[0];
    assert_eq!(event.action, "instance.connect");
    assert_eq!(event.details["kind"], "shell");
    assert!(!format!("{event:?}").contains(&started.token));
}
