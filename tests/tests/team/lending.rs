//! AMIs that a template has from another one through an import: nobody gains more rights to them than the other
//! template gives (promise P10).

use prism_functions::domain::ec2::{LaunchPermission, Opening};
use prism_functions::domain::grant::{Grant, GrantState};
use prism_functions::domain::template::{TemplateRef, Version};
use prism_functions::domain::{Code, Problem, TemplateName};
use prism_functions::operations::{ImportRequest, Imported, Left, Shared};
use prism_functions::ports::{Change, Condition, Ec2 as _, Item, Key, Table as _, Write};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, BOB, Setup, World, caller, copy_request, launched, region, save_request, saved,
};
use serde_json::{Value, json};

use crate::{ACCOUNT, account, kept, launch, share, to, unshare};

/// Ada has the template `kept`, and Bob may launch it; he has an instance.
fn lent() -> World {
    let world = launched(Setup::seeded(5));
    world.launch("bob", "ubuntu", "box");
    saved(&world, save_request("work", "kept"));
    share(&world, "ada", "user:bob").unwrap();
    world
}

fn import(world: &World, user: &str, name: &str) -> Result<Imported, Problem> {
    let kept: TemplateRef = "kept".parse().unwrap();
    let file = world.must(world.service.export_template(&ADA, &kept));
    let request = ImportRequest {
        file,
        publish_sensitive: true,
    };
    ask!(
        world,
        import_template(&caller(user), &name.parse().unwrap(), &request)
    )
}

fn shared_as(world: &World, user: &str, name: &str, whom: &str) -> Result<Shared, Problem> {
    let (by, name, request) = (caller(user), name.parse().unwrap(), to(whom));
    ask!(world, share(&by, &name, &request))
}

fn version(world: &World, name: &str) -> Version {
    let registry = &world.service.env.registry;
    let found = world.must(registry.version(&name.parse().unwrap(), 1));
    found.unwrap()
}

fn open_to(world: &World) -> Vec<LaunchPermission> {
    let version = version(world, "kept");
    let (region, image) = version.images().next().unwrap();
    let held = world.ec2.launch_permissions(region, image);
    world.run(held).unwrap()
}

fn save_bobs(
    world: &World,
    change: impl FnOnce(&mut prism_functions::domain::save::SaveRequest),
) -> String {
    let mut request = save_request("box", "mine");
    change(&mut request);
    let record = world.save("bob", request).unwrap();
    record.failure.map_or_else(String::new, |it| it.code)
}

#[test]
fn an_import_of_launchable_amis_does_not_allow_sharing_them() {
    let world = lent();
    import(&world, "bob", "mine").unwrap();
    for whom in [ACCOUNT, "user:carl", "public", "colleagues"] {
        let refused = shared_as(&world, "bob", "mine", whom).unwrap_err();
        assert_eq!(refused.code, Code::ShareImpossible, "{whom}");
        assert!(!refused.chain().contains("kept"), "{refused}");
    }
    assert_eq!(open_to(&world), []);
    let public = save_bobs(&world, |request| request.public = true);
    assert_eq!(public, "ShareImpossible");
    let copy = prism_functions::domain::copy::CopyRequest {
        publish_sensitive: true,
        ..copy_request("mine", 1, &["us-west-2"])
    };
    let refused = ask!(world, plan_copy(&BOB, &copy));
    assert_eq!(refused.unwrap_err().code, Code::NotAllowed);
    // He may share what he saves himself with anyone, once that version is the only one.
    launch("bob", "mine", &world).unwrap();
    assert_eq!(save_bobs(&world, |_| ()), "");
    let first: TemplateRef = "mine@1".parse().unwrap();
    world.must(world.service.delete_template(&BOB, &first, true));
    shared_as(&world, "bob", "mine", ACCOUNT).unwrap();
    assert_eq!(open_to(&world), []);
}

#[test]
fn a_borrowed_version_lasts_as_long_as_its_importer_may_launch_the_original() {
    let world = lent();
    import(&world, "bob", "mine").unwrap();
    launch("bob", "mine", &world).unwrap();
    unshare(&world, "user:bob").unwrap();
    let refused = launch("bob", "mine", &world).unwrap_err();
    assert_eq!(refused.code, Code::ImageNotUsable);
    share(&world, "ada", "user:bob").unwrap();
    launch("bob", "mine", &world).unwrap();
    let all: TemplateRef = "kept".parse().unwrap();
    let deleted = world.service.delete_template(&ADA, &all, true);
    assert!(world.must(deleted).finished);
    let images = world.admin.inventory().unwrap().images;
    assert!(images.is_empty(), "{images:?}");
    let refused = launch("bob", "mine", &world).unwrap_err();
    assert_eq!(refused.code, Code::ImageNotUsable);
}

#[test]
fn nothing_borrowed_is_added_to_a_shared_template() {
    let world = lent();
    assert_eq!(save_bobs(&world, |_| ()), "");
    shared_as(&world, "bob", "mine", ACCOUNT).unwrap();
    let refused = import(&world, "bob", "mine").unwrap_err();
    assert_eq!(refused.code, Code::ShareImpossible);
    assert_eq!(open_to(&world), []);
    // With the very same file, Ada's import is her own.
    import(&world, "ada", "again").unwrap();
    shared_as(&world, "ada", "again", ACCOUNT).unwrap();
    assert_eq!(open_to(&world), [account("444455556666")]);
}

#[test]
fn an_owner_sees_by_which_templates_the_amis_are_open() {
    let world = lent();
    import(&world, "ada", "again").unwrap();
    shared_as(&world, "ada", "again", ACCOUNT).unwrap();
    let shares = world.must(world.service.shares(&ADA, &kept()));
    let told: Vec<_> = shares
        .iter()
        .map(|grant| (grant.template.as_str(), grant.to.to_string()))
        .collect();
    let (bobs, theirs) = ("user:bob".to_owned(), ACCOUNT.to_owned());
    assert_eq!(told, [("kept", bobs), ("again", theirs)]);
}

fn put(world: &World, key: Key, record: &Value) {
    let mut attributes = serde_json::Map::new();
    for (name, value) in [
        ("record", record.clone()),
        ("revision", json!(1)),
        ("form", json!(1)),
    ] {
        attributes.insert(name.to_owned(), value);
    }
    let write = Write::Put(Item { key, attributes }, Condition::Always);
    world.run(world.table.transact(&[write])).unwrap();
}

#[test]
fn wrongly_opened_amis_are_found_shown_to_their_owner_and_closed() {
    let world = lent();
    import(&world, "bob", "mine").unwrap();
    let mine: TemplateName = "mine".parse().unwrap();
    let imported = version(&world, "mine");
    let (here, image) = imported.images().next().unwrap();
    let mut record = json!(imported);
    record.as_object_mut().unwrap().remove("borrowed");
    let key = Key::new("TEMPLATE#mine", "VERSION#000001");
    let set = Change::Set("record".to_owned(), record);
    let update = Write::Update(key, vec![set], Condition::ItemPresent);
    world.run(world.table.transact(&[update])).unwrap();
    let used = Key::new(format!("IMAGE#{here}#{image}"), "USED#mine#000001");
    put(&world, used, &json!(imported.reference()));
    let theirs = account("444455556666");
    let grant = Grant {
        template: mine,
        to: ACCOUNT.parse().unwrap(),
        by: BOB.user.clone(),
        at: world.now(),
        state: GrantState::Open,
        launch: Some(theirs.clone()),
        with_snapshots: false,
        closed_from: None,
    };
    put(
        &world,
        Key::new("TEMPLATE#mine", format!("GRANT#{ACCOUNT}")),
        &json!(grant),
    );
    let (region, theirs_alone) = (region(), [theirs.clone()]);
    let opened = world
        .ec2
        .add_launch_permissions(&region, image, &theirs_alone);
    world.run(opened).unwrap();
    world.pass(3600);
    assert_eq!(version(&world, "mine").borrowed, None);

    let shares = world.must(world.service.shares(&ADA, &kept()));
    assert!(
        shares.iter().any(|it| it.template.as_str() == "mine"),
        "{shares:?}"
    );
    let found = world.must(world.service.leftovers()).found;
    let launch = Opening::Launch(theirs.clone());
    let wrong: Vec<_> = found
        .iter()
        .filter(
            |it| matches!(&it.what, Left::Permissions { open_to, .. } if open_to.contains(&launch)),
        )
        .cloned()
        .collect();
    assert_eq!(wrong.len(), 1, "{found:?}");
    world.must(world.service.fix(&wrong));
    assert_eq!(open_to(&world), []);
    let found = world.must(world.service.leftovers()).found;
    assert!(found.is_empty(), "{found:?}");
    // The accounts that Bob had shared it with may no longer launch it either.
    let refused = shared_as(&world, "bob", "mine", ACCOUNT).unwrap_err();
    assert_eq!(refused.code, Code::ShareImpossible);
}
