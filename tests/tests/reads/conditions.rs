//! Requests that need a right that the operation does not always need.

use prism_functions::domain::Code;
use prism_functions::domain::audit::Subject;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::operations::AuditPage;
use prism_tests::asks::Asks as _;
use prism_tests::world::{caller, id_of, import_request, region, save_request, share_request};

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
    let (ada, service) = (caller("ada"), &limits.world.service);
    limits.allows(service.plan_save(&ada, moved("wide-005")));
    let scheduled = ScheduleRequest {
        request: SaveRequest {
            project: Some(brain()),
            move_template: false,
            ..moved("wide-005")
        },
        name: Some("public".parse().unwrap()),
        ..nightly(0)
    };
    limits.allows(service.create_schedule(&ada, scheduled));
}

pub(super) fn of_members(limits: &mut Limits<'_>) {
    let (ada, service) = (caller("ada"), &limits.world.service);
    let (brain, eve, mia) = (brain(), "eve".parse().unwrap(), user(1));
    limits.allows(service.add_member(&ada, &brain, &eve, ProjectRole::Admin));
    limits.allows(service.remove_member(&ada, &brain, &eve));
    limits.allows(service.remove_member(&caller(mia.as_str()), &brain, &mia));
}

pub(super) fn of_audits(limits: &mut Limits<'_>) {
    let (ada, world) = (caller("ada"), limits.world);
    let saves = world.clock.run(world.service.saves(&ada, 1, None)).unwrap();
    let about = [
        Subject::Save(saves.items[0].save_id.clone()),
        Subject::Instance(region(), id_of(world)),
    ];
    for resource in about {
        let filter = AuditPage {
            resource: Some(resource),
            ..AuditPage::default()
        };
        limits.allows(world.service.audit_events(&ada, &filter, PAGE, None));
    }
}

pub(super) fn of_shares(limits: &mut Limits<'_>) {
    let (ada, service) = (caller("ada"), &limits.world.service);
    let project = share_request("project:other");
    limits.allows(service.plan_share(&ada, &"wide-006".parse().unwrap(), &project));
    // Another template has the AMIs of this one.
    let account = share_request("account:444455556666");
    let brought = "brought".parse().unwrap();
    limits.allows(service.share(&ada, &brought, &account));
    limits.allows(service.unshare(&ada, &brought, &account));
}

/// Of a version that instances were launched from.
pub(super) fn of_launches(limits: &mut Limits<'_>) {
    let (ada, service) = (caller("ada"), &limits.world.service);
    let launched = format!("deep@{MANY}").parse().unwrap();
    limits.allows(service.plan_deletion(&ada, &launched));
}

/// While the template is being deleted.
pub(super) fn of_a_deletion(limits: &mut Limits<'_>, file: String) {
    let (ada, service) = (caller("ada"), &limits.world.service);
    let request = import_request(file);
    let (refused, _) = limits.checks(service.plan_import(&ada, &deep(), &request));
    assert_eq!(refused.unwrap_err().code, Code::TemplateNameTaken);
}
