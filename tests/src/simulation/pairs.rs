//! All pairs of faults on a path: everything that can go wrong once something has.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::campaign::{Part, Tally, Watch, all};
use super::conductor::Visit;
use super::fault::{Fault, Kind, Spot};
use super::path::Path;
use super::run::Run;
use super::scene::Scene;
use super::singles::{points, replay};

/// A moment of a run, told from others by its fingerprint, and what goes wrong at it.
type Moment = (u64, Kind);

/// What pairs there are.
#[derive(Debug, Clone, Default)]
pub struct Pairs {
    /// Those that differ, to be played.
    different: Vec<[Fault; 2]>,
    /// How many there are with those that come to the same.
    pub all: usize,
    /// The moments that runs with one fault have passed on their way to a good end.
    known: Arc<HashSet<u64>>,
}

/// The moments of a run, and whether it came to a good end.
fn observed(path: Path, faults: &[Fault]) -> (Vec<Visit>, bool) {
    let mut scene = Scene::on(path, faults);
    scene.script.fingerprints = true;
    let run = Run::play(scene);
    (run.conductor.trace(), run.violations.is_empty())
}

/// The moments at which a run with two faults may end, if it comes to them.
fn ends(visits: &[Visit]) -> impl Iterator<Item = u64> {
    let begins = visits.iter().filter(|v| v.point.site.spot == Spot::Begin);
    begins.map(|visit| visit.past)
}

impl Pairs {
    /// How many differ.
    pub fn different(&self) -> usize {
        self.different.len()
    }
}

/// All pairs on a path, or a part of them, of which those are left out whose second fault meets the same moment as
/// one before it: the same call of the same function, with the save's record, the registry, EC2, and all
/// that is under way the same, but for when things happened.
pub fn pairs(path: Path, part: Part) -> Pairs {
    let firsts = points(path)
        .into_iter()
        .flat_map(|point| point.site.kinds().map(move |kind| Fault { point, kind }));
    let firsts: Vec<Fault> = firsts.skip(part.from).step_by(part.every).collect();
    let traces: Mutex<Vec<(usize, Vec<Visit>)>> = Mutex::default();
    let known: Mutex<HashSet<u64>> = Mutex::default();
    let remember = |visits: &[Visit]| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(ends(visits));
    };
    let numbered: Vec<(usize, Fault)> = firsts.iter().copied().enumerate().collect();
    all(&numbered, &|_| {}, |(number, first), _| {
        let (trace, good) = observed(path, &[*first]);
        if good {
            remember(&trace);
        }
        let mut traces = traces.lock().unwrap_or_else(PoisonError::into_inner);
        traces.push((*number, trace));
    });
    let mut traces = traces.into_inner().unwrap_or_else(PoisonError::into_inner);
    traces.sort_unstable_by_key(|(number, _)| *number);
    let mut seen: HashSet<Moment> = HashSet::new();
    // A second fault at a moment that a run without the first has as well is a single one.
    let (plain, good) = observed(path, &[]);
    if good {
        remember(&plain);
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
    let known = known.into_inner().unwrap_or_else(PoisonError::into_inner);
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

/// Plays pairs: each to its end, or to a moment that a run with one fault has passed on its way to a
/// good one.
pub fn play_pairs(path: Path, pairs: &Pairs, watch: Watch<'_>) -> Tally {
    all(&pairs.different, watch, |faults, tally| {
        let mut scene = Scene::on(path, faults);
        scene.script.known = Some(Arc::clone(&pairs.known));
        let run = Run::play(scene);
        tally.add(&run, || replay(path, faults));
    })
}
