//! The simulated EC2 with deviations that a test chooses: things that happen in real accounts and that the simulator
//! cannot produce.

use std::collections::BTreeSet;
use std::sync::Mutex;

use prism_functions::domain::ec2::StatusChecks;
use prism_functions::domain::{ImageId, Region};
use prism_functions::ports::{Ec2Error, Image, Instance, Snapshot};
use prism_local::ec2::SimEc2;

use crate::forward::forward_ec2;

/// EC2 with deviations; see the module.
#[derive(Debug)]
pub struct Bent {
    pub ec2: SimEc2,
    pub images: fn(Image) -> Image,
    pub snapshots: fn(&Snapshot) -> bool,
    /// The status checks of a running instance, instead of the simulator's.
    pub checks: Option<StatusChecks>,
    /// Whether the first response to each different mutating request is lost.
    pub forgetful: bool,
    /// Whether the first response to each launch is lost.
    pub loses_launches: bool,
    /// Whether the first request of each launch in each place is never responded to.
    pub hangs: bool,
    pub instances: fn(Instance) -> Instance,
    /// The error with which an action is refused before it has an effect.
    pub refuses: fn(&'static str) -> Option<Ec2Error>,
    pub opens_in: fn(&Region) -> bool,
    /// Whether a Region reports its instances.
    pub answers_in: fn(&Region) -> bool,
    /// Called just after an AMI was shared.
    pub opened: fn(&ImageId),
    pub lost: Mutex<BTreeSet<String>>,
}

impl Bent {
    pub fn straight(ec2: SimEc2) -> Self {
        Self {
            ec2,
            images: |image| image,
            snapshots: |_| true,
            checks: None,
            instances: |instance| instance,
            refuses: |_| None,
            forgetful: false,
            loses_launches: false,
            hangs: false,
            opens_in: |_| true,
            answers_in: |_| true,
            opened: |_| {},
            lost: Mutex::default(),
        }
    }

    fn asked(&self, action: &'static str) -> Result<(), Ec2Error> {
        (self.refuses)(action).map_or(Ok(()), Err)
    }

    /// The response to a request that has taken effect, or the error that none arrived.
    fn answer<T>(
        &self,
        action: &str,
        request: impl std::fmt::Debug,
        answer: Result<T, Ec2Error>,
    ) -> Result<T, Ec2Error> {
        self.lossy(self.forgetful, action, request, answer)
    }

    fn lossy<T>(
        &self,
        loses: bool,
        action: &str,
        request: impl std::fmt::Debug,
        answer: Result<T, Ec2Error>,
    ) -> Result<T, Ec2Error> {
        if loses && self.is_first(format!("{action} {request:?}")) {
            return Err(Ec2Error::new(action, "Timeout", "no response arrived"));
        }
        answer
    }

    fn is_first(&self, request: String) -> bool {
        let mut lost = self
            .lost
            .lock()
            .expect("no test panics while it holds the lock");
        lost.insert(request)
    }
}

macro_rules! bent {
    (@told $self:ident, $action:literal, $($told:tt)*) => {{
        $self.asked($action)?;
        $self.ec2.$($told)*.await
    }};
    (@lossy $self:ident, $action:literal, $request:expr, $($told:tt)*) => {{
        let answer = bent!(@told $self, $action, $($told)*);
        $self.answer($action, $request, answer)
    }};
    ($self:ident, $call:expr, $action:literal, instances($region:ident, $filter:ident)) => {{
        if !($self.answers_in)($region) {
            return Err(Ec2Error::new($action, "Timeout", "no response arrived"));
        }
        let told = bent!(@told $self, $action, instances($region, $filter))?;
        Ok(told.into_iter().map($self.instances).collect())
    }};
    ($self:ident, $call:expr, $action:literal, status_checks($region:ident, $id:ident)) => {{
        let told = bent!(@told $self, $action, status_checks($region, $id))?;
        Ok($self.checks.unwrap_or(told))
    }};
    ($self:ident, $call:expr, $action:literal, run_instance($region:ident, $new:ident)) => {{
        if $self.hangs && $self.is_first(format!("{} hangs", $new.client_token)) {
            std::future::pending::<()>().await;
        }
        let answer = bent!(@told $self, $action, run_instance($region, $new)).map($self.instances);
        $self.lossy($self.loses_launches, $action, &$new.client_token, answer)
    }};
    ($self:ident, $call:expr, $action:literal, images($region:ident, $filter:ident)) => {{
        let told = bent!(@told $self, $action, images($region, $filter))?;
        Ok(told.into_iter().map($self.images).collect())
    }};
    ($self:ident, $call:expr, $action:literal, snapshots($region:ident, $filter:ident)) => {{
        let mut told = bent!(@told $self, $action, snapshots($region, $filter))?;
        told.retain($self.snapshots);
        Ok(told)
    }};
    ($self:ident, $call:expr, $action:literal, snapshot_keys($region:ident, $ids:ident)) => {
        bent!(@told $self, "DescribeSnapshotKeys", snapshot_keys($region, $ids))
    };
    // The attempts differ only in a tag, so they count as the same request.
    ($self:ident, $call:expr, $action:literal, create_image($region:ident, $new:ident)) => {
        bent!(@lossy $self, $action, &$new.name, create_image($region, $new))
    };
    ($self:ident, $call:expr, $action:literal, copy_image($region:ident, $copy:ident)) => {
        bent!(@lossy $self, $action, ($region, $copy), copy_image($region, $copy))
    };
    ($self:ident, $call:expr, $action:literal, stop_instance($region:ident, $id:ident)) => {
        bent!(@lossy $self, $action, $id, stop_instance($region, $id))
    };
    ($self:ident, $call:expr, $action:literal, start_instance($region:ident, $id:ident)) => {
        bent!(@lossy $self, $action, $id, start_instance($region, $id))
    };
    ($self:ident, $call:expr, $action:literal, deregister_image($region:ident, $id:ident)) => {
        bent!(@lossy $self, $action, $id, deregister_image($region, $id))
    };
    ($self:ident, $call:expr, $action:literal, delete_snapshot($region:ident, $id:ident)) => {
        bent!(@lossy $self, $action, $id, delete_snapshot($region, $id))
    };
    ($self:ident, $call:expr, $action:literal,
        add_launch_permissions($region:ident, $id:ident, $permissions:ident)) => {{
        $self.asked("AddLaunchPermissions")?;
        if !($self.opens_in)($region) {
            return Err(Ec2Error::new($action, "OperationNotPermitted", "not there"));
        }
        let added = $self.ec2.add_launch_permissions($region, $id, $permissions);
        let answer = added.await;
        ($self.opened)($id);
        $self.answer($action, $id, answer)
    }};
    ($self:ident, $call:expr, $action:literal,
        remove_launch_permissions($region:ident, $id:ident, $permissions:ident)) => {{
        $self.asked("RemoveLaunchPermissions")?;
        let removed = $self.ec2.remove_launch_permissions($region, $id, $permissions);
        $self.answer($action, $id, removed.await)
    }};
    ($self:ident, $call:expr, $action:literal, $($told:tt)*) => {
        bent!(@told $self, $action, $($told)*)
    };
}

forward_ec2!(Bent, bent);
