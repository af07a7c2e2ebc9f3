//! A run as a text that people can read: what was asked, what went wrong, and what came of it.

use std::fmt::Write as _;

use super::run::Run;
use crate::story;

/// Every call of a run, one a line: the same run gives the same text.
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

/// Tells a run.
pub fn tell(run: &Run) -> String {
    let mut text = String::new();
    let since = |at: prism_functions::domain::Timestamp| {
        (at - run.begin).to_std().unwrap_or_default().as_secs_f64()
    };
    let trace = run.conductor.trace();
    for visit in trace.iter().filter(|visit| visit.kind.is_some()) {
        let kind = visit.kind.map_or("", super::fault::Kind::name);
        let _ = writeln!(text, "{:>10.3}  {} = {kind}", since(visit.at), visit.point);
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
        for event in events.unwrap_or_default() {
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
