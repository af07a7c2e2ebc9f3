//! Runs the deployed definition and the real steps on two interpreters: this project's, and moto's, whose States
//! Language comes from LocalStack. Both must take the same path, invoke the functions with the same inputs, and produce
//! the same output and error.
//!
//! moto must be started first: `tests/emulators/run moto-states cargo test -p prism-tests --test second_interpreter --
//! --include-ignored`. Its time is the clock of the simulated cloud (`tests/emulators/moto_states.py`), so that even
//! times and the number of polls are compared.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]
#![expect(
    clippy::disallowed_methods,
    reason = "it waits for another process, and passes its folder in the environment"
)]

mod known;
mod moto;
mod play;
mod scenarios;
mod seen;
mod served;
mod trouble;

use std::fmt::Write as _;

use play::{on_moto, on_ours};

/// Even without moto, the scenarios must end as they say.
#[test]
fn every_scenario_ends_as_it_says() {
    for scenario in scenarios::all() {
        on_ours(&scenario);
    }
}

#[test]
#[ignore = "needs moto: tests/emulators/run moto-states"]
fn two_interpreters_agree() {
    let mut differences = String::new();
    let mut known = known::Known::default();
    for (number, scenario) in scenarios::all().iter().enumerate() {
        let begin = std::time::Instant::now();
        let (ours, theirs) = (on_ours(scenario), on_moto(scenario, number));
        println!("{:>6} ms  {}", begin.elapsed().as_millis(), scenario.name);
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            for (part, ours) in ours {
                let theirs = &theirs[part];
                if ours != theirs && !known.explain(&scenario.name, part, ours, theirs) {
                    let first = seen::first_difference(ours, theirs);
                    let _ = writeln!(differences, "{}: {part}: {first}", scenario.name);
                }
            }
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
    assert_eq!(known.fixed(), Vec::<&str>::new(), "moto does it right now");
}
