//! Strangers get the same response, after the same number of reads, as for a resource that does not exist.

use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::{Problem, SaveId};
use prism_functions::operations::{ImportRequest, Unrecorded, save_id_of};
use prism_functions::ports::Ec2Error;
use prism_tests::asks::Asks as _;
use prism_tests::world::{World, begun, caller, copy_request, save_request};

use crate::{RunIt as _, brain, for_brain, kept, project, saved, share, to};

/// Ada has `kept`, which is private, and `shown`, which Mia may launch.
fn private() -> World {
    let world = World::new(31);
    project(&world);
    world.launch("ada", "ubuntu", "work");
    world.launch("eve", "ubuntu", "box");
    saved(&world, save_request("work", "kept"));
    saved(&world, save_request("work", "shown"));
    let (ada, shown, mia) = (caller("ada"), "shown".parse().unwrap(), to("user:mia"));
    world.clock.run_it(world.service.share(&ada, &shown, &mia));
    world
}

/// Eve's response, with `nobodys` in place of the name, and the number of items read for it.
fn told<T>(
    world: &World,
    name: &str,
    call: impl Future<Output = Result<T, Problem>>,
) -> (String, usize) {
    let before = world.table.reads();
    let Err(problem) = world.clock.run(call) else {
        panic!("{name} is not hidden");
    };
    let text = format!("{} {} {}", problem.code, problem.chain(), problem.advice());
    let read = world.table.reads() - before;
    (text.replace(name, "nobodys"), read)
}

#[test]
fn a_template_that_is_not_theirs_is_like_none() {
    let world = private();
    let (eve, service) = (caller("eve"), &world.service);
    let names = ["kept", "shown", "nobodys"];
    let same = |what: &str, of: &dyn Fn(&str) -> (String, usize)| {
        let [kept, shown, none] = names.map(of);
        assert_eq!(kept, none, "{what}");
        assert_eq!(shown.0, none.0, "{what}");
    };
    same("see", &|name| {
        let reference = name.parse().unwrap();
        told(&world, name, service.template(&eve, &reference))
    });
    same("export", &|name| {
        let reference = name.parse().unwrap();
        told(&world, name, service.export_template(&eve, &reference))
    });
    same("lineage", &|name| {
        let template = name.parse().unwrap();
        told(&world, name, service.lineage(&eve, &template))
    });
    same("shares", &|name| {
        let template = name.parse().unwrap();
        told(&world, name, service.shares(&eve, &template))
    });
    same("share", &|name| {
        let (template, bob) = (name.parse().unwrap(), to("user:bob"));
        told(&world, name, service.share(&eve, &template, &bob))
    });
    same("delete", &|name| {
        let reference = name.parse().unwrap();
        told(&world, name, service.plan_deletion(&eve, &reference))
    });
    same("copy", &|name| {
        let request = CopyRequest {
            publish_sensitive: true,
            ..copy_request(name, 1, &["us-west-2"])
        };
        let planned = async { service.plan_copy(&eve, &request).await };
        told(&world, name, planned)
    });
    same("add an architecture", &|name| {
        let request = SaveRequest {
            add_arch: true,
            ..save_request("box", name)
        };
        told(&world, name, service.plan_save(&eve, request))
    });
}

/// A name stands for one template in a deployment. Another user who wants it is only told that it is taken.
#[test]
fn that_a_templateis_taken_is_all_that_is_told_of_it() {
    let world = private();
    let (eve, service) = (caller("eve"), &world.service);
    let plan = |name: &str| {
        let planned = service.plan_save(&eve, save_request("box", name));
        told(&world, name, planned).0
    };
    assert_eq!(plan("kept"), plan("shown"));
    // The same while it is being deleted.
    let before = plan("kept");
    world.admin.deny("DeregisterImage").unwrap();
    let (ada, all) = (caller("ada"), "kept".parse().unwrap());
    let deleted = world.service.delete_template(&ada, &all, true);
    let _ = world.clock.run(deleted);
    assert_eq!(plan("kept"), before);
}

#[test]
fn a_save_of_others_is_like_none_with_and_without_a_record() {
    let world = private();
    let (ada, eve) = (caller("ada"), caller("eve"));
    let none: SaveId = "save-00000000000000000000".parse().unwrap();
    let id = begun(&world, save_request("work", "kept"));
    world.clock.run_until_idle().unwrap();
    let seen = |id: &SaveId| {
        let name = id.to_string();
        told(&world, &name, world.service.save(&eve, id))
    };
    assert_eq!(seen(&id), seen(&none));
    // A refused request has no record, but its ID can be computed by anyone who knows the user and the request ID.
    let missing = save_request("nothing", "kept");
    let started = world.service.start_save(&ada, missing, Some("nightly"));
    let id = world.clock.run_it(started).save_id;
    assert_eq!(id, save_id_of(&ada.user, "nightly").unwrap());
    world.clock.run_until_idle().unwrap();
    let look = |who, id| world.clock.run_it(world.service.unrecorded(who, id));
    for id in [&id, &none] {
        let told = look(&eve, id);
        assert!(matches!(told, Unrecorded::Unknown), "{told:?}");
    }
    let told = look(&ada, &id);
    assert!(
        matches!(&told, Unrecorded::Failed(it) if it.code.as_str() == "InstanceNotFound"),
        "{told:?}"
    );
}

#[test]
fn approvals_templateno_private_template_to_who_only_looks_on() {
    let world = private();
    saved(&world, for_brain(save_request("work", "ours")));
    let (olga, brain) = (caller("olga"), brain());
    share(&world, "ada", "user:olga").unwrap();
    for name in ["kept", "ours"] {
        let name = name.parse().unwrap();
        let approved = world.service.approve(&olga, &brain, &name);
        world.clock.run_it(approved);
    }
    let listed = |user: &str| {
        let by = caller(user);
        let page = world.service.approvals(&by, &brain, 100);
        let items = world.clock.run_it(page).items.into_iter();
        items.map(|it| it.template.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(listed("olga"), ["kept", "ours"]);
    assert!(listed("vic").is_empty() && listed("mia").is_empty());
    share(&world, "ada", "user:vic").unwrap();
    assert_eq!(listed("vic"), ["kept"]);
    assert_eq!(listed("ada"), ["kept", "ours"]);
}

#[test]
fn the_saver_named_in_a_file_is_shown_as_the_files_claim() {
    let world = private();
    let (ada, reference) = (caller("ada"), "kept".parse().unwrap());
    let file = world
        .clock
        .run_it(world.service.export_template(&ada, &reference));
    let file = file.replace("saved_by: ada", "saved_by: rector");
    assert!(file.contains("rector"), "{file}");
    let name = "forged".parse().unwrap();
    let request = ImportRequest {
        file,
        publish_sensitive: true,
    };
    let imported = world.service.import_template(&ada, &name, &request);
    world.clock.run_it(imported);
    let lineage = world.clock.run_it(world.service.lineage(&ada, &name));
    let node = lineage
        .nodes
        .iter()
        .find(|it| it.name == "forged@1")
        .unwrap();
    assert_eq!(node.imported_by.as_ref(), Some(&ada.user));
    let lineage = world.clock.run_it(world.service.lineage(&ada, &kept()));
    let own = lineage.nodes.iter().find(|it| it.name == "kept@1").unwrap();
    assert_eq!(own.imported_by, None);
}

/// EC2's own messages name roles and accounts, so they only go to the log.
#[test]
fn no_share_that_failed_says_what_ec2_said() {
    let world = private();
    world.admin.deny("ModifyImageAttribute").unwrap();
    let failed = share(&world, "ada", crate::ACCOUNT).unwrap_err();
    let sentence = Ec2Error::new(
        "ModifyImageAttribute",
        "UnauthorizedOperation",
        "You are not authorized",
    );
    assert!(!failed.message.contains(&sentence.message), "{failed}");
    assert!(!failed.message.contains("You are not"), "{failed}");
}
