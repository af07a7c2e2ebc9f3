//! An invocation of a function as Lambda carries it out: it has a timeout, its process may die, and it continues to its
//! end even if the invoker is gone.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use prism_asl::{Clock as _, VirtualClock};
use prism_functions::domain::SaveId;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Invocation>>> = const { RefCell::new(None) };
}

#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) number: u32,
    pub(crate) function: &'static str,
    pub(crate) save: Option<(SaveId, u32)>,
    pub(crate) visits: AtomicU32,
    skew_s: AtomicI64,
    dead: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

#[derive(Debug)]
pub(crate) enum Ended<T> {
    Returned(T),
    Died,
    TimedOut,
}

/// The timeout of the function, as in `infra/template.yaml`.
pub(crate) fn limit(function: &str) -> Duration {
    Duration::from_secs(match function {
        "DiscardImage" => 290,
        "Sweep" => 240,
        "Ends" => 120,
        "Api" => 29,
        _ => 55,
    })
}

pub(crate) fn current() -> Option<Arc<Invocation>> {
    CURRENT.with_borrow(Clone::clone)
}

impl Invocation {
    pub(crate) fn new(number: u32, function: &'static str, save: Option<(SaveId, u32)>) -> Self {
        Self {
            number,
            function,
            save,
            visits: AtomicU32::new(0),
            skew_s: AtomicI64::new(0),
            dead: AtomicBool::new(false),
            waker: Mutex::default(),
        }
    }

    pub(crate) fn execution(&self) -> Option<String> {
        let (id, epoch) = self.save.as_ref()?;
        Some(match epoch {
            0 | 1 => id.to_string(),
            epoch => format!("{id}-{epoch}"),
        })
    }

    /// By how many seconds its clock is ahead.
    pub(crate) fn skew_s(&self) -> i64 {
        self.skew_s.load(Ordering::Relaxed)
    }

    pub(crate) fn set_skew_s(&self, seconds: i64) {
        self.skew_s.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
        let waker = self.waker.lock();
        if let Some(waker) = waker.unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    pub(crate) async fn run<T>(
        self: Arc<Self>,
        clock: &VirtualClock,
        work: impl Future<Output = T>,
    ) -> Ended<T> {
        let mut work = pin!(work);
        let mut time = pin!(clock.sleep(limit(self.function)));
        poll_fn(|context| {
            let before = CURRENT.replace(Some(Arc::clone(&self)));
            let polled = work.as_mut().poll(context);
            CURRENT.set(before);
            if self.dead.load(Ordering::Relaxed) {
                return Poll::Ready(Ended::Died);
            }
            if let Poll::Ready(output) = polled {
                return Poll::Ready(Ended::Returned(output));
            }
            if time.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ended::TimedOut);
            }
            let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            *waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}
