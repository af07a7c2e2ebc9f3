//! Exhaustive single faults: at every call of every path, everything that can go wrong there.

use std::collections::HashSet;
use std::sync::Arc;

use super::campaign::{Tally, Watch, all};
use super::fault::{Fault, Point};
use super::mutant::Mutant;
use super::pairs::ends;
use super::path::Path;
use super::run::{Run, Scene};

/// Plays a path with these faults.
pub fn play(path: Path, faults: &[Fault], mutant: Option<&'static Mutant>) -> Run {
    Run::play(Scene {
        mutant,
        ..Scene::on(path, faults)
    })
}

/// The points of a path at which something can go wrong beside what its script has.
pub fn points(path: Path) -> Vec<Point> {
    let scripted: Vec<Point> = path.script().iter().map(|fault| fault.point).collect();
    let trace = play(path, &[], None).conductor.trace();
    let points = trace.into_iter().map(|visit| visit.point);
    points.filter(|point| !scripted.contains(point)).collect()
}

/// The same without those that come to the same as one before: the hundreds of looks while nothing
/// happens, on a path that waits for hours.
fn different(path: Path) -> Vec<Point> {
    let mut scene = Scene::on(path, &[]);
    scene.script.fingerprints = true;
    let trace = Run::play(scene).conductor.trace();
    let mut seen = HashSet::new();
    let first = trace.iter().filter(|visit| seen.insert(visit.fingerprint));
    first.map(|visit| visit.point).collect()
}

/// How to play a path with these faults again.
pub(crate) fn replay(path: Path, faults: &[Fault]) -> String {
    let faults: Vec<String> = faults.iter().map(|f| format!(" --fault {f}")).collect();
    format!(
        "cargo xtask simulate --path '{}'{}",
        path.name,
        faults.concat()
    )
}

/// The moments of a path without a fault, from which on a run with one fault is the same but for when things
/// happen: behind all of its script. `None` where something happens at a time of its own.
fn beaten(path: Path) -> Option<Arc<HashSet<u64>>> {
    if !path.later.is_empty() {
        return None;
    }
    let mut scene = Scene::on(path, &[]);
    scene.script.known = Some(Arc::default());
    let run = Run::play(scene);
    let (trace, script) = (run.conductor.trace(), path.script());
    let scripted = |point: &Point| script.iter().any(|fault| fault.point == *point);
    let behind = trace.iter().rposition(|visit| scripted(&visit.point));
    let good = run.violations.is_empty();
    good.then(|| Arc::new(ends(&trace[behind.map_or(0, |at| at + 1)..]).collect()))
}

/// How far a run with a single fault is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To its end.
    End,
    /// Until the fault is behind it, and it comes to a moment that the path without it has passed.
    Joined,
}

/// Single faults of these paths: every so manieth of them, which with 1 is all of them.
pub fn singles(paths: &[Path], every: usize, until: Until, watch: Watch<'_>) -> Tally {
    let mut jobs: Vec<(Path, Option<Fault>, Option<_>)> = Vec::new();
    for path in paths {
        jobs.push((*path, None, None));
        let known = match until {
            Until::End => None,
            Until::Joined => beaten(*path),
        };
        let points = if path.waits {
            different(*path)
        } else {
            points(*path)
        };
        for point in points {
            let faults = point.site.kinds().map(|kind| Fault { point, kind });
            jobs.extend(faults.map(|fault| (*path, Some(fault), known.clone())));
        }
    }
    let jobs: Vec<_> = jobs.into_iter().step_by(every).collect();
    all(&jobs, watch, |(path, fault, known), tally| {
        let faults: Vec<Fault> = fault.iter().copied().collect();
        let mut scene = Scene::on(*path, &faults);
        scene.script.known.clone_from(known);
        let run = Run::play(scene);
        tally.add(&run, || replay(*path, &faults));
    })
}
