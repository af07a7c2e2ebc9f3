//! The conductor's own actions: as other users, as the owner, and as the services that send events.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use prism_asl::Clock as _;
use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::{SaveId, TemplateName};
use prism_functions::operations::{Service, copy_id_of, save_id_of};
use prism_functions::ports::{Executions, KeyState};
use prism_functions::rules::access::Caller;
use prism_local::ec2::Admin;
use serde_json::{Value, json};

use super::{Act, Conductor};
use crate::asks::Asks as _;
use crate::simulation::before::{ACCOUNT, ANOTHER, KEY};
use crate::simulation::fault::Kind;
use crate::simulation::invocation::{Ended, Invocation};
use crate::simulation::others::encrypt;
use crate::simulation::wanted::{Subject, Wanted};
use crate::turns;
use crate::world::share_request;

/// How long a key stays disabled. If an instance is stopped during that time, nothing can start it.
const DISABLED: Duration = Duration::from_mins(20);

/// Shares the template with another account, or revokes the earlier share.
async fn share(service: &Service, owner: &Caller, kind: Kind, name: &TemplateName) {
    let shares = kind == Kind::Share;
    let to = if shares { ANOTHER } else { ACCOUNT }.to_owned();
    let request = share_request(to);
    // A user would see the failure and ask again. The template may be new, and have no share yet.
    for _ in 0..2 {
        let done = if shares {
            service.share(owner, name, &request).await.map(drop)
        } else {
            service.unshare(owner, name, &request).await.map(drop)
        };
        if done.is_ok() {
            return;
        }
    }
}

impl Conductor {
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
            // An execution that timed out has ended already.
            let stopped = hands.executions.stop(name, "ended by the simulation");
            drop(stopped.now_or_never());
        }
        if hands.events || kind == Kind::Zombie {
            for name in ended {
                self.tell_end(&name, save.as_ref());
            }
        }
    }

    /// Delivers the event of an execution's end.
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

    /// Delivers an event after some seconds.
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
            // If it fails, Lambda retries it, and then the sweep does the same.
            drop(conductor.invoke("Wake", None, Box::pin(woken)).await);
        });
    }

    pub(crate) fn sweep(&self) {
        let conductor = self.clone();
        self.clock().spawn(async move {
            let Some(hands) = conductor.hands() else {
                return;
            };
            let swept = crate::recorded::calling("Sweep", hands.service.sweep());
            // A failed sweep is not reported; the next one does the same.
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

    /// Carries out an action from outside. Returns once it is done, or under way.
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

    /// Delivers the events of an instance that was stopped, started or terminated from outside.
    fn tell_instance(&self, id: &str) {
        let kind = "EC2 Instance State-change Notification";
        for (after_s, state) in [(16, "running"), (21, "stopped"), (22, "terminated")] {
            let detail = json!({ "instance-id": id, "state": state });
            self.deliver("aws.ec2", kind, &detail, after_s);
        }
    }

    /// Delivers events that say what is known already, or what has not happened.
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

    /// Makes a request of the owner, as a command does.
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
            // A process hands over its own save; the other requests go through the API.
            let asked: BoxFuture<'_, ()> = match kind {
                Kind::HandOver => asked,
                _ => Box::pin(crate::recorded::calling("Api", asked)),
            };
            let by = Some((id.clone(), 0));
            // The owner sees the result.
            let _: Ended<()> = conductor.invoke("Api", by, asked).await;
        });
    }

    /// Makes a request of the owner, and repeats it with the same request ID while there is no response.
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

    fn disable_key(&self, admin: &Admin) {
        let disabled = admin.set_key_state(KEY, KeyState::Disabled);
        disabled.expect("it is there");
        let (admin, clock) = (admin.clone(), self.clock());
        clock.clone().spawn(async move {
            clock.sleep(DISABLED).await;
            let enabled = admin.set_key_state(KEY, KeyState::Enabled);
            enabled.expect("it is there");
        });
    }
}
