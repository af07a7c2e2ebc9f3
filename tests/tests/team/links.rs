//! Join links: who has the code joins, at most as often as was allowed, and nobody learns anything from a wrong one.

use chrono::TimeDelta;
use prism_functions::domain::project::{PROJECTS, ProjectRole};
use prism_functions::domain::{Code, Problem, UserId};
use prism_functions::operations::parts::{DryRun, Either, Nothing, Paging};
use prism_functions::operations::{
    Asked, AuditPage, CreateLink, JoinPlan, JoinProject, JoinRequest, LinkCreated, LinkRequest,
    ListLinks, Operation as _, ProjectView, RevokeLink, Service,
};
use prism_functions::ports::{Query, SortKeys, Table as _};
use prism_functions::rules::access::Caller;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, interleave, yielding};
use prism_tests::world::{
    ADA, OLGA, Setup, World, caller, launch_request, project_request, save_request, saved,
};

use crate::{brain, launch, project, share};

fn request(world: &World, uses: u32) -> LinkRequest {
    LinkRequest {
        uses,
        until: world.now() + TimeDelta::days(7),
        role: None,
        group: None,
    }
}

fn create(world: &World, by: &Caller, request: LinkRequest) -> Result<LinkCreated, Problem> {
    let asked = Asked::<CreateLink>::with(brain(), request);
    Ok(world.run(CreateLink::run(&world.service, by, asked))?.value)
}

async fn try_to_join(service: &Service, by: &Caller, code: &str) -> Result<ProjectView, Problem> {
    let code = code.to_owned();
    let asked = Asked::<JoinProject>::with(Nothing {}, JoinRequest { code });
    match JoinProject::run(service, by, asked).await? {
        Either::Other(joined) => Ok(joined.value),
        Either::One(plan) => panic!("it was only planned: {plan:?}"),
    }
}

fn plan(world: &World, by: &str, code: &str) -> Result<JoinPlan, Problem> {
    let code = code.to_owned();
    let asked = Asked::<JoinProject>::with(Nothing {}, JoinRequest { code });
    let asked = asked.query(DryRun { dry_run: true });
    match world.run(JoinProject::run(&world.service, &caller(by), asked))? {
        Either::One(planned) => Ok(planned.value.plan),
        Either::Other(joined) => panic!("it was not only planned: {joined:?}"),
    }
}

fn join(world: &World, by: &str, code: &str) -> Result<ProjectView, Problem> {
    world.run(try_to_join(&world.service, &caller(by), code))
}

fn revoke(world: &World, by: &Caller, link: &LinkCreated) -> Result<(), Problem> {
    let asked = Asked::<RevokeLink>::of((brain(), link.link.id.clone()));
    world
        .run(RevokeLink::run(&world.service, by, asked))
        .map(drop)
}

fn used(world: &World) -> Vec<u32> {
    let asked = Asked::<ListLinks>::by(brain(), Paging::default());
    let page = world
        .must(ListLinks::run(&world.service, &OLGA, asked))
        .value;
    page.items.iter().map(|link| link.used).collect()
}

fn count(world: &World) -> u32 {
    let stored = world.must(world.service.env.registry.project(&brain()));
    stored.unwrap().value.members
}

#[test]
fn who_has_the_code_joins_with_its_role_and_group() {
    let world = World::new(5);
    project(&world);
    let lab = LinkRequest {
        group: Some("lab1".parse().unwrap()),
        ..request(&world, 2)
    };
    let link = create(&world, &OLGA, lab).unwrap();
    let joined = join(&world, "ben", &link.code).unwrap();
    assert_eq!(
        (joined.role, joined.project.members),
        (ProjectRole::Member, 5)
    );
    assert_eq!(joined.project.name, brain());
    let ben: UserId = "ben".parse().unwrap();
    let member = world
        .must(world.service.env.registry.member(&brain(), &ben))
        .unwrap();
    assert_eq!((member.added_by.as_str(), member.groups.len()), ("olga", 1));
    assert_eq!(
        world
            .must(world.service.env.registry.memberships(&ben))
            .value
            .roles
            .len(),
        1
    );
    // Who is there already stays as they are, and does not use it up.
    for there in ["ben", "vic", "olga"] {
        join(&world, there, &link.code).unwrap();
    }
    assert_eq!(
        join(&world, "vic", &link.code).unwrap().role,
        ProjectRole::Viewer
    );
    assert_eq!((used(&world), count(&world)), (vec![1], 5));
    // A member launches what is shared with the project.
    world.launch("ada", "ubuntu", "work");
    saved(&world, save_request("work", "kept"));
    share(&world, "ada", "project:brain").unwrap();
    launch("ben", "kept", &world).unwrap();
    let viewer = LinkRequest {
        role: Some(ProjectRole::Viewer),
        ..request(&world, 1)
    };
    let link = create(&world, &OLGA, viewer).unwrap();
    assert_eq!(
        join(&world, "eve", &link.code).unwrap().role,
        ProjectRole::Viewer
    );
    let for_brain = prism_functions::operations::LaunchRequest {
        project: Some(brain()),
        ..launch_request("ubuntu", "box")
    };
    let refused = ask!(world, plan_launch(&caller("eve"), &for_brain)).unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
}

/// A plan says the same as joining does, and neither counts nor changes anything.
#[test]
fn what_a_code_gives_is_shown_before_one_joins() {
    let world = World::new(5);
    project(&world);
    let lab = LinkRequest {
        group: Some("lab1".parse().unwrap()),
        ..request(&world, 1)
    };
    let link = create(&world, &OLGA, lab).unwrap();
    let before = world.items.all();
    let plans = ["ben", "eve", "vic"].map(|by| plan(&world, by, &link.code).unwrap());
    assert_eq!(world.items.all(), before);
    let of = |plan: &JoinPlan| (plan.joined, plan.role, plan.group.is_some());
    assert_eq!(of(&plans[0]), (false, ProjectRole::Member, true));
    assert_eq!(plans[0], plans[1]);
    assert_eq!(of(&plans[2]), (true, ProjectRole::Viewer, false));
    let [plan, ..] = plans;
    assert_eq!((plan.project, plan.until), (brain(), link.link.until));
    let users = [&plan.created_by, &plan.invited_by];
    assert_eq!(users, [&OLGA.user; 2]);
    assert_eq!(
        join(&world, "ben", &link.code).unwrap().role,
        ProjectRole::Member
    );
}

/// Who could not join is told before: of the projects of a user, and of the members of a project, there is a maximum.
#[test]
fn a_plan_refuses_what_joining_would_refuse() {
    let world = World::new(5);
    project(&world);
    let link = create(&world, &OLGA, request(&world, 1)).unwrap();
    let ben = caller("ben");
    for number in 0..PROJECTS {
        let request = project_request(&format!("project-{number}"));
        ask!(world, create_project(&ben, request)).unwrap();
    }
    let refused = plan(&world, "ben", &link.code).unwrap_err();
    assert_eq!(refused.code, Code::LimitReached, "{refused}");
    let joining = join(&world, "ben", &link.code).unwrap_err();
    assert_eq!(joining.message, refused.message);
}

/// Whatever the reason, the problem is the same, after the same number of reads.
#[test]
fn no_code_that_does_not_admit_tells_why() {
    let world = World::new(5);
    project(&world);
    let good = create(&world, &OLGA, request(&world, 1)).unwrap().code;
    let told = |code: &str| {
        let before = world.table.reads();
        let problem = join(&world, "eve", code).unwrap_err();
        assert_eq!(problem.code, Code::JoinCodeInvalid, "{problem}");
        let text = |problem: &Problem| format!("{} {}", problem.chain(), problem.advice());
        let reads = world.table.reads() - before;
        let planned = plan(&world, "eve", code).unwrap_err();
        assert_eq!(text(&planned), text(&problem));
        assert_eq!(world.table.reads() - before, 2 * reads);
        (text(&problem), reads)
    };
    let last = if good.ends_with('0') { "1" } else { "0" };
    let wrong = told(&format!("{}{last}", &good[..good.len() - 1]));
    let unknown = told(&format!("prism-join-{:016x}-{:032x}", 7, 9));
    assert_eq!(wrong, unknown);
    assert_eq!(told("nonsense").0, unknown.0);
    let revoked = create(&world, &OLGA, request(&world, 1)).unwrap();
    revoke(&world, &OLGA, &revoked).unwrap();
    assert_eq!(told(&revoked.code), unknown);
    join(&world, "ben", &good).unwrap();
    assert_eq!(told(&good), unknown, "it is used up");
    let expired = create(&world, &OLGA, request(&world, 1)).unwrap().code;
    world.pass(7 * 24 * 3600 - 10);
    join(
        &world,
        "chen",
        &create(&world, &OLGA, request(&world, 1)).unwrap().code,
    )
    .unwrap();
    world.pass(10);
    assert_eq!(told(&expired), unknown);
    assert_eq!(count(&world), 6);
}

#[test]
fn a_link_ends_when_its_creator_no_longer_manages_the_project() {
    let world = World::new(5);
    project(&world);
    let adam: UserId = "adam".parse().unwrap();
    world.must(
        world
            .service
            .add_member(&OLGA, &brain(), &adam, ProjectRole::Admin),
    );
    let link = create(&world, &caller("adam"), request(&world, 9)).unwrap();
    join(&world, "ben", &link.code).unwrap();
    world.must(
        world
            .service
            .add_member(&OLGA, &brain(), &adam, ProjectRole::Member),
    );
    let refused = join(&world, "chen", &link.code).unwrap_err();
    assert_eq!(refused.code, Code::JoinCodeInvalid);
    // Nor when the project is deleted.
    let link = create(&world, &OLGA, request(&world, 9)).unwrap();
    ask!(world, delete_project(&OLGA, &brain())).unwrap();
    let refused = join(&world, "chen", &link.code).unwrap_err();
    assert_eq!(refused.code, Code::JoinCodeInvalid);
}

#[test]
fn only_managers_make_links_and_only_within_their_bounds() {
    let world = World::new(5);
    project(&world);
    for (by, code) in [
        ("ada", Code::NotAllowed),
        ("vic", Code::NotAllowed),
        ("sue", Code::ProjectNotFound),
    ] {
        let refused = create(&world, &caller(by), request(&world, 1)).unwrap_err();
        assert_eq!(refused.code, code, "{by}");
    }
    let bad = |change: fn(&mut LinkRequest)| {
        let mut request = request(&world, 1);
        change(&mut request);
        create(&world, &OLGA, request).unwrap_err().code
    };
    assert_eq!(bad(|it| it.uses = 0), Code::InvalidInput);
    assert_eq!(bad(|it| it.uses = 501), Code::InvalidInput);
    assert_eq!(
        bad(|it| it.role = Some(ProjectRole::Admin)),
        Code::InvalidInput
    );
    assert_eq!(
        bad(|it| it.role = Some(ProjectRole::Owner)),
        Code::InvalidInput
    );
    assert_eq!(bad(|it| it.until -= TimeDelta::days(8)), Code::InvalidInput);
    assert_eq!(
        bad(|it| it.until += TimeDelta::days(366)),
        Code::InvalidInput
    );
    let links: Vec<LinkCreated> = (0..20)
        .map(|_| create(&world, &OLGA, request(&world, 1)).unwrap())
        .collect();
    assert_eq!(bad(|_| {}), Code::LimitReached);
    revoke(&world, &OLGA, &links[3]).unwrap();
    assert_eq!(
        revoke(&world, &OLGA, &links[3]).unwrap_err().code,
        Code::LinkNotFound
    );
    create(&world, &OLGA, request(&world, 1)).unwrap();
}

/// The table has a hash of it, and neither the table nor the audit has the code.
#[test]
fn the_code_is_kept_nowhere() {
    let world = World::new(5);
    project(&world);
    let link = create(&world, &OLGA, request(&world, 2)).unwrap();
    join(&world, "ben", &link.code).unwrap();
    let secret = link.code.rsplit('-').next().unwrap();
    let mut seen = 0;
    for pk in [
        format!("LINK#{}", link.link.id),
        "PROJECT#brain".to_owned(),
        "AUDIT#project:brain".to_owned(),
        "USER#ben".to_owned(),
    ] {
        let query = Query {
            index: prism_functions::ports::Index::Primary,
            pk,
            sort_keys: SortKeys::All,
            descending: false,
            limit: 100,
            cursor: None,
        };
        let items = world.run(world.items.query(&query)).unwrap().items;
        seen += items.len();
        assert!(!format!("{items:?}").contains(secret));
    }
    assert!(seen > 8, "{seen}");
    assert!(!format!("{link:?}").contains(secret));
    let refused = join(&world, "eve", &format!("{}x", link.code)).unwrap_err();
    assert!(!refused.chain().contains(secret));
    let events = ask!(
        world,
        audit_events(&caller("ben"), &AuditPage::default(), 10, None)
    )
    .unwrap();
    assert_eq!(events.items[0].action, "project.join");
}

/// Many join at once with a code that admits fewer.
#[test]
fn a_code_admits_no_more_than_its_uses_however_many_try_at_once() {
    for seed in 0..20 {
        let world = Setup::seeded(seed).build();
        project(&world);
        let link = create(&world, &OLGA, request(&world, 10)).unwrap();
        let service = yielding(&world);
        let callers: Vec<Caller> = (0..25)
            .map(|number| caller(&format!("student-{number:02}")))
            .collect();
        let (service, code) = (&service, link.code.as_str());
        let calls = callers
            .iter()
            .map(|by| -> Doing<'_, _> { Box::pin(try_to_join(service, by, code)) });
        let mut rng = fastrand::Rng::with_seed(seed);
        let ended = interleave(calls.collect(), &mut rng);
        let joined = ended.iter().filter(|ended| ended.is_ok()).count();
        assert_eq!(joined, 10, "{seed}");
        for problem in ended.iter().filter_map(|ended| ended.as_ref().err()) {
            assert_eq!(problem.code, Code::JoinCodeInvalid, "{seed}: {problem}");
        }
        assert_eq!((used(&world), count(&world)), (vec![10], 14), "{seed}");
    }
}

#[test]
fn a_template_is_shared_with_a_class_and_approved_for_it_in_one_step() {
    let world = World::new(5);
    project(&world);
    world.launch("olga", "ubuntu", "work");
    world.save("olga", save_request("work", "kept")).unwrap();
    world.launch("ada", "ubuntu", "hers");
    saved(&world, save_request("hers", "other"));
    let edit = prism_functions::operations::ProjectEdit {
        approved_only: Some(true),
        ..Default::default()
    };
    ask!(world, edit_project(&OLGA, &brain(), edit)).unwrap();
    let mut request = crate::to("project:brain");
    request.approve = true;
    let kept = crate::kept();
    let planned = ask!(world, plan_share(&OLGA, &kept, &request)).unwrap();
    assert!(planned.approves && !planned.repeated);
    for _ in 0..2 {
        let shared = ask!(world, share(&OLGA, &kept, &request)).unwrap();
        assert!(shared.approved);
        let approvals = ask!(world, approvals(&OLGA, &brain(), 10)).unwrap();
        assert_eq!(approvals.items.len(), 1);
    }
    crate::launch_for_brain("mia", "kept", &world).unwrap();
    // A member may share with the project, but not approve; then nothing is done.
    let other = "other".parse().unwrap();
    let refused = ask!(world, share(&ADA, &other, &request)).unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    assert!(ask!(world, shares(&ADA, &other)).unwrap().is_empty());
    request.to = "user:mia".to_owned();
    let refused = ask!(world, share(&OLGA, &kept, &request)).unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
}
