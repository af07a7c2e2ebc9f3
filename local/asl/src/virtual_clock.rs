//! A clock that jumps, and the driver that advances it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::Stream;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use crate::Clock;

/// A clock whose time passes only when all futures are waiting.
///
/// [`run`](Self::run) polls a future, and everything that was [spawned](Self::spawn), until none can make progress.
/// Then it jumps to the earliest timer and wakes only that one; timers of the same instant fire in the order in which
/// they were created. The same program therefore runs the same way every time, and a wait of a day costs nothing.
/// Clones share the same clock.
///
/// All futures must be woken by timers or by each other. A future that another thread would wake looks stalled.
///
/// ```
/// use std::time::Duration;
/// use prism_asl::{Clock, VirtualClock};
///
/// let clock = VirtualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
/// clock.run(async { clock.sleep(Duration::from_secs(86_400)).await });
/// assert_eq!(clock.now().to_rfc3339(), "2026-01-02T00:00:00+00:00");
/// ```
#[derive(Clone)]
pub struct VirtualClock(Arc<Shared>);

struct Shared {
    timers: Mutex<Timers>,
    /// Futures that were spawned since the driver last checked.
    inbox: Mutex<Vec<BoxFuture<'static, ()>>>,
    /// Spawned futures that have not completed, kept from one run to the next.
    tasks: Mutex<FuturesUnordered<BoxFuture<'static, ()>>>,
}

struct Timers {
    now: DateTime<Utc>,
    made: u64,
    /// Keyed by deadline, then by order of creation.
    pending: BTreeMap<(DateTime<Utc>, u64), Option<Waker>>,
}

/// No future can make progress and no timer is pending: all futures wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "deadlock at {now}: no future can move and no timer is pending ({tasks} spawned still wait)"
)]
pub struct Deadlock {
    pub now: DateTime<Utc>,
    /// The number of spawned futures that still wait.
    pub tasks: usize,
}

impl VirtualClock {
    pub fn new(start: DateTime<Utc>) -> Self {
        Self(Arc::new(Shared {
            timers: Mutex::new(Timers {
                now: start,
                made: 0,
                pending: BTreeMap::new(),
            }),
            inbox: Mutex::new(Vec::new()),
            tasks: Mutex::new(FuturesUnordered::new()),
        }))
    }

    /// Runs `future` to completion, and spawned futures as far as they get in the meantime.
    ///
    /// Do not call this from within a future that the same clock runs.
    ///
    /// # Panics
    /// On a [`Deadlock`]; [`try_run`](Self::try_run) returns it instead.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        match self.try_run(future) {
            Ok(output) => output,
            Err(deadlock) => panic!("{deadlock}"),
        }
    }

    /// Runs `future` to completion, or returns an error if it can never complete.
    pub fn try_run<F: Future>(&self, future: F) -> Result<F::Output, Deadlock> {
        let mut future = pin!(future);
        self.drive(|cx, _| future.as_mut().poll(cx))
    }

    /// Runs everything that was spawned, and what that spawns in turn, to completion.
    pub fn run_until_idle(&self) -> Result<(), Deadlock> {
        self.drive(|_, tasks| {
            if tasks == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    }

    /// Adds a future for the driver to run concurrently. It is first polled at the next run, or at the driver's next
    /// turn if a run is in progress.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        lock(&self.0.inbox).push(Box::pin(future));
    }

    /// Drops all spawned futures that have not completed. They usually hold clones of the clock, which in turn holds
    /// them.
    pub fn abandon(&self) {
        let spawned = std::mem::take(&mut *lock(&self.0.inbox));
        let tasks = std::mem::take(&mut *lock(&self.0.tasks));
        // Dropping the futures drops their timers, which needs the lock on the timers.
        drop((spawned, tasks));
    }

    pub fn pending_timers(&self) -> usize {
        lock(&self.0.timers).pending.len()
    }

    /// Polls until `done` returns a value. `done` gets the number of spawned futures that are left.
    fn drive<T>(
        &self,
        mut done: impl FnMut(&mut Context<'_>, usize) -> Poll<T>,
    ) -> Result<T, Deadlock> {
        let mut tasks = std::mem::take(&mut *lock(&self.0.tasks));
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(flag.clone());
        let mut cx = Context::from_waker(&waker);
        let result = loop {
            while flag.0.swap(false, Ordering::AcqRel) || self.adopt(&mut tasks) {
                self.adopt(&mut tasks);
                while let Poll::Ready(Some(())) = Pin::new(&mut tasks).poll_next(&mut cx) {}
                if let Poll::Ready(output) = done(&mut cx, tasks.len()) {
                    *lock(&self.0.tasks) = tasks;
                    return Ok(output);
                }
            }
            if !self.jump() {
                break Err(Deadlock {
                    now: self.now(),
                    tasks: tasks.len(),
                });
            }
            // The timer may have been created with a different waker (one that a combinator keeps), so poll again
            // whether or not the flag was set.
            flag.0.store(true, Ordering::Release);
        };
        *lock(&self.0.tasks) = tasks;
        result
    }

    /// Takes over newly spawned futures; returns whether there were any.
    fn adopt(&self, tasks: &mut FuturesUnordered<BoxFuture<'static, ()>>) -> bool {
        let mut inbox = lock(&self.0.inbox);
        let any = !inbox.is_empty();
        for future in inbox.drain(..) {
            tasks.push(future);
        }
        any
    }

    /// Jumps to the earliest timer and fires it; returns whether there was one.
    fn jump(&self) -> bool {
        let fired = {
            let mut timers = lock(&self.0.timers);
            let Some(((deadline, _), waker)) = timers.pending.pop_first() else {
                return false;
            };
            timers.now = timers.now.max(deadline);
            waker
        };
        if let Some(waker) = fired {
            waker.wake();
        }
        true
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        lock(&self.0.timers).now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut timers = lock(&self.0.timers);
        let deadline = TimeDelta::from_std(duration)
            .ok()
            .and_then(|delta| timers.now.checked_add_signed(delta))
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        timers.made += 1;
        let key = (deadline, timers.made);
        timers.pending.insert(key, None);
        Box::pin(Sleep {
            shared: self.0.clone(),
            key,
        })
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock")
            .field("now", &self.now())
            .field("pending_timers", &self.pending_timers())
            .finish_non_exhaustive()
    }
}

/// A timer. It has fired when it is no longer among the pending timers.
struct Sleep {
    shared: Arc<Shared>,
    key: (DateTime<Utc>, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match lock(&self.shared.timers).pending.get_mut(&self.key) {
            None => Poll::Ready(()),
            Some(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        // Drop the waker outside the lock: it may own the last reference to a future that itself holds a timer.
        let waker = lock(&self.shared.timers).pending.remove(&self.key);
        drop(waker);
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// Ignores poisoning, so that a panic elsewhere does not cause a second one here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::{join, join_all, select};

    fn clock() -> VirtualClock {
        VirtualClock::new(DateTime::UNIX_EPOCH)
    }

    #[test]
    fn timers_fire_in_order_of_deadline_then_creation() {
        let clock = clock();
        let order = Mutex::new(Vec::new());
        let after = |name, secs| {
            let sleep = clock.sleep(Duration::from_secs(secs));
            let order = &order;
            async move {
                sleep.await;
                order.lock().unwrap().push(name);
            }
        };
        clock.run(join_all([
            after("c", 2),
            after("a", 1),
            after("b", 1),
            after("d", 2),
        ]));
        assert_eq!(*order.lock().unwrap(), ["a", "b", "c", "d"]);
        assert_eq!(clock.now().timestamp(), 2);
    }

    #[test]
    fn dropped_sleeps_leave_no_timer() {
        let clock = clock();
        clock.run(async {
            for _ in 0..1_000 {
                let long = clock.sleep(Duration::from_hours(1));
                select(long, clock.sleep(Duration::from_secs(1))).await;
                assert!(clock.pending_timers() <= 1);
            }
        });
        assert_eq!(clock.pending_timers(), 0);
        assert_eq!(clock.now().timestamp(), 1_000);
    }

    #[test]
    fn a_deadlock_is_reported() {
        let clock = clock();
        let stuck = clock.try_run(futures::future::pending::<()>());
        assert_eq!(stuck.unwrap_err().now, clock.now());
        clock.spawn(futures::future::pending());
        assert_eq!(clock.run_until_idle().unwrap_err().tasks, 1);
    }

    #[test]
    fn spawned_futures_run_alongside_and_outlive_a_run() {
        let clock = clock();
        let (send, receive) = futures::channel::oneshot::channel();
        let inner = clock.clone();
        clock.spawn(async move {
            inner.sleep(Duration::from_secs(5)).await;
            send.send(inner.now()).expect("the receiver is there");
            inner.sleep(Duration::from_secs(5)).await;
        });
        let told = clock.run(receive).expect("the sender is there");
        assert_eq!(told.timestamp(), 5);
        clock.run_until_idle().expect("the task has a timer");
        assert_eq!(clock.now().timestamp(), 10);
    }

    #[test]
    fn a_duration_beyond_the_calendar_does_not_panic() {
        let clock = clock();
        let forever = clock.sleep(Duration::MAX);
        clock.run(select(forever, clock.sleep(Duration::ZERO)));
        clock.run(join(clock.sleep(Duration::ZERO), async {}));
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
    }
}
