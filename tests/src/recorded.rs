//! Ports that record which function makes which calls. A step that makes a call it does not declare fails any test in
//! which this happens, because on AWS its function would lack the permission.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use prism_asl::{Functions, TaskFailure};
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::schedule::Schedule;
use prism_functions::domain::session::SessionKind;
use prism_functions::domain::{ImageId, InstanceId, Region, Timestamp};
use prism_functions::operations::calls;
use prism_functions::ports::{
    Call, CourierError, Ec2Error, Execution, Executions, ExecutionsError, Firing, Index, Inspect,
    Item, Key, Mail, Mailer, Notice, Notifier, NotifierError, Page, Parameters, Query, Schedules,
    SchedulesError, Sessions, Table, TableError, Ticket, Write,
};
use serde_json::Value;

use crate::forward::forward_ec2;

thread_local! {
    static CALLER: Cell<Option<&'static str>> = const { Cell::new(None) };
    static EC2_CALLS: Cell<usize> = const { Cell::new(0) };
    /// The calls that this thread has recorded already. Most calls are in it, and need no lock.
    static NOTED: RefCell<BTreeSet<(&'static str, Call)>> = const { RefCell::new(BTreeSet::new()) };
}

static SEEN: Mutex<BTreeSet<(&'static str, Call)>> = Mutex::new(BTreeSet::new());

pub fn seen(handler: &str) -> BTreeSet<Call> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let of_it = seen.iter().filter(|(caller, _)| *caller == handler);
    of_it.map(|(_, call)| *call).collect()
}

pub async fn calling<T>(handler: &'static str, future: impl Future<Output = T>) -> T {
    called_by(Some(handler), future).await
}

/// Runs a future on behalf of the test, outside the function that is being polled.
pub async fn outside<T>(future: impl Future<Output = T>) -> T {
    called_by(None, future).await
}

async fn called_by<T>(caller: Option<&'static str>, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _restored = Restored(CALLER.replace(caller));
        future.as_mut().poll(context)
    })
    .await
}

/// Restores the previous caller when dropped, even if the callee panics.
struct Restored(Option<&'static str>);

impl Drop for Restored {
    fn drop(&mut self) {
        CALLER.set(self.0);
    }
}

/// Returns how many calls of EC2 this thread has recorded.
pub fn ec2_calls() -> usize {
    EC2_CALLS.get()
}

fn note(call: Call) {
    if call.actions().iter().any(|it| it.starts_with("ec2:")) {
        EC2_CALLS.set(EC2_CALLS.get() + 1);
    }
    let Some(caller) = CALLER.get() else {
        return;
    };
    if NOTED.with_borrow(|noted| noted.contains(&(caller, call))) {
        return;
    }
    let declared = calls::of(caller).is_some_and(|declared| declared.contains(&call));
    assert!(declared, "{caller} calls {call:?} and does not declare it");
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.insert((caller, call));
    NOTED.with_borrow_mut(|noted| noted.insert((caller, call)));
}

pub struct Recorded<P: ?Sized>(pub Arc<P>);

impl<P: ?Sized> std::fmt::Debug for Recorded<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorded")
    }
}

pub(crate) struct Named(pub(crate) Arc<dyn Functions>);

#[async_trait]
impl Functions for Named {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let called = self.0.invoke(function, payload);
        match prism_functions::steps::find(function) {
            Some(step) => calling(step.name, called).await,
            None => called.await,
        }
    }
}

#[async_trait]
impl Table for Recorded<dyn Table> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        note(Call::Get);
        self.0.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        note(match query.index {
            Index::Primary => Call::Query,
            Index::Gsi1 => Call::QueryGsi1,
            Index::Gsi2 => Call::QueryGsi2,
        });
        self.0.query(query).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        for write in writes {
            note(match write {
                Write::Put(_, _) => Call::Put,
                Write::Update(_, _, _) => Call::Update,
                Write::Delete(_, _) => Call::Delete,
                Write::Check(_, _) => Call::Check,
            });
        }
        self.0.transact(writes).await
    }
}

#[async_trait]
impl Notifier for Recorded<dyn Notifier> {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifierError> {
        note(if notice.alarm {
            Call::Alarm
        } else {
            Call::Notice
        });
        self.0.notify(notice).await
    }
}

#[async_trait]
impl Mailer for Recorded<dyn Mailer> {
    async fn send(&self, mail: &Mail) -> Result<(), CourierError> {
        note(Call::SendEmail);
        self.0.send(mail).await
    }
}

#[async_trait]
impl Executions for Recorded<dyn Executions> {
    async fn start(&self, name: &str, input: Value) -> Result<(), ExecutionsError> {
        note(Call::StartExecution);
        self.0.start(name, input).await
    }

    async fn describe(&self, name: &str) -> Result<Execution, ExecutionsError> {
        note(Call::DescribeExecution);
        self.0.describe(name).await
    }

    async fn wake(&self, token: &str) -> Result<bool, ExecutionsError> {
        note(Call::EndWait);
        self.0.wake(token).await
    }

    async fn stop(&self, name: &str, cause: &str) -> Result<(), ExecutionsError> {
        note(Call::StopExecution);
        self.0.stop(name, cause).await
    }
}

#[async_trait]
impl Schedules for Recorded<dyn Schedules> {
    async fn put(&self, schedule: &Schedule, next: Timestamp) -> Result<(), SchedulesError> {
        note(Call::PutSchedule);
        self.0.put(schedule, next).await
    }

    async fn delete(&self, schedule: &Schedule) -> Result<(), SchedulesError> {
        note(Call::DeleteSchedule);
        self.0.delete(schedule).await
    }

    fn id(&self, schedule: &Schedule) -> String {
        self.0.id(schedule)
    }

    async fn firing(&self) -> Result<Vec<Firing>, SchedulesError> {
        note(Call::ListSchedules);
        self.0.firing().await
    }

    async fn remove(&self, id: &str) -> Result<(), SchedulesError> {
        note(Call::DeleteSchedule);
        self.0.remove(id).await
    }
}

#[async_trait]
impl Inspect for Recorded<dyn Inspect> {
    async fn packages(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> Result<Option<Inventory>, Ec2Error> {
        note(Call::Packages);
        self.0.packages(region, instance).await
    }
}

#[async_trait]
impl Parameters for Recorded<dyn Parameters> {
    async fn image(&self, region: &Region, parameter: &str) -> Result<ImageId, Ec2Error> {
        note(Call::PublicParameter);
        self.0.image(region, parameter).await
    }
}

#[async_trait]
impl Sessions for Recorded<dyn Sessions> {
    async fn start(
        &self,
        region: &Region,
        instance: &InstanceId,
        kind: &SessionKind,
    ) -> Result<Ticket, Ec2Error> {
        note(Call::StartSession);
        self.0.start(region, instance, kind).await
    }
}

macro_rules! recorded {
    ($self:ident, $call:expr, $action:literal, probe($region:ident, $probe:ident)) => {{
        note(match $probe {
            Probe::Stop(_) => Call::ProbeStop,
            Probe::Start(_) => Call::ProbeStart,
            Probe::CreateImage(_) => Call::ProbeCreateImage,
            Probe::Grant(_) => Call::ProbeGrant,
        });
        $self.0.probe($region, $probe).await
    }};
    ($self:ident, $call:expr, $action:literal, $method:ident($($arg:ident),*)) => {{
        note($call);
        $self.0.$method($($arg),*).await
    }};
}

forward_ec2!(Recorded<dyn Ec2>, recorded);
