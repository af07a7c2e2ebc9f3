//! Whose decision it is that an instance is saved or terminated: that of its owner, and of nobody else.

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::end::{EndRequest, Then, template_of};
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::{Code, NoticeEvent};
use prism_functions::operations::parts::{IfMatch, InstanceName, Json, Nothing, Paging};
use prism_functions::operations::{
    Asked, LaunchRequest, ListProjectInstances, ProjectEndRequest, SetProjectEnd,
    StopProjectInstance, WhoseInstance,
};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, OLGA, Setup, World, brain, kept, launch_request, project_request, region, save_request,
    share_request,
};

use crate::{at, minutes, notices, pass, set, shown};

/// Olga's project, for which Ada has launched an instance.
fn team() -> World {
    let world = Setup::seeded(3).build();
    ask!(world, create_project(&OLGA, project_request("brain"))).unwrap();
    let member = ProjectRole::Member;
    ask!(world, add_member(&OLGA, &brain(), &ADA.user, member)).unwrap();
    let mut launch = launch_request("ubuntu", "work");
    launch.project = Some(brain());
    ask!(world, launch(&ADA, &launch)).unwrap();
    world.pass(60);
    world
}

#[test]
fn a_manager_may_have_an_instance_stopped_but_neither_saved_nor_terminated() {
    let world = team();
    let end = world.now() + minutes(90);
    let terminated = |minutes_more: i64| EndRequest {
        then: Then::Terminate,
        ..at(end + minutes(minutes_more))
    };
    let saved = EndRequest {
        last_save: Some(kept()),
        ..at(end)
    };
    for request in [terminated(0), saved] {
        let refused = set(&world, &OLGA, "work", request.clone()).unwrap_err();
        assert_eq!(refused.code, Code::NotAllowed);
        assert_eq!(shown(&world, &ADA, "work").unwrap(), None);
    }
    set(&world, &OLGA, "work", at(end)).unwrap();
    // What the owner has decided is postponed, and not brought forward.
    set(&world, &ADA, "work", terminated(0)).unwrap();
    let later = set(&world, &OLGA, "work", terminated(30)).unwrap();
    assert_eq!((later.at, later.then), (end + minutes(30), Then::Terminate));
    let refused = set(&world, &OLGA, "work", terminated(29)).unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    let known = shown(&world, &ADA, "work").unwrap().unwrap();
    assert_eq!(known.at, end + minutes(30));
}

#[test]
fn a_manager_sees_in_the_list_when_the_instances_of_a_project_end() {
    let world = team();
    let listed = || {
        let asked = Asked::<ListProjectInstances>::by(brain(), Paging::default());
        let mut page = world.must(world.service.told(&OLGA, asked));
        page.items.pop().unwrap().end
    };
    assert_eq!(listed(), None);
    let end = set(&world, &ADA, "work", at(world.now() + minutes(90))).unwrap();
    assert_eq!(listed(), Some(end.clone()));
    let query = WhoseInstance {
        region: region(),
        owner: None,
    };
    let path = (brain(), InstanceName("work".to_owned()));
    let asked = Asked::<StopProjectInstance>::by(path, query);
    let stopping = world.must(world.service.told(&OLGA, asked));
    assert_eq!(stopping.end, Some(end));
}

#[test]
fn a_launch_for_a_member_names_no_template_of_a_last_save() {
    let world = team();
    let launch = LaunchRequest {
        project: Some(brain()),
        for_member: Some(ADA.user.clone()),
        end: Some(EndRequest {
            for_minutes: Some(60),
            last_save: Some(kept()),
            ..EndRequest::default()
        }),
        ..launch_request("ubuntu", "hers")
    };
    let refused = ask!(world, plan_launch(&OLGA, &launch)).unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
}

/// Olga knows the name of the template beforehand: it follows from the name and the ID of the instance.
#[test]
fn a_projects_end_saves_nothing_to_somebody_elses_template() {
    let world = team();
    let listed = ask!(world, instances(&ADA, &prism_tests::world::region())).unwrap();
    let id = listed[0].id.parse().unwrap();
    let name = template_of("work", &id).unwrap();
    world.launch("olga", "ubuntu", "hers");
    let mut save = save_request("hers", name.as_str());
    save.project = Some(brain());
    world.save("olga", save).unwrap();
    ask!(world, share(&OLGA, &name, &share_request("project:brain"))).unwrap();
    let asked = Asked::<SetProjectEnd> {
        path: brain(),
        query: Nothing {},
        head: IfMatch(None),
        body: Json(ProjectEndRequest {
            at: world.now() + minutes(30),
            last_save: true,
        }),
    };
    world.run(world.service.told(&OLGA, asked)).unwrap();
    pass(&world, 90);
    assert_eq!(world.instance(id.as_str()).state, InstanceState::Stopped);
    let told = notices(&world, NoticeEvent::InstanceEnded);
    let of_ada = told.iter().find(|it| it.instance.as_ref() == Some(&id));
    let text = &of_ada.unwrap().text;
    assert!(text.contains("belongs to somebody else"), "{text}");
    let seen = ask!(world, versions(&OLGA, &name, 10, None)).unwrap().items;
    assert_eq!(seen.len(), 1, "{seen:?}");
}
