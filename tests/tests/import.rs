//! Importing templates from files: the round trip, refusals, and that no user gains access to AMIs of others (promise
//! P7).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Code, How, Problem};
use prism_functions::operations::{Imported, LaunchRequest};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, BOB, Setup, World, caller, import_request, launch_request, launched, region, save_request,
};

fn export(world: &World, user: &str, text: &str) -> String {
    let reference: TemplateRef = text.parse().unwrap();
    ask!(world, export_template(&caller(user), &reference)).unwrap()
}

fn import(world: &World, user: &str, name: &str, file: &str) -> Result<Imported, Problem> {
    let request = import_request(file);
    let (user, name) = (caller(user), name.parse().unwrap());
    // The plan and the result agree.
    let before = world.table.writes();
    let planned = ask!(world, plan_import(&user, &name, &request));
    assert_eq!(world.table.writes(), before);
    let done = ask!(world, import_template(&user, &name, &request));
    match (&planned, &done) {
        (Ok(planned), Ok(done)) => {
            assert_eq!(planned.version, done.version);
            assert!(!planned.done && done.done);
        }
        (Err(planned), Err(done)) => assert_eq!(planned.code, done.code),
        _ => panic!("{planned:?} {done:?}"),
    }
    done
}

fn saved(public: bool) -> World {
    let world = launched(Setup::seeded(71));
    let request = SaveRequest {
        public,
        description: "a: b # 'c'".to_owned(),
        copy_to: ["us-west-2".parse().unwrap()].into(),
        ..save_request("work", "kept")
    };
    let record = world.save("ada", request).unwrap();
    assert_eq!(record.version, Some(1));
    world
}

/// A file of a version that was captured by a reboot has the third format; any other file is as it was before.
#[test]
fn a_file_says_how_its_machine_was_captured() {
    let world = launched(Setup::seeded(71));
    for (template, how) in [("stopped", How::Stop), ("rebooted", How::Reboot)] {
        let request = SaveRequest {
            how,
            ..save_request("work", template)
        };
        let record = world.save("ada", request).unwrap();
        assert_eq!(record.version, Some(1), "{:?}", record.failure);
        let file = export(&world, "ada", template);
        assert_eq!(file.contains("how: reboot"), how == How::Reboot, "{file}");
        let format = if how.is_stop() { 2 } else { 3 };
        assert!(file.contains(&format!("format: {format}\n")), "{file}");
        let again = format!("{template}-again");
        import(&world, "ada", &again, &file).unwrap();
        assert_eq!(world.version(&again, 1).how, how);
    }
}

fn launches_as(world: &World, template: &str) -> String {
    let plan = ask!(world, plan_launch(&ADA, &launch_request(template, "third")));
    let plan = plan.unwrap();
    format!(
        "{} {} {} {:?} {:?} {:?}",
        plan.image, plan.instance_type, plan.root_size_gib, plan.login, plan.ports, plan.tags
    )
}

#[test]
fn a_round_trip_loses_nothing_that_a_launch_needs() {
    let world = Setup::seeded(72).build();
    let request = LaunchRequest {
        size: Some("L".parse().unwrap()),
        disk_gib: Some(60),
        ..launch_request("python-ml", "work")
    };
    ask!(world, launch(&ADA, &request)).unwrap();
    world.pass(3600);
    let request = SaveRequest {
        tags: [("team".to_owned(), "seismology".to_owned())].into(),
        ..save_request("work", "kept")
    };
    world.save("ada", request).unwrap();
    let file = export(&world, "ada", "kept");
    let imported = import(&world, "ada", "again", &file).unwrap();
    assert_eq!(imported.warnings, []);
    let original = launches_as(&world, "kept");
    assert!(
        original.contains(" 60 ") && original.contains("[22]"),
        "{original}"
    );
    assert_eq!(launches_as(&world, "again"), original);
    let packages = |name: &str| ask!(world, packages(&ADA, &name.parse().unwrap())).unwrap();
    assert!(packages("kept").is_some_and(|told| !told.packages.is_empty()));
    assert_eq!(packages("again"), packages("kept"));
    // A file of the first format contains less, and the import says what is missing.
    let (first, _) = file.split_once("format: 2").unwrap();
    let imported = import(&world, "ada", "older", first).unwrap();
    let [warning] = imported.warnings.as_slice() else {
        panic!("{imported:?}")
    };
    assert_eq!(warning.code, "NotInFile");
    assert!(
        warning.text.contains("ports") && warning.text.contains("log in"),
        "{warning:?}"
    );
    assert!(import(&world, "ada", "older", first).unwrap().repeated);
    let plan = ask!(world, plan_launch(&ADA, &launch_request("older", "third"))).unwrap();
    assert_eq!((plan.ports, plan.root_size_gib), (vec![22], 60));
    let newer = file.replacen("format: 2", "format: 4", 1);
    let refused = import(&world, "ada", "newer", &newer).unwrap_err();
    assert_eq!(refused.code, Code::InvalidTemplateFile);
    assert!(
        refused.message.contains("newer version of Prism"),
        "{refused}"
    );
}

#[test]
fn an_exported_file_can_be_imported_unchanged() {
    let world = saved(false);
    let file = export(&world, "ada", "kept");
    let imported = import(&world, "ada", "again", &file).unwrap();
    assert_eq!((imported.version, imported.repeated), (1, false));
    let back = export(&world, "ada", "again");
    assert_eq!(back, file.replacen("name: kept", "name: again", 1));
    // Importing the same file again returns the same version; another file is the next version.
    let twice = import(&world, "ada", "again", &file).unwrap();
    assert_eq!((twice.version, twice.repeated), (1, true));
    let other = file.replacen("saved_from: work", "saved_from: elsewhere", 1);
    assert_ne!(other, file);
    assert_eq!(import(&world, "ada", "again", &other).unwrap().version, 2);
    let own = import(&world, "ada", "kept", &file).unwrap();
    assert!(own.repeated);
    let launch = launch_request("again@1", "third");
    let plan = ask!(world, plan_launch(&ADA, &launch)).unwrap();
    assert_eq!(
        (plan.root_size_gib, plan.instance_type.as_str()),
        (10, "t3.large")
    );
}

#[test]
fn nobody_imports_the_amis_of_others() {
    let world = saved(false);
    let file = export(&world, "ada", "kept");
    let refused = import(&world, "bob", "mine", &file).unwrap_err();
    assert_eq!(refused.code, Code::ImageNotUsable);
    // The response for a missing AMI is the same.
    let id = refused
        .message
        .split(' ')
        .find(|word| word.starts_with("ami-"));
    let absent = file.replace(id.unwrap(), "ami-0123456789abcdef0");
    let absent = import(&world, "bob", "mine", &absent).unwrap_err();
    let shown = refused
        .message
        .replace(id.unwrap(), "ami-0123456789abcdef0");
    assert_eq!(absent.message, shown);
    let taken = import(&world, "bob", "kept", &file).unwrap_err();
    assert_eq!(taken.code, Code::TemplateNameTaken);
    let built_in = import(&world, "ada", "ubuntu", &file).unwrap_err();
    assert_eq!(built_in.code, Code::TemplateNameTaken);
}

#[test]
fn what_is_open_to_everybody_can_be_imported() {
    let world = saved(true);
    let file = export(&world, "bob", "kept");
    assert_eq!(import(&world, "bob", "mine", &file).unwrap().version, 1);
    // The new template belongs only to Bob.
    let hidden = ask!(world, template(&ADA, &"mine".parse().unwrap())).unwrap_err();
    assert_eq!(hidden.code, Code::TemplateNotFound);
}

#[test]
fn amis_must_match_the_file() {
    let world = saved(false);
    let file = export(&world, "ada", "kept");
    let arm = file.replace("x86_64", "arm64");
    let refused = import(&world, "ada", "again", &arm).unwrap_err();
    assert_eq!(refused.code, Code::ImageNotUsable);
    assert!(refused.message.contains("is for x86_64"), "{refused}");
    let swapped = file
        .replace("us-east-1", "us-nowhere-9")
        .replace("us-west-2", "us-east-1");
    let refused = import(&world, "ada", "again", &swapped).unwrap_err();
    assert_eq!(refused.code, Code::InvalidRegion);
    let malformed = import(&world, "ada", "again", "name: [").unwrap_err();
    assert_eq!(malformed.code, Code::InvalidTemplateFile);
    assert!(malformed.message.contains("line "), "{malformed}");
}

#[test]
fn the_public_ami_of_a_vendor_can_be_imported_and_stays_when_the_template_goes() {
    let world = launched(Setup::seeded(72));
    let work = world.instance(prism_tests::world::id_of(&world).as_str());
    let file = format!(
        "name: vendor\ndescription: ''\nsource: saved-from-instance\nsaved_from: x\nsaved_by: y\n\
         saved_date: 2024-01-15T10:30:00Z\nami_config:\n  amis:\n    {}:\n      x86_64: {}\n",
        region(),
        work.image
    );
    assert_eq!(import(&world, "bob", "vendor", &file).unwrap().version, 1);
    let reference = "vendor".parse().unwrap();
    let plan = ask!(world, plan_deletion(&BOB, &reference)).unwrap();
    assert!(plan.images.is_empty());
    let deletion = ask!(world, delete_template(&BOB, &reference, true)).unwrap();
    assert!(deletion.finished);
    world.launch("ada", "ubuntu", "still there");
}
