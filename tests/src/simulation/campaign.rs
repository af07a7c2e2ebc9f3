//! Many runs on all processors, and their results.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::coverage::Coverage;
use super::fault::Fault;
use super::run::Run;

/// The number of failures after which a campaign stops: more would not give new information.
const ENOUGH: usize = 200;

/// Which faults to run. For pairs it selects the first faults; each is combined with every possible second fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Selects every n-th; 1 selects all.
    pub every: usize,
    pub from: usize,
}

#[derive(Debug)]
pub enum Progress<'a> {
    Failed(&'a Failure),
    Done(usize, usize),
}

pub type Watch<'a> = &'a (dyn Fn(&Progress<'_>) + Sync);

#[derive(Debug, Clone)]
pub struct Failure {
    pub replay: String,
    pub faults: Vec<Fault>,
    pub violations: Vec<String>,
    pub tale: String,
}

#[derive(Debug, Default)]
pub struct Tally {
    pub runs: usize,
    /// How many of them ended at a moment that another run had passed on its way to a good end.
    pub joined: usize,
    pub asked: usize,
    /// How many of those were started, with a lock, a duty and a record, and carried out to the end. The others were
    /// refused at once.
    pub saves: usize,
    /// The CPU time of all runs, if the system reports it.
    pub busy: Duration,
    pub failures: Vec<Failure>,
    pub coverage: Coverage,
}

impl Tally {
    pub(crate) fn add(&mut self, run: &Run, replay: impl FnOnce() -> String) {
        self.runs += 1;
        self.joined += usize::from(run.conductor.has_arrived());
        if let Some(hands) = run.conductor.hands() {
            let subjects = hands.subjects();
            let begun = subjects.iter().filter(|s| hands.record(&s.id).is_some());
            self.saves += begun.count();
            self.asked += subjects.len();
        }
        self.coverage.add(run);
        if !run.violations.is_empty() {
            let trace = run.conductor.trace();
            let faults = trace.iter().filter_map(|visit| {
                let (point, kind) = (visit.point, visit.kind?);
                Some(Fault { point, kind })
            });
            self.failures.push(Failure {
                replay: replay(),
                faults: faults.collect(),
                violations: run.violations.clone(),
                tale: super::tale::tell(run),
            });
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.joined += other.joined;
        self.asked += other.asked;
        self.saves += other.saves;
        self.busy += other.busy;
        self.failures.extend(other.failures);
        self.coverage.merge(other.coverage);
    }
}

/// The CPU time of this thread; zero if the system does not report it.
fn busy() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

pub(crate) fn all<J: Sync>(
    jobs: &[J],
    watch: Watch<'_>,
    play: impl Fn(&J, &mut Tally) + Sync,
) -> Tally {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = AtomicUsize::new(0);
    let whole = Mutex::new(Tally::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut tally = Tally::default();
                let since = busy();
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let known = tally.failures.len();
                    play(job, &mut tally);
                    let new = &tally.failures[known..];
                    for failure in new {
                        watch(&Progress::Failed(failure));
                    }
                    let (before, of) = (done.fetch_add(1, Ordering::Relaxed), jobs.len());
                    if before * 20 / of < (before + 1) * 20 / of {
                        watch(&Progress::Done(before + 1, of));
                    }
                    if failures.fetch_add(new.len(), Ordering::Relaxed) + new.len() >= ENOUGH {
                        break;
                    }
                }
                tally.busy += busy().saturating_sub(since);
                let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
                whole.merge(tally);
            });
        }
    });
    whole.into_inner().unwrap_or_else(PoisonError::into_inner)
}
