//! AMIs that are open to others than the template's grantees: the doctor finds them, and sets them according to the
//! shares. A save or a share under way is not a finding.

use std::collections::BTreeSet;

use prism_functions::domain::ec2::{LaunchPermission, Opening};
use prism_functions::domain::{ImageId, Problem};
use prism_functions::operations::{Fixed, Left, Leftover};
use prism_functions::ports::Ec2 as _;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, interleave, yielding};
use prism_tests::world::{ADA, Setup, World, begun, launched, save_request, saved, west};

use crate::{ACCOUNT, account, in_two_regions, kept, open_to, share, to, unshare};

/// A template with two versions in two Regions that was shared with an account some time ago.
fn shared() -> World {
    let world = launched(Setup::seeded(5));
    saved(&world, in_two_regions());
    share(&world, "ada", ACCOUNT).unwrap();
    saved(&world, in_two_regions());
    world.pass(60);
    world
}

fn found(world: &World) -> Vec<Leftover> {
    let looked = ask!(world, leftovers()).unwrap();
    assert!(looked.unseen.is_empty(), "{looked:?}");
    looked.found
}

/// The AMI of a version in us-west-2.
fn image(world: &World, number: u32) -> ImageId {
    let registry = &world.service.env.registry;
    let version = world.run(registry.version(&kept(), number));
    let version = version.unwrap().unwrap();
    version.amis[&west()].values().next().unwrap().clone()
}

fn open(world: &World, image: &ImageId, to: &[LaunchPermission]) {
    world
        .run(world.ec2.add_launch_permissions(&west(), image, to))
        .unwrap();
}

fn close(world: &World, image: &ImageId, to: &[LaunchPermission]) {
    world
        .run(world.ec2.remove_launch_permissions(&west(), image, to))
        .unwrap();
}

fn fixed(world: &World, found: &[Leftover]) -> Vec<Fixed> {
    let fixed = ask!(world, fix(found)).unwrap();
    fixed.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The single finding: to whom the AMI is wrongly open, and to whom wrongly closed.
fn differs(found: &[Leftover]) -> (Vec<LaunchPermission>, Vec<LaunchPermission>) {
    let [leftover] = found else {
        panic!("{found:#?}");
    };
    match &leftover.what {
        Left::Permissions {
            region,
            users,
            open_to,
            closed_to,
            ..
        } => {
            assert_eq!((region, users[0].name.as_str()), (&west(), "kept"));
            let launches = |opening: &Opening| match opening {
                Opening::Launch(launch) => launch.clone(),
                Opening::Copies { .. } => panic!("{opening}"),
            };
            let all = |set: &BTreeSet<Opening>| set.iter().map(launches).collect();
            (all(open_to), all(closed_to))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_ami_that_is_open_by_no_share_is_found_and_closed() {
    let world = shared();
    assert_eq!(found(&world), []);
    let (theirs, stranger) = (account("444455556666"), account("777788889999"));
    let image = image(&world, 1);
    world.admin.block_public_images(&west(), false).unwrap();
    let both = [LaunchPermission::Everyone, stranger.clone()];
    open(&world, &image, &both);
    let left = found(&world);
    assert_eq!(differs(&left), (both.to_vec(), vec![]));
    assert!(left[0].why.contains("777788889999"), "{left:?}");
    assert!(left[0].save_id.is_some());
    let outcomes = fixed(&world, &left);
    assert!(matches!(outcomes[..], [Fixed::Done]), "{outcomes:?}");
    // What a share allows does not change, there and everywhere else.
    for number in [1, 2] {
        assert_eq!(
            open_to(&world, number),
            [[theirs.clone()], [theirs.clone()]]
        );
    }
    assert_eq!(found(&world), []);
    let again = fixed(&world, &left);
    assert!(matches!(again[..], [Fixed::Explained]), "{again:?}");
}

#[test]
fn an_ami_that_is_closed_to_its_grantees_is_found_and_opened() {
    let world = shared();
    let theirs = account("444455556666");
    let image = image(&world, 2);
    close(&world, &image, std::slice::from_ref(&theirs));
    let left = found(&world);
    assert_eq!(differs(&left), (vec![], vec![theirs.clone()]));
    // If the share is revoked meanwhile, the revocation takes precedence.
    unshare(&world, ACCOUNT).unwrap();
    assert!(matches!(fixed(&world, &left)[..], [Fixed::Explained]));
    share(&world, "ada", ACCOUNT).unwrap();
    world.pass(60);
    close(&world, &image, std::slice::from_ref(&theirs));
    assert!(matches!(fixed(&world, &left)[..], [Fixed::Done]));
    assert_eq!(open_to(&world, 2), [[theirs.clone()], [theirs]]);
    assert_eq!(found(&world), []);
}

/// If EC2 refused to open an AMI when it was saved, that is known: it is tried once more, and the remedy is reported.
#[test]
fn an_ami_that_ec2_does_not_open_is_tried_once_more_and_is_no_failure() {
    let bent = Setup::seeded(5).bent(|ec2| ec2.opens_in = |region| *region != west());
    let world = launched(bent);
    saved(&world, save_request("work", "kept"));
    share(&world, "ada", ACCOUNT).unwrap();
    saved(&world, in_two_regions());
    world.pass(60);
    let left = found(&world);
    assert_eq!(differs(&left), (vec![], vec![account("444455556666")]));
    assert!(left[0].why.contains("EC2 refused to open it"), "{left:?}");
    let outcomes = fixed(&world, &left);
    let [Fixed::Refused(problem)] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    assert!(problem.message.contains("us-west-2"), "{problem}");
    assert!(problem.advice().contains("template unshare"), "{problem:?}");
    // The obstacle may be removed later.
    open(&world, &image(&world, 2), &[account("444455556666")]);
    assert_eq!(found(&world), []);
}

/// A share fails with its call under way, is revoked, and then the call takes effect.
#[test]
fn a_call_that_takes_effect_after_a_revocation_is_found() {
    let world = shared();
    let image = image(&world, 1);
    unshare(&world, ACCOUNT).unwrap();
    assert_eq!(found(&world), []);
    let theirs = account("444455556666");
    open(&world, &image, std::slice::from_ref(&theirs));
    let left = found(&world);
    assert_eq!(differs(&left), (vec![theirs], vec![]));
    assert!(matches!(fixed(&world, &left)[..], [Fixed::Done]));
    assert_eq!(open_to(&world, 1), [vec![], vec![]]);
}

/// If EC2 does not return the launch permissions, that is reported, and everything else is checked.
#[test]
fn a_region_that_does_not_return_launch_permissions_is_reported() {
    let world = shared();
    world.admin.deny("DescribeImageAttribute").unwrap();
    let looked = ask!(world, leftovers()).unwrap();
    assert_eq!(looked.found, []);
    let unseen: Vec<&str> = looked.unseen.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(unseen, ["us-east-1", "us-west-2"]);
}

#[test]
fn nothing_differs_at_any_moment_of_a_save_to_what_is_shared() {
    for seconds in (0..40).step_by(2).chain((40..700).step_by(30)) {
        let world = launched(Setup::seeded(seconds));
        saved(&world, in_two_regions());
        share(&world, "ada", ACCOUNT).unwrap();
        begun(&world, in_two_regions());
        world.pass(seconds);
        assert_eq!(found(&world), [], "at {seconds}");
    }
}

/// A recent request of a save may still take effect; only later it is a finding.
#[test]
fn an_ami_that_a_save_is_opening_is_no_finding() {
    let world = launched(Setup::seeded(5));
    saved(&world, in_two_regions());
    share(&world, "ada", ACCOUNT).unwrap();
    world.pass(60);
    begun(&world, in_two_regions());
    let registry = &world.service.env.registry;
    let registered = || world.run(registry.version(&kept(), 2)).unwrap();
    while registered().is_none() {
        world.pass(1);
    }
    let theirs = account("444455556666");
    close(&world, &image(&world, 2), std::slice::from_ref(&theirs));
    assert_eq!(found(&world), []);
    world.pass(60);
    assert_eq!(differs(&found(&world)), (vec![], vec![theirs]));
}

/// AMIs are opened and closed while the doctor runs, in every interleaving of the two.
#[test]
fn a_share_that_is_under_way_is_no_finding() {
    for seed in 0..30 {
        let world = shared();
        let service = yielding(&world);
        let name = kept();
        let other = to("account:777788889999");
        let doctor = async || Ok(service.leftovers().await?.found);
        let one = to(ACCOUNT);
        let shares = async || {
            service.unshare(&ADA, &name, &one).await?;
            service.share(&ADA, &name, &other).await?;
            Ok::<_, Problem>(Vec::new())
        };
        let calls: Vec<Doing<'_, Result<Vec<Leftover>, Problem>>> = vec![
            Box::pin(doctor()),
            Box::pin(shares()),
            Box::pin(doctor()),
            Box::pin(doctor()),
        ];
        let ends = interleave(calls, &mut fastrand::Rng::with_seed(seed));
        for end in ends {
            assert_eq!(end.unwrap(), [], "seed {seed}");
        }
        world.pass(60);
        assert_eq!(found(&world), [], "seed {seed}");
    }
}
