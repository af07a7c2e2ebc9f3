//! Project costs are recorded as sums. Costs that were never counted are counted once, whichever operation comes first.

use std::collections::BTreeSet;

use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::{Code, Problem};
use prism_functions::ports::{Key, Table as _};
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, interleave, yielding};
use prism_tests::story::to_the_end;
use prism_tests::sums::{forget, wrong};
use prism_tests::world::{Setup, World, begun, caller, copy_request, launched, save_request};

use crate::{RunIt as _, brain, for_brain, in_two_regions, kept, project, saved};

/// The recorded costs of a project and its pledges, in USD.
fn sums(world: &World) -> Option<(f64, f64)> {
    let key = Key::new("PROJECT#brain", "PLEDGES");
    let item = world.clock.run(world.table.get(&key)).unwrap()?;
    let usd = |name: &str| Some(item.attributes.get(name)?.as_f64()? / 1e6);
    Some((usd("costs_micro_usd")?, usd("pledged_micro_usd")?))
}

fn counted(world: &World) -> f64 {
    let registry = &world.service.env.registry;
    world.clock.run_it(registry.project_usd(&brain()))
}

#[track_caller]
fn agrees(world: &World) -> f64 {
    let kept = sums(world);
    assert_eq!(kept, Some((counted(world), 0.0)));
    kept.unwrap().0
}

fn plan(world: &World, instance: &str) -> Result<(), Problem> {
    let (ada, service) = (caller("ada"), &world.service);
    let request = for_brain(save_request(instance, "another"));
    world.clock.run(service.plan_save(&ada, request)).map(drop)
}

fn hard_stop(world: &World, limit_usd: f64) {
    let request = BudgetRequest {
        limit_usd,
        alerts: BTreeSet::from([50]),
        hard_stop: true,
    };
    let (olga, service) = (caller("olga"), &world.service);
    world
        .clock
        .run_it(service.set_budget(&olga, &brain(), request));
}

#[test]
fn the_sum_follows_a_template_through_its_life() {
    let world = launched(Setup::seeded(5));
    project(&world);
    let (ada, olga, service) = (caller("ada"), caller("olga"), &world.service);
    assert_eq!(agrees(&world).to_string(), "0");
    // First outside, then with its earlier version into the project.
    saved(&world, in_two_regions());
    assert_eq!(agrees(&world).to_string(), "0");
    saved(&world, for_brain(save_request("work", "kept")));
    let three = agrees(&world);
    assert!(three > 0.0);
    // Adds a Region to a version, which another version has already.
    let request = copy_request("kept", 2, &["us-west-2"]);
    let copy = world.clock.run_it(service.start_copy(&ada, &request, None));
    to_the_end(&world, &copy.save_id);
    let four = agrees(&world);
    assert!((four - three * 4.0 / 3.0).abs() < 1e-6, "{three} {four}");
    // Moves all of it to another project, and back.
    let other = prism_functions::operations::ProjectRequest {
        name: "other".parse().unwrap(),
        description: String::new(),
    };
    world.clock.run_it(service.create_project(&ada, other));
    let mut there = save_request("work", "kept");
    there.project = Some("other".parse().unwrap());
    there.move_template = true;
    saved(&world, there);
    assert_eq!(agrees(&world).to_string(), "0");
    saved(&world, for_brain(save_request("work", "kept")));
    let six = agrees(&world);
    assert!((six - four * 6.0 / 4.0).abs() < 1e-6, "{four} {six}");
    // Deletes a version, and then all of them.
    let first = "kept@1".parse().unwrap();
    let deleted = service.delete_template(&ada, &first, true);
    world.clock.run_it(deleted);
    let four = agrees(&world);
    assert!((six - four * 6.0 / 4.0).abs() < 1e-6, "{six} {four}");
    let all = "kept".parse().unwrap();
    let deleted = service.delete_template(&ada, &all, true);
    world.clock.run_it(deleted);
    assert_eq!(agrees(&world).to_string(), "0");
    world.sweep(3);
    // Uses the same name again: what existed before costs nothing.
    saved(&world, for_brain(save_request("work", "kept")));
    assert!((agrees(&world) - three / 3.0).abs() < 1e-6);
    let gone = service.delete_template(&olga, &all, true);
    world.clock.run_it(gone);
}

#[test]
fn uncounted_sums_are_counted_by_the_first_caller() {
    type Act = fn(&World);
    let comers: [(&str, Act); 6] = [
        ("a save", |world| {
            saved(world, save_request("work", "kept"));
        }),
        ("a plan", |world| {
            hard_stop(world, 0.01);
            assert_eq!(plan(world, "work").unwrap_err().code, Code::BudgetExceeded);
            hard_stop(world, 1000.0);
            plan(world, "work").unwrap();
        }),
        ("a save of another template", |world| {
            saved(world, for_brain(save_request("work", "another")));
        }),
        ("a deletion", |world| {
            let (ada, service) = (caller("ada"), &world.service);
            let first = "kept@1".parse().unwrap();
            let deleted = service.delete_template(&ada, &first, true);
            world.clock.run_it(deleted);
        }),
        ("the deletion of the template", |world| {
            let (ada, service) = (caller("ada"), &world.service);
            let all = "kept".parse().unwrap();
            let deleted = service.delete_template(&ada, &all, true);
            world.clock.run_it(deleted);
        }),
        ("a copy", |world| {
            let request = copy_request("kept", 2, &["us-west-2"]);
            let (ada, service) = (caller("ada"), &world.service);
            let copy = world.clock.run_it(service.start_copy(&ada, &request, None));
            to_the_end(world, &copy.save_id);
        }),
    ];
    for (who, comes) in comers {
        let world = launched(Setup::seeded(5));
        project(&world);
        saved(&world, for_brain(in_two_regions()));
        saved(&world, save_request("work", "kept"));
        forget(&world, &brain(), &kept());
        assert_eq!(sums(&world), None, "{who}");
        comes(&world);
        assert_eq!(sums(&world), Some((counted(&world), 0.0)), "{who}");
        // The template's own sum was counted too where needed, and continues.
        let record = world.save("ada", for_brain(save_request("work", "kept")));
        let record = record.unwrap();
        assert_eq!(wrong(&world, &record), Vec::<String>::new(), "{who}");
        agrees(&world);
    }
}

#[test]
fn the_first_count_includes_saves_in_progress() {
    let world = launched(Setup::seeded(5));
    project(&world);
    world.launch("ada", "ubuntu", "play");
    let id = begun(&world, for_brain(save_request("work", "kept")));
    world.pass(5);
    let (costs, pledged) = sums(&world).unwrap();
    assert!(costs.abs() < 1e-9 && pledged > 0.0);
    forget(&world, &brain(), &kept());
    hard_stop(&world, pledged * 1.5);
    assert_eq!(plan(&world, "play").unwrap_err().code, Code::BudgetExceeded);
    assert_eq!(sums(&world), Some((0.0, pledged)));
    forget(&world, &brain(), &kept());
    to_the_end(&world, &id);
    let costs = agrees(&world);
    assert!(0.0 < costs && costs <= pledged, "{costs} {pledged}");
}

pub(crate) fn library() -> World {
    let mut setup = Setup::seeded(5);
    setup.cloud.throttles.enabled = false;
    let world = launched(setup);
    project(&world);
    for template in ["one", "two", "three"] {
        for _ in 0..3 {
            saved(&world, for_brain(save_request("work", template)));
        }
    }
    world
}

/// Versions are deleted, and saves for the project planned, before anything was counted. In any order of the calls to
/// the table, the sum is right.
#[test]
fn however_many_count_at_once_the_sum_is_right() {
    let world = library();
    for seed in 0..3 {
        for template in ["one", "two", "three"] {
            forget(&world, &brain(), &template.parse().unwrap());
            saved(&world, save_request("work", template));
            forget(&world, &brain(), &template.parse().unwrap());
        }
        let (service, ada) = (&yielding(&world), &caller("ada"));
        let mut calls: Vec<Doing<'_, Result<(), Problem>>> = Vec::new();
        for (template, version) in [("one", 1), ("one", 2), ("two", 1), ("three", 1)] {
            let version = format!("{template}@{}", version + seed * 2);
            calls.push(Box::pin(async move {
                let reference = version.parse().unwrap();
                let deleted = service.delete_template(ada, &reference, true).await;
                deleted.map(drop)
            }));
        }
        calls.push(Box::pin(async move {
            let request = for_brain(save_request("work", "another"));
            service.plan_save(ada, request).await.map(drop)
        }));
        let mut rng = fastrand::Rng::with_seed(seed);
        let ends = interleave(calls, &mut rng);
        assert!(ends.iter().any(Result::is_ok), "seed {seed}: {ends:?}");
        agrees(&world);
    }
}
