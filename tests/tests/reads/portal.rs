//! The operations for the pages of the portal.

use prism_functions::operations::parts::{Nothing, Paging};
use prism_functions::operations::{
    Asked, FindUsers, InstancesPage, ListInstances, ListProjectInstances, ListProjectSaves,
    ListProjectSchedules, Operation as _, ShowCostHistory, ShowMyCosts, ShowOverview, UsersQuery,
};
use prism_tests::world::ADA;

use super::Most::{Each, Few, Page};
use super::{Limits, MANY, PAGE, brain};

pub(super) fn of_pages(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    // The total, and a sum for each instance, template and project.
    let costs = ShowMyCosts::run(service, &ADA, Asked::of(Nothing {}));
    limits.reads("my costs", Few(MANY + 12), costs);
    // A hundred saves, all schedules with their runs, and the sums of each project.
    let overview = Asked::<ShowOverview>::of(Nothing {});
    let overview = ShowOverview::run(service, &ADA, overview);
    limits.reads("overview", Few(100 + 2 * 100 + 1 + 2 * 2), overview);
    let everywhere = InstancesPage {
        limit: u32::try_from(PAGE).ok(),
        ..InstancesPage::default()
    };
    let everywhere = Asked::<ListInstances>::by(Nothing {}, everywhere);
    let everywhere = ListInstances::run(service, &ADA, everywhere);
    // The save that holds each instance of the page, its end and its meter, however many instances there are.
    limits.reads_each("instances everywhere", Each(3, 0), everywhere, |it| {
        it.value.items.len()
    });
    let query = UsersQuery {
        prefix: "user-".to_owned(),
    };
    let users = FindUsers::run(service, &ADA, Asked::by(Nothing {}, query));
    // Of each project, two more than are returned; of each own template, the grants that begin so.
    let most = 1 + 2 * 22 + 2 * (MANY + 8) + MANY;
    limits.reads("users", Few(most), users);
}

pub(super) fn of_projects(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    let page = || Paging::new(u32::try_from(PAGE).ok(), None);
    let saves = Asked::<ListProjectSaves>::by(brain(), page());
    let saves = ListProjectSaves::run(service, &ADA, saves);
    // Five pages of events, and each save.
    limits.reads("saves of a project", Page(6, 2), saves);
    let schedules = Asked::<ListProjectSchedules>::by(brain(), page());
    let schedules = ListProjectSchedules::run(service, &ADA, schedules);
    // Its entry, its record and its runs, and the templates of the page.
    limits.reads_each(
        "schedules of a project",
        Each(3, 2 + PAGE),
        schedules,
        |it| it.value.items.len(),
    );
    let instances = Asked::<ListProjectInstances>::by(brain(), page());
    let instances = ListProjectInstances::run(service, &ADA, instances);
    // The end of each instance of the page, however many instances there are.
    limits.reads_each("instances of a project", Each(1, 2), instances, |it| {
        it.value.items.len()
    });
    let history = Asked::<ShowCostHistory>::of(brain());
    let history = ShowCostHistory::run(service, &ADA, history);
    // Each template and each version of the project, and the events of its months.
    let is_event = |pk: &str| pk.starts_with("AUDIT#");
    let all = limits.world.items.all();
    let events = all.keys().filter(|key| is_event(&key.pk)).count();
    limits.reads(
        "history of costs",
        Few(2 + 3 * (MANY + 1) + MANY + events),
        history,
    );
}
