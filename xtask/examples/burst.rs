//! Simulates many saves at the same instant on the virtual clock, prints the results, and fails if a limit is exceeded.
//!
//! `cargo xtask bench burst [--share PERCENT] [--no-events] [SAVES...]`

#![expect(clippy::cast_precision_loss, reason = "the figure fits into 52 bits")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it prints to the terminal"
)]

use std::collections::BTreeMap;
use std::process::ExitCode;

use prism_functions::domain::pace::Ec2Share;
use prism_local::ec2::Traffic;
use prism_tests::burst::{Burst, Outcome, Refusal};

const SIZES: [u32; 7] = [1, 50, 100, 300, 1000, 3000, 10_000];
/// The maximum memory of this process, in bytes.
const MEMORY: u64 = 2_000_000_000;

const HEAD: &str = "| saves | paces | neighbours | failed | stranded | downtime p50/p99/max s | over the floor p50/p99/max | last running/registered s | by hand begins after s | calls/throttled per save | neighbours throttled | transitions USD per save |\n|---|---|---|---|---|---|---|---|---|---|---|---|";

struct Asked {
    share: Ec2Share,
    events: bool,
    sizes: Vec<u32>,
}

fn main() -> ExitCode {
    let Some(asked) = asked(std::env::args().skip(1)) else {
        eprintln!("Usage: cargo xtask bench burst [--share PERCENT] [--no-events] [SAVES]...");
        return ExitCode::FAILURE;
    };
    println!(
        "Of EC2's throttles, {} % may be used.\n\n{HEAD}",
        asked.share
    );
    let (mut by_api, mut broken, mut swept) = (ByApi::default(), Vec::new(), 0);
    let mut refusals = Vec::new();
    for saves in asked.sizes {
        for varied in [false, true] {
            for neighbour_percent in [0, 50] {
                let burst = Burst {
                    saves,
                    varied,
                    neighbour_percent,
                    interactive: saves > 1,
                    share: asked.share,
                    events: asked.events,
                };
                let it = burst.play();
                println!("{}", row(burst, &it));
                by_api.add(burst, &it);
                swept += it.sweeps.values().map(|it| it.calls).sum::<u64>();
                broken.extend(burst.exceeded(&it));
                refusals.extend(it.refusal.map(shown));
            }
        }
    }
    println!("\n{by_api}");
    if !refusals.is_empty() {
        println!("A save that is refused takes {}.", refusals.join(", "));
    }
    println!("The sweeps, which are not counted with the saves, made {swept} requests.");
    if let Some(peak) = peak_memory() {
        println!("All of it took {} MB of memory at most.", peak / 1_000_000);
        if peak > MEMORY {
            broken.push(format!("{peak} bytes of memory"));
        }
    }
    for limit in &broken {
        eprintln!("beyond its limit: {limit}");
    }
    if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn asked(arguments: impl Iterator<Item = String>) -> Option<Asked> {
    let mut asked = Asked {
        share: Ec2Share::default(),
        events: true,
        sizes: Vec::new(),
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        if argument == "--share" {
            asked.share = arguments.next()?.parse().ok()?;
        } else if argument == "--no-events" {
            asked.events = false;
        } else {
            asked
                .sizes
                .push(argument.parse().ok().filter(|it| *it > 0)?);
        }
    }
    if asked.sizes.is_empty() {
        asked.sizes = SIZES.to_vec();
    }
    Some(asked)
}

fn shown(refusal: Refusal) -> String {
    let (after_s, calls) = (refusal.after_s, refusal.calls);
    format!("{after_s:.1} s and {calls} requests")
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
        "| {} | {} | {} % | {} | {} | {} | {} | {:.0}/{:.0} | {begins} | {:.1}/{:.2} | {} of {} | {:.5} |",
        burst.saves,
        burst.paces(),
        burst.neighbour_percent,
        it.failed.values().sum::<u32>(),
        it.stranded,
        three(&it.downtimes, 0),
        three(&it.over_floor, 2),
        it.last_running_s,
        it.last_registered_s,
        per_save(own.calls),
        per_save(own.throttled),
        others.throttled,
        others.calls,
        it.usd_per_save(burst.saves),
    )
}

/// Calls and throttled calls per save, by API.
#[derive(Default)]
struct ByApi {
    columns: Vec<String>,
    rows: BTreeMap<String, BTreeMap<usize, String>>,
}

impl ByApi {
    fn add(&mut self, burst: Burst, it: &Outcome) {
        let column = self.columns.len();
        self.columns.push(burst.to_string());
        let requests = it.traffic.iter().filter(|(name, _)| !name.contains('/'));
        for (name, (Traffic { calls, throttled }, _)) in requests {
            let per_save = |count: u64| count as f64 / f64::from(burst.saves);
            let cell = format!("{:.1}/{:.2}", per_save(*calls), per_save(*throttled));
            self.rows
                .entry(name.clone())
                .or_default()
                .insert(column, cell);
        }
    }
}

impl std::fmt::Display for ByApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "| calls/throttled per save | {} |",
            self.columns.join(" | ")
        )?;
        writeln!(f, "|---|{}", "---|".repeat(self.columns.len()))?;
        for (name, cells) in &self.rows {
            let cell = |column| cells.get(&column).map_or("", String::as_str);
            let cells: Vec<&str> = (0..self.columns.len()).map(cell).collect();
            writeln!(f, "| {name} | {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

/// The peak memory of this process, in bytes, if the system reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
