//! Plays many saves at one instant on the virtual clock, and says what became of them.
//!
//! `cargo xtask bench burst [SAVES...]`

#![expect(
    clippy::cast_precision_loss,
    reason = "a figure to read needs no more than 52 bits"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to whoever runs it"
)]

use std::process::ExitCode;

use prism_local::ec2::Traffic;
use prism_tests::burst::{Burst, Outcome};

/// How many saves begin at once where nobody says.
const SIZES: [u32; 5] = [1, 50, 100, 300, 1000];

fn main() -> ExitCode {
    let asked: Result<Vec<u32>, _> = std::env::args().skip(1).map(|it| it.parse()).collect();
    let sizes = match asked {
        Ok(sizes) if sizes.is_empty() => SIZES.to_vec(),
        Ok(sizes) if !sizes.contains(&0) => sizes,
        _ => {
            eprintln!("Usage: cargo xtask bench burst [SAVES]...");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "| saves | paces | neighbours | failed | stranded | downtime p50/p99/max s | over the floor p50/p99/max | last running/registered s | by hand begins after s | calls/throttled per save | neighbours throttled | transitions USD per save |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for saves in sizes {
        for varied in [false, true] {
            for neighbour_percent in [0, 50] {
                let burst = Burst {
                    saves,
                    varied,
                    neighbour_percent,
                    interactive: saves > 1,
                };
                println!("{}", row(burst, &burst.play()));
            }
        }
    }
    ExitCode::SUCCESS
}

fn row(burst: Burst, it: &Outcome) -> String {
    let three = |of: &[f64], places: usize| {
        let at = |percent| format!("{:.places$}", Outcome::percentile(of, percent));
        format!("{}/{}/{}", at(50), at(99), at(100))
    };
    let per_save = |count: u64| count as f64 / f64::from(burst.saves);
    let (own, others) = (it.requests(), it.neighbours());
    let begins = it
        .interactive_s
        .map_or(String::new(), |s| format!("{s:.0}"));
    format!(
        "| {} | {} | {} % | {} | {} | {} | {} | {:.0}/{:.0} | {begins} | {:.1}/{:.2} | {} | {:.5} |",
        burst.saves,
        if burst.varied {
            "0.5 to 3 times"
        } else {
            "even"
        },
        burst.neighbour_percent,
        it.failed.values().sum::<u32>(),
        it.stranded,
        three(&it.downtimes, 0),
        three(&it.over_floor, 2),
        it.last_running_s,
        it.last_registered_s,
        per_save(own.calls),
        per_save(own.throttled),
        share(others),
        it.usd_per_save(burst.saves),
    )
}

/// How many of somebody's requests were throttled.
fn share(of: Traffic) -> String {
    format!("{} of {}", of.throttled, of.calls)
}
