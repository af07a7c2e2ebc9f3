//! Exhaustive single faults: every possible fault at every call of every path.

use std::collections::HashSet;

use super::campaign::{Part, Tally, Watch, all};
use super::fault::{Fault, Point};
use super::mutant::Mutant;
use super::path::Path;
use super::run::Run;
use super::scene::Scene;

pub fn play(path: Path, faults: &[Fault], mutant: Option<&'static Mutant>) -> Run {
    Run::play(Scene {
        mutant,
        ..Scene::on(path, faults)
    })
}

impl Mutant {
    /// The run that reveals the defect: with it, the run must have violations, and without it none.
    pub fn run(&'static self, with_defect: bool) -> Run {
        let (path, fault) = self.caught_on;
        let path = Path::named(path).expect("the path is known");
        let fault = fault.map(|text| text.parse().expect("it is a fault"));
        let faults: Vec<Fault> = fault.into_iter().collect();
        play(path, &faults, with_defect.then_some(self))
    }
}

pub fn points(path: Path) -> Vec<Point> {
    let scripted: Vec<Point> = path.script().iter().map(|fault| fault.point).collect();
    let trace = play(path, &[], None).conductor.trace();
    let points = trace.into_iter().map(|visit| visit.point);
    points.filter(|point| !scripted.contains(point)).collect()
}

/// The same without equivalent points, such as the hundreds of polls on a path that waits for hours.
fn different(path: Path) -> Vec<Point> {
    let mut scene = Scene::on(path, &[]);
    scene.script.fingerprints = true;
    let trace = Run::play(scene).conductor.trace();
    let mut seen = HashSet::new();
    let first = trace.iter().filter(|visit| seen.insert(visit.fingerprint));
    first.map(|visit| visit.point).collect()
}

pub(crate) fn replay(path: Path, faults: &[Fault]) -> String {
    let faults: Vec<String> = faults.iter().map(|f| format!(" --fault {f}")).collect();
    format!(
        "cargo xtask simulate --path '{}'{}",
        path.name,
        faults.concat()
    )
}

pub fn singles(paths: &[Path], part: Part, watch: Watch<'_>) -> Tally {
    let mut jobs: Vec<(Path, Option<Fault>)> = Vec::new();
    for path in paths {
        jobs.push((*path, None));
        let points = if path.waits {
            different(*path)
        } else {
            points(*path)
        };
        for point in points {
            let faults = point.site.kinds().map(|kind| Fault { point, kind });
            jobs.extend(faults.map(|fault| (*path, Some(fault))));
        }
    }
    let jobs = jobs.into_iter().skip(part.from).step_by(part.every);
    let jobs: Vec<_> = jobs.collect();
    all(&jobs, watch, |(path, fault), tally| {
        let faults: Vec<Fault> = fault.iter().copied().collect();
        let run = play(*path, &faults, None);
        tally.add(&run, || replay(*path, &faults));
    })
}
