//! Shares with an account that may also copy the AMIs, because their snapshots are shared with it.

use prism_functions::domain::save::SaveState;
use prism_functions::domain::{AccountId, Code, Region};
use prism_functions::operations::{Left, ShareRequest};
use prism_functions::ports::{Ec2 as _, Ec2Error, ImageCopy, SnapshotFilter, Tags};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, Setup, World, copied, kept, launched, region, save_request, share_request, west,
};

const ACCOUNT: &str = "444455556666";

fn request(with_snapshots: bool) -> ShareRequest {
    ShareRequest {
        with_snapshots,
        ..share_request(format!("account:{ACCOUNT}"))
    }
}

fn them() -> AccountId {
    ACCOUNT.parse().expect("it is an account")
}

/// The accounts that each snapshot of Ada's template in a Region is shared with.
fn shares(world: &World, region: &Region) -> Vec<Vec<AccountId>> {
    let tag = SnapshotFilter::Tag("prism:template".to_owned(), "kept".to_owned());
    let found = world.run(world.ec2.snapshots(region, &tag));
    let found = found.expect("EC2 answers").into_iter();
    found
        .map(|it| {
            let shares = world.run(world.ec2.snapshot_shares(region, &it.id));
            shares.expect("EC2 answers")
        })
        .collect()
}

/// What the other account gets if it copies the AMI of the version in the home Region.
fn copy_elsewhere(world: &World, number: u32) -> Result<(), Ec2Error> {
    let version = world.version("kept", number);
    let image = &version.amis[&region()][&version.architecture];
    let copy = ImageCopy {
        source_region: region(),
        source_image: image.clone(),
        name: format!("theirs-{number}"),
        description: String::new(),
        client_token: String::new(),
        kms_key: None,
        tags: Tags::new(),
    };
    let theirs = world.cloud.account(them());
    world.run(theirs.copy_image(&region(), &copy)).map(drop)
}

fn saved() -> World {
    let world = launched(Setup::seeded(6));
    let record = world.save("ada", copied(save_request("work", "kept"), &["us-west-2"]));
    assert_eq!(record.map(|it| it.state).ok(), Some(SaveState::Succeeded));
    world
}

#[test]
fn an_account_can_copy_what_is_shared_with_its_snapshots_until_the_share_ends() {
    let world = saved();
    let plan = ask!(world, plan_share(&ADA, &kept(), &request(false))).unwrap();
    assert!(plan.launch_only);
    let shared = ask!(world, share(&ADA, &kept(), &request(false))).unwrap();
    assert!(shared.launch_only);
    assert_eq!(
        copy_elsewhere(&world, 1).unwrap_err().code,
        "InvalidRequest"
    );

    let plan = ask!(world, plan_share(&ADA, &kept(), &request(true))).unwrap();
    assert!(!plan.launch_only && !plan.repeated);
    let shared = ask!(world, share(&ADA, &kept(), &request(true))).unwrap();
    assert!(shared.grant.with_snapshots && !shared.launch_only);
    for there in [region(), west()] {
        assert_eq!(shares(&world, &there), [[them()]], "{there}");
    }
    copy_elsewhere(&world, 1).unwrap();
    // A request without snapshots does not take them back.
    let again = ask!(world, share(&ADA, &kept(), &request(false))).unwrap();
    assert!(again.repeated && again.grant.with_snapshots);

    // A later version and its copies are shared in the same way.
    let record = world.save("ada", copied(save_request("work", "kept"), &["us-west-2"]));
    assert_eq!(record.unwrap().state, SaveState::Succeeded);
    for there in [region(), west()] {
        assert_eq!(shares(&world, &there), [[them()], [them()]], "{there}");
    }
    copy_elsewhere(&world, 2).unwrap();

    ask!(world, unshare(&ADA, &kept(), &request(false))).unwrap();
    for there in [region(), west()] {
        let none: [Vec<AccountId>; 2] = [vec![], vec![]];
        assert_eq!(shares(&world, &there), none, "{there}");
    }
    assert!(copy_elsewhere(&world, 2).is_err());
}

#[test]
fn snapshots_are_shared_with_accounts_alone() {
    let world = saved();
    for to in ["public", "user:bob"] {
        let asked = ShareRequest {
            with_snapshots: true,
            ..share_request(to)
        };
        let refused = ask!(world, share(&ADA, &kept(), &asked)).unwrap_err();
        assert_eq!(refused.code, Code::InvalidInput, "{to}");
    }
}

/// If the snapshots cannot be shared, the share without them remains as it was.
#[test]
fn a_share_that_cannot_get_snapshots_is_unchanged() {
    let world = saved();
    ask!(world, share(&ADA, &kept(), &request(false))).unwrap();
    world.admin.deny("ModifySnapshotAttribute").unwrap();
    let refused = ask!(world, share(&ADA, &kept(), &request(true))).unwrap_err();
    assert_eq!(refused.code, Code::ShareFailed, "{refused:?}");
    let grants = ask!(world, shares(&ADA, &kept())).unwrap();
    assert_eq!(grants.len(), 1);
    assert!(!grants[0].with_snapshots);
}

#[test]
fn the_doctor_finds_snapshots_that_are_shared_without_a_grant_or_not_despite_one() {
    let world = saved();
    ask!(world, share(&ADA, &kept(), &request(true))).unwrap();
    world.pass(3600);
    let tag = SnapshotFilter::Tag("prism:template".to_owned(), "kept".to_owned());
    let found = world.run(world.ec2.snapshots(&region(), &tag)).unwrap();
    let id = &found[0].id;
    world
        .run(world.ec2.unshare_snapshot(&region(), id, &them()))
        .unwrap();
    let stranger: AccountId = "777788889999".parse().unwrap();
    world
        .run(world.ec2.share_snapshot(&region(), id, &stranger))
        .unwrap();
    let found = ask!(world, leftovers()).unwrap().found;
    let differs: Vec<_> = found
        .iter()
        .filter(|it| matches!(it.what, Left::Permissions { .. }))
        .collect();
    assert_eq!(differs.len(), 1, "{found:?}");
    for part in [
        "copies by the account 777788889999",
        "copies by the account 444455556666",
    ] {
        assert!(differs[0].why.contains(part), "{}", differs[0].why);
    }
}
