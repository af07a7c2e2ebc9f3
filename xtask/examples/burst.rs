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

use prism_functions::domain::pace::{Ec2Share, Paced};
use prism_local::ec2::Traffic;
use prism_tests::burst::{Burst, Outcome};

const SIZES: [u32; 7] = [1, 50, 100, 300, 1000, 3000, 10_000];
/// The maximum ratio of the downtime of the 99th percentile to what EC2 alone needs.
const OVER_FLOOR: f64 = 1.10;
/// The same without EventBridge events, when the instance is polled every three seconds.
const OVER_FLOOR_UNTOLD: f64 = 1.30;
/// The maximum share of the deployment's own requests that are throttled.
const THROTTLED: f64 = 0.01;
/// The maximum time after the last turn until the last instance runs again, and until the last version is registered,
/// in seconds: the slowest instance is down for 108 s, and its AMI takes five minutes.
const RUNNING_S: f64 = 120.0;
const REGISTERED_S: f64 = 420.0;
/// The maximum delay before a save that a user waits for begins, in seconds.
const BY_HAND_S: f64 = 5.0;
/// The maximum number of requests of a single save.
const CALLS_ALONE: f64 = 40.0;
/// The cost of a save's state transitions before saves took turns, in USD.
const USD: f64 = 0.00313;
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
                broken.extend(beyond(burst, &it));
            }
        }
    }
    println!("\n{by_api}");
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

fn paces(burst: Burst) -> &'static str {
    if burst.varied {
        "0.5 to 3 times"
    } else {
        "even"
    }
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
        paces(burst),
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

fn beyond(burst: Burst, it: &Outcome) -> Vec<String> {
    let saves = f64::from(burst.saves);
    let turns_s = saves * Paced::Save.interval(burst.share).as_seconds_f64();
    let (own, others) = (it.requests(), it.neighbours());
    let p99 = Outcome::percentile(&it.over_floor, 99);
    let calls = own.calls as f64 / saves;
    let most = if burst.events {
        OVER_FLOOR
    } else {
        OVER_FLOOR_UNTOLD
    };
    // What holds also where users need more than all of a bucket, and cannot but throttle and delay each other.
    let always = [
        (!it.failed.is_empty(), format!("failed: {:?}", it.failed)),
        (it.stranded > 0, format!("{} stranded", it.stranded)),
    ];
    let with_room = [
        // Rounded to the hundredths that are printed.
        (
            p99 > most + 0.005,
            format!("p99 of the downtime is {p99:.3} of the floor"),
        ),
        (
            own.throttled as f64 > THROTTLED * own.calls as f64,
            format!("{} of {} requests throttled", own.throttled, own.calls),
        ),
        (
            // Alone, with half of each bucket's refill, none is.
            others.throttled > 0,
            format!("neighbours throttled {:?}", throttled_neighbours(it)),
        ),
        (
            it.last_running_s > turns_s + RUNNING_S,
            format!("the last instance runs after {:.0} s", it.last_running_s),
        ),
        (
            it.last_registered_s > turns_s + REGISTERED_S,
            format!(
                "the last version is registered after {:.0} s",
                it.last_registered_s
            ),
        ),
        (
            it.interactive_s.is_some_and(|s| s > BY_HAND_S),
            format!("the save by hand begins after {:?} s", it.interactive_s),
        ),
        (
            burst.events && burst.saves == 1 && calls > CALLS_ALONE,
            format!("{calls:.1} requests"),
        ),
        (
            it.usd_per_save(burst.saves) > USD,
            format!("{:.5} USD a save", it.usd_per_save(burst.saves)),
        ),
    ];
    let what = format!(
        "{} saves, {}, {} %",
        burst.saves,
        paces(burst),
        burst.neighbour_percent
    );
    let fits = u32::from(u8::from(burst.share)) + burst.neighbour_percent <= 100;
    let with_room = with_room.into_iter().filter(|_| fits);
    let broken = always
        .into_iter()
        .chain(with_room)
        .filter(|(broken, _)| *broken);
    broken.map(|(_, how)| format!("{what}: {how}")).collect()
}

/// The number of throttled requests of the account's other users, by API.
fn throttled_neighbours(it: &Outcome) -> BTreeMap<&str, u64> {
    let counts = it
        .traffic
        .iter()
        .map(|(name, (_, others))| (name.as_str(), others.throttled));
    counts.filter(|(_, throttled)| *throttled > 0).collect()
}

/// Calls and throttled calls per save, by API, of the largest burst and of a single save, without neighbours.
#[derive(Default)]
struct ByApi {
    columns: Vec<String>,
    rows: BTreeMap<String, BTreeMap<usize, String>>,
}

impl ByApi {
    fn add(&mut self, burst: Burst, it: &Outcome) {
        if burst.neighbour_percent > 0 {
            return;
        }
        let column = self.columns.len();
        self.columns
            .push(format!("{}, {}", burst.saves, paces(burst)));
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
