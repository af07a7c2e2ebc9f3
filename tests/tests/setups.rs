//! Whether the packages and the notebook of an instance are there yet is seen without logging in to it.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use prism_functions::domain::catalogue::SETUP_FILE;
use prism_functions::domain::setup::{Setup, SetupState};
use prism_functions::operations::parts::{InRegion, InstanceName, Nothing};
use prism_functions::operations::{
    Asked, InstanceView, InstancesPage, ListInstances, Operation as _, ShowInstance,
};
use prism_functions::ports::{Ec2Error, Instance};
use prism_tests::world::{ADA, Setup as Seed, World, region, save_request};

/// The instance as a list has it, which is as it is shown alone.
fn listed(world: &World, instance: &Instance) -> InstanceView {
    let asked = Asked::<ListInstances>::by(Nothing {}, InstancesPage::default());
    let told = ListInstances::run(&world.service, &ADA, asked);
    let items = world.must(told).value.items;
    let listed = items.into_iter().find(|it| it.id == instance.id.as_str());
    let path = InstanceName(instance.id.to_string());
    let asked = Asked::<ShowInstance>::by(path, InRegion { region: region() });
    let shown = world.must(ShowInstance::run(&world.service, &ADA, asked));
    let listed = listed.unwrap();
    assert_eq!(listed.setup, shown.value.setup);
    listed
}

/// Writes or removes the file with the outcome.
fn outcome(world: &World, instance: &Instance, words: &[&str], text: &str) {
    let account = world.ec2.account().clone();
    let guest = world.cloud.guest(account, region(), instance.id.clone());
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let said = guest.run(&words, text.as_bytes()).unwrap();
    assert_eq!(said.exit_code, 0, "{said:?}");
}

/// Writes that the setup is under way.
fn prepares(world: &World, instance: &Instance) {
    let id = &instance.id;
    let preparing =
        format!(r#"{{"state":"preparing","step":"","output":"","instance_id":"{id}"}}"#);
    outcome(world, instance, &["tee", SETUP_FILE], &preparing);
}

fn text(view: &InstanceView) -> Option<String> {
    view.setup.as_ref().map(Setup::text)
}

#[test]
fn the_setup_of_an_instance_is_listed() {
    let world = World::new(1);
    let work = world.launch("ada", "python-ml", "work");
    let plain = world.launch("ada", "ubuntu", "plain");
    assert_eq!(text(&listed(&world, &work)).as_deref(), Some("ready"));
    assert_eq!(listed(&world, &plain).setup, None);

    let id = &work.id;
    let failed = format!(
        r#"{{"state":"failed","step":"pip install x","output":"no route","instance_id":"{id}"}}"#
    );
    outcome(&world, &work, &["tee", SETUP_FILE], &failed);
    let view = listed(&world, &work);
    assert_eq!(
        text(&view).as_deref(),
        Some("setup failed: pip install x: no route")
    );
    assert_eq!(view.setup.map(|it| it.state), Some(SetupState::Failed));

    world
        .run(world.service.env.ec2.stop_instance(&region(), id))
        .unwrap();
    world.pass(300);
    assert_eq!(listed(&world, &work).setup, None);
}

#[test]
fn an_instance_of_a_saved_template_says_how_its_own_setup_is() {
    let world = World::new(2);
    let work = world.launch("ada", "python-ml", "work");
    prepares(&world, &work);
    assert_eq!(listed(&world, &work).setup, Some(Setup::PREPARING));
    world.save("ada", save_request("work", "kept")).unwrap();
    let next = world.launch("ada", "kept", "next");
    let said = text(&listed(&world, &next));
    assert_eq!(
        said.as_deref(),
        Some("setup failed: setup: a restart interrupted it")
    );
}

#[test]
fn a_silent_console_means_preparing_for_a_while() {
    let world = World::new(3);
    let work = world.launch("ada", "python-ml", "work");
    outcome(&world, &work, &["rm", SETUP_FILE], "");
    assert_eq!(listed(&world, &work).setup, Some(Setup::PREPARING));
    world.pass(30 * 60);
    assert_eq!(listed(&world, &work).setup, None);
}

#[test]
fn a_console_that_nobody_updates_does_not_mean_preparing_for_ever() {
    let world = World::new(5);
    let work = world.launch("ada", "python-ml", "work");
    prepares(&world, &work);
    world.pass(2 * 3600);
    assert_eq!(listed(&world, &work).setup, Some(Setup::PREPARING));
    world.pass(2 * 3600);
    assert_eq!(listed(&world, &work).setup, None);
}

#[test]
fn an_instance_whose_console_cannot_be_read_is_listed_without_its_setup() {
    let seed = Seed::seeded(4).bent(|ec2| {
        ec2.refuses = |action| {
            let denied = || Ec2Error::new(action, "UnauthorizedOperation", "no");
            (action == "GetConsoleOutput").then(denied)
        };
    });
    let world = seed.build();
    let work = world.launch("ada", "python-ml", "work");
    assert_eq!(listed(&world, &work).setup, None);
}
