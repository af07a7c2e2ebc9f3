//! Events end a wait early, and nothing depends on them: lost, late, duplicate, wrong or out of order, they only change
//! when something is noticed.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use prism_asl::{Clock, VirtualClock};
use prism_functions::domain::save::{SaveRecord, SaveState, seconds_between};
use prism_functions::domain::{Code, SaveId};
use prism_functions::operations::{Service, Woken};
use prism_functions::ports::{ExecutionStatus, Item, Key, Page, Query, Table, TableError, Write};
use prism_functions::registry::{Awaited, Registry, Wait};
use prism_functions::rules::Env;
use prism_functions::steps;
use prism_local::ec2::Capacity;
use prism_local::executions::{MemoryExecutions, machine};
use prism_tests::asks::Asks as _;
use prism_tests::clean;
use prism_tests::world::{REGION, Setup, World, begun, caller, launched, region, save_request};
use serde_json::{Value, json};

/// The seconds after which the AMI is polled without any event; the poll takes one more.
const FLOOR_S: f64 = 151.0;

/// A world with Ada's instance whose AMI takes this many seconds.
fn world(seconds: u64, events: bool) -> World {
    let mut setup = Setup::slow(seconds, |d| d.snapshot_base = Duration::from_secs(seconds));
    setup.events = events;
    launched(setup)
}

/// The delay between the AMI becoming available and the next step, in seconds.
fn lateness(world: &World, record: &SaveRecord) -> f64 {
    assert_eq!(record.state, SaveState::Succeeded, "{record:#?}");
    let image = record.image.as_ref().unwrap();
    let told = world.cloud.events_of(image.as_str()).unwrap();
    let available = told.iter().find(|event| event.what == "available").unwrap();
    let went_on = record
        .moments
        .iter()
        .find(|moment| moment.step == "RegisterTemplate");
    seconds_between(available.at, went_on.unwrap().at)
}

fn wait(world: &World, id: &SaveId) -> Option<Wait> {
    let image = world.record(id).unwrap().image?;
    let registry = &world.service.env.registry;
    let home = region();
    let wait = registry.wait(&home, Awaited::Image(&image), world.now());
    world.clock.run(wait).unwrap()
}

fn waiting(world: &World) -> (SaveId, Wait) {
    let id = begun(world, save_request("work", "kept"));
    for _ in 0..300 {
        world.pass(1);
        if let Some(wait) = wait(world, &id) {
            return (id, wait);
        }
    }
    panic!("it never waits: {:#?}", world.record(&id));
}

fn event(source: &str, kind: &str, detail: &Value) -> Value {
    json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "source": source,
        "detail-type": kind, "account": "111122223333", "time": "2026-01-05T09:00:00Z",
        "region": REGION, "resources": [], "detail": detail,
    })
}

fn of_image(image: &str) -> Value {
    let detail =
        json!({"RequestId": "r", "ImageId": image, "State": "available", "ErrorMessage": ""});
    event("aws.ec2", "EC2 AMI State Change", &detail)
}

fn of_instance(instance: &str, state: &str) -> Value {
    let detail = json!({"instance-id": instance, "state": state});
    event("aws.ec2", "EC2 Instance State-change Notification", &detail)
}

fn of_execution(name: &str, status: &str, input: Option<&str>) -> Value {
    let detail = json!({"name": name, "status": status, "input": input, "output": null});
    event(
        "aws.states",
        "Step Functions Execution Status Change",
        &detail,
    )
}

fn wake(world: &World, event: &Value) -> Woken {
    world.clock.run(world.service.wake(event)).unwrap()
}

#[test]
fn a_save_continues_with_its_event_or_at_the_next_poll() {
    let mut latest = 0.0_f64;
    for seconds in (100..=400).step_by(23) {
        let heard = world(seconds, true);
        let record = heard.save("ada", save_request("work", "kept")).unwrap();
        let late = lateness(&heard, &record);
        assert!(late <= 1.0, "{late} s late after {seconds} s, with events");
        let deaf = world(seconds, false);
        let record = deaf.save("ada", save_request("work", "kept")).unwrap();
        let late = lateness(&deaf, &record);
        assert!(late <= FLOOR_S, "{late} s late after {seconds} s, without");
        latest = latest.max(late);
        clean::check(&deaf, &record);
    }
    assert!(
        latest > 50.0,
        "without events it was {latest} s late at most"
    );
}

/// A table on which the registration of a wait takes some time, before and after.
struct Slow {
    table: Arc<dyn Table>,
    clock: VirtualClock,
    before: Duration,
    after: Duration,
}

#[async_trait]
impl Table for Slow {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.table.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        let registers = matches!(writes, [Write::Put(item, _)] if item.key.sk == "WAIT");
        if registers {
            self.clock.sleep(self.before).await;
        }
        self.table.transact(writes).await?;
        if registers {
            self.clock.sleep(self.after).await;
        }
        Ok(())
    }
}

/// The environment of a world whose registrations take this many seconds.
fn slow_env(world: &World, before: u64, after: u64) -> Env {
    let table = Slow {
        table: Arc::clone(&world.table) as Arc<dyn Table>,
        clock: world.clock.clone(),
        before: Duration::from_secs(before),
        after: Duration::from_secs(after),
    };
    Env {
        registry: Registry::new(Arc::new(table)),
        ..world.service.env.clone()
    }
}

/// The AMI becomes available at every point around the registration of the wait: before it, between it and the poll,
/// and after the poll. The wake-up is never lost.
#[test]
fn an_event_at_any_moment_of_the_registration_is_not_lost() {
    let (before, after) = (3, 3);
    let (mut missed, mut told) = (0, 0);
    for seconds in (100..300).step_by(2) {
        let mut world = world(seconds, false);
        let env = slow_env(&world, before, after);
        let executions = MemoryExecutions::of(world.clock.clone(), machine(), |s| Arc::new(s));
        executions.set_env(env.clone());
        executions.listen_to(world.cloud.clone());
        world.executions = executions.clone();
        world.service = Service {
            env,
            executions: Arc::new(executions),
            ..world.service.clone()
        };
        let record = world.save("ada", save_request("work", "kept")).unwrap();
        let late = lateness(&world, &record);
        #[expect(clippy::cast_precision_loss, reason = "both are small")]
        let most = (before + after) as f64 + 1.0;
        assert!(late <= most, "{late} s late after {seconds} s");
        let history = world.executions.history(record.save_id.as_str()).unwrap();
        let history: Vec<String> = history.events().iter().map(ToString::to_string).collect();
        missed += usize::from(history.iter().any(|line| line.contains("EventMissed")));
        told += usize::from(
            history
                .iter()
                .any(|line| line.ends_with("TaskSucceeded {}")),
        );
    }
    assert!(missed > 1 && told > 20, "{missed} missed, {told} told");
}

#[test]
fn doubled_and_early_events_do_no_harm() {
    let world = world(400, false);
    let (id, wait) = waiting(&world);
    let image = world.record(&id).unwrap().image.unwrap();
    let told = of_image(image.as_str());
    assert!(wake(&world, &told).wait_ended, "{wait:?}");
    // The step has polled, found the AMI pending, polls a few more times, and waits with another token, which ends as
    // well.
    for _ in 0..5 {
        world.pass(4);
        assert!(wake(&world, &told).wait_ended, "the same again");
    }
    world.pass(4);
    let again = self::wait(&world, &id).unwrap();
    assert_ne!(again.token, wait.token);
    let late = world.service.executions.wake(&wait.token);
    assert!(!world.clock.run(late).unwrap(), "its task has ended");
    world.clock.run_until_idle().unwrap();
    let record = world.record(&id).unwrap();
    assert!(lateness(&world, &record) <= FLOOR_S);
    clean::check(&world, &record);
    assert_eq!(
        self::wait(&world, &id),
        None,
        "the wait is forgotten with the save"
    );
    assert_eq!(wake(&world, &told), Woken::default());
}

#[test]
fn a_wait_expires() {
    let world = world(400, false);
    let (id, wait) = waiting(&world);
    let image = world.record(&id).unwrap().image.unwrap();
    let registry = &world.service.env.registry;
    let home = region();
    let at = |now| {
        world
            .clock
            .run(registry.wait(&home, Awaited::Image(&image), now))
            .unwrap()
    };
    assert_eq!(at(wait.until), Some(wait.clone()));
    assert_eq!(at(wait.until + chrono::TimeDelta::milliseconds(1)), None);
    let key = Key::new(format!("IMAGE#{REGION}#{image}"), "WAIT");
    let item = world.clock.run(world.table.get(&key)).unwrap().unwrap();
    let expires = item.attributes["expires_at"].as_i64().unwrap();
    let outlives = expires - wait.until.timestamp();
    assert!((0..=2).contains(&outlives), "seconds since 1970: {expires}");
}

/// An execution that was superseded while it registered its wait does not block the wait of the execution that works on
/// the save now.
#[test]
fn a_wait_of_an_older_epoch_gives_way() {
    let world = world(400, false);
    let (id, _) = waiting(&world);
    let step = steps::find("AwaitEvent").unwrap();
    let payload = |epoch: u32, token: &str| json!({"save_id": id, "epoch": epoch, "until": "available", "token": token, "wait_s": 60, "limit_s": 86400});
    let slow = slow_env(&world, 10, 0);
    let older = (step.invoke)(&slow, payload(1, "older"));
    let newer = async {
        world.clock.sleep(Duration::from_secs(1)).await;
        let ada = caller("ada");
        world.service.hand_over(&ada, &id).await.unwrap();
        (step.invoke)(&world.service.env, payload(2, "newer")).await
    };
    let (older, newer) = world.clock.run(futures::future::join(older, newer));
    assert_eq!(older.unwrap_err().code, Code::EventMissed);
    newer.unwrap();
    // The same for a wait of its own execution.
    let newest = wait(&world, &id).unwrap();
    assert_eq!(newest.epoch, 2);
    let again = (step.invoke)(&world.service.env, payload(1, "older"));
    assert_eq!(world.clock.run(again).unwrap_err().code, Code::EventMissed);
    assert_eq!(wait(&world, &id).unwrap(), newest);
    world.clock.run_until_idle().unwrap();
    clean::check(&world, &world.record(&id).unwrap());
}

/// A cancelled save does not wait for its next poll.
#[test]
fn a_cancel_is_heard_at_once() {
    for after in [0, 1, 30, 59, 60, 61] {
        let world = world(400, false);
        let (id, _) = waiting(&world);
        world.pass(after);
        let cancelled_at = world.now();
        let ada = caller("ada");
        world
            .clock
            .run(world.service.cancel_save(&ada, &id))
            .unwrap();
        world.clock.run_until_idle().unwrap();
        let record = world.record(&id).unwrap();
        assert_eq!(record.failure.as_ref().unwrap().code, "SaveCancelled");
        clean::check(&world, &record);
        let back = record.restore_began_at.unwrap();
        let took = seconds_between(cancelled_at, back);
        assert!(took <= 1.0, "{took} s, {after} s into the wait");
    }
}

/// The same for a cancellation while the wait is being registered.
#[test]
fn a_cancel_during_the_registration_is_heard() {
    for (before, after) in [(2, 0), (0, 2)] {
        let world = world(400, false);
        let (id, _) = waiting(&world);
        let payload = json!({"save_id": id, "epoch": 1, "until": "available", "token": "t", "wait_s": 60, "limit_s": 86400});
        let env = slow_env(&world, before, after);
        let step = steps::find("AwaitEvent").unwrap();
        let cancel = async {
            world.clock.sleep(Duration::from_secs(1)).await;
            let ada = caller("ada");
            world.service.cancel_save(&ada, &id).await.unwrap();
        };
        let wait = (step.invoke)(&env, payload);
        let (ended, ()) = world.clock.run(futures::future::join(wait, cancel));
        assert_eq!(ended.unwrap_err().code, Code::EventMissed);
    }
}

#[test]
fn an_execution_that_ends_without_its_save_is_recovered_by_its_event() {
    for moment in [5, 15, 40, 70, 120] {
        let world = world(400, false);
        let id = begun(&world, save_request("work", "kept"));
        world.pass(moment);
        let input = json!({ "save_id": id }).to_string();
        let told = of_execution(id.as_str(), "ABORTED", Some(&input));
        assert_eq!(wake(&world, &told), Woken::default(), "it still runs");
        let stop = world.service.executions.stop(id.as_str(), "by the test");
        world.clock.run(stop).unwrap();
        for status in ["RUNNING", "SUCCEEDED"] {
            let other = of_execution(id.as_str(), status, Some(&input));
            assert_eq!(wake(&world, &other), Woken::default(), "{status}");
        }
        let recovery = wake(&world, &told).recovery.unwrap();
        assert_eq!(
            (recovery.save_id.clone(), recovery.execution),
            (id.clone(), format!("{id}-2"))
        );
        assert_eq!(wake(&world, &told), Woken::default(), "twice is once");
        world.clock.run_until_idle().unwrap();
        world.pass(120);
        let record = world.record(&id).unwrap();
        assert_eq!(record.failure.as_ref().unwrap().code, "SaveInterrupted");
        clean::check(&world, &record);
        let last = of_execution(&record.execution, "FAILED", None);
        assert_eq!(
            wake(&world, &last),
            Woken::default(),
            "it ended with its save"
        );
    }
}

#[test]
fn an_instance_that_is_owed_something_is_looked_after_by_its_event() {
    let world = world(400, false);
    let id = begun(&world, save_request("work", "kept"));
    world.pass(15);
    let instance = world.record(&id).unwrap().instance().unwrap().id.clone();
    let stopped = of_instance(instance.as_str(), "stopped");
    let heard = Woken {
        wait_ended: true,
        recovery: None,
    };
    assert_eq!(wake(&world, &stopped), heard, "its save sees to it");
    let stop = world.service.executions.stop(id.as_str(), "by the test");
    world.clock.run(stop).unwrap();
    let between = of_instance(instance.as_str(), "stopping");
    assert_eq!(wake(&world, &between), Woken::default());
    let recovery = wake(&world, &stopped).recovery.unwrap();
    let running = world.service.executions.describe(&recovery.execution);
    let running = world.clock.run(running).unwrap();
    assert_eq!(running.status, ExecutionStatus::Running);
    world.clock.run_until_idle().unwrap();
    clean::check(&world, &world.record(&id).unwrap());
    assert_eq!(
        wake(&world, &stopped),
        Woken::default(),
        "nothing is owed any more"
    );
    let stranger = of_instance("i-0123456789abcdef0", "stopped");
    assert_eq!(wake(&world, &stranger), Woken::default());
}

/// The owner starts the instance of a stranded save: the save ends now, not at the next sweep.
#[test]
fn a_stranded_save_ends_once_its_instance_runs() {
    let world = world(100, false);
    let none = Capacity::Refused;
    world.admin.set_capacity(&region(), "*", none).unwrap();
    let record = world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(record.state, SaveState::Stranded);
    let instance = record.instance().unwrap().id.clone();
    let down = of_instance(instance.as_str(), "stopped");
    let tried = wake(&world, &down).recovery;
    assert!(tried.is_some(), "there may be room again by now");
    world.clock.run_until_idle().unwrap();
    world.set_capacity(Capacity::Available);
    world.admin.start(&instance).unwrap();
    world.pass(300);
    let recovery = wake(&world, &of_instance(instance.as_str(), "running")).recovery;
    assert_eq!(recovery.unwrap().save_id, record.save_id);
    world.clock.run_until_idle().unwrap();
    clean::check(&world, &world.record(&record.save_id).unwrap());
}

/// Sending an unreadable event again would not help.
#[test]
fn malformed_and_unknown_events_are_passed_over() {
    let world = world(400, false);
    let (id, _) = waiting(&world);
    let writes = world.table.writes();
    let mut strange = vec![
        json!(null),
        json!([]),
        json!("event"),
        json!({}),
        json!({"detail-type": "EC2 AMI State Change"}),
        event("aws.s3", "Object Created", &json!({})),
        event(
            "aws.ec2",
            "EC2 AMI State Change",
            &json!({"ImageId": "../etc"}),
        ),
        event("aws.ec2", "EC2 AMI State Change", &json!({"ImageId": 7})),
        event(
            "aws.ec2",
            "EC2 Instance State-change Notification",
            &json!({"state": "stopped"}),
        ),
        event(
            "aws.states",
            "Step Functions Execution Status Change",
            &json!(null),
        ),
        of_execution("somebody-elses", "FAILED", Some("{}")),
        of_execution("save-ffffffffffffffffffff", "FAILED", None),
    ];
    let mut elsewhere = of_image(world.record(&id).unwrap().image.unwrap().as_str());
    elsewhere["region"] = json!("nowhere");
    strange.push(elsewhere.clone());
    elsewhere["region"] = json!("eu-west-1");
    strange.push(elsewhere);
    for event in strange {
        assert_eq!(wake(&world, &event), Woken::default(), "{event}");
    }
    assert_eq!(world.table.writes(), writes, "nothing was changed");
}
