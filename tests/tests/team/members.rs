//! What the members of a project see and may change of its templates: no more than their role allows, however the
//! template got there.

use prism_functions::domain::audit::AuditEvent;
use prism_functions::domain::{Code, ProjectName};
use prism_functions::operations::{AuditPage, ProjectCosts, ProjectRequest};
use prism_functions::registry::Registry;
use prism_tests::asks::Asks as _;
use prism_tests::world::{Setup, World, begun, caller, import_request, launched, save_request};

use crate::{RunIt as _, brain, for_brain, kept, project, saved, share};

fn registry(world: &World) -> &Registry {
    &world.service.env.registry
}

fn audited(world: &World, user: &str, project: &ProjectName) -> Vec<AuditEvent> {
    let (by, filter) = (
        caller(user),
        AuditPage {
            project: Some(project.clone()),
            ..AuditPage::default()
        },
    );
    let events = world.service.audit_events(&by, &filter, 100, None);
    world.clock.run_it(events).items
}

fn costs(world: &World, user: &str) -> ProjectCosts {
    let (user, brain) = (caller(user), brain());
    world
        .clock
        .run_it(world.service.project_costs(&user, &brain))
}

fn listed(world: &World, user: &str, project: &ProjectName) -> Vec<String> {
    let user = caller(user);
    let page = world.service.project_templates(&user, project, 100);
    let page = world.clock.run_it(page);
    page.items.into_iter().map(|it| it.template.name).collect()
}

#[test]
fn a_project_lists_everything_that_it_pays_for() {
    let world = launched(Setup::seeded(5));
    project(&world);
    saved(&world, for_brain(save_request("work", "kept")));
    // The template is in the project by now, so a save need not name the project.
    let id = begun(&world, save_request("work", "kept"));
    world.clock.run_until_idle().unwrap();
    let olga = caller("olga");
    let seen = world.clock.run_it(world.service.save(&olga, &id));
    assert_eq!(seen.save_id, id);
    let sue = caller("sue");
    let stranger = world.service.save(&sue, &id);
    assert_eq!(
        world.clock.run(stranger).unwrap_err().code,
        Code::SaveNotFound
    );
    let (ada, all) = (caller("ada"), "kept".parse().unwrap());
    let deletion = world.service.delete_template(&ada, &all, true);
    assert!(world.clock.run_it(deletion).finished);
    let told = audited(&world, "olga", &brain());
    let count = |action: &str| told.iter().filter(|it| it.action == action).count();
    assert_eq!(
        (count("save.begin"), count("template.delete")),
        (2, 1),
        "{told:#?}"
    );
}

#[test]
fn a_moved_template_is_recorded_in_both_projects_and_shared_with_nobody() {
    let world = launched(Setup::seeded(5));
    project(&world);
    saved(&world, for_brain(save_request("work", "kept")));
    share(&world, "ada", "project:brain").unwrap();
    assert_eq!(listed(&world, "mia", &brain()), ["kept"]);
    let request = ProjectRequest {
        name: "other".parse().unwrap(),
        description: String::new(),
    };
    let (ada, other) = (caller("ada"), request.name.clone());
    world
        .clock
        .run_it(world.service.create_project(&ada, request));
    for user in ["vic", "sue"] {
        let role = prism_functions::domain::project::ProjectRole::Viewer;
        let who = user.parse().unwrap();
        let added = world.service.add_member(&ada, &other, &who, role);
        world.clock.run_it(added);
    }
    let mut request = save_request("work", "kept");
    request.project = Some(other.clone());
    request.move_template = true;
    saved(&world, request);
    // Vic is in the first project, with which it is still shared; Sue is not.
    assert_eq!(listed(&world, "vic", &other), ["kept"]);
    assert_eq!(listed(&world, "sue", &other), [] as [&str; 0]);
    let left = audited(&world, "olga", &brain());
    let left = left.iter().find(|it| it.action == "template.leave_project");
    assert_eq!(left.unwrap().details["to"], "other");
    let came = audited(&world, "ada", &other);
    assert!(came.iter().any(|it| it.action == "template.save_version"));
}

#[test]
fn members_see_what_private_templates_cost_but_not_what_they_are() {
    let world = launched(Setup::seeded(5));
    project(&world);
    saved(&world, for_brain(save_request("work", "kept")));
    saved(&world, for_brain(save_request("work", "hidden")));
    share(&world, "ada", "project:brain").unwrap();
    let (all, some) = (costs(&world, "olga"), costs(&world, "mia"));
    assert_eq!((all.templates.len(), all.unseen_usd_per_month), (2, 0.0));
    let [shown] = some.templates.as_slice() else {
        panic!("{some:#?}");
    };
    assert_eq!(shown.template, kept());
    assert!((some.usd_per_month - all.usd_per_month).abs() < 1e-9);
    assert!((some.unseen_usd_per_month - all.usd_per_month / 2.0).abs() < 1e-9);
    assert_eq!(costs(&world, "ada").templates.len(), 2, "they are hers");
}

#[test]
fn a_save_without_edit_right_describes_only_the_version() {
    let world = launched(Setup::seeded(5));
    project(&world);
    let described = |user: &str, instance: &str, text: &str| {
        let mut request = for_brain(save_request(instance, "kept"));
        text.clone_into(&mut request.description);
        let record = world.save(user, request).unwrap();
        let number = record
            .version
            .unwrap_or_else(|| panic!("{:?}", record.failure));
        let version = world
            .clock
            .run_it(registry(&world).version(&kept(), number));
        assert_eq!(version.unwrap().description, text);
        let template = world.clock.run_it(registry(&world).template(&kept()));
        template.unwrap().value.description
    };
    assert_eq!(described("ada", "work", "for everybody"), "for everybody");
    share(&world, "ada", "project:brain").unwrap();
    world.launch("mia", "ubuntu", "hers");
    assert_eq!(described("mia", "hers", "Mia was here"), "for everybody");
    assert_eq!(described("ada", "work", "better"), "better");
    // The same holds for imports.
    let (mia, hers) = (caller("mia"), "kept@2".parse().unwrap());
    let file = world.service.export_template(&mia, &hers);
    let request = import_request(world.clock.run_it(file));
    let name = kept();
    let imported = world.service.import_template(&mia, &name, &request);
    assert_eq!(world.clock.run_it(imported).version, 4);
    let template = world.clock.run_it(registry(&world).template(&kept()));
    assert_eq!(template.unwrap().value.description, "better");
}
