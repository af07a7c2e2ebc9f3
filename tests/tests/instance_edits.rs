//! The name and the size of an instance can be changed, and what refers to it follows.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use prism_functions::domain::schedule::Schedule;
use prism_functions::domain::sizes::Size;
use prism_functions::domain::{Code, Problem, Timestamp};
use prism_functions::operations::parts::{Either, InRegion, InstanceName, Json, Nothing};
use prism_functions::operations::{
    Asked, AuditPage, InstanceView, NewName, NewSize, Operation as _, RenameInstance,
    ResizeInstance, ResizePlan, TryInRegion,
};
use prism_functions::ports::{Firing, Schedules, SchedulesError};
use prism_local::ec2::Capacity;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::turns;
use prism_tests::world::{
    ADA, BOB, Setup, World, begun, brain, budget_request, id_of, launch_request, launched, nightly,
    project_request, region, save_request, schedule_request,
};

fn rename(world: &World, name: &str, new: &str) -> Result<InstanceView, Problem> {
    let asked = Asked::<RenameInstance> {
        path: InstanceName(name.to_owned()),
        query: InRegion { region: region() },
        head: Nothing {},
        body: Json(NewName {
            name: new.to_owned(),
        }),
    };
    let told = world.run(RenameInstance::run(&world.service, &ADA, asked));
    told.map(|view| view.value)
}

async fn resized(
    world: &World,
    size: Size,
    dry_run: bool,
) -> Result<Either<ResizePlan, InstanceView>, Problem> {
    let asked = Asked::<ResizeInstance> {
        path: InstanceName("work".to_owned()),
        query: TryInRegion {
            region: region(),
            dry_run,
        },
        head: Nothing {},
        body: Json(NewSize { size }),
    };
    Ok(
        match ResizeInstance::run(&world.service, &ADA, asked).await? {
            Either::One(plan) => Either::One(plan.value.plan),
            Either::Other(view) => Either::Other(view.value),
        },
    )
}

fn plan(world: &World, size: Size) -> Result<ResizePlan, Problem> {
    match world.run(resized(world, size, true))? {
        Either::One(plan) => Ok(plan),
        Either::Other(view) => panic!("it was resized: {view:?}"),
    }
}

fn resize(world: &World, size: Size) -> Result<InstanceView, Problem> {
    match world.run(resized(world, size, false))? {
        Either::Other(view) => Ok(view),
        Either::One(plan) => panic!("it was only planned: {plan:?}"),
    }
}

/// How often Ada's instance was changed in this way, by the audit events.
fn noted(world: &World, action: &str) -> usize {
    let events = ask!(world, audit_events(&ADA, &AuditPage::default(), 100, None)).unwrap();
    let events = events.items.iter();
    events.filter(|event| event.action == action).count()
}

#[test]
fn a_renamed_instance_has_its_new_name_only() {
    let world = launched(Setup::seeded(1));
    let id = id_of(&world);
    assert_eq!(rename(&world, "work", "genomics").unwrap().name, "genomics");
    let found = ask!(world, instances(&ADA, &region())).unwrap();
    assert_eq!(found[0].name, "genomics");
    let gone = rename(&world, "work", "again").unwrap_err();
    assert_eq!(gone.code, Code::InstanceNotFound);
    // Its old name is free, and its new one is not.
    world.launch("ada", "ubuntu", "work");
    let taken = rename(&world, "work", "genomics").unwrap_err();
    assert_eq!(taken.code, Code::InstanceNameTaken);
    let taken = ask!(world, launch(&ADA, &launch_request("ubuntu", "genomics")));
    assert_eq!(taken.unwrap_err().code, Code::InstanceNameTaken);
    // Repeating it changes nothing.
    assert_eq!(
        rename(&world, id.as_str(), "genomics").unwrap().id,
        id.as_str()
    );
    assert_eq!(noted(&world, "instance.rename"), 1);
}

#[test]
fn names_that_are_not_valid_and_instances_of_others_are_refused() {
    let world = launched(Setup::seeded(1));
    for name in ["", "i-0123456789abcdef0", "a\nb"] {
        let problem = rename(&world, "work", name).unwrap_err();
        assert_eq!(problem.code, Code::InvalidName, "{name:?}");
    }
    world.launch("bob", "ubuntu", "bobs");
    assert_eq!(
        rename(&world, "bobs", "mine").unwrap_err().code,
        Code::InstanceNotFound
    );
    let found = ask!(world, instances(&BOB, &region())).unwrap();
    assert_eq!(found[0].name, "bobs");
}

#[test]
fn schedules_follow_the_name() {
    let world = launched(Setup::seeded(1));
    let asked = schedule_request("nightly", save_request("work", "kept"));
    ask!(world, create_schedule(&ADA, asked)).unwrap();
    rename(&world, "work", "genomics").unwrap();
    let schedule = ask!(world, schedule(&ADA, &nightly())).unwrap();
    assert_eq!(schedule.schedule.request.instance, "genomics");
    world.pass(24 * 3600);
    ask!(world, fire_due_schedules()).unwrap();
    world.clock.run_until_idle().unwrap();
    assert!(world.version("kept", 1).snapshot_bytes > 0);
}

#[test]
fn a_running_instance_is_planned_and_only_a_stopped_one_is_resized() {
    let world = launched(Setup::seeded(1));
    let told = plan(&world, Size::XL).unwrap();
    assert_eq!(told.instance_type, "t3.2xlarge");
    assert_eq!(told.usd_per_hour, Some(0.3328));
    assert!(told.must_stop && told.address_changes);
    assert_eq!(
        resize(&world, Size::XL).unwrap_err().code,
        Code::InstanceStateWrong
    );
    assert_eq!(world.instance(&told.instance.id).instance_type, "t3.large");
    ask!(world, stop_instance(&ADA, &region(), "work")).unwrap();
    world.pass(300);
    assert!(!plan(&world, Size::XL).unwrap().must_stop);
    assert_eq!(
        resize(&world, Size::XL).unwrap().instance_type,
        "t3.2xlarge"
    );
    // Repeating it changes nothing.
    resize(&world, Size::XL).unwrap();
    ask!(world, start_instance(&ADA, &region(), "work")).unwrap();
    world.pass(300);
    assert_eq!(
        world.instance(&told.instance.id).instance_type,
        "t3.2xlarge"
    );
    assert_eq!(noted(&world, "instance.resize"), 1);
}

#[test]
fn a_size_that_the_zone_does_not_offer_is_refused_before_the_stop() {
    let world = launched(Setup::seeded(1));
    let zone = world.instance(id_of(&world).as_str()).zone.unwrap();
    world.admin.set_offered(&zone, "g5.xlarge", false).unwrap();
    let problem = plan(&world, Size::GpuM).unwrap_err();
    assert_eq!(problem.code, Code::InstanceTypeNotOffered);
    // A lack of capacity shows at the start only.
    world.set_capacity(Capacity::Refused);
    plan(&world, Size::L).unwrap();
}

/// A scheduler that requests what it was told last, as EventBridge does, unless it is down.
#[derive(Default)]
struct Told(Mutex<Option<Schedule>>, AtomicBool);

#[async_trait]
impl Schedules for Told {
    async fn put(&self, schedule: &Schedule, _: Timestamp) -> Result<(), SchedulesError> {
        if self.1.load(Ordering::Relaxed) {
            return Err(SchedulesError::Unavailable {
                reason: "by the test".to_owned(),
                source: None,
            });
        }
        *self.0.lock().unwrap() = Some(schedule.clone());
        Ok(())
    }

    async fn delete(&self, _: &Schedule) -> Result<(), SchedulesError> {
        Ok(())
    }

    fn id(&self, schedule: &Schedule) -> String {
        schedule.name.to_string()
    }

    async fn firing(&self) -> Result<Vec<Firing>, SchedulesError> {
        Ok(Vec::new())
    }

    async fn remove(&self, _: &str) -> Result<(), SchedulesError> {
        Ok(())
    }
}

#[test]
fn the_scheduler_is_told_the_new_name_and_the_consent_to_lose_data_stays() {
    let mut world = launched(Setup::seeded(1));
    let told = Arc::new(Told::default());
    world.service.schedules = Arc::clone(&told) as Arc<dyn Schedules>;
    for instance in ["work".to_owned(), id_of(&world).to_string()] {
        let mut request = save_request(&instance, "kept");
        request.accept_instance_store_loss = Some("work".to_owned());
        let asked = schedule_request("nightly", request);
        ask!(world, create_schedule(&ADA, asked)).unwrap();
        rename(&world, "work", "genomics").unwrap();
        let recorded = ask!(world, schedule(&ADA, &nightly())).unwrap().schedule;
        let of_scheduler = told.0.lock().unwrap().clone().unwrap();
        assert_eq!(of_scheduler.request, recorded.request);
        let consent = recorded.request.accept_instance_store_loss.as_deref();
        assert_eq!(consent, Some("genomics"));
        let named = if instance == "work" {
            "genomics"
        } else {
            &instance
        };
        assert_eq!(recorded.request.instance, named);
        ask!(world, delete_schedule(&ADA, &nightly())).unwrap();
        world.pass(60);
        rename(&world, "genomics", "work").unwrap();
        world.pass(60);
    }
}

/// The instance has its new name by then, so that a repetition names it.
#[test]
fn a_rename_that_could_not_change_a_schedule_is_completed_by_a_repetition() {
    let mut world = launched(Setup::seeded(1));
    let told = Arc::new(Told::default());
    world.service.schedules = Arc::clone(&told) as Arc<dyn Schedules>;
    let mut request = save_request("work", "kept");
    request.accept_instance_store_loss = Some("work".to_owned());
    ask!(
        world,
        create_schedule(&ADA, schedule_request("nightly", request))
    )
    .unwrap();
    told.1.store(true, Ordering::Relaxed);
    rename(&world, "work", "genomics").unwrap_err();
    told.1.store(false, Ordering::Relaxed);
    rename(&world, "genomics", "genomics").unwrap();
    let recorded = ask!(world, schedule(&ADA, &nightly())).unwrap().schedule;
    assert_eq!(recorded.request.instance, "genomics");
    let consent = recorded.request.accept_instance_store_loss.as_deref();
    assert_eq!(consent, Some("genomics"));
}

#[test]
fn an_instance_with_a_save_that_waits_for_its_turn_keeps_its_name() {
    let world = launched(Setup::seeded(5));
    turns::taken_for(&world, 60);
    let id = begun(&world, save_request("work", "kept"));
    world.pass(1);
    assert!(world.record(&id).unwrap().awaited_turn().is_some());
    let problem = rename(&world, "work", "genomics").unwrap_err();
    assert_eq!(problem.code, Code::InstanceBusy);
    world.clock.run_until_idle().unwrap();
    rename(&world, "work", "genomics").unwrap();
}

/// What could not be started again is not stopped to be resized.
#[test]
fn a_resize_that_the_project_does_not_pay_is_refused_before_the_stop() {
    let world = Setup::seeded(1).build();
    ask!(world, create_project(&ADA, project_request("brain"))).unwrap();
    let mut launch = launch_request("ubuntu", "work");
    launch.project = Some(brain());
    ask!(world, launch(&ADA, &launch)).unwrap();
    world.pass(3600);
    plan(&world, Size::L).unwrap();
    // The next hour of the present type is covered, and that of a larger one is not.
    let budget = budget_request(0.25, &[], true);
    world.must(world.service.set_budget(&ADA, &brain(), budget));
    plan(&world, Size::M).unwrap();
    assert_eq!(
        plan(&world, Size::XL).unwrap_err().code,
        Code::BudgetExceeded
    );
    // Later, that of the present type is not covered either, but that of a smaller one is.
    world.pass(4800);
    assert_eq!(
        plan(&world, Size::M).unwrap_err().code,
        Code::BudgetExceeded
    );
    plan(&world, Size::S).unwrap();
    world.pass(5 * 3600);
    assert_eq!(
        plan(&world, Size::M).unwrap_err().code,
        Code::BudgetExceeded
    );
}
