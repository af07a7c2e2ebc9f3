//! AMIs that EC2 refuses to deregister, and AMIs that were deregistered or disabled outside of Prism: what is reported,
//! and to whom (promises P5, P9).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::template::{TemplateRef, TemplateState, Version};
use prism_functions::domain::{Code, ImageId, Problem, Region, TemplateName};
use prism_functions::operations::{Deletion, Fixed, Left, Leftover, TemplateView, TemplatesPage};
use prism_functions::ports::Ec2 as _;
use prism_functions::rules::ImageFault;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    REGION, Setup, World, caller, copy_request, launch_request, launched, region, save_request,
    share_request,
};

fn kept() -> TemplateName {
    "kept".parse().unwrap()
}

fn reference(text: &str) -> TemplateRef {
    text.parse().unwrap()
}

fn west() -> Region {
    "us-west-2".parse().unwrap()
}

fn world(seed: u64) -> World {
    let world = launched(Setup::seeded(seed));
    let request = SaveRequest {
        copy_to: [west()].into(),
        ..save_request("work", "kept")
    };
    world.save("ada", request).unwrap();
    world
}

fn version(world: &World, number: u32) -> Version {
    let registry = &world.service.env.registry;
    let found = world.clock.run(registry.version(&kept(), number));
    found.unwrap().unwrap()
}

fn image(world: &World, region: &Region) -> ImageId {
    let version = version(world, 1);
    version.amis[region][&version.architecture].clone()
}

fn delete(world: &World, user: &str, text: &str, force: bool) -> Result<Deletion, Problem> {
    ask!(
        world,
        delete_template(&caller(user), &reference(text), force)
    )
}

fn deregister(world: &World, region: &Region) {
    let image = image(world, region);
    let gone = world.ec2.deregister_image(region, &image);
    world.clock.run(gone).unwrap();
    world.pass(3600);
}

fn found(world: &World) -> Vec<Leftover> {
    ask!(world, leftovers()).unwrap().found
}

fn images(world: &World) -> usize {
    let inventory = world.admin.inventory().unwrap();
    let images = inventory.images.iter();
    images
        .filter(|(_, it)| it.tags.contains_key(SAVE_TAG))
        .count()
}

fn faults(world: &World) -> Vec<(Region, ImageId, ImageFault)> {
    let view = ask!(world, template(&caller("ada"), &reference("kept"))).unwrap();
    let TemplateView::Saved { faults, .. } = view else {
        panic!("it was saved")
    };
    let each = faults.into_iter();
    each.flat_map(|(region, here)| {
        here.into_iter()
            .map(move |(id, fault)| (region.clone(), id, fault))
    })
    .collect()
}

#[test]
fn a_protected_ami_is_named_before_anything_is_deleted() {
    let world = world(81);
    let protected = image(&world, &west());
    world.admin.protect_image(&protected, true).unwrap();
    let plan = ask!(world, plan_deletion(&caller("ada"), &reference("kept"))).unwrap();
    assert!(plan.protected[&west()].contains(&protected));
    for (text, force) in [("kept", false), ("kept", true), ("kept@1", true)] {
        let refused = delete(&world, "ada", text, force).unwrap_err();
        assert_eq!(refused.code, Code::ImageProtected, "{refused}");
        let advice = refused.advice();
        assert!(
            advice.contains("disable-image-deregistration-protection --region us-west-2"),
            "{advice}"
        );
    }
    assert_eq!(
        (images(&world), version(&world, 1).state),
        (2, TemplateState::Active)
    );
    world.admin.protect_image(&protected, false).unwrap();
    assert!(delete(&world, "ada", "kept", false).unwrap().finished);
    assert_eq!(images(&world), 0);
}

#[test]
fn a_deletion_that_ec2_refuses_is_reported_to_its_owner_until_it_succeeds() {
    let world = world(82);
    world.admin.deny("DeregisterImage").unwrap();
    let deletion = delete(&world, "ada", "kept", false).unwrap();
    assert!(deletion.begun && !deletion.finished);
    let stuck = deletion.stuck.unwrap();
    assert_eq!(stuck.code, "PermissionMissing");
    assert!(stuck.message.contains("ec2:DeregisterImage"), "{stuck:?}");
    world.sweep(3);
    // Only the owner is told that the name is being deleted.
    let shown = ask!(world, template(&caller("ada"), &reference("kept"))).unwrap_err();
    assert_eq!(shown.code, Code::TemplateNotFound);
    assert!(shown.message.contains("ec2:DeregisterImage"), "{shown}");
    let listed = |user: &str| {
        let every = TemplatesPage::default();
        let listed = ask!(world, templates(&caller(user), &every, 100, None)).unwrap();
        listed.items.into_iter().find(|it| it.name == "kept")
    };
    let going = listed("ada").unwrap();
    assert_eq!(going.state, TemplateState::Deleted);
    let stuck = going.stuck.unwrap();
    assert!(stuck.message.contains("ec2:DeregisterImage"), "{stuck:?}");
    assert_eq!(listed("bob"), None);
    let taken = world.save("ada", save_request("work", "kept")).unwrap();
    let taken = taken.failure.unwrap();
    assert!(taken.message.contains("ec2:DeregisterImage"), "{taken:?}");
    let stranger = ask!(world, template(&caller("bob"), &reference("kept"))).unwrap_err();
    let never = ask!(world, template(&caller("bob"), &reference("never"))).unwrap_err();
    assert_eq!(stranger.message.replace("kept", "never"), never.message);
    // The doctor lists it, and cannot remove it either.
    let left = found(&world);
    let of_template = |it: &&Leftover| {
        it.what
            == Left::Removal {
                template: kept(),
                version: None,
            }
    };
    let removal = left.iter().find(of_template).unwrap().clone();
    assert!(removal.why.contains("ec2:DeregisterImage"), "{removal:?}");
    let fixed = ask!(world, fix(std::slice::from_ref(&removal))).unwrap();
    assert!(
        matches!(&fixed[0].1, Fixed::Failed(problem) if problem.code == Code::PermissionMissing)
    );
    let again = delete(&world, "ada", "kept", false).unwrap();
    assert_eq!(again.stuck.unwrap().code, "PermissionMissing");
    // No other user can continue the deletion.
    let other = delete(&world, "bob", "kept", false).unwrap_err();
    assert_eq!(other.code, Code::TemplateNotFound);
    world.admin.allow("DeregisterImage").unwrap();
    let again = delete(&world, "ada", "kept", false).unwrap();
    assert!(again.finished && again.stuck.is_none());
    assert_eq!(listed("ada"), None);
    assert_eq!((images(&world), found(&world).len()), (0, 0));
    let saved = world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(saved.version, Some(2), "{:?}", saved.failure);
}

#[test]
fn an_ami_that_is_protected_meanwhile_holds_up_no_other() {
    let world = world(83);
    world.save("ada", save_request("work", "kept")).unwrap();
    world.admin.deny("DeregisterImage").unwrap();
    delete(&world, "ada", "kept", false).unwrap();
    let protected = image(&world, &region());
    world.admin.protect_image(&protected, true).unwrap();
    world.admin.allow("DeregisterImage").unwrap();
    world.sweep(3);
    assert_eq!(images(&world), 1);
    let of_first = ask!(world, versions(&caller("ada"), &kept(), 10, None)).unwrap_err();
    assert!(
        of_first
            .message
            .contains("protected against deregistration"),
        "{of_first}"
    );
    assert_eq!(version(&world, 1).stuck.unwrap().code, "ImageProtected");
    assert!(version(&world, 2).removed_at.is_some());
    world.admin.protect_image(&protected, false).unwrap();
    world.sweep(3);
    assert_eq!((images(&world), version(&world, 1).stuck), (0, None));
}

#[test]
fn an_ami_that_is_gone_is_refused_reported_and_copied_again() {
    let world = world(84);
    let gone = image(&world, &region());
    deregister(&world, &region());
    let launch = launch_request("kept", "again");
    let refused = ask!(world, plan_launch(&caller("ada"), &launch)).unwrap_err();
    assert_eq!(refused.code, Code::ImageGone, "{refused}");
    let advice = refused.advice();
    assert!(
        advice.contains("prism template copy kept@1 --region us-east-1"),
        "{advice}"
    );
    assert_eq!(faults(&world), [(region(), gone.clone(), ImageFault::Gone)]);
    let left = found(&world);
    let versions = left
        .iter()
        .filter(|it| matches!(&it.what, Left::Version { id, .. } if *id == gone));
    assert_eq!(versions.count(), 1, "{left:?}");
    // A copy from another Region replaces the missing AMI.
    let copy = copy_request("kept", 1, &[REGION]);
    ask!(world, start_copy(&caller("ada"), &copy, None)).unwrap();
    world.clock.run_until_idle().unwrap();
    assert_ne!(image(&world, &region()), gone);
    assert_eq!(faults(&world), []);
    assert!(ask!(world, plan_launch(&caller("ada"), &launch)).is_ok());
    let whole = version(&world, 1);
    assert_eq!(whole.snapshots[&region()].len(), 1);
    let twice = ask!(world, plan_copy(&caller("ada"), &copy)).unwrap_err();
    assert_eq!(twice.code, Code::CopyExists);
    // The remains of the missing AMI no longer belong to any version.
    let left = found(&world);
    assert!(
        left.iter()
            .all(|it| matches!(it.what, Left::Snapshot { .. })),
        "{left:?}"
    );
    assert_eq!(left.len(), 1);
}

#[test]
fn a_share_skips_gone_and_disabled_amis_with_a_warning() {
    let world = world(85);
    deregister(&world, &region());
    let off = image(&world, &west());
    world.save("ada", save_request("work", "kept")).unwrap();
    world.admin.disable_image(&off).unwrap();
    let ada = caller("ada");
    let to = share_request("account:444455556666");
    let plan = ask!(world, plan_share(&ada, &kept(), &to)).unwrap();
    let told = plan
        .warnings
        .iter()
        .filter(|it| it.code == "ImageNotOpened");
    assert_eq!(told.count(), 2, "{:?}", plan.warnings);
    ask!(world, share(&ada, &kept(), &to)).unwrap();
    let second = version(&world, 2);
    let second = &second.amis[&region()][&second.architecture];
    let home = region();
    let held = || {
        let told = world.ec2.launch_permissions(&home, second);
        world.clock.run(told).unwrap()
    };
    assert_eq!(
        held(),
        [LaunchPermission::Account("444455556666".parse().unwrap())]
    );
    ask!(world, unshare(&ada, &kept(), &to)).unwrap();
    assert_eq!(held(), []);
}

#[test]
fn a_disabled_ami_is_refused_and_reported_until_it_is_enabled() {
    let world = world(86);
    let off = image(&world, &region());
    world.admin.disable_image(&off).unwrap();
    let launch = launch_request("kept", "again");
    let refused = ask!(world, plan_launch(&caller("ada"), &launch)).unwrap_err();
    assert_eq!(refused.code, Code::ImageDisabled, "{refused}");
    assert!(
        refused.advice().contains("aws ec2 enable-image"),
        "{refused:?}"
    );
    assert_eq!(
        faults(&world),
        [(region(), off.clone(), ImageFault::Disabled)]
    );
    // The AMI still exists, so no copy replaces it, and nothing of it is a leftover.
    let copy = copy_request("kept", 1, &[REGION]);
    let refused = ask!(world, plan_copy(&caller("ada"), &copy)).unwrap_err();
    assert_eq!(refused.code, Code::CopyExists);
    let left = found(&world);
    assert!(
        matches!(&left[..], [one] if matches!(one.what, Left::Version { .. })),
        "{left:?}"
    );
    world.admin.enable_image(&off).unwrap();
    assert_eq!((found(&world).len(), faults(&world).len()), (0, 0));
    assert!(ask!(world, plan_launch(&caller("ada"), &launch)).is_ok());
    world.admin.disable_image(&off).unwrap();
    assert!(delete(&world, "ada", "kept", false).unwrap().finished);
    assert_eq!(images(&world), 0);
}
