//! Cost sums that were overwritten by hand: the doctor finds them, and corrects them. Concurrent saves and deletions
//! are not findings, and are not lost.

use prism_functions::domain::Problem;
use prism_functions::operations::{Fixed, Left, Leftover, Service};
use prism_functions::ports::{Change, Condition, Key, Table, Write};
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, give_way, interleave, yielding};
use prism_tests::world::{ADA, Setup, World, begun, launched, save_request, saved};

use crate::sums::library;
use crate::{brain, for_brain, in_two_regions, kept, project};

fn write(world: &World, key: Key, sum: &str, amount: i64) {
    let set = Change::Set(sum.to_owned(), amount.into());
    let write = Write::Update(key, vec![set], Condition::ItemPresent);
    world.run(world.table.transact(&[write])).unwrap();
}

fn of_project() -> Key {
    Key::new("PROJECT#brain", "PLEDGES")
}

fn of_template(template: &str) -> Key {
    Key::new(format!("TEMPLATE#{template}"), "META")
}

fn found(world: &World) -> Vec<Leftover> {
    world.must(world.service.leftovers()).found
}

fn fixed(world: &World, found: &[Leftover]) -> Vec<Fixed> {
    let fixed = world.must(world.service.fix(found));
    fixed.into_iter().map(|(_, outcome)| outcome).collect()
}

fn wrong(world: &World, template: &str) -> Vec<String> {
    let registry = &world.service.env.registry;
    let template = template.parse().unwrap();
    let of_template = world.must(registry.wrong_costs(&template));
    let of_project = world.must(registry.wrong_sums(&brain()));
    let of_template = of_template.map(|it| format!("{it:?}"));
    let of_project = of_project.map(|it| format!("{it:?}"));
    of_template.into_iter().chain(of_project).collect()
}

#[test]
fn sums_that_were_written_by_hand_are_found_and_set_right() {
    let world = launched(Setup::seeded(5));
    project(&world);
    saved(&world, for_brain(in_two_regions()));
    assert_eq!(found(&world), []);
    write(&world, of_project(), "costs_micro_usd", 1);
    write(
        &world,
        of_template("kept"),
        "costs_micro_usd",
        12_340_000_000,
    );
    let left = found(&world);
    let whats: Vec<&Left> = left.iter().map(|it| &it.what).collect();
    let (template, name) = (kept(), brain());
    assert_eq!(
        whats,
        [
            &Left::TemplateSum { template },
            &Left::ProjectSum { project: name }
        ]
    );
    assert!(
        left[0].why.contains("the stored sum is $12340.00"),
        "{left:?}"
    );
    assert_eq!(wrong(&world, "kept").len(), 2);
    let outcomes = fixed(&world, &left);
    assert!(
        matches!(outcomes[..], [Fixed::Done, Fixed::Done]),
        "{outcomes:?}"
    );
    assert_eq!(found(&world), []);
    assert_eq!(wrong(&world, "kept"), Vec::<String>::new());
    let again = fixed(&world, &left);
    assert!(
        matches!(again[..], [Fixed::Explained, Fixed::Explained]),
        "{again:?}"
    );
}

/// A project that pays for a save under way, and has no template yet.
#[test]
fn wrong_pledges_are_corrected_while_the_save_continues() {
    let world = launched(Setup::seeded(5));
    project(&world);
    let id = begun(&world, for_brain(save_request("work", "kept")));
    world.pass(5);
    assert_eq!(found(&world), []);
    write(&world, of_project(), "pledged_micro_usd", -5);
    let left = found(&world);
    let project = brain();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].what, Left::ProjectSum { project });
    assert!(matches!(fixed(&world, &left)[..], [Fixed::Done]));
    let item = world.run(world.table.get(&of_project()));
    let item = item.unwrap().unwrap();
    assert!(item.attributes["pledged_micro_usd"].as_i64() > Some(0));
    prism_tests::story::to_the_end(&world, &id);
    assert_eq!(wrong(&world, "kept"), Vec::<String>::new());
    assert_eq!(found(&world), []);
}

/// The minimum number of times that the doctor yields here: what begins after fewer turns begins while it runs.
const TURNS: usize = 150;

async fn delete(service: &Service, version: &str, turns: usize) -> Result<Vec<Leftover>, Problem> {
    for _ in 0..turns {
        give_way().await;
    }
    let reference = version.parse().unwrap();
    let deleted = service.delete_template(&ADA, &reference, true).await;
    deleted.map(|_| Vec::new())
}

#[test]
fn changes_during_a_check_are_no_findings() {
    for seed in 0..8 {
        let world = library();
        let service = yielding(&world);
        let doctor = async || {
            let found = service.leftovers().await?.found;
            // Of a version that is being deleted, everything that still exists is a leftover.
            let sums = |it: &Leftover| {
                matches!(it.what, Left::TemplateSum { .. } | Left::ProjectSum { .. })
            };
            Ok(found.into_iter().filter(sums).collect())
        };
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut calls: Vec<Doing<'_, Result<Vec<Leftover>, Problem>>> = vec![Box::pin(doctor())];
        for version in ["one@1", "one@2", "two@1", "two@2", "three@1"] {
            let turns = rng.usize(..TURNS);
            calls.push(Box::pin(delete(&service, version, turns)));
        }
        for end in interleave(calls, &mut rng) {
            assert_eq!(end.unwrap(), [], "seed {seed}");
        }
    }
}

#[test]
fn a_correction_loses_no_concurrent_change() {
    let mut set_right = 0;
    for seed in 0..8 {
        let world = library();
        write(&world, of_project(), "costs_micro_usd", 77_000_000);
        write(&world, of_template("one"), "costs_micro_usd", 55_000_000);
        let left = found(&world);
        assert_eq!(left.len(), 2, "{left:?}");
        let service = yielding(&world);
        let fix = async || {
            let outcomes = service.fix(&left).await?;
            // What changed during the check is left for the next check.
            let done = |it: &(Leftover, Fixed)| matches!(it.1, Fixed::Done);
            Ok(outcomes.into_iter().filter(done).map(|it| it.0).collect())
        };
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut calls: Vec<Doing<'_, Result<Vec<Leftover>, Problem>>> = vec![Box::pin(fix())];
        for version in ["one@1", "one@2", "two@1", "two@2", "three@1"] {
            let turns = TURNS / 2 + rng.usize(..TURNS);
            calls.push(Box::pin(delete(&service, version, turns)));
        }
        let ends = interleave(calls, &mut rng);
        let done: Vec<Leftover> = ends.into_iter().flat_map(Result::unwrap).collect();
        set_right += done.len();
        let still = found(&world);
        for it in done {
            assert!(
                !still.iter().any(|other| other.what == it.what),
                "seed {seed}: {still:?}"
            );
        }
    }
    assert!(set_right >= 8, "{set_right}");
}
