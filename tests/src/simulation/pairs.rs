//! All pairs of faults on a path: every fault that can happen after another one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::campaign::{Part, Tally, Watch, all};
use super::conductor::Visit;
use super::fault::{Fault, Kind, Spot};
use super::known::Known;
use super::path::Path;
use super::run::Run;
use super::scene::Scene;
use super::singles::{points, replay};

type Moment = (u64, Kind);

#[derive(Debug, Clone, Default)]
pub struct Pairs {
    different: Vec<[Fault; 2]>,
    pub all: usize,
    known: Arc<Known>,
}

/// The moments of a run, and whether it came to a good end.
fn observed(path: Path, faults: &[Fault]) -> (Vec<Visit>, bool) {
    let mut scene = Scene::on(path, faults);
    scene.script.fingerprints = true;
    let run = Run::play(scene);
    (run.conductor.trace(), run.violations.is_empty())
}

/// The moments at which a run with two faults may end if it reaches them.
fn ends(visits: &[Visit]) -> impl Iterator<Item = u64> {
    let begins = visits.iter().filter(|v| v.point.site.spot == Spot::Begin);
    begins.filter_map(|visit| visit.past)
}

impl Pairs {
    pub fn different(&self) -> usize {
        self.different.len()
    }

    /// Leaves out the first pairs, which have been played already. Their order is always the same.
    pub fn leave_out(&mut self, first: usize) {
        self.different.drain(..first.min(self.different.len()));
    }
}

/// Finds all pairs on a path, or a part of them. Pairs are omitted if their second fault meets the same moment as an
/// earlier one: the same call of the same function, with the same record, registry, EC2 state, and calls under way,
/// regardless of when things happened.
pub fn pairs(path: Path, part: Part) -> Pairs {
    let firsts = points(path)
        .into_iter()
        .flat_map(|point| point.site.kinds().map(move |kind| Fault { point, kind }));
    let firsts: Vec<Fault> = firsts.skip(part.from).step_by(part.every).collect();
    let traces: Mutex<Vec<(usize, Vec<Visit>)>> = Mutex::default();
    let known = Known::default();
    let numbered: Vec<(usize, Fault)> = firsts.iter().copied().enumerate().collect();
    all(&numbered, &|_| {}, |(number, first), _| {
        let (trace, good) = observed(path, &[*first]);
        if good {
            known.add(ends(&trace));
        }
        let mut traces = traces.lock().unwrap_or_else(PoisonError::into_inner);
        traces.push((*number, trace));
    });
    let mut traces = traces.into_inner().unwrap_or_else(PoisonError::into_inner);
    traces.sort_unstable_by_key(|(number, _)| *number);
    let mut seen: HashSet<Moment> = HashSet::new();
    // A second fault at a moment that also occurs without the first fault is a single fault.
    let (plain, good) = observed(path, &[]);
    if good {
        known.add(ends(&plain));
    }
    for visit in plain {
        seen.extend(
            visit
                .point
                .site
                .kinds()
                .map(|kind| (visit.fingerprint, kind)),
        );
    }
    let mut pairs = Pairs {
        known: Arc::new(known),
        ..Pairs::default()
    };
    for (number, trace) in traces {
        let first = firsts[number];
        let after = trace.iter().skip_while(|visit| visit.point != first.point);
        for visit in after.skip(1).filter(|visit| visit.kind.is_none()) {
            for kind in visit.point.site.kinds() {
                pairs.all += 1;
                if seen.insert((visit.fingerprint, kind)) {
                    let second = Fault {
                        point: visit.point,
                        kind,
                    };
                    pairs.different.push([first, second]);
                }
            }
        }
    }
    pairs
}

/// Runs pairs: each to its end, or to a moment that another run has passed on its way to a good end.
pub fn play_pairs(path: Path, pairs: &Pairs, watch: Watch<'_>) -> Tally {
    all(&pairs.different, watch, |faults, tally| {
        let mut scene = Scene::on(path, faults);
        scene.script.known = Some(Arc::clone(&pairs.known));
        let run = Run::play(scene);
        if run.violations.is_empty() {
            pairs.known.add(ends(&run.conductor.trace()));
        }
        tally.add(&run, || replay(path, faults));
    })
}
