//! The public SSH keys of users.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use prism_functions::domain::audit::{AuditEvent, Subject};
use prism_functions::domain::public_key::{KEYS, PublicKey};
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::{KeyId, Nothing, Paging};
use prism_functions::operations::{Asked, AuditPage, KeyView, ListKeys, Operation, RemoveKey};
use prism_functions::rules::access::Caller;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, BOB, World};

/// The key with this number. No two are the same.
fn key(number: u8, comment: &str) -> PublicKey {
    prism_tests::keys::ed25519(number, comment)
}

fn add(world: &World, by: &Caller, key: PublicKey) -> Result<KeyView, Problem> {
    ask!(world, add_key(by, key))
}

fn list(world: &World, by: &Caller) -> Vec<KeyView> {
    let asked = Asked::<ListKeys>::by(Nothing {}, Paging::new(Some(100), None));
    world.run(world.service.told(by, asked)).unwrap().items
}

fn remove(world: &World, by: &Caller, key: &PublicKey) -> Result<(), Problem> {
    let asked = Asked::of(KeyId(key.fingerprint()));
    let removed = world.run(RemoveKey::run(&world.service, by, asked));
    removed.map(drop)
}

#[test]
fn everybody_has_keys_of_their_own() {
    let world = World::new(1);
    let (laptop, desk) = (key(1, "ada@laptop"), key(2, "ada@desk"));
    add(&world, &ADA, laptop.clone()).unwrap();
    add(&world, &ADA, desk.clone()).unwrap();
    add(&world, &BOB, laptop.clone()).unwrap();
    assert_eq!(list(&world, &ADA).len(), 2);
    remove(&world, &ADA, &laptop).unwrap();
    let left = list(&world, &ADA);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].public_key, desk);
    assert_eq!(list(&world, &BOB).len(), 1, "Bob's is his own");
    let missing = remove(&world, &BOB, &desk).unwrap_err();
    assert_eq!(missing.code, Code::KeyNotFound);
}

#[test]
fn a_key_is_added_once_and_can_be_named_again() {
    let world = World::new(2);
    let first = add(&world, &ADA, key(1, "old")).unwrap();
    world.pass(60);
    let again = add(&world, &ADA, key(1, "old")).unwrap();
    assert_eq!(first, again);
    let renamed = add(&world, &ADA, key(1, "new")).unwrap();
    assert_eq!(
        (renamed.comment.as_str(), renamed.added_at),
        ("new", first.added_at)
    );
    assert_eq!(list(&world, &ADA), [renamed]);
}

#[test]
fn there_is_a_maximum() {
    let world = World::new(3);
    let most = u8::try_from(KEYS).unwrap();
    for number in 0..most {
        add(&world, &ADA, key(number, "")).unwrap();
    }
    let full = add(&world, &ADA, key(most, "")).unwrap_err();
    assert_eq!(full.code, Code::LimitReached);
    // What is there already can still be added again.
    add(&world, &ADA, key(0, "")).unwrap();
    remove(&world, &ADA, &key(0, "")).unwrap();
    add(&world, &ADA, key(most, "")).unwrap();
}

#[test]
fn changes_are_in_the_audit_log_of_their_user() {
    let world = World::new(4);
    let mine = key(1, "ada@laptop");
    add(&world, &ADA, mine.clone()).unwrap();
    add(&world, &ADA, mine.clone()).unwrap();
    remove(&world, &ADA, &mine).unwrap();
    let events = |by: &Caller| -> Vec<AuditEvent> {
        let filter = AuditPage {
            resource: Some(Subject::Key(mine.fingerprint())),
            ..AuditPage::default()
        };
        ask!(world, audit_events(by, &filter, 100, None))
            .unwrap()
            .items
    };
    let told = events(&ADA);
    let actions: Vec<_> = told.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["key.remove", "key.add"]);
    assert_eq!(told[1].details["comment"], "ada@laptop");
    assert_eq!(events(&BOB), []);
}
