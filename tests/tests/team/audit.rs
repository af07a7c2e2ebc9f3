//! The audit: who did what, and from where.

use prism_functions::domain::Code;
use prism_functions::operations::AuditPage;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, BOB, Setup, caller, launched, save_request, saved, schedule_request,
};

use crate::{brain, for_brain, project, share, unshare};

#[test]
fn it_is_written_down_who_did_what_and_from_where() {
    let world = launched(Setup::seeded(5));
    project(&world);
    saved(&world, for_brain(save_request("work", "kept")));
    share(&world, "ada", "user:bob").unwrap();
    unshare(&world, "user:bob").unwrap();
    let service = &world.service;
    let list = |user: &str, filter: &AuditPage, limit| {
        let by = caller(user);
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = world.must(service.audit_events(&by, filter, limit, cursor));
            assert!(page.items.len() <= limit);
            all.extend(
                page.items
                    .iter()
                    .map(|it| format!("{} {}", it.user, it.action)),
            );
            cursor = page.cursor;
            if cursor.is_none() {
                return all;
            }
        }
    };
    let of_template = AuditPage {
        resource: Some("template:kept".parse().unwrap()),
        ..AuditPage::default()
    };
    let expected = [
        "ada template.unshare",
        "ada template.share",
        "ada template.save_version",
    ];
    for limit in [1, 2, 100] {
        let mut told = list("ada", &of_template, limit);
        told.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(told, expected, "{limit}");
    }
    assert_eq!(
        list("olga", &of_template, 100).len(),
        3,
        "who manages its project sees it too"
    );
    let of_project = AuditPage {
        project: Some(brain()),
        ..AuditPage::default()
    };
    let told = list("olga", &of_project, 100);
    for action in [
        "olga project.create",
        "olga project.member",
        "ada save.begin",
        "ada template.share",
    ] {
        assert!(told.iter().any(|it| it == action), "{action} in {told:?}");
    }
    let mine = list("ada", &AuditPage::default(), 100);
    assert!(
        mine.iter().any(|it| it == "ada template.launch"),
        "{mine:?}"
    );
    let ofs = AuditPage {
        user: Some("ada".parse().unwrap()),
        ..of_project
    };
    assert!(
        list("olga", &ofs, 100)
            .iter()
            .all(|it| it.starts_with("ada "))
    );
    let others = AuditPage {
        user: Some("ada".parse().unwrap()),
        ..AuditPage::default()
    };
    let refused = service.audit_events(&BOB, &others, 10, None);
    assert_eq!(world.run(refused).unwrap_err().code, Code::NotAllowed);
    let refused = service.audit_events(&BOB, &of_template, 10, None);
    assert_eq!(world.run(refused).unwrap_err().code, Code::TemplateNotFound);
}

#[test]
fn a_schedule_s_changes_are_its_owner_s_to_see() {
    let world = launched(Setup::seeded(5));
    let service = &world.service;
    let nightly = schedule_request("nightly", save_request("work", "kept"));
    let name = world.must(service.create_schedule(&ADA, nightly)).name;
    for paused in [true, false] {
        world.pass(60);
        world.must(service.pause_schedule(&ADA, &name, paused));
    }
    let filter = AuditPage {
        resource: Some("schedule:nightly".parse().unwrap()),
        ..AuditPage::default()
    };
    let told = service.audit_events(&ADA, &filter, 10, None);
    let told = world.must(told).items;
    let actions: Vec<&str> = told.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(
        actions,
        ["schedule.resume", "schedule.pause", "schedule.create"]
    );
    assert_eq!(told[2].details["template"], "kept");
    // Another user's schedule of the same name is a different one, and here it does not exist.
    let refused = ask!(world, audit_events(&BOB, &filter, 10, None)).unwrap_err();
    assert_eq!(refused.code, Code::ScheduleNotFound);
    world.pass(60);
    world.must(service.delete_schedule(&ADA, &name));
    let all = AuditPage::default();
    let mine = service.audit_events(&ADA, &all, 10, None);
    assert_eq!(world.must(mine).items[0].action, "schedule.delete");
}
