//! What a request is refused for, what it is warned of, and what a dry run shows (promise P2).

use prism_functions::domain::Code;
use prism_functions::domain::ec2::StatusChecks;
use prism_functions::domain::save::{SavePlan, SaveRequest, SaveState};
use prism_functions::domain::template::Visibility;
use prism_functions::operations::LaunchRequest;
use prism_functions::ports::{Encryption, Executions, KeyState};
use prism_local::ec2::{InstanceFacts, KeyPolicy};
use prism_tests::asks::Asks as _;
use prism_tests::bent::Bent;
use prism_tests::untouched::{self, ask, edited, open_world, plans, refuses, world};
use prism_tests::world::{Setup, World, caller, launch_request, region, save_request};
use serde_json::json;

fn public() -> SaveRequest {
    SaveRequest {
        public: true,
        ..ask()
    }
}

fn warnings(world: &World) -> Vec<String> {
    let plan = plans(world, &ask());
    plan.warnings.into_iter().map(|w| w.code).collect()
}

#[test]
fn a_marketplace_instance_is_not_made_public() {
    let (world, id) = open_world();
    let product = |facts: &mut InstanceFacts| facts.product_codes = vec!["abc123".to_owned()];
    world.admin.edit(&id, product).unwrap();
    refuses(&world, &public(), Code::MarketplacePublic, "abc123");
    plans(&world, &ask());
}

#[test]
fn a_volume_under_the_default_key_is_not_shared() {
    let (world, id) = open_world();
    let volume = world.instance(id.as_str()).volumes[0].volume.clone();
    world
        .admin
        .set_encryption(&volume, Encryption::AwsManagedKey)
        .unwrap();
    refuses(&world, &public(), Code::DefaultKeyShared, volume.as_str());
    plans(&world, &ask());
}

#[test]
fn a_region_that_blocks_public_images_is_named() {
    let (world, _) = open_world();
    let copied = SaveRequest {
        copy_to: ["us-west-2".parse().unwrap()].into(),
        ..public()
    };
    refuses(&world, &public(), Code::PublicImagesBlocked, "us-east-1");
    world.admin.block_public_images(&region(), false).unwrap();
    plans(&world, &public());
    let problem = refuses(&world, &copied, Code::PublicImagesBlocked, "us-west-2");
    assert!(problem.advice().contains("--region us-west-2"));
    let west = "us-west-2".parse().unwrap();
    world.admin.block_public_images(&west, false).unwrap();
    plans(&world, &copied);
}

#[test]
fn a_template_that_is_public_within_the_deployment_needs_none_of_that() {
    let (world, id) = world();
    let product = |facts: &mut InstanceFacts| facts.product_codes = vec!["abc123".to_owned()];
    world.admin.edit(&id, product).unwrap();
    plans(&world, &public());
}

#[test]
fn regions_must_exist_be_others_and_be_few() {
    let (world, _) = world();
    let mut mars = ask();
    mars.region = "mars-north-1".parse().unwrap();
    let problem = refuses(&world, &mars, Code::InvalidRegion, "mars-north-1");
    assert!(problem.advice().contains("us-east-1"));
    let copy_to = |names: &[String]| SaveRequest {
        copy_to: names.iter().map(|name| name.parse().unwrap()).collect(),
        ..ask()
    };
    let to_mars = copy_to(&["mars-north-1".to_owned()]);
    refuses(&world, &to_mars, Code::InvalidRegion, "mars-north-1");
    let home = copy_to(&["us-east-1".to_owned()]);
    refuses(&world, &home, Code::InvalidRegion, "us-east-1");
    let many: Vec<String> = (1..=11).map(|n| format!("moon-west-{n}")).collect();
    refuses(&world, &copy_to(&many), Code::InvalidRegion, "11 Regions");
}

#[test]
fn names_descriptions_and_tags_keep_to_their_rules() {
    let (world, _) = world();
    for name in ["", " work", "work ", "wo\nrk", &"w".repeat(129)] {
        refuses(
            &world,
            &save_request(name, "kept"),
            Code::InvalidName,
            "instance name",
        );
    }
    for text in ["d".repeat(256), "a\tb".to_owned(), "\u{1b}[31m".to_owned()] {
        let request = SaveRequest {
            description: text,
            ..ask()
        };
        let problem = refuses(&world, &request, Code::InvalidDescription, "description");
        assert!(!problem.message.contains('\u{1b}'));
    }
    plans(
        &world,
        &SaveRequest {
            description: "ü".repeat(255),
            ..ask()
        },
    );
    let long = "k".repeat(129);
    for key in [
        "",
        "aws:x",
        "AWS:x",
        "prism:owner",
        "Prism:x",
        "Name",
        "a\nb",
        &long,
    ] {
        let tags = [(key.to_owned(), "v".to_owned())].into();
        refuses(
            &world,
            &SaveRequest { tags, ..ask() },
            Code::InvalidTag,
            "tag",
        );
    }
    let tags = [("key".to_owned(), "v".repeat(257))].into();
    refuses(
        &world,
        &SaveRequest { tags, ..ask() },
        Code::InvalidTag,
        "key",
    );
    let tags = (0..21).map(|n| (format!("k{n}"), String::new())).collect();
    refuses(
        &world,
        &SaveRequest { tags, ..ask() },
        Code::InvalidTag,
        "21 tags",
    );
}

#[test]
fn what_does_not_prevent_a_save_is_a_warning() {
    let (world, id) = world();
    assert_eq!(warnings(&world), ["PublicIpChanges"]);
    world
        .admin
        .edit(&id, |facts| facts.elastic_ip = true)
        .unwrap();
    assert_eq!(warnings(&world), [""; 0]);
    world
        .admin
        .edit(&id, |facts| facts.hibernation = true)
        .unwrap();
    assert_eq!(warnings(&world), ["HibernationEnabled"]);
    for warning in plans(&world, &ask()).warnings {
        assert!(warning.text.contains(id.as_str()), "{}", warning.text);
    }
}

#[test]
fn impaired_status_checks_are_a_warning() {
    let setup = Setup {
        bend: |ec2| {
            let checks = Some(StatusChecks::Impaired);
            std::sync::Arc::new(Bent {
                checks,
                ..Bent::straight(ec2)
            })
        },
        ..Setup::seeded(7)
    };
    let world = setup.build();
    let id = world.launch("ada", "ubuntu", "work").id;
    assert_eq!(
        warnings(&world),
        ["PublicIpChanges", "StatusChecksImpaired"]
    );
    world.admin.stop(&id).unwrap();
    world.pass(60);
    assert_eq!(warnings(&world), [""; 0]);
}

#[test]
fn a_dry_run_gives_the_plan_and_changes_nothing() {
    let (world, _) = world();
    let before = untouched::sight(&world);
    let name = "save-0123456789abcdef0123";
    let input =
        json!({ "save_id": name, "caller": caller("ada"), "request": ask(), "dry_run": true });
    world
        .clock
        .run(world.executions.start(name, input))
        .unwrap();
    world.clock.run_until_idle().unwrap();
    let execution = world.clock.run(world.executions.describe(name)).unwrap();
    let plan: SavePlan = serde_json::from_value(execution.output.unwrap()).unwrap();
    let id = name.parse().unwrap();
    assert_eq!(
        plan,
        SavePlan {
            save_id: id,
            ..plans(&world, &ask())
        }
    );
    assert_eq!(untouched::sight(&world), before);
    // A refused request leaves no trace.
    let name = "save-0123456789abcdef0124";
    let input = json!({
        "save_id": name, "caller": caller("bob"), "request": ask(), "dry_run": true,
    });
    world
        .clock
        .run(world.executions.start(name, input))
        .unwrap();
    world.clock.run_until_idle().unwrap();
    let execution = world.clock.run(world.executions.describe(name)).unwrap();
    assert_eq!(execution.error.as_deref(), Some("InstanceNotFound"));
    assert_eq!(untouched::sight(&world), before);
}

#[test]
fn a_save_that_is_refused_leaves_its_record_alone() {
    let (world, id) = edited(|facts| facts.stop_protection = true);
    let inventory = world.admin.inventory().unwrap();
    let writes = world.table.writes();
    let record = world.save("ada", ask()).unwrap();
    assert_eq!(record.state, SaveState::Failed);
    assert!(record.plan.is_none() && record.ended_at.is_some());
    let failure = record.failure.unwrap();
    assert_eq!(
        (failure.code.as_str(), failure.step.as_str()),
        ("StopProtected", "PlanSave")
    );
    assert!(failure.message.contains(id.as_str()) && failure.hint.contains("disable-api-stop"));
    assert_eq!(world.table.writes(), writes + 1);
    assert_eq!(world.admin.inventory().unwrap(), inventory);
    world
        .admin
        .edit(&id, |facts| facts.stop_protection = false)
        .unwrap();
    assert_eq!(
        world.save("ada", ask()).unwrap().state,
        SaveState::Succeeded
    );
}

#[test]
fn a_deployment_refuses_what_it_does_not_allow_before_anything_is_touched() {
    let mut setup = Setup::seeded(5);
    setup.settings.allowed_regions = "us-east-1".parse().unwrap();
    setup.settings.allowed_types = "t3.*,m7i.large".parse().unwrap();
    let world = setup.build();
    world.launch("ada", "ubuntu", "work");

    let copied = SaveRequest {
        copy_to: ["us-west-2".parse().unwrap()].into(),
        ..ask()
    };
    let problem = refuses(&world, &copied, Code::RegionNotAllowed, "us-west-2");
    assert!(problem.advice().contains("us-east-1"));
    plans(&world, &ask());

    let ada = caller("ada");
    let plan = |request: &LaunchRequest| {
        let planned = world.service.plan_launch(&ada, request);
        world.clock.run(planned).map_err(|problem| problem.code)
    };
    let usual = launch_request("ubuntu", "other");
    assert!(plan(&usual).is_ok());
    let large = LaunchRequest {
        size: Some("GPU-L".parse().unwrap()),
        ..usual.clone()
    };
    assert_eq!(plan(&large).unwrap_err(), Code::InstanceTypeNotAllowed);
    let west = LaunchRequest {
        region: "us-west-2".parse().unwrap(),
        ..usual
    };
    assert_eq!(plan(&west).unwrap_err(), Code::RegionNotAllowed);
}

#[test]
fn names_and_descriptions_may_have_any_letters() {
    let (world, _) = world();
    world.launch("ada", "ubuntu", "Müller");
    let copied = |request| SaveRequest {
        copy_to: ["us-west-2".parse().unwrap()].into(),
        ..request
    };
    // EC2 stores the text in ASCII, and the registry stores it as written.
    let saved = world.save("ada", copied(save_request("Müller", "kept")));
    assert_eq!(saved.unwrap().state, SaveState::Succeeded);
    let described = SaveRequest {
        description: "R für Übungen – 北京".to_owned(),
        ..copied(save_request("Müller", "kept"))
    };
    let record = world.save("ada", described.clone()).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{:?}", record.failure);
    let kept = "kept".parse().unwrap();
    let version = world.service.env.registry.version(&kept, 2);
    let version = world.clock.run(version).unwrap().unwrap();
    assert_eq!(version.description, described.description);
    assert_eq!(version.saved_from, "Müller");
    assert!(version.failed_regions.is_empty(), "{version:?}");
}

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

/// A world whose instance has a volume encrypted with a customer managed key.
fn under_a_key() -> World {
    let (world, id) = world();
    let volume = world.instance(id.as_str()).volumes[0].volume.clone();
    let encryption = Encryption::CustomerKey(KEY.to_owned());
    let encrypted = world.admin.set_encryption(&volume, encryption);
    encrypted.expect("the volume is there");
    world
}

#[test]
fn a_key_that_cannot_be_used_is_reported_before_the_stop() {
    let world = under_a_key();
    plans(&world, &ask());
    for state in [
        KeyState::Disabled,
        KeyState::PendingDeletion,
        KeyState::PendingImport,
        KeyState::Unavailable,
        KeyState::Gone,
    ] {
        world.admin.set_key_state(KEY, state).unwrap();
        let problem = refuses(&world, &ask(), Code::KeyUnusable, KEY);
        assert!(problem.message.contains(state.as_str()), "{problem}");
        assert!(problem.advice().contains("aws kms "), "{problem:?}");
    }
    world.admin.set_key_state(KEY, KeyState::Updating).unwrap();
    plans(&world, &ask());
}

/// The grants for a restart that could not be checked.
fn unchecked(world: &World) -> Vec<String> {
    let warnings = plans(world, &ask()).warnings.into_iter();
    let unchecked = warnings.filter(|it| it.code == "KeyGrantUnchecked");
    unchecked.map(|it| it.text).collect()
}

#[test]
fn a_key_that_cannot_be_described_or_granted_is_reported_before_the_stop() {
    let world = under_a_key();
    assert!(unchecked(&world).is_empty());
    world.admin.set_key_policy(KEY, KeyPolicy::Nobody).unwrap();
    refuses(&world, &ask(), Code::KeyGrantRefused, KEY);
    world.admin.set_key_policy(KEY, KeyPolicy::Account).unwrap();
    world.admin.deny("kms:CreateGrant").unwrap();
    refuses(&world, &ask(), Code::PermissionMissing, "kms:CreateGrant");
    // A stopped instance needs none.
    let (ada, here) = (caller("ada"), region());
    let stopped = world.service.stop_instance(&ada, &here, "work");
    world.clock.run(stopped).unwrap();
    world.pass(60);
    plans(&world, &ask());
}

/// The KMS console writes policies that only allow grants with `kms:GrantIsForAWSResource`, which no user can request
/// directly.
#[test]
fn a_key_that_takes_grants_of_ec2_alone_is_saved_under_with_a_warning() {
    let world = under_a_key();
    let policy = KeyPolicy::GrantsForAws;
    world.admin.set_key_policy(KEY, policy).unwrap();
    let warnings = unchecked(&world);
    assert!(
        warnings.len() == 1 && warnings[0].contains(KEY),
        "{warnings:?}"
    );
    let record = world.save("ada", ask()).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{:?}", record.failure);
    // The state of such a key can still be read.
    let pending = KeyState::PendingDeletion;
    world.admin.set_key_state(KEY, pending).unwrap();
    refuses(&world, &ask(), Code::KeyUnusable, KEY);
}

/// A policy that shows the key but allows no grants at all looks the same. The instance then waits, with its data, for
/// a policy that does, and the record says so.
#[test]
fn a_key_that_takes_no_grant_at_all_leaves_the_save_stranded_with_a_guide() {
    let world = under_a_key();
    world
        .admin
        .set_key_policy(KEY, KeyPolicy::NoGrants)
        .unwrap();
    assert_eq!(unchecked(&world).len(), 1);
    let record = world.save("ada", ask()).unwrap();
    assert_eq!(record.state, SaveState::Stranded, "{:?}", record.failure);
    let failure = record.failure.as_ref().unwrap();
    assert_eq!(failure.code, "RestoreImpossible");
    world.admin.set_key_policy(KEY, KeyPolicy::Account).unwrap();
    world.sweep(12);
    let record = world.record(&record.save_id).unwrap();
    assert_eq!(record.state, SaveState::Failed, "{record:#?}");
    assert!(record.running_at.is_some(), "{record:#?}");
}

#[test]
fn a_copy_that_a_region_encrypts_is_reported_before_anything_is_created() {
    let (world, _) = open_world();
    let west = "us-west-2".parse().unwrap();
    for region in [&region(), &west] {
        world.admin.block_public_images(region, false).unwrap();
    }
    let copied = |request| SaveRequest {
        copy_to: [west.clone()].into(),
        ..request
    };
    plans(&world, &copied(public()));
    let defaults = |key| world.admin.set_ebs_defaults(&west, true, key).unwrap();
    defaults(None);
    let problem = refuses(
        &world,
        &copied(public()),
        Code::DefaultKeyShared,
        "us-west-2",
    );
    assert!(problem.advice().contains("modify-ebs-default-kms-key-id"));
    plans(&world, &copied(ask()));
    let key = "arn:aws:kms:us-west-2:111122223333:key/2";
    defaults(Some(key));
    refuses(&world, &copied(public()), Code::ShareImpossible, key);
    plans(&world, &copied(ask()));
    world.admin.set_key_state(key, KeyState::Disabled).unwrap();
    refuses(&world, &copied(ask()), Code::KeyUnusable, key);
}

#[test]
fn a_quota_of_public_images_is_reported_and_fails_no_save() {
    let (world, _) = open_world();
    world.admin.block_public_images(&region(), false).unwrap();
    let warned = |request: &SaveRequest| {
        let warnings = plans(&world, request).warnings;
        warnings.iter().any(|it| it.code == "PublicImagesQuota")
    };
    for n in 1..=5 {
        let request = SaveRequest {
            public: true,
            ..save_request("work", &format!("kept-{n}"))
        };
        assert!(!warned(&request), "{n}");
        let record = world.save("ada", request).unwrap();
        assert!(record.closed_in.is_empty(), "{record:?}");
    }
    assert!(warned(&public()));
    let record = world.save("ada", public()).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{:?}", record.failure);
    assert_eq!(record.closed_in[&region()], "everybody");
    let kept = "kept".parse().unwrap();
    let template = world.clock.run(world.service.env.registry.template(&kept));
    let template = template.unwrap().unwrap().value;
    assert_ne!(template.visibility, Visibility::Public);
    let notices = world.notices.0.lock().unwrap();
    assert!(
        notices
            .last()
            .unwrap()
            .text
            .contains("rejected the launch permission"),
        "{notices:?}"
    );
}

#[test]
fn a_launch_under_a_key_that_cannot_be_used_is_refused() {
    let world = under_a_key();
    world.save("ada", ask()).unwrap();
    let launch = |name: &str| {
        let (ada, request) = (caller("ada"), launch_request("kept", name));
        let launched = world.service.launch(&ada, &request);
        world.clock.run(launched).map(drop)
    };
    world.admin.set_key_state(KEY, KeyState::Disabled).unwrap();
    let before = world.admin.inventory().unwrap().instances.len();
    assert_eq!(launch("one").unwrap_err().code, Code::KeyUnusable);
    world.admin.set_key_state(KEY, KeyState::Enabled).unwrap();
    world.admin.set_key_policy(KEY, KeyPolicy::Nobody).unwrap();
    assert_eq!(launch("one").unwrap_err().code, Code::KeyGrantRefused);
    assert_eq!(world.admin.inventory().unwrap().instances.len(), before);
    world.admin.set_key_policy(KEY, KeyPolicy::Account).unwrap();
    launch("one").unwrap();
}
