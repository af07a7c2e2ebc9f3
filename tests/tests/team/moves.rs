//! A save moves a template to another project while a version of it, or a copy, is under way: that project's budget is
//! checked too, and it pays.

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::{SaveRecord, SaveState};
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::{ProjectName, SaveId};
use prism_functions::operations::ProjectRequest;
use prism_functions::registry::Registry;
use prism_tests::asks::Asks as _;
use prism_tests::story::to_the_end;
use prism_tests::world::{World, begun, caller, copy_request, id_of, save_request};

use crate::budgets::{hard_stop, pledges, room_for};
use crate::{RunIt as _, brain, for_brain, in_two_regions, kept, saved};

fn with_a_version() -> World {
    let world = room_for(100.0);
    world.launch("ada", "ubuntu", "play");
    saved(&world, save_request("work", "kept"));
    world
}

/// A save moves the template to the project while another save, or a copy, is under way. `limit` is the budget as a
/// multiple of the cost of its two versions by then. Returns how the save or copy ends.
fn taken_meanwhile(world: &World, id: &SaveId, limit: f64) -> SaveRecord {
    goes_to(world, id, &brain());
    hard_stop(world, costs_of(world, &brain()) * limit);
    to_the_end(world, id);
    assert_eq!(pledges(world), 0);
    agree(world, &brain());
    world.record(id).unwrap()
}

/// A save in one Region moves the template to a project before one in two Regions, or a copy, has ended.
fn goes_to(world: &World, id: &SaveId, project: &ProjectName) {
    let mut request = save_request("play", "kept");
    request.project = Some(project.clone());
    request.move_template = true;
    let taking = begun(world, request);
    while world
        .record(&taking)
        .ok()
        .is_none_or(|record| record.version.is_none())
    {
        world.pass(1);
    }
    assert_eq!(world.record(id).unwrap().version, None);
}

fn registry(world: &World) -> &Registry {
    &world.service.env.registry
}

fn agree(world: &World, project: &ProjectName) {
    let wrong = world.clock.run_it(registry(world).wrong_sums(project));
    assert_eq!(wrong, None);
}

fn costs_of(world: &World, project: &ProjectName) -> f64 {
    world.clock.run_it(registry(world).project_usd(project))
}

fn images_of(world: &World, id: &SaveId) -> usize {
    let inventory = world.admin.inventory().unwrap();
    let ours = |tag: Option<&String>| tag.is_some_and(|tag| tag == id.as_str());
    let images = inventory.images.iter();
    images
        .filter(|(_, image)| ours(image.tags.get(SAVE_TAG)))
        .count()
}

fn copy_to_the_west(world: &World) -> SaveId {
    let request = copy_request("kept", 1, &["us-west-2"]);
    let (ada, service) = (caller("ada"), &world.service);
    let copy = service.start_copy(&ada, &request, None);
    world.clock.run_it(copy).save_id
}

#[test]
fn the_project_that_the_template_went_to_pays_for_what_was_under_way() {
    let world = with_a_version();
    let id = begun(&world, in_two_regions());
    let record = taken_meanwhile(&world, &id, 2.01);
    assert_eq!(record.version, Some(3), "{:?}", record.failure);
    assert_eq!(record.payer(), Some(&brain()));
}

#[test]
fn a_save_for_which_that_project_has_no_room_leaves_nothing() {
    let world = with_a_version();
    let id = begun(&world, in_two_regions());
    let record = taken_meanwhile(&world, &id, 1.99);
    assert_eq!(record.state, SaveState::Failed);
    let failure = record.failure.unwrap();
    assert_eq!(failure.code, "BudgetExceeded");
    assert!(
        failure.hint.contains("was moved to the project brain"),
        "{failure:?}"
    );
    assert_eq!(images_of(&world, &id), 0);
    let instance = world.instance(id_of(&world).as_str());
    assert_eq!(instance.state, InstanceState::Running);
    let template = world.clock.run_it(registry(&world).template(&kept()));
    assert_eq!(template.unwrap().value.latest, 2);
}

#[test]
fn a_copy_is_paid_there_too_or_refused() {
    let world = with_a_version();
    let id = copy_to_the_west(&world);
    let record = taken_meanwhile(&world, &id, 1.51);
    assert_eq!(record.version, Some(1), "{:?}", record.failure);
    assert_eq!(record.payer(), Some(&brain()));

    let world = with_a_version();
    let id = copy_to_the_west(&world);
    let record = taken_meanwhile(&world, &id, 1.49);
    assert_eq!(record.failure.unwrap().code, "BudgetExceeded");
    assert_eq!(images_of(&world, &id), 0);
}

#[test]
fn the_project_that_it_left_pays_nothing_any_more() {
    let world = room_for(100.0);
    let (ada, other): (_, ProjectName) = (caller("ada"), "other".parse().unwrap());
    let request = ProjectRequest {
        name: other.clone(),
        description: String::new(),
    };
    let made = world.service.create_project(&ada, request);
    world.clock.run_it(made);
    world.launch("ada", "ubuntu", "play");
    saved(&world, for_brain(save_request("work", "kept")));
    let before = costs_of(&world, &brain());
    let ids = [begun(&world, in_two_regions()), copy_to_the_west(&world)];
    world.pass(5);
    assert_eq!(pledges(&world), 2);
    goes_to(&world, &ids[0], &other);
    for id in &ids {
        to_the_end(&world, id);
        let record = world.record(id).unwrap();
        assert!(record.version.is_some(), "{:?}", record.failure);
        assert_eq!(record.payer(), Some(&other));
    }
    assert_eq!(pledges(&world), 0);
    assert!(costs_of(&world, &brain()).abs() < 1e-9);
    // The first version with its copy, the one that moved the template, and the one in two Regions.
    assert!(costs_of(&world, &other) > 4.9 * before);
    for project in [brain(), other] {
        agree(&world, &project);
    }
}
