//! The handling of a call to a port: it passes, or suffers the fault that was decided for it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use prism_asl::Clock as _;
use prism_functions::ports::Call;
use prism_local::ec2::Cloud;

use super::{Conductor, LATE};
use crate::simulation::chance::Chance;
use crate::simulation::fault::{Kind, Spot, changes};
use crate::simulation::invocation::{self, Invocation};

/// How a call fails. The port translates it to its own error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    Failed,
    /// The service refused, permanently.
    Refused,
    Denied,
    Expired,
    Full,
    /// The service refused with an unknown error code.
    Odd,
    Silent,
    Throttled,
}

impl Wrong {
    /// EC2's error code and message.
    pub(crate) fn of_ec2(self) -> (&'static str, &'static str) {
        match self {
            Wrong::Failed => ("InternalError", "An internal error has occurred"),
            Wrong::Refused => ("UnsupportedOperation", "The simulation does not allow it"),
            Wrong::Denied => ("UnauthorizedOperation", "You are not authorized"),
            Wrong::Expired => ("RequestExpired", "Request has expired."),
            Wrong::Full => ("ResourceLimitExceeded", "You have reached a limit."),
            Wrong::Odd => ("SomethingNew", "Not now."),
            Wrong::Silent => ("Timeout", "no response arrived"),
            Wrong::Throttled => ("RequestLimitExceeded", "Request limit exceeded."),
        }
    }
}

pub(crate) struct Asked<'a, T, E> {
    pub(crate) call: Call,
    pub(crate) wrong: &'a (dyn Fn(Wrong) -> E + Send + Sync),
    pub(crate) ask: &'a (dyn Fn() -> BoxFuture<'static, Result<T, E>> + Send + Sync),
    /// Makes the call to a past state of the cloud, if possible.
    pub(crate) past: Option<&'a (dyn Fn(Cloud) -> Result<T, E> + Send + Sync)>,
}

impl Conductor {
    fn lag(&self) -> Option<Duration> {
        let mut state = self.state();
        if state.calm {
            return None;
        }
        state.chance.as_mut().and_then(Chance::lag)
    }

    pub(crate) async fn through<T, E>(&self, asked: Asked<'_, T, E>) -> Result<T, E>
    where
        T: PartialEq + Send + 'static,
        E: Send + 'static,
    {
        let Some(invocation) = invocation::current() else {
            return (asked.ask)().await;
        };
        let kind = self.arrive(&invocation, Spot::Call(asked.call));
        if self.has_arrived() {
            futures::future::pending::<()>().await;
        }
        if let Some(lag) = self.lag() {
            self.clock().sleep(lag).await;
        }
        let result = match kind {
            None => (asked.ask)().await,
            Some(kind) => self.suffer(&invocation, kind, &asked).await,
        };
        if changes(asked.call)
            && let Some(lag) = self.lag()
        {
            self.clock().sleep(lag).await;
        }
        result
    }

    async fn suffer<T, E>(
        &self,
        invocation: &Arc<Invocation>,
        kind: Kind,
        asked: &Asked<'_, T, E>,
    ) -> Result<T, E>
    where
        T: PartialEq + Send + 'static,
        E: Send + 'static,
    {
        let wrong = |how| Err((asked.wrong)(how));
        let clock = self.clock();
        match kind {
            Kind::Fails => wrong(Wrong::Failed),
            Kind::Refused => wrong(Wrong::Refused),
            Kind::Denied => wrong(Wrong::Denied),
            Kind::Expired => wrong(Wrong::Expired),
            Kind::Full => wrong(Wrong::Full),
            Kind::Odd => wrong(Wrong::Odd),
            Kind::Throttle1 | Kind::Throttle10 | Kind::Throttle100 => wrong(Wrong::Throttled),
            Kind::FailsAfter => {
                drop((asked.ask)().await);
                wrong(Wrong::Failed)
            }
            Kind::Lost => {
                drop((asked.ask)().await);
                wrong(Wrong::Silent)
            }
            Kind::Late => {
                let late = (asked.ask)();
                let rest = clock.sleep(LATE);
                let this = self.clone();
                this.state().late += 1;
                clock.spawn(async move {
                    rest.await;
                    drop(late.await);
                    this.state().late -= 1;
                });
                wrong(Wrong::Silent)
            }
            Kind::Slow => {
                clock.sleep(LATE).await;
                (asked.ask)().await
            }
            Kind::Ahead | Kind::Behind => {
                invocation.set_skew_s(kind.skew_s().unwrap_or_default());
                (asked.ask)().await
            }
            Kind::Stale => self.stale(asked).await,
            _ => self.break_off(invocation, kind, asked).await,
        }
    }

    /// Applies faults that end a function or its execution, and actions from outside.
    async fn break_off<T, E>(
        &self,
        invocation: &Arc<Invocation>,
        kind: Kind,
        asked: &Asked<'_, T, E>,
    ) -> Result<T, E>
    where
        T: Send + 'static,
    {
        let after = matches!(
            kind,
            Kind::HangsAfter
                | Kind::CrashAfter
                | Kind::AbortAfter
                | Kind::TimeUpAfter
                | Kind::DeathAfter
        );
        let result = if after {
            Some((asked.ask)().await)
        } else {
            None
        };
        match kind {
            Kind::Hangs | Kind::HangsAfter => futures::future::pending::<()>().await,
            Kind::Crash | Kind::CrashAfter => {
                invocation.die();
                futures::future::pending::<()>().await;
            }
            Kind::Zombie => {
                self.end_execution(invocation, kind);
                self.clock().sleep(LATE).await;
            }
            kind if kind.ends_execution() => {
                self.end_execution(invocation, kind);
                if matches!(kind, Kind::Death | Kind::DeathAfter) {
                    futures::future::pending::<()>().await;
                }
            }
            kind => self.act(invocation, kind).await,
        }
        match result {
            Some(result) => result,
            None => (asked.ask)().await,
        }
    }

    /// Makes the call to the state before the last change within [`LATE`].
    async fn stale<T, E>(&self, asked: &Asked<'_, T, E>) -> Result<T, E>
    where
        T: PartialEq + Send + 'static,
        E: Send + 'static,
    {
        let fresh = (asked.ask)().await;
        let Some(past) = asked.past else { return fresh };
        let now = self.clock().now();
        let pasts: Vec<Cloud> = {
            let state = self.state();
            let recent = state.pasts.iter().filter(|(at, _)| *at + LATE >= now);
            recent.rev().map(|(_, cloud)| cloud.clone()).collect()
        };
        for cloud in pasts {
            let told = past(cloud);
            let same = match (&told, &fresh) {
                (Ok(told), Ok(fresh)) => told == fresh,
                (Err(_), Err(_)) => true,
                _ => false,
            };
            if !same {
                return told;
            }
        }
        fresh
    }
}
