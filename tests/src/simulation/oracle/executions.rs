//! The executions of a run: each ended as the definition says, or was ended from outside.

use prism_asl::{EVENT_LIMIT, Event, StateKind};
use prism_functions::ports::{ExecutionStatus, Executions};

use super::{Findings, Run, must};

pub(super) fn check(run: &Run, findings: &mut Findings) {
    let executions = &run.world.executions;
    for name in executions.names() {
        let execution = run.world.run(executions.describe(&name));
        let execution = execution.expect("the execution is known");
        let history = executions.history(&name).expect("it has a history");
        let events = history.events();
        must!(
            findings,
            events.len() as u64 <= EVENT_LIMIT,
            "P8: the history of {name} has {} events",
            events.len()
        );
        must!(
            findings,
            execution.status != ExecutionStatus::Running,
            "{name} still runs"
        );
        if execution.status != ExecutionStatus::Failed {
            continue;
        }
        // The last entered state is a Fail state, so no error has escaped every Catch.
        let entered = events.iter().rev().find_map(|event| match &event.event {
            Event::StateEntered { kind, name, .. } => Some((*kind, name)),
            _ => None,
        });
        let by_design = entered.is_some_and(|(kind, _)| kind == StateKind::Fail);
        must!(
            findings,
            by_design,
            "{name} failed in {entered:?} with {:?}: {:?}, which nothing caught",
            execution.error,
            execution.cause
        );
    }
}
