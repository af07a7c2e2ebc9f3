//! Many runs, on all processors, and what came of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::coverage::Coverage;
use super::fault::Fault;
use super::run::Run;

/// After so many failures a campaign stops: more would tell nothing new.
const ENOUGH: usize = 200;

/// Which of what can go wrong is looked at; of pairs, what goes wrong first, with all that can go wrong after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Every so manieth, which with 1 is all of it.
    pub every: usize,
    /// From this one on: 0 is the first.
    pub from: usize,
}

/// What a campaign tells while it goes on.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Something was wrong in a run.
    Failed(&'a Failure),
    /// So many runs of so many are done: a tenth more than when it was told before.
    Done(usize, usize),
}

/// Whom a campaign tells.
pub type Watch<'a> = &'a (dyn Fn(&Progress<'_>) + Sync);

/// A run in which something was wrong.
#[derive(Debug, Clone)]
pub struct Failure {
    /// How to play it again.
    pub replay: String,
    /// What went wrong in it, by plan or by chance.
    pub faults: Vec<Fault>,
    /// What must hold and did not.
    pub violations: Vec<String>,
    /// What happened, for people.
    pub tale: String,
}

/// What came of many runs.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many there were.
    pub runs: usize,
    /// How many of them ended at a moment that another run had passed on its way to a good end.
    pub joined: usize,
    /// How many saves and copies were asked for in them.
    pub asked: usize,
    /// How many of those were begun, with a lock, a duty and a record, and carried through to their
    /// end; the others were refused at once.
    pub saves: usize,
    /// How much time of processors all of it took, where the system tells.
    pub busy: Duration,
    /// Those in which something was wrong, the first of them.
    pub failures: Vec<Failure>,
    /// What was visited.
    pub coverage: Coverage,
}

impl Tally {
    /// Adds a run that is to be played again by `replay`.
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

    /// Adds another tally.
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

/// How much time of a processor this thread has had; nothing where the system does not tell.
fn busy() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// Does all jobs on all processors, each by itself.
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
                    if before * 10 / of < (before + 1) * 10 / of {
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
