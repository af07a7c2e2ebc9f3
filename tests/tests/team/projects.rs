//! Projects: the rights of their members, approvals, budgets, costs, and deletion.

use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::template::Visibility;
use prism_functions::domain::{Code, NoticeEvent, Problem, ProjectName};
use prism_functions::operations::{ProjectEdit, ProjectRequest, Service, save_id_of};
use prism_functions::ports::Ec2 as _;
use prism_functions::steps;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, give_way, interleave, yielding};
use prism_tests::untouched::sight;
use prism_tests::world::{
    ADA, OLGA, Setup, World, budget_request, caller, launched, project_request, region,
    save_request, saved,
};
use serde_json::json;

use crate::{brain, for_brain, in_two_regions, kept, launch, launch_for_brain, project, share};

#[test]
fn a_member_saves_to_the_team_s_template_and_an_outsider_to_none() {
    let world = launched(Setup::seeded(5));
    project(&world);
    saved(&world, for_brain(save_request("work", "kept")));
    world.launch("mia", "ubuntu", "hers");
    let hers = || save_request("hers", "kept");
    // Until the template is shared with the project, its name belongs to another user.
    let refused = world.save("mia", hers()).unwrap();
    assert_eq!(refused.failure.unwrap().code, "TemplateNameTaken");
    let shared = share(&world, "ada", "project:brain").unwrap();
    assert_eq!(shared.visibility, Visibility::Project);
    assert_eq!(world.save("mia", hers()).unwrap().version, Some(2));
    assert_eq!(
        launch("vic", "kept", &world).unwrap_err().code,
        Code::NotAllowed
    );
    launch("mia", "kept", &world).unwrap();
    // A user who leaves the project loses access to its templates.
    let mia = "mia".parse().unwrap();
    world.must(world.service.remove_member(&OLGA, &brain(), &mia));
    assert_eq!(
        launch("mia", "kept", &world).unwrap_err().code,
        Code::TemplateNotFound
    );
    let refused = world
        .save("mia", for_brain(save_request("hers", "her-own")))
        .unwrap();
    assert_eq!(refused.failure.unwrap().code, "ProjectNotFound");
    let stranger = launch_for_brain("sue", "ubuntu", &world).unwrap_err();
    assert_eq!(stranger.code, Code::ProjectNotFound);
}

#[test]
fn a_project_launches_what_it_approved_where_it_wants_that() {
    let world = launched(Setup::seeded(5));
    project(&world);
    launch_for_brain("mia", "ubuntu", &world).unwrap();
    let service = &world.service;
    let only = ProjectEdit {
        description: None,
        approved_only: Some(true),
        limits: None,
    };
    world.must(service.edit_project(&OLGA, &brain(), only));
    let refused = launch_for_brain("ada", "ubuntu", &world).unwrap_err();
    assert_eq!(refused.code, Code::TemplateNotApproved);
    let ubuntu = "ubuntu".parse().unwrap();
    world.must(service.approve(&OLGA, &brain(), &ubuntu));
    launch_for_brain("ada", "ubuntu", &world).unwrap();
    world.must(service.disapprove(&OLGA, &brain(), &ubuntu));
    let refused = launch_for_brain("ada", "ubuntu", &world).unwrap_err();
    assert_eq!(refused.code, Code::TemplateNotApproved);
}

fn set_budget(world: &World, limit_usd: f64, hard_stop: bool) {
    let request = budget_request(limit_usd, &[50, 100], hard_stop);
    let service = &world.service;
    world.must(service.set_budget(&OLGA, &brain(), request));
}

fn told(world: &World) -> Vec<String> {
    let notices = world.notices.0.lock().unwrap();
    let of_budget = notices
        .iter()
        .filter(|it| it.event == NoticeEvent::BudgetCrossed);
    of_budget.map(|it| it.text.clone()).collect()
}

#[test]
fn a_budget_reports_each_threshold_once_and_refuses_what_would_exceed_it() {
    let world = launched(Setup::seeded(5));
    project(&world);
    saved(&world, for_brain(in_two_regions()));
    let service = &world.service;
    let costs = || world.must(service.project_costs(&OLGA, &brain()));
    let one = costs().usd_per_month;
    assert!(one > 0.0);
    let registry = &world.service.env.registry;
    let counted = world.must(registry.project_usd(&brain()));
    assert!((counted - one).abs() < 1e-9, "{counted} {one}");
    // One version is 40 % of the budget, two are 80 %, three are 120 %.
    set_budget(&world, one / 0.4, false);
    assert_eq!(told(&world), [] as [&str; 0]);
    saved(&world, for_brain(in_two_regions()));
    assert_eq!(told(&world).len(), 1);
    assert!(told(&world)[0].contains("50 %"), "{:?}", told(&world));
    saved(&world, in_two_regions());
    assert_eq!(
        told(&world).len(),
        2,
        "a save that names no project is the template's project's"
    );
    assert!(told(&world)[1].contains("100 %"), "{:?}", told(&world));
    // Falling below a threshold and exceeding it again is reported again.
    world.must(service.delete_template(&ADA, &"kept@3".parse().unwrap(), true));
    saved(&world, in_two_regions());
    assert_eq!(told(&world).len(), 3, "{:?}", told(&world));
    // Two versions of one volume share blocks, in both Regions.
    let template = &costs().templates[0];
    assert_eq!(template.versions.len(), 3);
    assert!(
        template
            .versions
            .iter()
            .all(|it| it.frees_at_least_usd == 0.0)
    );
    // From here on nothing more is allowed.
    set_budget(&world, one / 0.4, true);
    assert_eq!(told(&world).len(), 3, "what was told stays told");
    let before = sight(&world);
    let refused = service.plan_save(&ADA, for_brain(in_two_regions()));
    assert_eq!(world.run(refused).unwrap_err().code, Code::BudgetExceeded);
    let refused = launch_for_brain("mia", "ubuntu", &world).unwrap_err();
    assert_eq!(refused.code, Code::BudgetExceeded);
    assert_eq!(sight(&world), before);
    // Saves for no project are still allowed.
    launch("mia", "ubuntu", &world).unwrap();
    saved(&world, save_request("work", "another"));
}

#[test]
fn a_threshold_is_reported_again_after_a_template_left() {
    let world = launched(Setup::seeded(5));
    project(&world);
    let other: ProjectName = "other".parse().unwrap();
    let request = project_request(other.as_str());
    world.must(world.service.create_project(&ADA, request));
    saved(&world, for_brain(save_request("work", "kept")));
    let registry = &world.service.env.registry;
    let one = world.must(registry.project_usd(&brain()));
    set_budget(&world, one / 0.6, false);
    assert_eq!(told(&world).len(), 1);
    let mut moved = save_request("work", "kept");
    moved.project = Some(other);
    moved.move_template = true;
    saved(&world, moved);
    assert_eq!(told(&world).len(), 1);
    saved(&world, for_brain(save_request("work", "another")));
    assert_eq!(told(&world).len(), 2, "{:?}", told(&world));
}

#[test]
fn a_version_alone_on_its_volume_frees_all_that_it_costs() {
    let world = launched(Setup::seeded(5));
    project(&world);
    saved(&world, for_brain(save_request("work", "kept")));
    let service = &world.service;
    let costs = world.must(service.project_costs(&OLGA, &brain()));
    let version = &costs.templates[0].versions[0];
    assert!((version.frees_at_least_usd - costs.usd_per_month).abs() < 1e-9);
    // A snapshot that was deleted from outside costs nothing, and is reported.
    let snapshot = version.regions[0].clone();
    assert_eq!(snapshot.unknown, []);
    let kept = world.version("kept", 1);
    let image = kept.amis[&region()].values().next().unwrap();
    world
        .run(world.ec2.deregister_image(&region(), image))
        .unwrap();
    world.pass(3600);
    let id = &kept.snapshots[&region()][0];
    world.run(world.ec2.delete_snapshot(&region(), id)).unwrap();
    world.pass(3600);
    let costs = world.must(service.project_costs(&OLGA, &brain()));
    let region = &costs.templates[0].versions[0].regions[0];
    assert_eq!((region.bytes, &region.unknown), (0, &vec![id.clone()]));
}

#[test]
fn a_deleted_project_loses_its_members_and_its_name_is_not_reused() {
    let world = launched(Setup::seeded(5));
    project(&world);
    saved(&world, for_brain(save_request("work", "kept")));
    let service = &world.service;
    let delete = || ask!(world, delete_project(&OLGA, &brain()));
    let refused = delete().unwrap_err();
    assert_eq!(refused.code, Code::ProjectInUse);
    assert!(refused.message.contains("kept"), "{refused}");
    assert_eq!(
        ask!(world, remove_member(&OLGA, &brain(), &OLGA.user))
            .unwrap_err()
            .code,
        Code::OwnerNeeded
    );

    let other: ProjectName = "other".parse().unwrap();
    let request = ProjectRequest {
        name: other.clone(),
        description: "x".to_owned(),
    };
    world.must(service.create_project(&OLGA, request.clone()));
    world.must(service.add_member(&OLGA, &other, &ADA.user, ProjectRole::Member));
    share(&world, "ada", "project:other").unwrap();
    world.must(service.delete_project(&OLGA, &other));
    let registry = &service.env.registry;
    assert_eq!(world.run(registry.grants(&kept())).unwrap(), []);
    let names = |user| {
        let listed = world.must(service.projects(&caller(user)));
        listed
            .into_iter()
            .map(|it| it.project.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (names("ada"), names("olga")),
        (vec!["brain".to_owned()], vec!["brain".to_owned()])
    );
    assert_eq!(
        ask!(world, create_project(&caller("sue"), request))
            .unwrap_err()
            .code,
        Code::ProjectNameTaken
    );
}

fn deleted_while<T>(
    world: &World,
    seed: u64,
    others: impl FnOnce(Service) -> Doing<'static, T>,
) -> (Result<(), Problem>, T) {
    enum Ended<T> {
        Deleted(Result<(), Problem>),
        Other(T),
    }
    let service = yielding(world);
    let (mine, theirs) = (service.clone(), others(service));
    let calls: Vec<Doing<'_, Ended<T>>> = vec![
        Box::pin(async move { Ended::Deleted(mine.delete_project(&OLGA, &brain()).await) }),
        Box::pin(async move {
            // The deletion takes longer, so the others act at any moment of it.
            for _ in 0..seed * 4 {
                give_way().await;
            }
            Ended::Other(theirs.await)
        }),
    ];
    let mut ends = interleave(calls, &mut fastrand::Rng::with_seed(seed)).into_iter();
    match (ends.next(), ends.next()) {
        (Some(Ended::Deleted(deleted)), Some(Ended::Other(other))) => (deleted, other),
        _ => unreachable!("each call has its end"),
    }
}

/// Asserts that some of the project's deletions succeeded and some were refused.
fn told_apart(ends: &[bool]) {
    let got_through = ends.iter().filter(|it| **it).count();
    let both = got_through > 0 && got_through < ends.len();
    assert!(both, "{got_through} of {} got through", ends.len());
}

#[test]
fn nobody_who_joins_a_project_at_its_end_is_left_in_none() {
    let mut ends = Vec::new();
    for seed in 0..60 {
        let world = World::new(5);
        project(&world);
        let (deleted, joined) = deleted_while(&world, seed, |service| {
            Box::pin(async move {
                let joe = "joe".parse().unwrap();
                service
                    .add_member(&OLGA, &brain(), &joe, ProjectRole::Member)
                    .await
            })
        });
        let registry = &world.service.env.registry;
        let there = world.run(registry.project(&brain())).unwrap();
        assert_eq!(there.is_none(), deleted.is_ok(), "seed {seed}: {deleted:?}");
        let joe = "joe".parse().unwrap();
        let roles = world.run(registry.memberships(&joe)).unwrap();
        let member = world.run(registry.member(&brain(), &joe)).unwrap();
        let is_in = there.is_some() && joined.is_ok();
        assert!(is_in || member.is_none(), "seed {seed}: {joined:?}");
        assert_eq!(
            member.is_some(),
            !roles.value.roles.is_empty(),
            "seed {seed}: {joined:?} {deleted:?}"
        );
        ends.push(joined.is_ok());
    }
    told_apart(&ends);
}

#[test]
fn nothing_that_is_saved_for_a_project_at_its_end_is_left_in_none() {
    let mut ends = Vec::new();
    for seed in 0..60 {
        let world = launched(Setup::seeded(5));
        project(&world);
        // The project must be the owner's alone, so all other members are removed first.
        world.launch("olga", "ubuntu", "hers");
        let save_id = save_id_of(&"olga".parse().unwrap(), "once").unwrap();
        let request = for_brain(save_request("hers", "kept"));
        let payload = json!({
            "save_id": save_id, "execution": save_id, "caller": OLGA.clone(), "request": request,
        });
        let (deleted, begun) = deleted_while(&world, seed, |service| {
            Box::pin(async move {
                let step = steps::find("PlanSave").unwrap();
                (step.invoke)(&service.env, payload).await
            })
        });
        // Either the save begins, or the project is deleted; the refused one says why.
        if let Err(problem) = &deleted {
            assert_eq!(problem.code, Code::ProjectInUse, "seed {seed}: {problem:?}");
        }
        if let Err(problem) = &begun {
            let expected = [Code::ProjectNotFound, Code::RegistryConflict];
            assert!(expected.contains(&problem.code), "seed {seed}: {problem:?}");
        }
        assert_ne!(deleted.is_ok(), begun.is_ok(), "seed {seed}: {deleted:?}");
        ends.push(deleted.is_ok());
    }
    told_apart(&ends);
}
