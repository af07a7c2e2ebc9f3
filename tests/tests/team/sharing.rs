//! Shares with users, projects, accounts, organizations and the world.

use std::sync::Arc;

use prism_functions::domain::Code;
use prism_functions::domain::ec2::{InstanceState, LaunchPermission};
use prism_functions::domain::grant::GrantState;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::template::{TemplateState, Visibility};
use prism_functions::ports::{Ec2 as _, Encryption};
use prism_functions::rules::{PublicScope, Settings};
use prism_local::ec2::Settings as CloudSettings;
use prism_tests::asks::Asks as _;
use prism_tests::bent::Bent;
use prism_tests::interleaved::{Doing, interleave, yielding};
use prism_tests::story::to_the_end;
use prism_tests::untouched::sight;
use prism_tests::world::{Setup, World, begun, caller, id_of, launched, region, save_request};

use crate::{
    ACCOUNT, ORGANIZATION, RunIt as _, account, in_two_regions, kept, launch, open_to, saved,
    share, to, unshare, west,
};

#[test]
fn an_account_launches_every_version_in_every_region_until_it_is_taken_back() {
    let world = launched(Setup::seeded(5));
    saved(&world, in_two_regions());
    let shared = share(&world, "ada", ACCOUNT).unwrap();
    assert_eq!(
        (shared.repeated, shared.visibility),
        (false, Visibility::Shared)
    );
    assert_eq!(shared.images.len(), 2);
    let theirs = vec![account("444455556666")];
    assert_eq!(open_to(&world, 1), [theirs.clone(), theirs.clone()]);
    // A later version is shared like the others, including its copies.
    assert_eq!(saved(&world, in_two_regions()), 2);
    assert_eq!(open_to(&world, 2), [theirs.clone(), theirs.clone()]);
    // Sharing again opens what was closed from outside.
    let west = west();
    let image = shared.images[&west][0].clone();
    let closed = world.ec2.remove_launch_permissions(&west, &image, &theirs);
    world.clock.run(closed).unwrap();
    assert!(share(&world, "ada", ACCOUNT).unwrap().repeated);
    assert_eq!(open_to(&world, 1), [theirs.clone(), theirs]);
    assert_eq!(unshare(&world, ACCOUNT).unwrap(), Visibility::Private);
    for version in [1, 2] {
        assert_eq!(open_to(&world, version), [vec![], vec![]]);
    }
    assert_eq!(
        unshare(&world, ACCOUNT).unwrap_err().code,
        Code::ShareNotFound
    );
    saved(&world, in_two_regions());
    assert_eq!(open_to(&world, 3), [vec![], vec![]]);
}

#[test]
fn a_region_that_fails_is_named_and_nothing_is_shared_then() {
    // No check beforehand can see that EC2 will refuse it there.
    let world = launched(Setup {
        bend: |ec2| {
            Arc::new(Bent {
                opens_in: |region| *region != west(),
                ..Bent::straight(ec2)
            })
        },
        ..Setup::seeded(5)
    });
    saved(&world, in_two_regions());
    let registry = &world.service.env.registry;
    let version = world
        .clock
        .run(registry.version(&kept(), 1))
        .unwrap()
        .unwrap();
    let refused = share(&world, "ada", ACCOUNT).unwrap_err();
    assert_eq!(refused.code, Code::ShareFailed);
    assert!(
        refused.message.contains("us-west-2 (") && !refused.message.contains("us-east-1"),
        "{refused}"
    );
    assert!(refused.message.contains("Nothing is shared"), "{refused}");
    assert_eq!(world.clock.run(registry.grants(&kept())).unwrap(), []);
    let here = version.amis[&region()].values().next().unwrap();
    assert_eq!(
        world
            .clock
            .run(world.ec2.launch_permissions(&region(), here))
            .unwrap(),
        []
    );
    // Without EC2's permission nothing can be closed either: the record says what is incomplete.
    let ok = share(&world, "ada", "user:bob").unwrap();
    assert_eq!(ok.visibility, Visibility::Shared);
}

#[test]
fn a_half_revoked_share_is_reported_and_completed_by_repeating() {
    let world = launched(Setup::seeded(5));
    saved(&world, in_two_regions());
    share(&world, "ada", ACCOUNT).unwrap();
    world.admin.deny("ModifyImageAttribute").unwrap();
    let refused = unshare(&world, ACCOUNT).unwrap_err();
    assert_eq!(refused.code, Code::ShareFailed);
    let registry = &world.service.env.registry;
    let left = world.clock.run(registry.grants(&kept())).unwrap();
    assert_eq!(left[0].state, GrantState::Closing);
    // The share no longer counts, neither in Prism nor for new versions.
    let template = world
        .clock
        .run(registry.template(&kept()))
        .unwrap()
        .unwrap();
    assert_eq!(template.value.visibility, Visibility::Private);
    saved(&world, in_two_regions());
    assert_eq!(open_to(&world, 2), [vec![], vec![]]);
    world.admin.allow("ModifyImageAttribute").unwrap();
    unshare(&world, ACCOUNT).unwrap();
    assert_eq!(open_to(&world, 1), [vec![], vec![]]);
    assert_eq!(world.clock.run(registry.grants(&kept())).unwrap(), []);
}

#[test]
fn two_shares_that_mean_the_same_accounts_are_closed_with_the_last() {
    let settings = Settings {
        public_scope: PublicScope::Organization,
        organization: Some(ORGANIZATION.parse().unwrap()),
        ..Settings::default()
    };
    let world = World::with(5, CloudSettings::default(), settings);
    world.launch("ada", "ubuntu", "work");
    saved(&world, in_two_regions());
    let shared = share(&world, "ada", "public").unwrap();
    assert_eq!(shared.visibility, Visibility::Public);
    // The deployment's own organization is recognised by its ID.
    share(&world, "ada", "organization:o-a1b2c3d4e5").unwrap();
    let theirs = vec![LaunchPermission::Organization(ORGANIZATION.to_owned())];
    assert_eq!(open_to(&world, 1), [theirs.clone(), theirs.clone()]);
    assert_eq!(unshare(&world, "public").unwrap(), Visibility::Shared);
    assert_eq!(open_to(&world, 1), [theirs.clone(), theirs]);
    unshare(&world, "organization:o-a1b2c3d4e5").unwrap();
    assert_eq!(open_to(&world, 1), [vec![], vec![]]);
    let foreign = share(&world, "ada", "organization:o-zzzzzzzzzz").unwrap_err();
    assert_eq!(foreign.code, Code::InvalidInput);
    assert!(
        foreign.advice().contains("describe-organization"),
        "{foreign:?}"
    );
}

/// A world whose public templates are open to the world, with a version whose volume is encrypted with this key.
fn encrypted(encryption: Encryption) -> World {
    let settings = Settings {
        public_scope: PublicScope::World,
        ..Settings::default()
    };
    let world = World::with(5, CloudSettings::default(), settings);
    world.launch("ada", "ubuntu", "work");
    let facts = world.instance(id_of(&world).as_str());
    let volume = &facts.volumes[0].volume;
    world.admin.set_encryption(volume, encryption).unwrap();
    saved(&world, save_request("work", "kept"));
    world
}

#[test]
fn what_ec2_would_refuse_is_refused_before_anything_changes() {
    let key = "arn:aws:kms:us-east-1:111122223333:key/k";
    let world = encrypted(Encryption::AwsManagedKey);
    for (whom, code) in [
        (ACCOUNT, Code::DefaultKeyShared),
        ("public", Code::PublicImagesBlocked),
    ] {
        let before = sight(&world);
        assert_eq!(share(&world, "ada", whom).unwrap_err().code, code, "{whom}");
        assert_eq!(sight(&world), before, "{whom}");
    }
    // Within the deployment, keys do not matter.
    share(&world, "ada", "user:bob").unwrap();
    launch("bob", "kept", &world).unwrap();

    let world = encrypted(Encryption::CustomerKey(key.to_owned()));
    world.admin.block_public_images(&region(), false).unwrap();
    let before = sight(&world);
    let refused = share(&world, "ada", "public").unwrap_err();
    assert_eq!(refused.code, Code::ShareImpossible);
    assert_eq!(sight(&world), before);
    let (ada, request) = (caller("ada"), to(ACCOUNT));
    let plan = world
        .clock
        .run(world.service.plan_share(&ada, &kept(), &request))
        .unwrap();
    let warning = plan
        .warnings
        .iter()
        .find(|it| it.code == "KeyPolicyNeeded")
        .unwrap();
    assert!(warning.text.contains(key), "{}", warning.text);
    share(&world, "ada", ACCOUNT).unwrap();
    // A save to a template that is shared outside must have a volume that can be shared.
    let facts = world.instance(id_of(&world).as_str());
    let volume = &facts.volumes[0].volume;
    world
        .admin
        .set_encryption(volume, Encryption::AwsManagedKey)
        .unwrap();
    let refused = world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(refused.failure.unwrap().code, "DefaultKeyShared");
}

#[test]
fn files_that_were_not_meant_for_others_are_named_to_those_who_share_and_to_nobody_else() {
    let world = launched(Setup::seeded(5));
    let facts = world.instance(id_of(&world).as_str());
    let volume = &facts.volumes[0].volume;
    for path in [
        "/home/ubuntu/.aws/credentials",
        "/home/ubuntu/.bash_history",
    ] {
        world.admin.write_file(volume, path, b"x").unwrap();
    }
    saved(&world, save_request("work", "kept"));
    let refused = share(&world, "ada", "user:bob").unwrap_err();
    assert_eq!(refused.code, Code::SensitiveFiles);
    let (ada, mut request) = (caller("ada"), to("user:bob"));
    request.publish_sensitive = true;
    let plan = || {
        world
            .clock
            .run(world.service.plan_share(&ada, &kept(), &request))
            .unwrap()
    };
    let text = &plan().warnings[0].text;
    assert!(
        text.contains(".aws/credentials (AWS credentials)") && text.contains(".bash_history"),
        "{text}"
    );
    assert_eq!(plan().shows.len(), 2);
    let kept = kept();
    let shared = world.service.share(&ada, &kept, &request);
    world.clock.run_it(shared);
    assert!(plan().repeated);
    let reference = "kept@1".parse().unwrap();
    for user in ["ada", "bob"] {
        let by = caller(user);
        let told = world.clock.run(world.service.packages(&by, &reference));
        assert_eq!(told.unwrap().unwrap().sensitive, None, "{user}");
    }
}

#[test]
fn a_save_for_the_world_is_refused_where_earlier_versions_are_not() {
    let world = encrypted(Encryption::None);
    world.admin.block_public_images(&region(), false).unwrap();
    let public = SaveRequest {
        public: true,
        ..save_request("work", "kept")
    };
    let refused = world.save("ada", public.clone()).unwrap();
    assert_eq!(refused.failure.unwrap().code, "VersionsNotPublic");
    assert_eq!(refused.stop_requested_at, None);
    // Does what the hint says.
    share(&world, "ada", "public").unwrap();
    assert_eq!(saved(&world, public), 2);
    let everyone = vec![vec![LaunchPermission::Everyone]];
    assert_eq!(
        (open_to(&world, 1), open_to(&world, 2)),
        (everyone.clone(), everyone)
    );
}

#[test]
fn a_save_for_the_world_is_refused_where_another_has_made_the_first_version_meanwhile() {
    let mut setup = Setup::seeded(5);
    setup.settings.public_scope = PublicScope::World;
    let world = launched(setup);
    world.launch("ada", "ubuntu", "play");
    world.admin.block_public_images(&region(), false).unwrap();
    let first = begun(&world, save_request("play", "kept"));
    let id = begun(
        &world,
        SaveRequest {
            public: true,
            ..save_request("work", "kept")
        },
    );
    to_the_end(&world, &id);
    assert_eq!(world.record(&first).unwrap().version, Some(1));
    let record = world.record(&id).unwrap();
    assert_eq!(record.failure.unwrap().code, "VersionsNotPublic");
    let instance = world.instance(id_of(&world).as_str());
    assert_eq!(instance.state, InstanceState::Running);
    assert_eq!(open_to(&world, 1), [vec![]]);
    let images = world.admin.inventory().unwrap().images;
    let ours = |tag: &String| tag == id.as_str();
    assert!(
        !images
            .iter()
            .any(|(_, image)| image.tags.get(SAVE_TAG).is_some_and(ours))
    );
}

/// A share and the deletion of its template at the same time: in either order, the share does not apply to the next
/// template of this name.
#[test]
fn what_is_deleted_is_given_to_nobody() {
    let (mut shared, mut refused) = (0, 0);
    for seed in 0..60 {
        let mut setup = Setup::seeded(seed);
        setup.cloud.throttles.enabled = false;
        let world = launched(setup);
        saved(&world, save_request("work", "kept"));
        let service = yielding(&world);
        let (ada, kept, to) = (caller("ada"), kept(), to(ACCOUNT));
        let all = "kept".parse().unwrap();
        let share: Doing<'_, bool> =
            Box::pin(async { service.share(&ada, &kept, &to).await.is_ok() });
        let delete: Doing<'_, bool> = Box::pin(async {
            let deleted = service.delete_template(&ada, &all, true);
            deleted.await.is_ok()
        });
        let ends = interleave(vec![share, delete], &mut fastrand::Rng::with_seed(seed));
        if ends[0] {
            shared += 1;
        } else {
            refused += 1;
        }
        world.sweep(1);
        let template = world.clock.run(world.service.env.registry.template(&kept));
        if template.unwrap().unwrap().value.state == TemplateState::Deleted {
            let grants = world.clock.run(world.service.env.registry.grants(&kept));
            assert_eq!(grants.unwrap(), [], "seed {seed}: {ends:?}");
        }
    }
    assert!(shared > 0 && refused > 0, "{shared} {refused}");
}
