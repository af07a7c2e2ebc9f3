//! The ports whose calls pass through the conductor.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::{InstanceId, Region};
use prism_functions::ports::{
    Call, Ec2Error, Index, Inspect, Item, Key, Page, Query, Table, TableError, Write,
};
use prism_local::ec2::{Cloud, SimEc2};

use super::conductor::{Asked, Conductor, Wrong};
use super::mutant::Mutant;
use crate::forward::forward_ec2;

pub(crate) struct Through<P: ?Sized> {
    pub(crate) port: Arc<P>,
    pub(crate) conductor: Conductor,
    pub(crate) mutant: Option<&'static Mutant>,
}

/// Calls a method with owned copies of its arguments, so that the call may outlive its caller.
macro_rules! through {
    ($self:ident, $call:expr, $wrong:expr, $past:expr, $method:ident($($arg:ident),*)) => {{
        let port = Arc::clone(&$self.port);
        $(let $arg = $arg.to_owned();)*
        let ask = move || -> BoxFuture<'static, Result<_, _>> {
            let port = Arc::clone(&port);
            $(let $arg = $arg.clone();)*
            Box::pin(async move { port.$method($(&$arg),*).await })
        };
        let asked = Asked { call: $call, wrong: $wrong, ask: &ask, past: $past };
        $self.conductor.through(asked).await
    }};
}

/// Calls a method that makes an AMI, as [`through!`] does, and records the AMI.
macro_rules! made {
    ($self:ident, $call:expr, $action:expr, $method:ident($region:ident, $what:ident)) => {{
        let (port, conductor) = (Arc::clone(&$self.port), $self.conductor.clone());
        let (region, what) = ($region.clone(), $what.clone());
        let ask = move || -> BoxFuture<'static, Result<_, _>> {
            let (port, conductor) = (Arc::clone(&port), conductor.clone());
            let (region, what) = (region.clone(), what.clone());
            Box::pin(async move {
                let made = port.$method(&region, &what).await;
                if let Ok(image) = &made {
                    conductor.note_made(&what.tags, &region, image);
                }
                made
            })
        };
        let asked = Asked {
            call: $call,
            wrong: &ec2_error($action),
            ask: &ask,
            past: None,
        };
        $self.conductor.through(asked).await
    }};
}

mod clock;
mod executions;

pub(crate) use clock::Skewed;

/// A text in AWS's error messages that must not be shown to users.
pub(crate) const SECRET: &str = "arn:aws:iam::123456789012:role/secret";

fn ec2_error(action: &'static str) -> impl Fn(Wrong) -> Ec2Error + Send + Sync {
    move |wrong| {
        let (code, message) = wrong.of_ec2();
        Ec2Error::new(action, code, format!("{message} ({SECRET})"))
    }
}

fn account(cloud: &Cloud) -> SimEc2 {
    cloud.account(crate::world::account())
}

/// The result of a call to a past state of the simulated EC2, which returns immediately.
fn at_once<T>(told: Option<Result<T, Ec2Error>>) -> Result<T, Ec2Error> {
    told.expect("the simulated EC2 returns immediately")
}

macro_rules! conducted {
    (@past $self:ident, $call:expr, $action:literal, $method:ident($region:ident, $filter:ident)) => {{
        let past = |cloud: Cloud| at_once(account(&cloud).$method($region, $filter).now_or_never());
        through!($self, $call, &ec2_error($action), Some(&past), $method($region, $filter))
    }};
    ($self:ident, $call:expr, $action:literal, instances($region:ident, $filter:ident)) => {
        conducted!(@past $self, $call, $action, instances($region, $filter))
    };
    ($self:ident, $call:expr, $action:literal, images($region:ident, $filter:ident)) => {{
        if $self.mutant.is_some_and(|it| it.by_id_alone) && matches!($filter, ImageFilter::OwnTag(..)) {
            return Ok(Vec::new());
        }
        conducted!(@past $self, $call, $action, images($region, $filter))
    }};
    ($self:ident, $call:expr, $action:literal, snapshots($region:ident, $filter:ident)) => {
        conducted!(@past $self, $call, $action, snapshots($region, $filter))
    };
    ($self:ident, $call:expr, $action:literal, probe($region:ident, $probe:ident)) => {{
        let (call, action) = match $probe {
            Probe::Stop(_) => (Call::ProbeStop, "StopInstances"),
            Probe::Start(_) => (Call::ProbeStart, "StartInstances"),
            Probe::CreateImage(_) => (Call::ProbeCreateImage, "CreateImage"),
            Probe::Grant(_) => (Call::ProbeGrant, "kms:CreateGrant"),
        };
        through!($self, call, &ec2_error(action), None, probe($region, $probe))
    }};
    ($self:ident, $call:expr, $action:literal, create_image($region:ident, $new:ident)) => {{
        let mut new = $new.clone();
        if $self.mutant.is_some_and(|mutant| mutant.renames) {
            let calls = $self.conductor.trace().len();
            new.name = format!("{}-{calls}", new.name);
        }
        new.reboot &= !$self.mutant.is_some_and(|mutant| mutant.keeps_running);
        made!($self, $call, $action, create_image($region, new))
    }};
    ($self:ident, $call:expr, $action:literal, copy_image($region:ident, $copy:ident)) => {
        made!($self, $call, $action, copy_image($region, $copy))
    };
    ($self:ident, $call:expr, $action:literal,
        add_launch_permissions($region:ident, $id:ident, $permissions:ident)) => {{
        if $self.mutant.is_some_and(|mutant| mutant.keeps_closed) {
            return Ok(());
        }
        through!($self, $call, &ec2_error($action), None, add_launch_permissions($region, $id, $permissions))
    }};
    ($self:ident, $call:expr, $action:literal, $method:ident($($arg:ident),*)) => {
        through!($self, $call, &ec2_error($action), None, $method($($arg),*))
    };
}

forward_ec2!(Through<dyn Ec2>, conducted);

#[async_trait]
impl Inspect for Through<dyn Inspect> {
    async fn packages(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> Result<Option<Inventory>, Ec2Error> {
        let wrong = ec2_error("ListInventoryEntries");
        through!(
            self,
            Call::Packages,
            &wrong,
            None,
            packages(region, instance)
        )
    }
}

fn table_error(wrong: Wrong) -> TableError {
    match wrong {
        Wrong::Throttled => TableError::Throttled(format!("injected by the simulation ({SECRET})")),
        _ => TableError::Unavailable {
            reason: format!("injected by the simulation: {wrong:?} ({SECRET})"),
            transient: !matches!(wrong, Wrong::Refused | Wrong::Denied),
            advice: None,
            source: None,
        },
    }
}

#[async_trait]
impl Table for Through<dyn Table> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        through!(self, Call::Get, &table_error, None, get(key))
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let call = match query.index {
            Index::Primary => Call::Query,
            Index::Gsi1 => Call::QueryGsi1,
            Index::Gsi2 => Call::QueryGsi2,
        };
        through!(self, call, &table_error, None, query(query))
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        let mutated = self.mutant.map(|mutant| (mutant.writes)(writes.to_vec()));
        let writes = mutated.as_deref().unwrap_or(writes);
        // A transaction is one call: that of its first write.
        let call = match writes.first() {
            Some(Write::Delete(..)) => Call::Delete,
            Some(Write::Update(..)) => Call::Update,
            Some(Write::Check(..)) => Call::Check,
            Some(Write::Put(..)) | None => Call::Put,
        };
        let (port, conductor) = (Arc::clone(&self.port), self.conductor.clone());
        let writes = writes.to_vec();
        let ask = move || -> BoxFuture<'static, Result<_, _>> {
            let (port, conductor, writes) = (Arc::clone(&port), conductor.clone(), writes.clone());
            Box::pin(async move {
                port.transact(&writes).await?;
                conductor.note_written(&writes);
                Ok(())
            })
        };
        let asked = Asked {
            call,
            wrong: &table_error,
            ask: &ask,
            past: None,
        };
        self.conductor.through(asked).await
    }
}
