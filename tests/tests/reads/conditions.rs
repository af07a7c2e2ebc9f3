//! Requests that need a right that the operation does not always need.

use prism_functions::domain::audit::Subject;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::{Nothing, TextPage};
use prism_functions::operations::{Asked, AuditPage, ExportAudit, ExportQuery, Operation as _};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, World, caller, id_of, import_request, region, save_request, share_request,
};

use super::Most::Page;
use super::{Limits, MANY, PAGE, brain, deep, nightly, user};

/// Into another project, for everybody.
fn moved(template: &str) -> SaveRequest {
    SaveRequest {
        project: Some("other".parse().unwrap()),
        move_template: true,
        public: true,
        publish_sensitive: true,
        ..save_request("work", template)
    }
}

pub(super) fn of_saves(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    limits.allows(service.plan_save(&ADA, moved("wide-005")));
    let scheduled = ScheduleRequest {
        request: SaveRequest {
            project: Some(brain()),
            move_template: false,
            ..moved("wide-005")
        },
        name: Some("public".parse().unwrap()),
        ..nightly(0)
    };
    limits.allows(service.create_schedule(&ADA, scheduled));
}

pub(super) fn of_members(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    let (brain, eve, mia) = (brain(), "eve".parse().unwrap(), user(1));
    limits.allows(service.add_member(&ADA, &brain, &eve, ProjectRole::Admin));
    limits.allows(service.remove_member(&ADA, &brain, &eve));
    limits.allows(service.remove_member(&caller(mia.as_str()), &brain, &mia));
}

/// Exports the events of a filter.
fn export(world: &World, filter: &AuditPage) -> impl Future<Output = Result<TextPage, Problem>> {
    let query = ExportQuery {
        resource: filter.resource.clone(),
        project: filter.project.clone(),
        limit: u32::try_from(PAGE).ok(),
        ..ExportQuery::default()
    };
    let asked = Asked::<ExportAudit>::by(Nothing {}, query);
    ExportAudit::run(&world.service, &ADA, asked)
}

pub(super) fn of_audits(limits: &mut Limits<'_>) {
    let world = limits.world;
    let saves = ask!(world, saves(&ADA, 1, None)).unwrap();
    let about = [
        Subject::Save(saves.items[0].save_id.clone()),
        Subject::Instance(region(), id_of(world)),
    ];
    for resource in about {
        let filter = AuditPage {
            resource: Some(resource),
            ..AuditPage::default()
        };
        limits.allows(world.service.audit_events(&ADA, &filter, PAGE, None));
        limits.allows(export(world, &filter));
    }
    for filter in [
        AuditPage {
            project: Some(brain()),
            ..AuditPage::default()
        },
        AuditPage {
            resource: Some(Subject::Template("wide-006".parse().unwrap())),
            ..AuditPage::default()
        },
    ] {
        limits.reads("export", Page(1, 2), export(world, &filter));
    }
}

pub(super) fn of_shares(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    let project = share_request("project:other");
    limits.allows(service.plan_share(&ADA, &"wide-006".parse().unwrap(), &project));
    // Another template has the AMIs of this one.
    let account = share_request("account:444455556666");
    let brought = "brought".parse().unwrap();
    limits.allows(service.share(&ADA, &brought, &account));
    limits.allows(service.unshare(&ADA, &brought, &account));
}

/// Of a version that instances were launched from.
pub(super) fn of_launches(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    let launched = format!("deep@{MANY}").parse().unwrap();
    limits.allows(service.plan_deletion(&ADA, &launched));
}

/// While the template is being deleted.
pub(super) fn of_a_deletion(limits: &mut Limits<'_>, file: String) {
    let service = &limits.world.service;
    let request = import_request(file);
    let (refused, _) = limits.checks(service.plan_import(&ADA, &deep(), &request));
    assert_eq!(refused.unwrap_err().code, Code::TemplateNameTaken);
}
