//! Imports and shares together: an imported version is open to the grantees of its template, and an AMI that several
//! templates have is open to the grantees of each of them.

use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Code, Problem, Region};
use prism_functions::operations::Imported;
use prism_functions::ports::Ec2 as _;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, Setup, World, id_of, import_request, launched, region, save_request, saved,
};

use super::{ACCOUNT, account, in_two_regions, share, to, unshare};

const OTHER: &str = "account:777788889999";

fn exported(world: &World, reference: &str) -> String {
    let reference: TemplateRef = reference.parse().unwrap();
    world.must(world.service.export_template(&ADA, &reference))
}

fn import(world: &World, name: &str, file: &str) -> Result<Imported, Problem> {
    let name = name.parse().unwrap();
    let request = import_request(file);
    let before = world.table.writes();
    let planned = ask!(world, plan_import(&ADA, &name, &request));
    assert_eq!(world.table.writes(), before);
    let done = ask!(world, import_template(&ADA, &name, &request));
    if let Err(refused) = &planned {
        assert_eq!(done.as_ref().unwrap_err().code, refused.code);
        assert_eq!(world.table.writes(), before);
    }
    done
}

fn share_as(world: &World, name: &str, whom: &str, open: bool) {
    let (name, request) = (name.parse().unwrap(), to(whom));
    if open {
        world.must(world.service.share(&ADA, &name, &request));
    } else {
        world.must(world.service.unshare(&ADA, &name, &request));
    }
}

fn delete(world: &World, reference: &str) {
    let reference: TemplateRef = reference.parse().unwrap();
    let deletion = world.service.delete_template(&ADA, &reference, true);
    assert!(world.must(deletion).finished);
}

fn open_to(world: &World, name: &str, number: u32) -> Vec<Vec<LaunchPermission>> {
    let registry = &world.service.env.registry;
    let name = name.parse().unwrap();
    let version = world.must(registry.version(&name, number)).unwrap();
    let open = |(here, image): (&Region, &_)| {
        let told = world.run(world.ec2.launch_permissions(here, image));
        told.unwrap()
    };
    version.images().map(open).collect()
}

fn once(world: &World) -> String {
    saved(world, save_request("work", "once"));
    exported(world, "once@1")
}

#[test]
fn an_imported_version_is_open_to_the_grantees_of_its_template() {
    let world = launched(Setup::seeded(5));
    saved(&world, in_two_regions());
    let mut other = in_two_regions();
    other.template = "other".parse().unwrap();
    saved(&world, other);
    share(&world, "ada", ACCOUNT).unwrap();
    share(&world, "ada", "user:bob").unwrap();
    let file = exported(&world, "other");
    assert_eq!(import(&world, "kept", &file).unwrap().version, 2);
    let theirs = vec![account("444455556666")];
    assert_eq!(open_to(&world, "kept", 2), [theirs.clone(), theirs]);
    unshare(&world, ACCOUNT).unwrap();
    assert_eq!(open_to(&world, "kept", 2), [vec![], vec![]]);
    // With a new name it is private to its importer.
    import(&world, "third", &file).unwrap();
    assert_eq!(open_to(&world, "third", 1), [vec![], vec![]]);
}

#[test]
fn a_failed_opening_is_reported_and_repeated_by_the_same_import() {
    let world = launched(Setup::seeded(5));
    saved(&world, in_two_regions());
    let file = once(&world);
    share(&world, "ada", ACCOUNT).unwrap();
    world.admin.deny("ModifyImageAttribute").unwrap();
    let failed = import(&world, "kept", &file).unwrap_err();
    assert_eq!(failed.code, Code::ShareFailed);
    assert!(
        failed.message.contains("kept@2 has been imported"),
        "{failed}"
    );
    assert_eq!(open_to(&world, "kept", 2), [vec![]]);
    world.admin.allow("ModifyImageAttribute").unwrap();
    let again = import(&world, "kept", &file).unwrap();
    assert_eq!((again.version, again.repeated), (2, true));
    assert_eq!(open_to(&world, "kept", 2), [[account("444455556666")]]);
}

#[test]
fn amis_that_no_save_has_made_are_opened_to_nobody() {
    let world = launched(Setup::seeded(5));
    saved(&world, in_two_regions());
    let vendors = world.instance(id_of(&world).as_str()).image;
    let file = format!(
        "name: vendor\ndescription: ''\nsource: saved-from-instance\nsaved_from: x\nsaved_by: y\n\
         saved_date: 2024-01-15T10:30:00Z\nami_config:\n  amis:\n    {}:\n      x86_64: {vendors}\n",
        region(),
    );
    share(&world, "ada", ACCOUNT).unwrap();
    let refused = import(&world, "kept", &file).unwrap_err();
    assert_eq!(refused.code, Code::ShareImpossible);
    assert!(refused.message.contains(vendors.as_str()), "{refused}");
    import(&world, "vendor", &file).unwrap();
    let vendor = "vendor".parse().unwrap();
    let request = to(ACCOUNT);
    let refused = ask!(world, share(&ADA, &vendor, &request)).unwrap_err();
    assert_eq!(refused.code, Code::ShareImpossible);
    let registry = &world.service.env.registry;
    assert_eq!(world.must(registry.grants(&vendor)), []);
    // Users who launch through Prism need no launch permission.
    share_as(&world, "vendor", "user:bob", true);
}

#[test]
fn an_ami_of_two_templates_is_open_to_the_grantees_of_both() {
    let world = launched(Setup::seeded(5));
    saved(&world, in_two_regions());
    let file = exported(&world, "kept");
    import(&world, "again", &file).unwrap();
    share_as(&world, "again", ACCOUNT, true);
    share(&world, "ada", ACCOUNT).unwrap();
    share(&world, "ada", OTHER).unwrap();
    let (one, two) = (account("444455556666"), account("777788889999"));
    let both = vec![one.clone(), two];
    assert_eq!(open_to(&world, "again", 1), [both.clone(), both.clone()]);
    unshare(&world, ACCOUNT).unwrap();
    assert_eq!(open_to(&world, "kept", 1), [both.clone(), both]);
    unshare(&world, OTHER).unwrap();
    let first = vec![one];
    assert_eq!(open_to(&world, "kept", 1), [first.clone(), first]);
    share_as(&world, "again", ACCOUNT, false);
    assert_eq!(open_to(&world, "kept", 1), [vec![], vec![]]);
}

#[test]
fn an_ami_that_others_keep_is_closed_to_the_grantees_of_the_deleted() {
    let world = launched(Setup::seeded(5));
    saved(&world, in_two_regions());
    let file = exported(&world, "kept");
    import(&world, "again", &file).unwrap();
    share_as(&world, "again", OTHER, true);
    for whom in [ACCOUNT, OTHER] {
        share(&world, "ada", whom).unwrap();
    }
    delete(&world, "kept");
    let left = vec![account("777788889999")];
    assert_eq!(open_to(&world, "again", 1), [left.clone(), left]);
    // The same for one version of several.
    let more = once(&world);
    import(&world, "again", &more).unwrap();
    assert_eq!(open_to(&world, "again", 2), [[account("777788889999")]]);
    delete(&world, "again@2");
    assert_eq!(open_to(&world, "once", 1), [vec![]]);
    assert!(world.must(world.service.leftovers()).found.is_empty());
}

/// More AMIs than one request closes: the same two in many versions.
#[test]
fn a_share_of_many_amis_is_revoked_in_parts_and_not_restored() {
    const VERSIONS: u32 = 102;
    let mut setup = Setup::seeded(5);
    setup.cloud.throttles.enabled = false;
    let world = launched(setup);
    saved(&world, in_two_regions());
    let file = exported(&world, "kept");
    share(&world, "ada", ACCOUNT).unwrap();
    for number in 2..=VERSIONS {
        let from = format!("saved_from: work-{number}");
        let another = file.replacen("saved_from: work", &from, 1);
        assert_eq!(import(&world, "kept", &another).unwrap().version, number);
    }
    let part = unshare(&world, ACCOUNT).unwrap_err();
    assert_eq!(part.code, Code::ShareFailed);
    assert!(part.message.starts_with("4 AMIs"), "{part}");
    let registry = &world.service.env.registry;
    let grants = world.must(registry.grants(&"kept".parse().unwrap()));
    assert_eq!(grants[0].closed_from, Some(3), "{grants:?}");
    let again = share(&world, "ada", ACCOUNT).unwrap_err();
    assert_eq!(again.code, Code::LimitReached);
    unshare(&world, ACCOUNT).unwrap();
    assert_eq!(open_to(&world, "kept", 1), [vec![], vec![]]);
    let grants = world.must(registry.grants(&"kept".parse().unwrap()));
    assert_eq!(grants, []);
}
