//! Describes a run as readable text: the requests, the faults, and the results.

use std::fmt::Write as _;

use super::conductor::Visit;
use super::fault::Kind;
use super::run::Run;
use crate::story;

/// The maximum number of events of an instance to show: the first and the last.
const EVENTS: usize = 40;

/// Every call of a run, one per line. The same run always gives the same text.
pub fn trace(run: &Run) -> String {
    let mut text = String::new();
    for visit in run.conductor.trace() {
        let at = (visit.at - run.begin).num_milliseconds();
        let _ = write!(text, "{at:>12} {:>5} {}", visit.invocation, visit.point);
        let _ = match visit.kind {
            Some(kind) => writeln!(text, " = {}", kind.name()),
            None => writeln!(text),
        };
    }
    text
}

pub fn tell(run: &Run) -> String {
    let mut text = String::new();
    let since = |at: prism_functions::domain::Timestamp| {
        (at - run.begin).to_std().unwrap_or_default().as_secs_f64()
    };
    let trace = run.conductor.trace();
    let wrong: Vec<&Visit> = trace.iter().filter(|visit| visit.kind.is_some()).collect();
    // A hundred throttles are shown as one.
    let like = |a: &&Visit, b: &&Visit| {
        a.point.site.spot == b.point.site.spot && b.kind == Some(Kind::Throttle1)
    };
    for visits in wrong.chunk_by(like) {
        let visit = visits[0];
        let kind = visit.kind.map_or("", Kind::name);
        let _ = write!(text, "{:>10.3}  {} = {kind}", since(visit.at), visit.point);
        let _ = match visits.len() {
            1 => writeln!(text),
            times => writeln!(text, ", {times} times"),
        };
    }
    let Some(hands) = run.conductor.hands() else {
        return text;
    };
    for subject in hands.subjects() {
        let _ = writeln!(text, "\n{}: {}", subject.id, subject.wanted);
        text.push_str(&story::tell(&run.world, &subject.id));
        let record = hands.record(&subject.id);
        let Some(instance) = record.and_then(|r| Some(r.instance().ok()?.id.clone())) else {
            continue;
        };
        let events = run.world.cloud.events_of(instance.as_str());
        let events = events.unwrap_or_default();
        let (first, last) = (EVENTS / 2, events.len().saturating_sub(EVENTS / 2));
        for (number, event) in events.iter().enumerate() {
            if (first..last).contains(&number) {
                if number == first {
                    let _ = writeln!(text, "            {} more", last - first);
                }
                continue;
            }
            let _ = writeln!(
                text,
                "{:>10.3}  {} {}",
                since(event.at),
                event.subject,
                event.what
            );
        }
    }
    text
}
