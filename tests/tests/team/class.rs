//! An instance for each member of a course: whose they are, and how they are spread over time.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use prism_functions::domain::end::{EndRequest, Then};
use prism_functions::domain::limits::Limits;
use prism_functions::domain::tags::OWNER_TAG;
use prism_functions::domain::{Code, Problem, ProjectName, Region, UserId};
use prism_functions::operations::parts::{Either, IdempotencyKey, Nothing, Paging};
use prism_functions::operations::{
    AddMembers, Asked, AuditPage, ClassLaunchPlan, ClassLaunchRequest, InstanceView,
    LaunchInstance, LaunchRequest, ListProjectInstances, MembersRequest, NewMember, Operation as _,
    PlanClassLaunch, PlannedLaunch, ProjectEdit, Service,
};
use prism_functions::ports::Instance;
use prism_functions::rules::access::Caller;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::keys;
use prism_tests::world::{
    ADA, BOB, OLGA, Setup, World, brain, caller, launch_request, project_request, region,
    save_request, saved, west,
};

use crate::budgets::hard_stop;
use crate::{kept, project, share};

/// A course of Olga's, with this many students, two groups, and a viewer.
fn course(setup: Setup, students: usize) -> World {
    let world = setup.build();
    ask!(world, create_project(&OLGA, project_request("brain"))).unwrap();
    let student = |number: usize| NewMember {
        user: format!("student-{number:02}@uni.edu").parse().unwrap(),
        role: None,
        group: Some(format!("lab{}", number % 2).parse().unwrap()),
    };
    let mut members: Vec<NewMember> = (0..students).map(student).collect();
    members.push(NewMember {
        user: "vic".parse().unwrap(),
        role: Some(prism_functions::domain::project::ProjectRole::Viewer),
        group: Some("lab1".parse().unwrap()),
    });
    let asked = Asked::<AddMembers>::with(brain(), MembersRequest { members });
    world.must(AddMembers::run(&world.service, &OLGA, asked));
    world
}

fn request(template: &str, group: Option<&str>) -> ClassLaunchRequest {
    ClassLaunchRequest {
        template: template.parse().unwrap(),
        region: region(),
        group: group.map(|group| group.parse().unwrap()),
        name: None,
        size: None,
        architecture: None,
        disk_gib: None,
        end: None,
    }
}

fn plan(
    world: &World,
    by: &Caller,
    request: &ClassLaunchRequest,
) -> Result<ClassLaunchPlan, Problem> {
    let asked = Asked::<PlanClassLaunch>::with(brain(), request.clone());
    Ok(world
        .run(PlanClassLaunch::run(&world.service, by, asked))?
        .value)
}

fn for_member(user: &UserId, template: &str, name: &str) -> LaunchRequest {
    LaunchRequest {
        project: Some(brain()),
        for_member: Some(user.clone()),
        ..launch_request(template, name)
    }
}

async fn launch(
    service: &Service,
    by: &Caller,
    request: LaunchRequest,
    key: &str,
) -> Result<InstanceView, Problem> {
    let asked = Asked::<LaunchInstance>::with(Nothing {}, request);
    let asked = asked.head(IdempotencyKey(Some(key.to_owned())));
    match LaunchInstance::run(service, by, asked).await? {
        Either::Other(launched) => Ok(launched.value.instance),
        Either::One(plan) => panic!("it was only planned: {plan:?}"),
    }
}

/// Requests the launches of a plan as clients do: one at each interval, and again if a turn is too far away.
async fn run(
    service: &Service,
    template: &str,
    plan: &ClassLaunchPlan,
    key: &str,
) -> Vec<Result<InstanceView, Problem>> {
    let clock = &service.env.clock;
    let mut running = FuturesUnordered::new();
    let mut ended = Vec::new();
    let wanted = plan
        .members
        .iter()
        .filter(|it| it.launch == PlannedLaunch::Launch);
    for member in wanted {
        let request = for_member(&member.user, template, &member.name);
        running.push(async move {
            loop {
                match launch(service, &OLGA, request.clone(), key).await {
                    Err(problem) if problem.retry_after_s.is_some() => {
                        let pause = problem.retry_after_s.unwrap().into();
                        clock.sleep(Duration::from_secs(pause)).await;
                    }
                    ended => return ended,
                }
            }
        });
        let mut pause = clock.sleep(Duration::from_millis(plan.interval_ms)).fuse();
        loop {
            futures::select_biased! {
                one = running.select_next_some() => ended.push(one),
                () = pause => break,
            }
        }
    }
    ended.extend(running.collect::<Vec<_>>().await);
    ended
}

fn instances(world: &World) -> Vec<Instance> {
    let all =
        prism_functions::ports::InstanceFilter::Tag("prism:project".to_owned(), "brain".to_owned());
    let found = world.run(prism_functions::ports::Ec2::instances(
        &world.ec2,
        &region(),
        &all,
    ));
    found.unwrap()
}

/// Others take half of EC2's throttles. While the course is launched, another user launches an instance every ten
/// seconds, and is never refused.
#[test]
fn sixty_students_are_launched_together_in_the_time_that_was_announced() {
    let mut setup = Setup::seeded(7);
    setup.cloud.throttles.neighbour_percent = 50;
    setup.cloud.limits.instances = 2000;
    let world = course(setup, 60);
    world.pass(60);
    let planned = plan(&world, &OLGA, &request("ubuntu", None)).unwrap();
    assert_eq!((planned.count, planned.members.len()), (60, 60));
    let each = ask!(world, plan_launch(&OLGA, &launch_request("ubuntu", "x"))).unwrap();
    let all = each.usd_per_hour.unwrap() * 60.0;
    assert!((planned.usd_per_hour.unwrap() - all).abs() < 1e-9);
    let before = world.admin.traffic(&region()).unwrap();
    let begin = world.now();
    let launches = run(&world.service, "ubuntu", &planned, "week-one");
    let launches = world.run(launches);
    let took = (world.now() - begin).as_seconds_f64();
    let failed: Vec<_> = launches.iter().filter_map(|it| it.as_ref().err()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let announced = f64::from(u32::try_from(planned.wait_s).unwrap());
    assert!(
        (took - announced).abs() <= announced / 10.0,
        "{took} s, not {announced} s"
    );
    let traffic = world.admin.traffic(&region()).unwrap();
    let (own, others) = traffic["RunInstances"];
    let throttled = before.get("RunInstances").copied().unwrap_or_default();
    assert_eq!(
        own.throttled, throttled.0.throttled,
        "EC2 refused none of ours"
    );
    assert_eq!(
        others.throttled, throttled.1.throttled,
        "and none of the others'"
    );
    let owners: BTreeSet<String> = instances(&world)
        .iter()
        .map(|it| it.tags[OWNER_TAG].clone())
        .collect();
    assert_eq!(owners.len(), 60);
    let again = plan(&world, &OLGA, &request("ubuntu", None)).unwrap();
    assert_eq!(
        (again.count, again.wait_s, again.usd_per_hour),
        (0, 0, Some(0.0))
    );
    assert!(
        again
            .members
            .iter()
            .all(|it| it.launch == PlannedLaunch::Present && it.instance.is_some())
    );
}

#[test]
fn the_instances_of_a_class_end_by_themselves_and_are_not_saved_to_one_template() {
    let world = course(Setup::seeded(7), 2);
    let mut wanted = request("ubuntu", None);
    wanted.end = Some(EndRequest {
        for_minutes: Some(120),
        then: Then::Terminate,
        ..EndRequest::default()
    });
    let end = plan(&world, &OLGA, &wanted).unwrap().end.unwrap();
    let left = (end.at - world.now()).num_seconds();
    assert!((7200..=7201).contains(&left), "{left} s");
    assert_eq!(end.then, Then::Terminate);
    assert_eq!(
        plan(&world, &OLGA, &request("ubuntu", None)).unwrap().end,
        None
    );
    if let Some(end) = &mut wanted.end {
        end.last_save = Some("kept".parse().unwrap());
    }
    let refused = plan(&world, &OLGA, &wanted).unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
    assert!(
        refused
            .hint
            .as_deref()
            .unwrap_or_default()
            .contains("prism project end brain"),
        "{refused:?}"
    );
    assert!(instances(&world).is_empty());
}

#[test]
fn others_launch_in_between() {
    let world = course(Setup::seeded(7), 30);
    let planned = plan(&world, &OLGA, &request("ubuntu", None)).unwrap();
    let service = &world.service;
    let others = async {
        for number in 0..5 {
            service.env.clock.sleep(Duration::from_millis(6300)).await;
            let request = launch_request("ubuntu", &format!("other-{number}"));
            launch(service, &BOB, request, &format!("key-{number}"))
                .await
                .unwrap();
        }
    };
    let all = async { futures::join!(run(service, "ubuntu", &planned, "run"), others) };
    let (launches, ()) = world.run(all);
    assert!(launches.iter().all(Result::is_ok), "{launches:?}");
}

#[test]
fn a_run_that_was_interrupted_is_continued_and_makes_no_second_instance() {
    let world = course(Setup::seeded(7), 8);
    let planned = plan(&world, &OLGA, &request("ubuntu", None)).unwrap();
    // It ends while the fourth launch is under way.
    let mut part = Box::pin(run(&world.service, "ubuntu", &planned, "run"));
    let clock = &world.service.env.clock;
    let cut = async {
        let stop = clock.sleep(Duration::from_millis(3100)).fuse();
        futures::pin_mut!(stop);
        futures::select_biased! {
            () = stop => {}
            ended = (&mut part).fuse() => panic!("it was too quick: {ended:?}"),
        }
    };
    world.run(cut);
    drop(part);
    world.pass(30);
    let some = instances(&world).len();
    assert!((2..8).contains(&some), "{some}");
    let rest = plan(&world, &OLGA, &request("ubuntu", None)).unwrap();
    assert_eq!(rest.count, 8 - some);
    let launches = world.run(run(&world.service, "ubuntu", &rest, "run"));
    assert!(launches.iter().all(Result::is_ok), "{launches:?}");
    world.pass(30);
    assert_eq!(instances(&world).len(), 8);
    // The same key is the same instance; another run refuses the name.
    let first = &planned.members[0];
    let request = for_member(&first.user, "ubuntu", &first.name);
    let again = world
        .run(launch(&world.service, &OLGA, request.clone(), "run"))
        .unwrap();
    assert_eq!(again.name, first.name);
    let other = world
        .run(launch(&world.service, &OLGA, request, "other"))
        .unwrap_err();
    assert_eq!(other.code, Code::InstanceNameTaken);
    assert_eq!(instances(&world).len(), 8);
}

/// Who launched an instance, as those see it who manage the project.
fn launcher(world: &World, id: &str) -> UserId {
    let asked = Asked::<ListProjectInstances>::by(brain(), Paging::default());
    let listed = world.must(ListProjectInstances::run(&world.service, &OLGA, asked));
    let mut items = listed.value.items.into_iter();
    let instance = items.find(|it| it.id == id).unwrap();
    instance.launched_by.unwrap()
}

#[test]
fn an_instance_belongs_to_its_member_with_the_members_keys_alone() {
    let world = World::new(5);
    project(&world);
    let key = keys::ed25519(1, "k");
    for (by, number) in [(&*ADA, 1), (&*OLGA, 2)] {
        ask!(world, add_key(by, keys::ed25519(number, "k"))).unwrap();
    }
    let request = for_member(&ADA.user, "ubuntu", "hers");
    let plan = ask!(world, plan_launch(&OLGA, &request)).unwrap();
    assert_eq!(plan.public_keys, [key.fingerprint()]);
    let view = world
        .run(launch(&world.service, &OLGA, request.clone(), "run"))
        .unwrap();
    world.pass(300);
    assert_eq!(world.instance(&view.id).tags[OWNER_TAG], "ada");
    assert_eq!(launcher(&world, &view.id), OLGA.user);
    ask!(world, stop_instance(&ADA, &region(), "hers")).unwrap();
    let refused = ask!(world, start_instance(&OLGA, &region(), &view.id)).unwrap_err();
    assert_eq!(refused.code, Code::InstanceNotFound);
    let added = LaunchRequest {
        public_keys: vec![keys::ed25519(2, "k")],
        ..request.clone()
    };
    assert_eq!(
        ask!(world, plan_launch(&OLGA, &added)).unwrap_err().code,
        Code::InvalidInput
    );
    let events = ask!(world, audit_events(&OLGA, &AuditPage::default(), 10, None)).unwrap();
    let event = events
        .items
        .iter()
        .find(|event| event.action == "template.launch")
        .unwrap();
    assert_eq!(event.details["for"], "ada");
}

#[test]
fn only_managers_launch_for_members_who_may_launch_themselves() {
    let world = World::new(5);
    project(&world);
    let asked = |by: &str, user: &str, change: fn(&mut LaunchRequest)| {
        let mut request = for_member(&user.parse().unwrap(), "ubuntu", "box");
        change(&mut request);
        ask!(world, plan_launch(&caller(by), &request)).map(drop)
    };
    asked("olga", "mia", |_| {}).unwrap();
    for (by, user, code) in [
        ("ada", "mia", Code::NotAllowed),
        ("vic", "mia", Code::NotAllowed),
        ("sue", "mia", Code::ProjectNotFound),
        ("olga", "sue", Code::MemberNotFound),
        ("olga", "vic", Code::NotAllowed),
    ] {
        let refused = asked(by, user, |_| {}).unwrap_err();
        assert_eq!(refused.code, code, "{by} for {user}: {refused}");
    }
    let nowhere = asked("olga", "mia", |request| request.project = None);
    assert_eq!(nowhere.unwrap_err().code, Code::InvalidInput);
}

/// Neither learns of a template, or gets its data, by the rights of the other.
#[test]
fn both_need_the_right_to_launch_the_template() {
    let world = World::new(5);
    project(&world);
    world.launch("ada", "ubuntu", "work");
    saved(&world, save_request("work", "kept"));
    let ask_for = |user: &str| {
        let request = for_member(&user.parse().unwrap(), "kept", "box");
        ask!(world, plan_launch(&OLGA, &request)).map(drop)
    };
    assert_eq!(ask_for("ada").unwrap_err().code, Code::TemplateNotFound);
    share(&world, "ada", "user:olga").unwrap();
    ask_for("ada").unwrap();
    let refused = ask_for("mia").unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    assert!(
        refused.advice().contains("--with-class brain"),
        "{refused:?}"
    );
    let planned = plan(&world, &OLGA, &request("kept", None)).unwrap();
    let launches: Vec<(&str, PlannedLaunch)> = planned
        .members
        .iter()
        .map(|it| (it.user.as_str(), it.launch))
        .collect();
    assert_eq!(
        launches,
        [
            ("ada", PlannedLaunch::Launch),
            ("mia", PlannedLaunch::Refused)
        ]
    );
    share(&world, "ada", "project:brain").unwrap();
    ask_for("mia").unwrap();
    let planned = plan(&world, &OLGA, &request("kept", None)).unwrap();
    assert_eq!(planned.count, 2);
    assert!(planned.template.starts_with(kept().as_str()));
}

#[test]
fn a_group_is_launched_for_without_its_viewers() {
    let world = course(Setup::seeded(7), 6);
    let planned = plan(&world, &OLGA, &request("ubuntu", Some("lab1"))).unwrap();
    assert_eq!((planned.count, planned.members.len()), (3, 4));
    let vic = planned
        .members
        .iter()
        .find(|it| it.user.as_str() == "vic")
        .unwrap();
    assert_eq!(vic.launch, PlannedLaunch::Refused);
    assert_eq!(planned.members[0].name, "ubuntu-student-01");
    let none = plan(&world, &OLGA, &request("ubuntu", Some("lab9"))).unwrap_err();
    assert_eq!(none.code, Code::MemberNotFound);
    let student = caller("student-01@uni.edu");
    assert_eq!(
        plan(&world, &student, &request("ubuntu", None))
            .unwrap_err()
            .code,
        Code::NotAllowed
    );
}

/// What the plan says is what the launches do.
#[test]
fn who_has_as_many_instances_as_allowed_is_refused_in_the_plan() {
    let world = course(Setup::seeded(7), 4);
    let edit = ProjectEdit {
        limits: Some(Limits {
            instances_per_member: Some(1),
            ..Limits::default()
        }),
        ..ProjectEdit::default()
    };
    ask!(world, edit_project(&OLGA, &brain(), edit)).unwrap();
    let own = |number: u32, name: &str, region: Region, project: Option<ProjectName>| {
        let request = LaunchRequest {
            region,
            project,
            ..launch_request("python-ml", name)
        };
        let by = caller(&format!("student-{number:02}@uni.edu"));
        ask!(world, launch(&by, &request)).unwrap();
    };
    own(0, "mine", region(), Some(brain()));
    own(1, "mine", west(), Some(brain()));
    own(2, "ubuntu-student-02", region(), None);
    world.pass(60);
    let planned = plan(&world, &OLGA, &request("ubuntu", None)).unwrap();
    assert_eq!(planned.count, 1);
    let one = "allows each member 1 instance, and";
    for (member, why) in planned.members.iter().zip([
        one,
        one,
        "student-02@uni.edu has an instance of this name already.",
        "",
    ]) {
        let wanted = for_member(&member.user, "ubuntu", &member.name);
        let launched = world.run(launch(&world.service, &OLGA, wanted, "run"));
        assert_eq!(member.reason, launched.err().map(|it| it.message));
        let reason = member.reason.as_deref().unwrap_or_default();
        assert!(reason.contains(why), "{member:?}");
    }
}

#[test]
fn a_budget_that_does_not_cover_all_of_them_refuses_the_plan() {
    let world = course(Setup::seeded(7), 3);
    let each = ask!(world, plan_launch(&OLGA, &launch_request("ubuntu", "x"))).unwrap();
    let each = each.usd_per_hour.unwrap();
    hard_stop(&world, each * 2.5);
    let refused = plan(&world, &OLGA, &request("ubuntu", None)).unwrap_err();
    assert_eq!(refused.code, Code::BudgetExceeded);
    let figure = format!("add ${:.4} an hour", each * 3.0);
    assert!(refused.message.contains(&figure), "{refused:?}");
    hard_stop(&world, each * 3.5);
    let planned = plan(&world, &OLGA, &request("ubuntu", None)).unwrap();
    assert_eq!(planned.count, 3);
}

#[test]
fn the_hours_of_members_decide_and_not_those_of_the_manager() {
    let world = course(Setup::seeded(7), 2);
    let edit = ProjectEdit {
        limits: Some(Limits {
            hours_per_month: Some(5),
            ..Limits::default()
        }),
        ..ProjectEdit::default()
    };
    ask!(world, edit_project(&OLGA, &brain(), edit)).unwrap();
    let mut own = launch_request("ubuntu", "demo");
    own.project = Some(brain());
    ask!(world, launch(&OLGA, &own)).unwrap();
    let first = &plan(&world, &OLGA, &request("ubuntu", None))
        .unwrap()
        .members[0];
    let used = for_member(&first.user, "ubuntu", &first.name);
    world.must(launch(&world.service, &OLGA, used, "used"));
    world.pass(6 * 3600);
    let planned = plan(&world, &OLGA, &request("python-ml", None)).unwrap();
    let [one, other] = planned.members.as_slice() else {
        panic!("{planned:?}")
    };
    assert_eq!(
        (one.launch, other.launch),
        (PlannedLaunch::Refused, PlannedLaunch::Launch)
    );
    let why = one.reason.as_deref().unwrap();
    assert!(why.contains("5 hours a month"), "{why}");
    assert_eq!(planned.count, 1);
}
