//! Checks that the costs in `docs/deploy.md` follow from the price table, from `infra/template.yaml`, and from a
//! simulated save.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]
#![expect(clippy::cast_precision_loss, reason = "prices fit into 52 bits")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use prism_asl::Event;
use prism_functions::domain::pricing as price;
use prism_functions::domain::save::SaveState;
use prism_tests::cloudformation::template;
use prism_tests::world::{Setup, begun, launched, save_request};

const DOCUMENT: &str = "docs/deploy.md";
const BEGIN: &str = "<!-- costs:begin -->\n";
const END: &str = "<!-- costs:end -->\n";
const HOURS: f64 = 730.0;
/// The billed duration of an invocation of a step or of the sweep, in seconds. Assumed: it waits for one or two calls
/// of AWS.
const INVOCATION_S: f64 = 0.2;
/// The number of index reads of a sweep with nothing to do: the open saves, the open duties, and the meters.
const SWEEP_READS: f64 = 3.0;
/// The queries of an invocation of Ends with nothing due: instances, launches and projects.
const ENDS_READS: f64 = 3.0;
/// The average read units and write units of an invocation of a step. Assumed: it reads the save's record of at most 3
/// KB and writes it in a transaction.
const STEP_UNITS: (f64, f64) = (2.0, 6.0);

fn invocation(memory_mb: f64) -> f64 {
    price::LAMBDA_REQUEST + memory_mb / 1024.0 * INVOCATION_S * price::LAMBDA_GB_SECOND
}

fn memory(function: &str) -> f64 {
    template()
        .of_function(&format!("{function}Function"), "MemorySize")
        .as_f64()
        .unwrap()
}

/// How many states a save of an instance with 30 GB enters, and how many functions it invokes.
fn effort(snapshots: Duration, events: bool) -> (usize, usize) {
    let slow = Setup::slow(11, |durations| durations.snapshot_base = snapshots);
    let world = launched(Setup { events, ..slow });
    let id = begun(&world, save_request("work", "kept"));
    world.clock.run_until_idle().unwrap();
    assert_eq!(world.record(&id).unwrap().state, SaveState::Succeeded);
    let history = world.executions.history(id.as_str()).unwrap();
    let events = history.events();
    let count = |is: fn(&Event) -> bool| events.iter().filter(|event| is(&event.event)).count();
    (
        count(|event| matches!(event, Event::StateEntered { .. })),
        count(|event| matches!(event, Event::TaskScheduled { .. })),
    )
}

fn save_usd((states, invocations): (usize, usize)) -> f64 {
    let (reads, writes) = STEP_UNITS;
    let step =
        invocation(memory("PlanSave")) + reads * price::TABLE_READ + writes * price::TABLE_WRITE;
    states as f64 * price::STATE_TRANSITION + invocations as f64 * step
}

fn section() -> String {
    let template = template();
    let count = |kind: &str| template.resources(kind).len();
    let keys = count("AWS::KMS::Key");
    let alarms = count("AWS::CloudWatch::Alarm");
    let dashboards = count("AWS::CloudWatch::Dashboard");
    let sweeps = HOURS * 60.0 / 5.0;
    assert!(
        prism_tests::cloudformation::TEMPLATE.contains("ScheduleExpression: rate(5 minutes)"),
        "the sweep has another interval"
    );
    let sweep = invocation(memory("Sweep")) + SWEEP_READS * 0.5 * price::TABLE_READ;
    let (key, alarm) = (
        keys as f64 * price::KEY_MONTH,
        alarms as f64 * price::ALARM_MONTH,
    );
    let sweeping = sweeps * sweep;
    let looks = HOURS * 60.0;
    assert!(
        prism_tests::cloudformation::TEMPLATE.contains("ScheduleExpression: rate(1 minute)"),
        "the ends have another interval"
    );
    let ending = looks * (invocation(memory("Ends")) + ENDS_READS * 0.5 * price::TABLE_READ);
    let short = effort(Duration::from_mins(5), true);
    let long = effort(Duration::from_mins(90), false);
    format!(
        "Prices of us-east-1, from `functions/src/domain/pricing.rs`, last checked on {}. An invocation is assumed to take {INVOCATION_S} s. The numbers are counted\n\
         in `infra/template.yaml` and in saves on the simulated EC2.\n\n\
         | idle, for a month | USD |\n|---|---|\n\
         | keys of alarms and logs: {keys} | {key:.2} |\n\
         | alarms: {alarms} | {alarm:.2} |\n\
         | sweeps: {sweeps:.0} | {sweeping:.2} |\n\
         | looks for what ends: {looks:.0} | {ending:.2} |\n\
         | dashboards: {dashboards} | 0 as one of an account's first three, otherwise {:.2} |\n\
         | total | {:.2} |\n\n\
         | a save | states | invocations | USD |\n|---|---|---|---|\n\
         | whose AMI takes five minutes | {} | {} | {:.4} |\n\
         | whose AMI takes an hour and a half, without events | {} | {} | {:.4} |\n\n\
         The snapshots cost at most {:.2} more for each GB and month in each Region; a save's plan (`prism save --dry-run`)\n\
         shows the maximum. Logs, traces and events are a fraction of the rest.\n",
        price::READ_ON,
        dashboards as f64 * price::DASHBOARD_MONTH,
        key + alarm + sweeping + ending,
        short.0,
        short.1,
        save_usd(short),
        long.0,
        long.1,
        save_usd(long),
        price::SNAPSHOT_GB_MONTH,
    )
}

#[test]
fn the_document_matches_the_prices_and_the_template() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(DOCUMENT);
    let text = fs::read_to_string(path).unwrap();
    let said = text
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END));
    let said = said.expect("the document has the place for it").0;
    let wanted = section();
    assert_eq!(said, wanted, "{DOCUMENT} should say:\n{wanted}");
}

/// However long the AMI takes, and with or without events, the polls become rare.
#[test]
fn a_save_of_a_day_costs_a_few_cents() {
    for events in [true, false] {
        let day = save_usd(effort(Duration::from_hours(20), events));
        assert!(day < 0.04, "{day}");
    }
}
