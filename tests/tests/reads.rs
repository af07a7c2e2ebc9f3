//! The number of table reads of each operation: a page, plus what it returns, plus a few single items, however much
//! data there is. The calls below state the limit for each.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;

use prism_functions::domain::audit::Subject;
use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::domain::{Problem, ProjectName, TemplateName, UserId};
use prism_functions::operations::parts::Paging;
use prism_functions::operations::{
    self, AuditPage, LaunchRequest, ListMembers, Operation as _, ProjectEdit, ProjectRequest,
    ScheduleEdit, ShowProject, TemplateEdit, TemplatesPage,
};
use prism_tests::asks::Asks as _;
use prism_tests::story::to_the_end;
use prism_tests::world::{
    Setup, World, caller, copy_request, import_request, launch_request, launched, region,
    save_request, share_request,
};

const PAGE: usize = 8;
/// The number of each kind of item: more than three pages.
const MANY: usize = 26;

#[derive(Debug, Clone, Copy)]
enum Most {
    /// This many items, regardless of the amount of data.
    Few(usize),
    /// This many for each entry of a page, and this many besides.
    Page(usize, usize),
    /// This many for each thing that it returns or changes, and this many besides.
    Each(usize, usize),
}
use Most::{Each, Few, Page};

/// Calls operations, and checks the number of reads.
struct Asked<'a> {
    world: &'a World,
    wrong: Vec<String>,
}

impl Asked<'_> {
    /// `count` returns the size of the result.
    fn reads<T>(
        &mut self,
        what: &str,
        most: Most,
        call: impl Future<Output = Result<T, Problem>>,
        count: impl Fn(&T) -> usize,
    ) -> T {
        let before = self.world.table.reads();
        let done = self.world.clock.run(call);
        let done = done.unwrap_or_else(|problem| panic!("{what}: {}", problem.chain()));
        self.holds(what, most, count(&done), before);
        done
    }

    fn holds(&mut self, what: &str, most: Most, count: usize, before: usize) {
        let read = self.world.table.reads() - before;
        let bound = match most {
            Few(items) => items,
            Page(each, besides) => each * PAGE + besides,
            Each(each, besides) => each * count + besides,
        };
        if read > bound {
            self.wrong
                .push(format!("{what} reads {read}, and may {most:?}: {bound}"));
        }
    }
}

fn none<T>(_: &T) -> usize {
    0
}

fn brain() -> ProjectName {
    "brain".parse().unwrap()
}

fn deep() -> TemplateName {
    "deep".parse().unwrap()
}

fn user(number: usize) -> UserId {
    format!("user-{number:03}").parse().unwrap()
}

fn nightly(number: usize) -> ScheduleRequest {
    ScheduleRequest {
        jitter_minutes: 0,
        keep: Some(2),
        name: Some(format!("night-{number:03}").parse().unwrap()),
        cadence: "rate(1 day)".parse().unwrap(),
        timezone: "UTC".parse().unwrap(),
        request: save_request("work", "nightly"),
    }
}

fn for_brain(template: &str) -> SaveRequest {
    SaveRequest {
        project: Some(brain()),
        description: "many layers of rock".to_owned(),
        ..save_request("work", template)
    }
}

fn saved(world: &World, request: SaveRequest) {
    let record = world.save("ada", request).unwrap();
    assert!(record.version.is_some(), "{:?}", record.failure);
}

/// A project with many members and templates, one of which has many versions and many shares; with a hard stop and
/// alerts, so that its costs matter. Ada has many schedules, saves and launches.
fn library() -> World {
    let mut setup = Setup::seeded(29);
    setup.cloud.throttles.enabled = false;
    let world = launched(setup);
    let (ada, service) = (caller("ada"), &world.service);
    let run = |done: Result<(), Problem>| done.unwrap_or_else(|it| panic!("{}", it.chain()));
    let request = ProjectRequest {
        name: brain(),
        description: String::new(),
    };
    run(world
        .clock
        .run(service.create_project(&ada, request))
        .map(drop));
    let budget = BudgetRequest {
        limit_usd: 100_000.0,
        alerts: BTreeSet::from([1, 50]),
        hard_stop: true,
    };
    let (brain, deep) = (brain(), deep());
    let set = service.set_budget(&ada, &brain, budget);
    run(world.clock.run(set).map(drop));
    for _ in 0..MANY {
        saved(&world, for_brain("deep"));
    }
    for number in 0..MANY {
        saved(&world, for_brain(&format!("wide-{number:03}")));
        let who = user(number);
        let added = service.add_member(&ada, &brain, &who, ProjectRole::Member);
        run(world.clock.run(added).map(drop));
        let request = share_request(format!("user:{who}"));
        run(world
            .clock
            .run(service.share(&ada, &deep, &request))
            .map(drop));
        let made = service.create_schedule(&ada, nightly(number));
        run(world.clock.run(made).map(drop));
        let wide = format!("wide-{number:03}").parse().unwrap();
        run(world
            .clock
            .run(service.approve(&ada, &brain, &wide))
            .map(drop));
        let launch = launch_request("deep", &format!("again-{number}"));
        run(world.clock.run(service.launch(&ada, &launch)).map(drop));
    }
    world.pass(600);
    world
}

#[test]
fn no_operation_reads_more_than_a_page_and_what_it_returns() {
    let world = library();
    let mut asked = Asked {
        world: &world,
        wrong: Vec::new(),
    };
    of_templates(&mut asked);
    of_lists(&mut asked);
    of_projects(&mut asked);
    of_launches_and_saves(&mut asked);
    of_schedules(&mut asked);
    of_shares(&mut asked);
    of_changes(&mut asked);
    of_the_whole(&mut asked);
    assert!(asked.wrong.is_empty(), "{:#?}", asked.wrong);
}

fn of_templates(asked: &mut Asked<'_>) {
    let (ada, service) = (caller("ada"), &asked.world.service);
    let (deep, newest) = (deep(), "deep".parse().unwrap());
    let first = "deep@1".parse().unwrap();
    asked.reads("info", Few(2), service.template(&ada, &newest), none);
    let shown = service.template(&ada, &first);
    asked.reads("info of a version", Few(2), shown, none);
    let versions = service.versions(&ada, &deep, PAGE, None);
    asked.reads("versions", Page(1, 1), versions, none);
    asked.reads("packages", Few(3), service.packages(&ada, &newest), none);
    let file = service.export_template(&ada, &newest);
    asked.reads("export", Few(2), file, none);
    asked.reads("diff", Few(8), service.diff(&ada, &first, &newest), none);
    let lineage = service.lineage(&ada, &deep);
    asked.reads("lineage", Each(3, 5), lineage, |it| it.nodes.len());
    let planned = service.plan_deletion(&ada, &first);
    // The result lists the grantees.
    asked.reads(
        "deletion of a version, planned",
        Few(4 + MANY),
        planned,
        none,
    );
    let planned = service.plan_deletion(&ada, &newest);
    asked.reads("deletion, planned", Each(2, 2 + MANY), planned, |it| {
        it.versions.len()
    });
}

fn of_lists(asked: &mut Asked<'_>) {
    let (ada, mia, service) = (caller("ada"), caller("user-001"), &asked.world.service);
    let of = |filter: &dyn Fn(&mut TemplatesPage)| {
        let mut made = TemplatesPage::default();
        filter(&mut made);
        made
    };
    let every = of(&|_| {});
    let mine = of(&|it| it.mine = true);
    let public = of(&|it| it.public = true);
    let search = of(&|it| it.search = Some("rock".to_owned()));
    let project = of(&|it| it.project = Some(brain()));
    // A list is merged from others, and a page of each is read. A search reads the lists in the order of names from the
    // beginning, up to two hundred entries of each.
    for (what, most, filter) in [
        ("templates", Page(6, 1), &every),
        ("templates of one's own", Page(2, 0), &mine),
        ("public templates", Page(2, 0), &public),
        ("templates searched for", Page(4, 2 * (MANY + 1)), &search),
        ("templates of a project, listed", Page(3, 0), &project),
    ] {
        let listed = service.templates(&ada, filter, PAGE, None);
        asked.reads(what, most, listed, none);
    }
    // For each template, a member's list reads whether it was shared with the member or with the project.
    let listed = service.templates(&mia, &project, PAGE, None);
    asked.reads("the same by a member", Page(5, 0), listed, none);
    asked.reads("saves", Page(1, 0), service.saves(&ada, PAGE, None), none);
    let own = AuditPage::default();
    let of_project = AuditPage {
        project: Some(brain()),
        ..AuditPage::default()
    };
    let of_template = AuditPage {
        resource: Some(Subject::Template(deep())),
        ..AuditPage::default()
    };
    for (what, filter) in [
        ("audit of one's own doing", &own),
        ("audit of a project", &of_project),
        ("audit of a template", &of_template),
    ] {
        let listed = service.audit_events(&ada, filter, PAGE, None);
        asked.reads(what, Page(1, 2), listed, none);
    }
}

fn of_projects(asked: &mut Asked<'_>) {
    let (ada, service, brain) = (caller("ada"), &asked.world.service, brain());
    asked.reads("projects", Each(1, 1), service.projects(&ada), Vec::len);
    let shown = ShowProject::run(service, &ada, operations::Asked::of(brain.clone()));
    asked.reads("project", Few(2), shown, none);
    let page = Paging::new(Some(8), None);
    let members = operations::Asked::by(brain.clone(), page);
    let members = ListMembers::run(service, &ada, members);
    asked.reads("members", Page(1, 2), members, none);
    let approvals = service.approvals(&ada, &brain, PAGE);
    asked.reads("approvals", Page(1, 2), approvals, none);
    let templates = service.project_templates(&ada, &brain, PAGE);
    asked.reads("templates of a project", Page(3, 2), templates, none);
    let costs = service.project_costs(&ada, &brain);
    // The result has a line for each version, and reads each template with its entry and record.
    let lines = |costs: &prism_functions::operations::ProjectCosts| {
        let versions = costs.templates.iter().map(|it| it.versions.len());
        versions.sum()
    };
    asked.reads("costs", Each(1, 2 + 2 * (MANY + 1)), costs, lines);
    let edit = ProjectEdit {
        description: Some("brains".to_owned()),
        ..ProjectEdit::default()
    };
    asked.reads(
        "edit of a project",
        Few(3),
        service.edit_project(&ada, &brain, edit),
        none,
    );
    let budget = BudgetRequest {
        limit_usd: 90_000.0,
        alerts: BTreeSet::from([1]),
        hard_stop: true,
    };
    let set = service.set_budget(&ada, &brain, budget);
    asked.reads("budget", Few(8), set, none);
    let (who, wide) = (user(MANY), "wide-001".parse().unwrap());
    let added = service.add_member(&ada, &brain, &who, ProjectRole::Viewer);
    asked.reads("a member joins", Few(8), added, none);
    let removed = service.remove_member(&ada, &brain, &who);
    asked.reads("a member leaves", Few(8), removed, none);
    asked.reads(
        "approval",
        Few(6),
        service.approve(&ada, &brain, &wide),
        none,
    );
    let withdrawn = service.disapprove(&ada, &brain, &wide);
    asked.reads("approval withdrawn", Few(4), withdrawn, none);
}

fn of_launches_and_saves(asked: &mut Asked<'_>) {
    let world = asked.world;
    let (ada, mia, service) = (caller("ada"), caller("user-001"), &world.service);
    let launch = |name: &str| LaunchRequest {
        project: Some(brain()),
        ..launch_request("deep", name)
    };
    let (mine, hers) = (launch("mine"), launch("hers"));
    asked.reads(
        "launch, planned",
        Few(6),
        service.plan_launch(&ada, &mine),
        none,
    );
    asked.reads("launch", Few(6), service.launch(&ada, &mine), none);
    let theirs = service.launch(&mia, &hers);
    asked.reads("launch of what was shared", Few(7 + MANY), theirs, none);
    asked.reads(
        "instances",
        Each(1, 0),
        service.instances(&ada, &region()),
        Vec::len,
    );
    let planned = service.plan_save(&ada, for_brain("deep"));
    // The plan reads the template's grantees, to whom its AMIs will be opened, and the project's members, who will see
    // what is on the disk.
    asked.reads("save, planned", Few(8 + 2 * MANY), planned, none);
    // Including the grants of the template, for which its AMIs are opened.
    let before = world.table.reads();
    saved(world, for_brain("deep"));
    asked.holds("save, all of its steps", Few(62 + 5 * MANY), 0, before);
    let moved = SaveRequest {
        project: Some("other".parse().unwrap()),
        move_template: true,
        ..for_brain("wide-002")
    };
    let request = ProjectRequest {
        name: "other".parse().unwrap(),
        description: String::new(),
    };
    asked.reads(
        "a project is made",
        Few(1),
        service.create_project(&ada, request),
        none,
    );
    let before = world.table.reads();
    saved(world, moved);
    asked.holds(
        "save that moves its template",
        Few(90 + 2 * MANY),
        0,
        before,
    );
    let copy = copy_request("deep", 3, &["us-west-2"]);
    let planned = service.plan_copy(&ada, &copy);
    asked.reads("copy, planned", Few(8 + 2 * MANY), planned, none);
    let before = world.table.reads();
    let started = world
        .clock
        .run(service.start_copy(&ada, &copy, None))
        .unwrap();
    world.clock.run_until_idle().unwrap();
    asked.holds("copy, all of its steps", Few(62 + 5 * MANY), 0, before);
    to_the_end(world, &started.save_id);
    asked.reads(
        "a save's record",
        Few(1),
        service.save(&ada, &started.save_id),
        none,
    );
}

fn of_schedules(asked: &mut Asked<'_>) {
    let (ada, service) = (caller("ada"), &asked.world.service);
    let name = "night-003".parse().unwrap();
    asked.reads(
        "schedules",
        Page(2, 0),
        service.schedules(&ada, PAGE, None),
        none,
    );
    asked.reads("schedule", Few(2), service.schedule(&ada, &name), none);
    let made = service.create_schedule(&ada, nightly(MANY));
    asked.reads("a schedule is made", Few(8), made, none);
    let edit = ScheduleEdit::pause(true);
    let edited = service.edit_schedule(&ada, &name, edit);
    asked.reads("edit of a schedule", Few(8), edited, none);
    let deleted = service.delete_schedule(&ada, &name);
    asked.reads("deletion of a schedule", Few(8), deleted, none);
    // Without an external scheduler, the server reads each active schedule.
    let fired = service.fire_due_schedules();
    asked.reads("schedules fired", Few(2 * (MANY + 1)), fired, none);
    asked.world.clock.run_until_idle().unwrap();
    asked.reads("sweep", Few(20), service.sweep(), none);
    asked.reads("backlog", Few(20), service.backlog(), none);
}

fn of_shares(asked: &mut Asked<'_>) {
    let (ada, service, deep) = (caller("ada"), &asked.world.service, deep());
    let one = share_request("user:zoe");
    let account = share_request("account:444455556666");
    let listed = service.shares(&ada, &deep);
    // Including the other templates that have each of its AMIs; it has one in each version.
    let most = Each(1, 1 + 2 * (MANY + 2));
    asked.reads("shares", most, listed, Vec::len);
    // The plan reads the sensitive files of the newest twenty versions, and the current grantees.
    let planned = service.plan_share(&ada, &deep, &one);
    asked.reads("share, planned", Few(42 + 3 * MANY), planned, none);
    let shared = service.share(&ada, &deep, &one);
    asked.reads("share", Few(5 + 5 * MANY), shared, none);
    let taken = service.unshare(&ada, &deep, &one);
    asked.reads("share taken back", Few(3 + 2 * (MANY + 1)), taken, none);
    // Every AMI of the template is opened, and closed.
    let shared = service.share(&ada, &deep, &account);
    asked.reads(
        "share with an account",
        Each(3, 8 * (MANY + 2)),
        shared,
        |it| it.images.values().map(Vec::len).sum(),
    );
    // The other templates with each AMI are read before and after it.
    let taken = service.unshare(&ada, &deep, &account);
    asked.reads("that share taken back", Few(9 * (MANY + 2)), taken, none);
}

fn of_changes(asked: &mut Asked<'_>) {
    let world = asked.world;
    let (ada, service, deep) = (caller("ada"), &world.service, deep());
    let (newest, first) = ("deep".parse().unwrap(), "deep@1".parse().unwrap());
    let edit = TemplateEdit {
        description: Some("layers".to_owned()),
        notes: None,
    };
    let edited = service.edit_template(&ada, &newest, &edit, None);
    asked.reads("edit", Few(5), edited, none);
    let deprecated = service.deprecate_template(&ada, &first, true);
    asked.reads("deprecation", Few(6), deprecated, none);
    let back = service.rollback(&ada, &deep, None, false);
    asked.reads("rollback", Few(5 + 2 * MANY), back, none);
    let file = world
        .clock
        .run(service.export_template(&ada, &newest))
        .unwrap();
    let request = import_request(file);
    let name = "brought".parse().unwrap();
    let planned = service.plan_import(&ada, &name, &request);
    asked.reads("import, planned", Few(9), planned, none);
    let imported = service.import_template(&ada, &name, &request);
    asked.reads("import", Few(9), imported, none);
    let second = "deep@2".parse().unwrap();
    let deleted = service.delete_template(&ada, &second, true);
    // The removal of an AMI takes a turn, and so does that of its snapshot.
    asked.reads("deletion of a version", Few(14 + MANY), deleted, none);
    let latest = world
        .clock
        .run(service.rollback(&ada, &deep, Some(20), false));
    let latest = format!("deep@{}", latest.unwrap().to).parse().unwrap();
    // The next version for its name is searched among a page of twenty versions.
    let deleted = service.delete_template(&ada, &latest, true);
    asked.reads(
        "deletion of the latest version",
        Few(15 + 2 * 20 + MANY),
        deleted,
        none,
    );
}

/// Operations that return or change everything at once.
fn of_the_whole(asked: &mut Asked<'_>) {
    let (ada, service) = (caller("ada"), &asked.world.service);
    let all = "deep".parse().unwrap();
    let deleted = service.delete_template(&ada, &all, true);
    asked.reads("deletion", Each(3, 3 * MANY + 6), deleted, |it| {
        it.plan.versions.len()
    });
}
