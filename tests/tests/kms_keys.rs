//! The deployment's KMS keys: what they encrypt, which others are refused, and what happens without them.

use prism_functions::domain::save::{SaveRequest, SaveState};
use prism_functions::domain::{Code, Region};
use prism_functions::ports::{Ec2 as _, Encryption, KeyState, SnapshotFilter};
use prism_local::ec2::KeyPolicy;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::untouched::{ask, plans, refuses};
use prism_tests::world::{
    ADA, Setup, World, copied, copy_request, id_of, launch_request, launched, public, region,
    save_request, share_request, west,
};

const EAST: &str = "arn:aws:kms:us-east-1:111122223333:key/east";
const WEST: &str = "arn:aws:kms:us-west-2:111122223333:key/west";
const OTHER: &str = "arn:aws:kms:us-east-1:111122223333:key/other";
const ACCOUNT: &str = "account:444455556666";

fn with_keys(keys: &str) -> World {
    let mut setup = Setup::seeded(5);
    setup.settings.kms_keys = keys.parse().expect("they are keys");
    launched(setup)
}

fn encrypt(world: &World, key: &str) {
    let volume = world.instance(id_of(world).as_str()).volumes[0]
        .volume
        .clone();
    let encryption = Encryption::CustomerKey(key.to_owned());
    let encrypted = world.admin.set_encryption(&volume, encryption);
    encrypted.expect("the volume is there");
}

/// How the snapshots of Ada's template in a Region are encrypted.
fn snapshots(world: &World, region: &Region) -> Vec<Encryption> {
    let tag = SnapshotFilter::Tag("prism:template".to_owned(), "kept".to_owned());
    let found = world.run(world.ec2.snapshots(region, &tag));
    let ids: Vec<_> = found
        .expect("EC2 answers")
        .into_iter()
        .map(|it| it.id)
        .collect();
    let told = world.run(world.ec2.snapshot_keys(region, &ids));
    told.expect("EC2 answers").into_values().collect()
}

fn to_the_west(request: SaveRequest) -> SaveRequest {
    copied(request, &["us-west-2"])
}

#[test]
fn the_key_of_a_region_encrypts_its_launches_and_copies() {
    let world = with_keys(&format!("{EAST},{WEST},{OTHER}"));
    let own = |key: &str| Encryption::CustomerKey(key.to_owned());
    let volumes = &world.instance(id_of(&world).as_str()).volumes;
    let ids: Vec<_> = volumes.iter().map(|it| it.volume.clone()).collect();
    let told = world.run(world.ec2.volumes(&region(), &ids)).unwrap();
    assert_eq!(told[0].encryption, own(EAST), "the volume of a launch");

    let request = to_the_west(save_request("work", "kept"));
    let plan = plans(&world, &request);
    assert_eq!(plan.copy_keys, [(west(), WEST.to_owned())].into());
    let record = world.save("ada", request).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{:?}", record.failure);
    assert_eq!(snapshots(&world, &region()), [own(EAST)]);
    assert_eq!(snapshots(&world, &west()), [own(WEST)]);

    let launch = launch_request("kept", "again");
    let (plan, _) = ask!(world, launch(&ADA, &launch)).unwrap();
    assert_eq!(plan.kms_key.as_deref(), Some(EAST));
    // A volume with another key that is allowed is saved as it is.
    encrypt(&world, OTHER);
    plans(&world, &ask());
}

#[test]
fn a_later_copy_gets_the_key_of_its_region_too() {
    let world = with_keys(WEST);
    world.save("ada", save_request("work", "kept")).unwrap();
    let request = copy_request("kept", 1, &["us-west-2", "eu-west-1"]);
    let plan = ask!(world, plan_copy(&ADA, &request)).unwrap();
    assert_eq!(plan.copy_keys, [(west(), WEST.to_owned())].into());
    world.admin.set_key_state(WEST, KeyState::Disabled).unwrap();
    let refused = ask!(world, plan_copy(&ADA, &request)).unwrap_err();
    assert_eq!(refused.code, Code::KeyUnusable);
}

#[test]
fn a_copy_that_falls_to_the_managed_key_is_planned_with_a_warning() {
    let world = with_keys("");
    assert!(plans(&world, &to_the_west(ask())).copy_keys.is_empty());
    encrypt(&world, OTHER);
    let plan = plans(&world, &to_the_west(ask()));
    assert_eq!(plan.copy_keys, [(west(), "aws/ebs".to_owned())].into());
    let warnings = plan.warnings.iter();
    let told = warnings.filter(|it| it.code == "CopyNotShareable");
    let told: Vec<&str> = told.map(|it| it.text.as_str()).collect();
    assert_eq!(told.len(), 1, "{:?}", plan.warnings);
    for part in ["us-west-2", "KmsKeys", "other accounts"] {
        assert!(told[0].contains(part), "{}", told[0]);
    }
    let record = world.save("ada", to_the_west(save_request("work", "kept")));
    assert_eq!(record.unwrap().state, SaveState::Succeeded);
    assert_eq!(snapshots(&world, &west()), [Encryption::AwsManagedKey]);

    let refused = |world: &World| {
        let kept = "kept".parse().unwrap();
        ask!(
            world,
            share(&ADA, &kept, &share_request(ACCOUNT.to_owned()))
        )
        .unwrap_err()
    };
    let problem = refused(&world);
    assert_eq!(problem.code, Code::DefaultKeyShared);
    assert!(problem.advice().contains("KmsKeys"), "{problem:?}");
}

#[test]
fn a_copy_that_its_key_lets_share_needs_only_the_keys_policy() {
    let world = with_keys(&format!("{WEST},{OTHER}"));
    encrypt(&world, OTHER);
    world
        .save("ada", to_the_west(save_request("work", "kept")))
        .unwrap();
    let kept = "kept".parse().unwrap();
    ask!(
        world,
        share(&ADA, &kept, &share_request(ACCOUNT.to_owned()))
    )
    .unwrap();
    let plan = plans(&world, &to_the_west(ask()));
    let codes: Vec<&str> = plan.warnings.iter().map(|it| it.code.as_str()).collect();
    assert!(codes.contains(&"KeyPolicyNeeded"), "{codes:?}");
    assert!(!codes.contains(&"CopyNotShareable"), "{codes:?}");
}

#[test]
fn what_is_encrypted_with_another_key_is_refused() {
    let world = with_keys(EAST);
    encrypt(&world, OTHER);
    let problem = refuses(&world, &ask(), Code::KeyNotAllowed, OTHER);
    assert!(problem.advice().contains(EAST), "{problem:?}");
    encrypt(&world, EAST);
    // The default key of another Region is not in the list either.
    world
        .admin
        .set_ebs_defaults(&west(), true, Some(WEST))
        .unwrap();
    refuses(&world, &to_the_west(ask()), Code::KeyNotAllowed, WEST);
    plans(&world, &ask());
}

#[test]
fn a_launch_under_a_key_of_the_deployment_that_cannot_be_used_is_refused() {
    let world = with_keys(EAST);
    let launch = |name: &str| {
        let request = launch_request("ubuntu", name);
        ask!(world, launch(&ADA, &request)).map(|it| it.0)
    };
    world.admin.set_key_state(EAST, KeyState::Disabled).unwrap();
    assert_eq!(launch("one").unwrap_err().code, Code::KeyUnusable);
    world.admin.set_key_state(EAST, KeyState::Enabled).unwrap();
    world
        .admin
        .set_key_policy(EAST, KeyPolicy::GrantsForAws)
        .unwrap();
    let warnings = launch("one").unwrap().warnings;
    assert_eq!(warnings[0].code, "KeyGrantUnchecked");
}

#[test]
fn a_copy_under_a_key_cannot_be_public() {
    let mut setup = Setup::seeded(7).open_to_the_world();
    setup.settings.kms_keys = WEST.parse().unwrap();
    let world = launched(setup);
    for region in [region(), west()] {
        world.admin.block_public_images(&region, false).unwrap();
    }
    plans(&world, &public(ask()));
    let request = to_the_west(public(ask()));
    let problem = refuses(&world, &request, Code::ShareImpossible, WEST);
    assert!(problem.advice().contains("Omit us-west-2"), "{problem:?}");
}
