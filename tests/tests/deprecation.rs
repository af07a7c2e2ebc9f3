//! What the owner of a template says about its future reaches those who launch it.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use prism_functions::domain::save::{SaveRequest, Warning};
use prism_functions::domain::template::TemplateState;
use prism_functions::domain::{Code, Problem, Timestamp};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{
    Asked, DeprecateTemplate, Deprecates, ListTemplates, Operation as _, RestoreTemplate,
    TemplateView,
};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, BOB, Setup, World, kept, launch_request, launched, reference, save_request, saved,
};

/// A world in which Ada has saved `kept` and `newer`.
fn world() -> World {
    let world = launched(Setup::seeded(1));
    for name in ["kept", "newer"] {
        saved(&world, save_request("work", name));
    }
    world
}

fn deprecate(
    world: &World,
    replaced_by: Option<&str>,
    end_of_life: Option<Timestamp>,
) -> Result<TemplateView, Problem> {
    let says = Deprecates {
        replaced_by: replaced_by.map(reference),
        end_of_life,
    };
    let asked = Asked::<DeprecateTemplate>::by(kept(), says);
    let told = world.run(DeprecateTemplate::run(&world.service, &ADA, asked));
    told.map(|view| view.value)
}

fn warnings(world: &World, template: &str) -> Vec<Warning> {
    let plan = ask!(world, plan_launch(&ADA, &launch_request(template, "new")));
    plan.unwrap().warnings
}

/// The state of `kept` in a list of templates.
fn listed(world: &World) -> TemplateState {
    let asked = Asked::<ListTemplates>::of(Nothing {});
    let page = world.must(ListTemplates::run(&world.service, &ADA, asked));
    let mut all = page.value.items.into_iter();
    all.find(|it| it.name == "kept").unwrap().state
}

fn template(world: &World) -> prism_functions::domain::template::Template {
    let stored = world.must(world.service.env.registry.template(&kept()));
    stored.unwrap().value
}

#[test]
fn a_launch_names_what_replaces_the_template() {
    let world = world();
    deprecate(&world, Some("newer@1"), None).unwrap();
    let told = warnings(&world, "kept");
    assert_eq!(told.len(), 1);
    insta::assert_snapshot!(told[0].text, @"kept is deprecated: use newer@1 instead.");
    assert_eq!(template(&world).state, TemplateState::Deprecated);
    // Another deprecation replaces what was said.
    deprecate(&world, None, None).unwrap();
    insta::assert_snapshot!(warnings(&world, "kept")[0].text, @"kept is deprecated: its owner says to use something else.");
    let restored = Asked::<RestoreTemplate>::of(kept());
    world.must(RestoreTemplate::run(&world.service, &ADA, restored));
    assert_eq!(warnings(&world, "kept"), []);
}

#[test]
fn an_end_of_life_is_announced_and_then_comes() {
    let world = world();
    let end = world.now() + chrono::TimeDelta::days(30);
    deprecate(&world, Some("newer"), Some(end)).unwrap();
    assert_eq!(template(&world).state, TemplateState::Active);
    let told = warnings(&world, "kept@1");
    assert_eq!(told[0].code, "TemplateEndOfLife");
    let day = end.format("%-d %B %Y");
    let expected = format!("kept reaches its end of life on {day} (UTC): use newer instead.");
    assert_eq!(told[0].text, expected);
    assert_eq!(listed(&world), TemplateState::Active);
    world.pass(31 * 86400);
    assert_eq!(listed(&world), TemplateState::Deprecated);
    let told = warnings(&world, "kept@1");
    assert_eq!(told[0].code, "TemplateDeprecated");
    assert_eq!(warnings(&world, "newer"), []);
}

#[test]
fn a_replacement_exists_and_is_another_template() {
    let world = world();
    let missing = deprecate(&world, Some("nothing"), None).unwrap_err();
    assert_eq!(missing.code, Code::TemplateNotFound);
    let missing = deprecate(&world, Some("newer@7"), None).unwrap_err();
    assert_eq!(missing.code, Code::VersionNotFound);
    let itself = deprecate(&world, Some("kept@1"), None).unwrap_err();
    assert_eq!(itself.code, Code::InvalidInput);
    // A template of another user that is not shared does not exist.
    let instance = world.launch("bob", "ubuntu", "bobs");
    assert!(instance.name().is_some());
    let request = SaveRequest {
        instance: "bobs".to_owned(),
        ..save_request("work", "secret")
    };
    ask!(world, start_save(&BOB, request, None)).unwrap();
    world.clock.run_until_idle().unwrap();
    let hidden = deprecate(&world, Some("secret"), None).unwrap_err();
    assert_eq!(hidden.code, Code::TemplateNotFound);
    assert_eq!(template(&world).state, TemplateState::Active);
}

#[test]
fn a_version_that_is_excluded_from_latest_is_launched_by_its_number() {
    let world = world();
    let request = SaveRequest {
        exclude_from_latest: true,
        ..save_request("work", "kept")
    };
    assert_eq!(saved(&world, request.clone()), 2);
    assert_eq!((template(&world).latest, template(&world).newest()), (1, 2));
    let plan = |of: &str| ask!(world, plan_launch(&ADA, &launch_request(of, "new"))).unwrap();
    assert_eq!(plan("kept").template, "kept@1");
    assert_eq!(plan("kept@2").template, "kept@2");
    // The next save is the latest again.
    assert_eq!(saved(&world, save_request("work", "kept")), 3);
    assert_eq!(template(&world).latest, 3);
    // Another one becomes the latest by a rollback.
    assert_eq!(saved(&world, request.clone()), 4);
    world.must(world.service.rollback(&ADA, &kept(), Some(4), false));
    assert_eq!(plan("kept").template, "kept@4");
    // The first version of a template is always its latest.
    let first = SaveRequest {
        template: "first".parse().unwrap(),
        ..request
    };
    assert_eq!(saved(&world, first), 1);
    assert_eq!(plan("first").template, "first@1");
}

#[test]
fn what_was_excluded_does_not_become_the_latest_by_a_deletion() {
    let world = world();
    assert_eq!(saved(&world, save_request("work", "kept")), 2);
    let excluded = SaveRequest {
        exclude_from_latest: true,
        ..save_request("work", "kept")
    };
    assert_eq!(saved(&world, excluded), 3);
    let second = reference("kept@2");
    let plan = ask!(world, plan_deletion(&ADA, &second)).unwrap();
    assert_eq!(plan.latest, Some(1));
    ask!(world, delete_template(&ADA, &second, false)).unwrap();
    assert_eq!((template(&world).latest, template(&world).newest()), (1, 3));
    // There is nothing before it any more.
    ask!(world, delete_template(&ADA, &reference("kept@1"), false)).unwrap();
    assert_eq!(template(&world).latest, 3);
}
