//! What the conductor acts with: the outside actor, the executions, and the owner's own requests.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use prism_asl::Clock as _;
use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::save::{SaveRecord, SaveRequest};
use prism_functions::domain::template::Version;
use prism_functions::domain::{SaveId, TemplateName};
use prism_functions::operations::{Service, ShareRequest, copy_id_of, save_id_of};
use prism_functions::ports::{Executions, Table};
use prism_functions::registry::Registry;
use prism_functions::rules::access::Caller;
use prism_local::ec2::{Admin, Cloud, SimEc2};
use prism_local::executions::MemoryExecutions;
use serde_json::{Value, json};

use super::before::{ACCOUNT, ANOTHER};
use super::conductor::{Act, Conductor};
use super::fault::{Kind, Site};
use super::invocation::{Ended, Invocation};
use super::others::encrypt;
use crate::turns;
use crate::watched::Watched;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// To save an instance.
    Save(SaveRequest),
    /// To copy a version to further Regions.
    Copy(CopyRequest),
}

impl Wanted {
    /// The template that it is about.
    fn template(&self) -> &TemplateName {
        match self {
            Wanted::Save(save) => &save.template,
            Wanted::Copy(copy) => &copy.template,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Save(save) => write!(f, "{} as {}", save.instance, save.template),
            Wanted::Copy(copy) => write!(f, "{} to {:?}", copy.template, copy.regions),
        }
    }
}

/// A save that somebody asked for.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The save.
    pub id: SaveId,
    /// What was asked.
    pub wanted: Wanted,
    /// Under which request id.
    pub request_id: String,
    /// Whether whoever asked was told that it has begun.
    pub begun: bool,
}

/// See the module.
pub(crate) struct Hands {
    pub(crate) executions: MemoryExecutions,
    pub(crate) admin: Admin,
    pub(crate) ec2: SimEc2,
    pub(crate) cloud: Cloud,
    pub(crate) service: Service,
    pub(crate) table: Arc<Watched>,
    pub(crate) owner: Caller,
    pub(crate) subjects: Mutex<Vec<Subject>>,
    /// Whether events arrive.
    pub(crate) events: bool,
}

impl Hands {
    /// The saves that were asked for.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let subjects = self.subjects.lock();
        subjects.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn add(&self, subject: Subject) {
        let mut subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        if !subjects.iter().any(|known| known.id == subject.id) {
            subjects.push(subject);
        }
    }

    fn begun(&self, id: &SaveId) {
        let mut subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects.iter_mut().filter(|subject| subject.id == *id) {
            subject.begun = true;
        }
    }

    /// The registry, read without anybody in the way.
    pub(crate) fn registry(&self) -> Registry {
        Registry::new(Arc::clone(&self.table) as Arc<dyn Table>)
    }

    /// The record of a save as it lies in the table.
    pub(crate) fn record(&self, id: &SaveId) -> Option<SaveRecord> {
        let registry = self.registry();
        let stored = registry.save(id).now_or_never()?.ok()??;
        Some(stored.value)
    }

    /// Whether a version is deleted whose AMIs the sweep has yet to remove.
    pub(crate) fn has_deletions(&self) -> bool {
        let registry = self.registry();
        let has = |name| {
            let versions = registry.versions(name, 100, None).now_or_never();
            let versions = versions.and_then(Result::ok);
            versions.is_none_or(|listed| listed.items.iter().any(Version::is_going))
        };
        self.subjects().iter().any(|it| has(it.wanted.template()))
    }

    /// Whether the save of an invocation has written its duty.
    pub(crate) fn is_bound(&self, invocation: &Invocation) -> bool {
        let Some((id, _)) = &invocation.save else {
            return true;
        };
        let Some(record) = self.record(id) else {
            return false;
        };
        let Ok(instance) = record.instance() else {
            return false;
        };
        let registry = self.registry();
        let duty = registry.duty(&record.request.region, &instance.id);
        let duty = duty.now_or_never().and_then(Result::ok).flatten();
        duty.is_some_and(|duty| duty.value.save_id == *id)
    }

    /// Which save an invocation is about; the first one that was asked for where it is about none.
    fn subject(&self, invocation: &Invocation) -> Option<Subject> {
        let subjects = self.subjects();
        let own = invocation.save.as_ref();
        let known = own.and_then(|(id, _)| subjects.iter().find(|known| known.id == *id));
        known.or(subjects.first()).cloned()
    }

    /// What tells this moment of a run from others: where it is, and how the save, the registry and
    /// EC2 stand, but for when anything happened.
    pub(crate) fn fingerprint(
        &self,
        conductor: &Conductor,
        invocation: &Invocation,
        site: Site,
    ) -> u64 {
        let mut hash = DefaultHasher::new();
        let visits = invocation.visits.load(std::sync::atomic::Ordering::Relaxed);
        (site, visits, conductor.pending()).hash(&mut hash);
        for live in conductor.live() {
            (live.function, live.save.as_ref().map(|(_, epoch)| *epoch)).hash(&mut hash);
        }
        self.executions.running().hash(&mut hash);
        for subject in self.subjects() {
            let Some(record) = self.record(&subject.id) else {
                continue;
            };
            let value = serde_json::to_value(&record).unwrap_or_default();
            timeless(value).to_string().hash(&mut hash);
            let Ok(instance) = record.instance() else {
                continue;
            };
            let (registry, region) = (self.registry(), &record.request.region);
            let lock = registry.lock_holder(region, &instance.id).now_or_never();
            format!("{lock:?}").hash(&mut hash);
            let duty = registry.duty(region, &instance.id).now_or_never();
            let duty = duty.and_then(Result::ok).flatten().map(|duty| duty.value);
            duty.map(|duty| {
                (
                    duty.save_id,
                    duty.discharged.map(|d| format!("{:?}", d.finding)),
                )
            })
            .hash(&mut hash);
        }
        self.of_ec2(&mut hash);
        hash.finish()
    }

    fn of_ec2(&self, hash: &mut DefaultHasher) {
        let Ok(inventory) = self.admin.inventory() else {
            return;
        };
        for (region, instance) in &inventory.instances {
            let reason = instance.state_reason.as_ref().map(|reason| &reason.code);
            let volumes: Vec<_> = instance.volumes.iter().map(|it| &it.volume).collect();
            let state = instance.state.as_str();
            (region, &instance.id, state, reason, volumes).hash(hash);
        }
        for (region, image) in &inventory.images {
            let listed = image
                .volumes
                .iter()
                .filter(|v| v.snapshot.is_some())
                .count();
            let state = format!("{:?}", image.state);
            (region, &image.id, state, listed, image.protected).hash(hash);
        }
        for (region, snapshot) in &inventory.snapshots {
            (region, &snapshot.id, format!("{:?}", snapshot.state)).hash(hash);
        }
    }
}

/// Shares the template with another account, or takes back what was shared before.
async fn share(service: &Service, owner: &Caller, kind: Kind, name: &TemplateName) {
    let shares = kind == Kind::Share;
    let to = if shares { ANOTHER } else { ACCOUNT }.to_owned();
    let request = ShareRequest {
        to,
        publish_sensitive: false,
    };
    // What fails is told to whoever asked, and is asked for again: the template may be new, and
    // not be shared.
    for _ in 0..2 {
        let done = if shares {
            service.share(owner, name, &request, None).await.map(drop)
        } else {
            service.unshare(owner, name, &request, None).await.map(drop)
        };
        if done.is_ok() {
            return;
        }
    }
}

/// A record without its instants and what only counts time.
fn timeless(value: Value) -> Value {
    let Value::Object(mut fields) = value else {
        return value;
    };
    // Which request made the AMI is only ever compared.
    let attempts = fields.remove("image_attempts");
    if let Some(attempt) = fields.get_mut("image_attempt").filter(|it| !it.is_null()) {
        *attempt = Value::Bool(attempts.as_ref() == Some(attempt));
    }
    for (name, value) in &mut fields {
        let passing = matches!(
            name.as_str(),
            "moments" | "updated_at" | "progress_percent" | "downtime_s" | "plan" | "execution"
        );
        if passing || (name.ends_with("_at") && !value.is_null()) {
            *value = Value::Null;
            if !passing {
                *value = Value::Bool(true);
            }
        }
    }
    Value::Object(fields)
}

impl Conductor {
    /// Ends the execution that an invocation belongs to, or all of them.
    pub(crate) fn end_execution(&self, invocation: &Invocation, kind: Kind) {
        let Some(hands) = self.hands() else { return };
        let save = self.acted(invocation, kind);
        let own = invocation.execution();
        let mut ended = Vec::new();
        match kind {
            Kind::TimeUp | Kind::TimeUpAfter => {
                hands.executions.time_out(&own.clone().unwrap_or_default());
                ended.extend(own);
            }
            Kind::Death | Kind::DeathAfter => {
                ended = hands.executions.running();
                self.kill_all();
            }
            _ => ended.extend(own),
        }
        for name in &ended {
            // One whose time is up has ended already.
            let stopped = hands.executions.stop(name, "ended by the simulation");
            drop(stopped.now_or_never());
        }
        if hands.events || kind == Kind::Zombie {
            for name in ended {
                self.tell_end(&name, save.as_ref());
            }
        }
    }

    /// The event of an execution's end arrives.
    fn tell_end(&self, name: &str, save: Option<&SaveId>) {
        let input = save.map(|id| json!({ "save_id": id }).to_string());
        let detail = json!({ "name": name, "status": "ABORTED", "input": input, "output": null });
        self.deliver(
            "aws.states",
            "Step Functions Execution Status Change",
            &detail,
            1,
        );
    }

    /// An event arrives in some seconds.
    pub(crate) fn deliver(&self, source: &str, kind: &str, detail: &Value, after_s: u64) {
        let event = json!({
            "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "source": source,
            "detail-type": kind, "account": "111122223333", "time": "2026-01-05T09:00:00Z",
            "region": crate::world::REGION, "resources": [], "detail": detail,
        });
        let (conductor, clock) = (self.clone(), self.clock());
        clock.clone().spawn(async move {
            clock.sleep(Duration::from_secs(after_s)).await;
            let Some(hands) = conductor.hands() else {
                return;
            };
            let woken = crate::recorded::calling("Wake", hands.service.wake(&event));
            // One that fails is retried by Lambda, and then the sweep does the same.
            drop(conductor.invoke("Wake", None, Box::pin(woken)).await);
        });
    }

    /// A sweep begins now.
    pub(crate) fn sweep(&self) {
        let conductor = self.clone();
        self.clock().spawn(async move {
            let Some(hands) = conductor.hands() else {
                return;
            };
            let swept = crate::recorded::calling("Sweep", hands.service.sweep());
            // One that fails is not heard of; the next one does the same.
            drop(conductor.invoke("Sweep", None, Box::pin(swept)).await);
        });
    }

    fn acted(&self, invocation: &Invocation, kind: Kind) -> Option<SaveId> {
        let save = self.hands()?.subject(invocation).map(|subject| subject.id);
        self.note_act(Act {
            at: self.clock().now(),
            kind,
            save: save.clone(),
        });
        save
    }

    /// Somebody does something; answers once it has been done, or is on its way.
    pub(crate) async fn act(&self, invocation: &Invocation, kind: Kind) {
        let Some(hands) = self.hands() else { return };
        let Some(subject) = hands.subject(invocation) else {
            return;
        };
        self.acted(invocation, kind);
        let record = hands.record(&subject.id);
        let instance = record
            .as_ref()
            .and_then(|r| Some(r.instance().ok()?.id.clone()));
        match (kind, &record, &instance) {
            (Kind::TheyStop, _, Some(id)) => drop(hands.admin.stop(id)),
            (Kind::TheyStart, _, Some(id)) => drop(hands.admin.start(id)),
            (Kind::TheyTerminate, _, Some(id)) => drop(hands.admin.terminate(id)),
            (Kind::TheyDeregister, Some(record), _) => hands.discard(record, false),
            (Kind::TheyDelete, Some(record), _) => hands.discard(record, true),
            (Kind::TheyDetach, _, Some(id)) => hands.detach(id),
            (Kind::TheyAttach, _, Some(id)) => hands.attach(id),
            (Kind::TheyProtect, Some(record), _) => hands.protect(record),
            (Kind::TheyDisableKey, ..) => self.disable_key(&hands.admin),
            (Kind::TheyEncrypt, ..) => encrypt(&hands.admin),
            (Kind::Sweep, ..) => self.sweep(),
            (Kind::TheyQueue, ..) => turns::take(&*hands.table, self.clock().now(), 10).await,
            (Kind::Event, ..) => self.tell_nothing_new(record.as_ref()),
            (
                Kind::Cancel
                | Kind::HandOver
                | Kind::Again
                | Kind::Rival
                | Kind::Share
                | Kind::Unshare,
                ..,
            ) => {
                self.ask(kind, subject);
            }
            _ => {}
        }
        if hands.events
            && let Some(id) = instance
        {
            self.tell_instance(id.as_str());
        }
        self.clock().sleep(Duration::from_millis(1)).await;
    }

    /// The events of an instance that somebody stopped, started or terminated arrive.
    fn tell_instance(&self, id: &str) {
        let kind = "EC2 Instance State-change Notification";
        for (after_s, state) in [(16, "running"), (21, "stopped"), (22, "terminated")] {
            let detail = json!({ "instance-id": id, "state": state });
            self.deliver("aws.ec2", kind, &detail, after_s);
        }
    }

    /// Events arrive that say what is known, or what has not happened.
    fn tell_nothing_new(&self, record: Option<&SaveRecord>) {
        let instance = record.and_then(|record| record.instance().ok());
        for after_s in [0, 1, 5] {
            if let Some(instance) = instance {
                let kind = "EC2 Instance State-change Notification";
                let detail = json!({ "instance-id": instance.id, "state": "running" });
                self.deliver("aws.ec2", kind, &detail, after_s);
            }
            if let Some(image) = record.and_then(|record| record.image.as_ref()) {
                let detail = json!({ "ImageId": image, "State": "available" });
                self.deliver("aws.ec2", "EC2 AMI State Change", &detail, after_s);
            }
        }
    }

    /// The owner asks for something, as a command does.
    fn ask(&self, kind: Kind, subject: Subject) {
        let conductor = self.clone();
        self.clock().spawn(async move {
            let Some(hands) = conductor.hands() else {
                return;
            };
            let (service, owner, id) = (&hands.service, &hands.owner, &subject.id);
            let asked: BoxFuture<'_, ()> = match kind {
                Kind::Cancel => Box::pin(service.cancel_save(owner, id).map(drop)),
                Kind::HandOver => Box::pin(service.hand_over(owner, id).map(drop)),
                Kind::Share | Kind::Unshare => {
                    Box::pin(share(service, owner, kind, subject.wanted.template()))
                }
                Kind::Again => {
                    let request_id = subject.request_id.clone();
                    return conductor.request(subject.wanted, request_id, 1).await;
                }
                _ => {
                    let mut wanted = subject.wanted;
                    if let Wanted::Save(request) = &mut wanted {
                        request.template = "rival".parse().expect("it is a template's name");
                    }
                    let rival = format!("{}-rival", subject.request_id);
                    return conductor.request(wanted, rival, 1).await;
                }
            };
            // A process hands over by itself; the API does the rest.
            let asked: BoxFuture<'_, ()> = match kind {
                Kind::HandOver => asked,
                _ => Box::pin(crate::recorded::calling("Api", asked)),
            };
            let by = Some((id.clone(), 0));
            // Whoever asked hears what became of it.
            let _: Ended<()> = conductor.invoke("Api", by, asked).await;
        });
    }

    /// The owner asks for something, and again under the same request id while no answer comes.
    pub(crate) async fn request(&self, wanted: Wanted, request_id: String, tries: u32) {
        let (clock, Some(hands)) = (self.clock(), self.hands()) else {
            return;
        };
        let user = &hands.owner.user;
        let id = match &wanted {
            Wanted::Save(_) => save_id_of(user, &request_id),
            Wanted::Copy(_) => copy_id_of(user, &request_id),
        };
        let id = id.expect("it is a request id");
        hands.add(Subject {
            id: id.clone(),
            wanted: wanted.clone(),
            request_id: request_id.clone(),
            begun: false,
        });
        drop(hands);
        for _ in 0..tries {
            let Some(hands) = self.hands() else { return };
            let (service, owner) = (&hands.service, &hands.owner);
            let begun = async {
                match &wanted {
                    Wanted::Save(request) => {
                        service
                            .start_save(owner, request.clone(), Some(&request_id))
                            .await
                    }
                    Wanted::Copy(request) => {
                        service.start_copy(owner, request, Some(&request_id)).await
                    }
                }
            };
            let begun = crate::recorded::calling("Api", begun);
            let ended = self
                .invoke("Api", Some((id.clone(), 0)), Box::pin(begun))
                .await;
            if matches!(&ended, Ended::Returned(Ok(_))) {
                return hands.begun(&id);
            }
            clock.sleep(Duration::from_secs(2)).await;
        }
    }
}
