//! Late executions: starting an execution again for a save that has ended changes nothing.

use prism_functions::domain::save::SaveRecord;
use prism_functions::ports::Executions;
use serde_json::json;

use super::{Findings, Run, must, record_of};

pub(crate) const SUFFIX: &str = "-again-and-again";

/// How long they may take, in seconds.
const WAIT_S: u64 = 3600;

/// Starts each save once more, as it was started and as a recovery. This check comes last, because it lets time pass.
pub(crate) fn check(run: &Run) -> Findings {
    let mut findings = Findings::new();
    let Some(hands) = run.conductor.hands() else {
        return findings;
    };
    let subjects = hands.subjects();
    let records = || -> Vec<SaveRecord> {
        let all = subjects.iter();
        all.filter_map(|subject| record_of(run, subject)).collect()
    };
    let before = records();
    let inventory = run.inventory();
    let writes = run.world.table.writes();
    let (clock, executions) = (&run.world.clock, &run.world.executions);
    for record in &before {
        let id = &record.save_id;
        let first = clock.run(executions.describe(id.as_str()));
        let recovery = json!({ "recover": id, "epoch": record.epoch });
        let input = first.map_or_else(|_| recovery.clone(), |first| first.input);
        for (number, input) in [input, recovery].into_iter().enumerate() {
            let name = format!("{id}-{number}{SUFFIX}");
            let started = clock.run(executions.start(&name, input));
            started.expect("nobody has started it");
        }
    }
    run.world.pass(WAIT_S);
    let running = executions.running();
    must!(findings, running.is_empty(), "{running:?} never end");
    let written = run.world.table.writes() - writes;
    must!(
        findings,
        written == 0,
        "executions of saves that have ended wrote {written} items"
    );
    must!(
        findings,
        records() == before,
        "executions of saves that have ended changed their records"
    );
    let after = run.inventory();
    must!(
        findings,
        after == inventory,
        "executions of saves that have ended changed the cloud"
    );
    findings
}
