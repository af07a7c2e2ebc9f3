//! Everything that an instance is refused for is checked before anything changes (promise P2).

use prism_functions::domain::Code;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::{SaveRequest, SaveState};
use prism_local::ec2::{InstanceFacts, Purchase};
use prism_tests::untouched::{ask, edited, plans, refuses, refuses_to, world};
use prism_tests::world::{caller, save_request};

#[test]
fn an_instance_that_is_unknown_or_not_yours_is_not_found() {
    let (world, id) = world();
    let unknown = save_request("play", "kept");
    refuses(&world, &unknown, Code::InstanceNotFound, "\"play\"");
    let no_id = save_request("i-0123456789abcdef0", "kept");
    refuses(
        &world,
        &no_id,
        Code::InstanceNotFound,
        "i-0123456789abcdef0",
    );
    for name in ["work", id.as_str()] {
        let theirs = save_request(name, "kept");
        refuses_to(&world, "bob", &theirs, Code::InstanceNotFound, name);
        let mut elsewhere = save_request(name, "kept");
        elsewhere.region = "us-west-2".parse().unwrap();
        refuses(&world, &elsewhere, Code::InstanceNotFound, "us-west-2");
    }
}

#[test]
fn a_name_that_two_instances_have_is_ambiguous() {
    let (world, id) = edited(|_| {});
    let other = world.launch("ada", "ubuntu", "play").id;
    let rename = |facts: &mut InstanceFacts| facts.tags.insert("Name".into(), "work".into());
    world
        .admin
        .edit(&other, |facts| drop(rename(facts)))
        .unwrap();
    let problem = refuses(&world, &ask(), Code::InstanceNameAmbiguous, "2 instances");
    assert!(problem.advice().contains(id.as_str()) && problem.advice().contains(other.as_str()));
    plans(&world, &save_request(id.as_str(), "kept"));
    // Another user's instance with the same name does not count.
    let owner = |facts: &mut InstanceFacts| facts.tags.insert("prism:owner".into(), "bob".into());
    world
        .admin
        .edit(&other, |facts| drop(owner(facts)))
        .unwrap();
    plans(&world, &ask());
}

#[test]
fn only_a_running_or_a_stopped_instance_can_be_saved() {
    let (world, id) = world();
    let by_id = save_request(id.as_str(), "kept");
    let is = |state: InstanceState| {
        assert_eq!(world.instance(id.as_str()).state, state);
        refuses(&world, &by_id, Code::InstanceStateWrong, state.as_str());
    };
    world.admin.stop(&id).unwrap();
    is(InstanceState::Stopping);
    world.pass(60);
    plans(&world, &by_id);
    world.admin.start(&id).unwrap();
    is(InstanceState::Pending);
    world.pass(60);
    plans(&world, &by_id);
    world.admin.terminate(&id).unwrap();
    is(InstanceState::ShuttingDown);
    world.pass(60);
    is(InstanceState::Terminated);
}

#[test]
fn a_template_name_of_somebody_elses_or_a_built_in_one_is_taken() {
    let (world, _) = world();
    let built_in = save_request("work", "python-ml");
    refuses(&world, &built_in, Code::TemplateNameTaken, "python-ml");
    world.launch("bob", "ubuntu", "his");
    let saved = world.save("bob", save_request("his", "kept")).unwrap();
    assert_eq!(saved.state, SaveState::Succeeded);
    refuses(&world, &ask(), Code::TemplateNameTaken, "kept");
}

#[test]
fn a_second_save_of_an_instance_names_the_first() {
    let (world, id) = world();
    let started = world
        .clock
        .run(world.service.start_save(&caller("ada"), ask(), None));
    let first = started.unwrap().save_id;
    // Stopping, stopped, starting, and running again while the AMI is being created.
    let states = [
        InstanceState::Stopping,
        InstanceState::Stopped,
        InstanceState::Pending,
        InstanceState::Running,
    ];
    for (state, seconds) in states.into_iter().zip([10, 11, 9, 15]) {
        world.pass(seconds);
        assert_eq!(world.instance(id.as_str()).state, state);
        let problem = refuses(&world, &ask(), Code::SaveInProgress, first.as_str());
        assert!(problem.advice().contains(first.as_str()));
    }
    world.clock.run_until_idle().unwrap();
    plans(&world, &ask());
}

#[test]
fn instance_store_data_is_given_up_only_by_name() {
    let (world, _) = edited(|facts| facts.instance_type = "m5d.large".to_owned());
    let problem = refuses(&world, &ask(), Code::InstanceStoreData, "75 GB");
    assert!(problem.message.contains("work") && problem.advice().contains("loss work"));
    let accept = |name: &str| SaveRequest {
        accept_instance_store_loss: Some(name.to_owned()),
        ..ask()
    };
    refuses(&world, &accept("play"), Code::InstanceStoreData, "work");
    refuses(&world, &accept(""), Code::InstanceStoreData, "work");
    plans(&world, &accept("work"));
}

#[test]
fn the_instance_store_of_a_stopped_instance_is_empty_already() {
    let (world, id) = edited(|facts| facts.instance_type = "m5d.large".to_owned());
    world.admin.stop(&id).unwrap();
    world.pass(60);
    plans(&world, &ask());
}

#[test]
fn an_instance_whose_root_lies_in_the_instance_store_cannot_be_stopped() {
    let (world, id) = edited(|facts| facts.ebs_root = false);
    refuses(&world, &ask(), Code::InstanceStoreRoot, id.as_str());
}

#[test]
fn spot_instances_of_every_kind_are_refused() {
    for purchase in [Purchase::SpotOneTime, Purchase::SpotPersistent] {
        let (world, id) = edited(|facts| facts.purchase = purchase);
        refuses(&world, &ask(), Code::SpotInstance, id.as_str());
    }
    let (world, _) = edited(|facts| {
        facts.purchase = Purchase::SpotPersistent;
        facts.fleet = Some("fleet-1".to_owned());
    });
    refuses(&world, &ask(), Code::SpotInstance, "fleet-1");
}

#[test]
fn a_member_of_an_auto_scaling_group_is_refused() {
    let (world, id) = edited(|facts| facts.autoscaling_group = Some("web".to_owned()));
    let problem = refuses(&world, &ask(), Code::AutoScalingMember, "group web");
    assert!(problem.advice().contains(id.as_str()));
}

#[test]
fn stop_protection_is_named_with_the_command_that_lifts_it() {
    let (world, id) = edited(|facts| facts.stop_protection = true);
    let problem = refuses(&world, &ask(), Code::StopProtected, id.as_str());
    assert!(problem.advice().contains("--no-disable-api-stop"));
    assert!(problem.advice().contains(id.as_str()));
}

#[test]
fn a_missing_permission_is_named() {
    let (world, id) = world();
    for action in ["StopInstances", "StartInstances", "CreateImage"] {
        world.admin.deny(action).unwrap();
        refuses(&world, &ask(), Code::PermissionMissing, action);
        world.admin.allow(action).unwrap();
    }
    // A stopped instance is neither stopped nor started.
    world.admin.stop(&id).unwrap();
    world.pass(60);
    world.admin.deny("StopInstances").unwrap();
    world.admin.deny("StartInstances").unwrap();
    plans(&world, &ask());
}
