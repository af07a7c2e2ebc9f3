//! The number of table reads of each operation: a page, plus what it returns, plus a few single items, however much
//! data there is. Each operation checks the rights that it declares, and no others. The calls below state the limit for each, and `EC2_CALLS` how often it may call EC2.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod conditions;
mod courses;
mod ends;
mod portal;
mod rest;

use prism_functions::domain::audit::Subject;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::domain::{Problem, TemplateName, UserId};
use prism_functions::operations::parts::Paging;
use prism_functions::operations::{
    self, AuditPage, LaunchRequest, ListMembers, Operation as _, ProjectEdit, ScheduleEdit,
    ShowProject, TemplateEdit, TemplatesPage,
};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::checked::{Checked, checked};
use prism_tests::recorded::ec2_calls;
use prism_tests::story::to_the_end;
use prism_tests::world::{
    ADA, Setup, World, brain, budget_request, caller, copy_request, import_request, launch_request,
    launched, moved, project_request, region, save_request, share_request,
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

/// How often each operation may call EC2 for the AMIs of this test, of which the template has more than `MANY`. An
/// operation that is not listed does not call EC2.
const EC2_CALLS: &[(&str, usize)] = &[
    ("approve_template", 1),
    ("begin_save", 10),
    ("copy_version", 4),
    ("create_schedule", 2),
    ("delete_template", MANY + 2),
    ("delete_version", 7),
    ("deprecate_template", 1),
    ("deprecate_version", 1),
    ("edit_template", 1),
    ("edit_version", 2),
    ("import_template", 2),
    ("launch_instance", 8),
    // What is launched, and who has an instance already.
    ("plan_class_launch", 8),
    // Each Region, which there are, and the consoles of those of a page.
    ("list_instances", 18 + PAGE),
    ("list_project_instances", 18),
    ("list_volumes", 3),
    ("list_regions", 1),
    ("remove_instance_end", 2),
    ("rename_instance", 3),
    ("resize_instance", 6),
    ("restore_template", 1),
    ("restore_version", 1),
    // With the plan of the save that it starts.
    ("run_schedule", 11),
    ("set_instance_end", 2),
    // Each AMI is opened or closed by a call of its own.
    ("share_template", MANY + 6),
    ("show_instance", 3),
    ("show_instance_end", 2),
    ("show_project_costs", 1),
    ("show_template", 1),
    ("show_version", 2),
    ("start_instance", 4),
    ("start_session", 2),
    ("stop_instance", 4),
    ("stop_project_instance", 4),
    ("terminate_instance", 4),
    ("unshare_template", MANY + 6),
];

/// Calls operations, and checks the number of table reads and of EC2 calls.
struct Limits<'a> {
    world: &'a World,
    wrong: Vec<String>,
    /// The operations that ran, and the rights that they checked.
    checked: Checked,
}

impl Limits<'_> {
    fn reads<T>(
        &mut self,
        what: &str,
        most: Most,
        call: impl Future<Output = Result<T, Problem>>,
    ) -> T {
        self.reads_each(what, most, call, |_| 0)
    }

    /// `count` returns the size of the result.
    fn reads_each<T>(
        &mut self,
        what: &str,
        most: Most,
        call: impl Future<Output = Result<T, Problem>>,
        count: impl Fn(&T) -> usize,
    ) -> T {
        let before = self.world.table.reads();
        let calls = ec2_calls();
        let (done, checked) = self.checks(call);
        self.calls(what, &checked, ec2_calls() - calls);
        let done = done.unwrap_or_else(|problem| panic!("{what}: {}", problem.chain()));
        self.holds(what, most, count(&done), before);
        done
    }

    /// Notes which rights a call checks.
    fn checks<T>(&mut self, call: impl Future<Output = T>) -> (T, Checked) {
        let mut done = None;
        let checked = checked(|| done = Some(self.world.run(call)));
        for (operation, rights) in &checked {
            let all = self.checked.entry(operation.clone()).or_default();
            all.extend(rights.iter().cloned());
        }
        (done.unwrap(), checked)
    }

    fn allows<T>(&mut self, call: impl Future<Output = Result<T, Problem>>) {
        let (done, _) = self.checks(call);
        done.unwrap_or_else(|problem| panic!("{}", problem.chain()));
    }

    fn calls(&mut self, what: &str, checked: &Checked, calls: usize) {
        for id in checked.keys() {
            let listed = EC2_CALLS.iter().find(|(listed, _)| listed == id);
            let most = listed.map_or(0, |(_, most)| *most);
            if calls > most {
                let text = format!("{what} ({id}) calls EC2 {calls} times, and may {most} times");
                self.wrong.push(text);
            }
        }
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
    let mut setup = Setup::seeded(29).profiled();
    setup.cloud.throttles.enabled = false;
    let world = launched(setup);
    let run = |done: Result<(), Problem>| done.unwrap_or_else(|it| panic!("{}", it.chain()));
    let request = project_request("brain");
    run(ask!(world, create_project(&ADA, request)).map(drop));
    let budget = budget_request(100_000.0, &[1, 50], true);
    let (brain, deep) = (brain(), deep());
    run(ask!(world, set_budget(&ADA, &brain, budget)).map(drop));
    for _ in 0..MANY {
        saved(&world, for_brain("deep"));
    }
    for number in 0..MANY {
        saved(&world, for_brain(&format!("wide-{number:03}")));
        let who = user(number);
        run(ask!(world, add_member(&ADA, &brain, &who, ProjectRole::Member)).map(drop));
        let request = share_request(format!("user:{who}"));
        run(ask!(world, share(&ADA, &deep, &request)).map(drop));
        run(ask!(world, create_schedule(&ADA, nightly(number))).map(drop));
        let wide = format!("wide-{number:03}").parse().unwrap();
        run(ask!(world, approve(&ADA, &brain, &wide)).map(drop));
        let launch = launch_request("deep", &format!("again-{number}"));
        run(ask!(world, launch(&ADA, &launch)).map(drop));
    }
    world.pass(600);
    world
}

#[test]
fn no_operation_reads_more_than_a_page_and_what_it_returns() {
    let world = library();
    let mut limits = Limits {
        world: &world,
        wrong: Vec::new(),
        checked: Checked::new(),
    };
    of_templates(&mut limits);
    of_lists(&mut limits);
    of_projects(&mut limits);
    of_launches_and_saves(&mut limits);
    of_schedules(&mut limits);
    of_shares(&mut limits);
    of_changes(&mut limits);
    conditions::of_launches(&mut limits);
    conditions::of_saves(&mut limits);
    conditions::of_audits(&mut limits);
    conditions::of_shares(&mut limits);
    portal::of_pages(&mut limits);
    portal::of_projects(&mut limits);
    ends::of_ends(&mut limits);
    rest::of_instances(&mut limits);
    rest::of_open_saves(&mut limits);
    conditions::of_members(&mut limits);
    rest::of_keys(&mut limits);
    rest::of_notices(&mut limits);
    courses::of_courses(&mut limits);
    rest::of_single_things(&mut limits);
    of_the_whole(&mut limits);
    assert!(limits.wrong.is_empty(), "{:#?}", limits.wrong);
    let mut wrong = Vec::new();
    for operation in operations::ALL {
        let (id, rights) = (operation.id, operation.rights.iter());
        let declared = Some(
            rights
                .map(|(action, on)| format!("{action:?} {on:?}"))
                .collect(),
        );
        let checked = limits.checked.remove(id);
        if checked != declared {
            wrong.push(format!("{id} declares {declared:?} and checks {checked:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn of_templates(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    let (deep, newest) = (deep(), "deep".parse().unwrap());
    let first = "deep@1".parse().unwrap();
    limits.reads("info", Few(2), service.template(&ADA, &newest));
    limits.reads("info of a version", Few(2), service.template(&ADA, &first));
    let versions = service.versions(&ADA, &deep, PAGE, None);
    limits.reads("versions", Page(1, 1), versions);
    limits.reads("packages", Few(3), service.packages(&ADA, &newest));
    limits.reads("export", Few(2), service.export_template(&ADA, &newest));
    limits.reads("diff", Few(8), service.diff(&ADA, &first, &newest));
    let lineage = service.lineage(&ADA, &deep);
    limits.reads_each("lineage", Each(3, 5), lineage, |it| it.nodes.len());
    let planned = service.plan_deletion(&ADA, &first);
    // The result lists the grantees.
    limits.reads("deletion of a version, planned", Few(4 + MANY), planned);
    let planned = service.plan_deletion(&ADA, &newest);
    limits.reads_each("deletion, planned", Each(2, 2 + MANY), planned, |it| {
        it.versions.len()
    });
}

fn of_lists(limits: &mut Limits<'_>) {
    let (mia, service) = (caller("user-001"), &limits.world.service);
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
        limits.reads(what, most, service.templates(&ADA, filter, PAGE, None));
    }
    // For each template, a member's list reads whether it was shared with the member or with the project.
    let listed = service.templates(&mia, &project, PAGE, None);
    limits.reads("the same by a member", Page(5, 0), listed);
    limits.reads("saves", Page(1, 0), service.saves(&ADA, PAGE, None));
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
        let listed = service.audit_events(&ADA, filter, PAGE, None);
        limits.reads(what, Page(1, 2), listed);
    }
}

fn of_projects(limits: &mut Limits<'_>) {
    let (service, brain) = (&limits.world.service, brain());
    limits.reads_each("projects", Each(1, 1), service.projects(&ADA), Vec::len);
    let shown = ShowProject::run(service, &ADA, operations::Asked::of(brain.clone()));
    limits.reads("project", Few(2), shown);
    let page = Paging::new(Some(8), None);
    let members = operations::Asked::by(brain.clone(), page);
    let members = ListMembers::run(service, &ADA, members);
    limits.reads("members", Page(1, 2), members);
    let approvals = service.approvals(&ADA, &brain, PAGE);
    limits.reads("approvals", Page(1, 2), approvals);
    let templates = service.project_templates(&ADA, &brain, PAGE);
    limits.reads("templates of a project", Page(3, 2), templates);
    let costs = service.project_costs(&ADA, &brain);
    // The result has a line for each version, and reads each template with its entry and record.
    let lines = |costs: &prism_functions::operations::ProjectCosts| {
        let versions = costs.templates.iter().map(|it| it.versions.len());
        versions.sum()
    };
    limits.reads_each("costs", Each(1, 2 + 2 * (MANY + 1)), costs, lines);
    let edit = ProjectEdit {
        description: Some("brains".to_owned()),
        ..ProjectEdit::default()
    };
    limits.reads(
        "edit of a project",
        Few(3),
        service.edit_project(&ADA, &brain, edit),
    );
    let set = service.set_budget(&ADA, &brain, budget_request(90_000.0, &[1], true));
    limits.reads("budget", Few(8), set);
    let (who, wide) = (user(MANY), "wide-001".parse().unwrap());
    let added = service.add_member(&ADA, &brain, &who, ProjectRole::Viewer);
    limits.reads("a member joins", Few(8), added);
    let removed = service.remove_member(&ADA, &brain, &who);
    limits.reads("a member leaves", Few(8), removed);
    limits.reads("approval", Few(6), service.approve(&ADA, &brain, &wide));
    let withdrawn = service.disapprove(&ADA, &brain, &wide);
    limits.reads("approval withdrawn", Few(4), withdrawn);
}

fn of_launches_and_saves(limits: &mut Limits<'_>) {
    let world = limits.world;
    let (mia, service) = (caller("user-001"), &world.service);
    let launch = |name: &str| LaunchRequest {
        project: Some(brain()),
        ..launch_request("deep", name)
    };
    let (mine, hers) = (launch("mine"), launch("hers"));
    limits.reads("launch, planned", Few(7), service.plan_launch(&ADA, &mine));
    // Beside the plan, with a hard stop: the project, what begins at the same time, and the sums after that.
    limits.reads("launch", Few(14), service.launch(&ADA, &mine));
    let theirs = service.launch(&mia, &hers);
    limits.reads("launch of what was shared", Few(17 + MANY), theirs);
    limits.reads_each(
        "instances",
        Each(3, 0),
        service.instances(&ADA, &region()),
        Vec::len,
    );
    let planned = service.plan_save(&ADA, for_brain("deep"));
    // The plan reads the template's grantees, to whom its AMIs will be opened, and the project's members, who will see
    // what is on the disk.
    limits.reads("save, planned", Few(8 + 2 * MANY), planned);
    // Including the grants of the template, for which its AMIs are opened.
    let before = world.table.reads();
    saved(world, for_brain("deep"));
    limits.holds("save, all of its steps", Few(62 + 5 * MANY), 0, before);
    let moved = moved(for_brain("wide-002"), "other");
    let request = project_request("other");
    limits.reads(
        "a project is made",
        Few(1),
        service.create_project(&ADA, request),
    );
    let before = world.table.reads();
    saved(world, moved);
    limits.holds(
        "save that moves its template",
        Few(90 + 2 * MANY),
        0,
        before,
    );
    let copy = copy_request("deep", 3, &["us-west-2"]);
    let planned = service.plan_copy(&ADA, &copy);
    limits.reads("copy, planned", Few(9 + 2 * MANY), planned);
    let before = world.table.reads();
    let started = ask!(world, start_copy(&ADA, &copy, None)).unwrap();
    world.clock.run_until_idle().unwrap();
    limits.holds("copy, all of its steps", Few(62 + 5 * MANY), 0, before);
    to_the_end(world, &started.save_id);
    limits.reads(
        "a save's record",
        Few(1),
        service.save(&ADA, &started.save_id),
    );
}

fn of_schedules(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    let name = "night-003".parse().unwrap();
    limits.reads("schedules", Page(2, 0), service.schedules(&ADA, PAGE, None));
    limits.reads("schedule", Few(2), service.schedule(&ADA, &name));
    let made = service.create_schedule(&ADA, nightly(MANY));
    limits.reads("a schedule is made", Few(8), made);
    let edit = ScheduleEdit::pause(true);
    let edited = service.edit_schedule(&ADA, &name, edit);
    limits.reads("edit of a schedule", Few(8), edited);
    let deleted = service.delete_schedule(&ADA, &name);
    limits.reads("deletion of a schedule", Few(8), deleted);
    // Without an external scheduler, the server reads each active schedule.
    let fired = service.fire_due_schedules();
    limits.reads("schedules fired", Few(2 * (MANY + 1)), fired);
    limits.world.clock.run_until_idle().unwrap();
    // The first sweep measures the volumes of each instance.
    limits.reads("sweep", Few(20 + 3 * MANY), service.sweep());
    limits.reads("second sweep", Few(20 + MANY), service.sweep());
    limits.reads("backlog", Few(20), service.backlog());
}

fn of_shares(limits: &mut Limits<'_>) {
    let (service, deep) = (&limits.world.service, deep());
    let one = share_request("user:zoe");
    let account = share_request("account:444455556666");
    let listed = service.shares(&ADA, &deep);
    // Including the other templates that have each of its AMIs; it has one in each version.
    let most = Each(1, 1 + 2 * (MANY + 2));
    limits.reads_each("shares", most, listed, Vec::len);
    // The plan reads the sensitive files of the newest twenty versions, and the current grantees.
    let planned = service.plan_share(&ADA, &deep, &one);
    limits.reads("share, planned", Few(42 + 3 * MANY), planned);
    limits.reads("share", Few(6 + 5 * MANY), service.share(&ADA, &deep, &one));
    let taken = service.unshare(&ADA, &deep, &one);
    limits.reads("share taken back", Few(3 + 2 * (MANY + 1)), taken);
    // Every AMI of the template is opened, and closed.
    limits.reads_each(
        "share with an account",
        Each(3, 8 * (MANY + 2)),
        service.share(&ADA, &deep, &account),
        |it| it.images.values().map(Vec::len).sum(),
    );
    // The other templates with each AMI are read before and after it.
    let taken = service.unshare(&ADA, &deep, &account);
    limits.reads("that share taken back", Few(9 * (MANY + 2)), taken);
}

fn of_changes(limits: &mut Limits<'_>) {
    let world = limits.world;
    let (service, deep) = (&world.service, deep());
    let (newest, first) = ("deep".parse().unwrap(), "deep@1".parse().unwrap());
    let edit = TemplateEdit {
        description: Some("layers".to_owned()),
        notes: None,
    };
    let edited = service.edit_template(&ADA, &newest, &edit, None);
    limits.reads("edit", Few(5), edited);
    let deprecated = service.deprecate_template(&ADA, &first, true);
    limits.reads("deprecation", Few(6), deprecated);
    let back = service.rollback(&ADA, &deep, None, false);
    limits.reads("rollback", Few(5 + 2 * MANY), back);
    let file = ask!(world, export_template(&ADA, &newest)).unwrap();
    let request = import_request(file);
    let name = "brought".parse().unwrap();
    let planned = service.plan_import(&ADA, &name, &request);
    limits.reads("import, planned", Few(9), planned);
    let imported = service.import_template(&ADA, &name, &request);
    limits.reads("import", Few(9), imported);
    // The removal of an AMI takes a turn, and so does that of its snapshot.
    limits.reads(
        "deletion of a version",
        Few(14 + MANY),
        service.delete_template(&ADA, &"deep@2".parse().unwrap(), true),
    );
    let latest = format!(
        "deep@{}",
        ask!(world, rollback(&ADA, &deep, Some(20), false))
            .unwrap()
            .to
    )
    .parse()
    .unwrap();
    // The next version for its name is searched among a page of twenty versions.
    limits.reads(
        "deletion of the latest version",
        Few(15 + 2 * 20 + MANY),
        service.delete_template(&ADA, &latest, true),
    );
}

/// Operations that return or change everything at once.
fn of_the_whole(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    let all = "deep".parse().unwrap();
    let file = ask!(limits.world, export_template(&ADA, &all));
    let deleted = service.delete_template(&ADA, &all, true);
    limits.reads_each("deletion", Each(3, 3 * MANY + 6), deleted, |it| {
        it.plan.versions.len()
    });
    conditions::of_a_deletion(limits, file.unwrap());
}
