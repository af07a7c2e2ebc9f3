//! Simulates saves with injected faults. `cargo xtask simulate` builds it with optimisation and runs it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it prints to the terminal"
)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use prism_tests::rights;
use prism_tests::simulation::{
    Fault, MAIN, MUTANTS, PATHS, Pairs, Part, Path, Progress, Run, Tally, pairs, play, play_pairs,
    random, randoms, singles, tell, trace,
};

/// Thousands of saves make millions of small allocations.
#[cfg(feature = "fast")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
Usage: cargo xtask simulate [OPTIONS]

Without options: all single faults, all pairs, the deliberate defects, 10,000 seeds, and 10,000 sequences of rights.

  --singles               each fault at each call of each path
  --pairs [--path NAME]   each pair of faults on the main path, or on another one
  --every N [--part K]    with the last two: every N-th of them, from the K-th on (1); of pairs, those of
                          every N-th first fault
  --after N               with --pairs: without the first N of them, which a command that was interrupted has played
  --mutants               the deliberate defects, each of which must be caught
  --seeds N [--from S]    N runs by chance, from the seed S on (1)
  --seed S                play the run of a seed again and tell it
  --path NAME [--fault F]...
                          play a path with these faults and tell it
  --trace                 with the last two: tell every call
  --coverage              tell what was visited
  --rights N [--from S]   N sequences of operations by four users, from the seed S on (1), and each pair of
                          operations by two: what anybody can do must be what was granted
";

#[derive(Debug, Default)]
struct Options {
    singles: bool,
    pairs: bool,
    every: Option<usize>,
    part: Option<usize>,
    after: Option<usize>,
    mutants: bool,
    seeds: Option<u64>,
    from: Option<u64>,
    seed: Option<u64>,
    rights: Option<u64>,
    path: Option<String>,
    faults: Vec<Fault>,
    trace: bool,
    coverage: bool,
    help: bool,
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        let number = |text: String| {
            let number = text.parse::<u64>();
            number.map_err(|_| format!("{text} is not a number"))
        };
        match arg.as_str() {
            "--singles" => options.singles = true,
            "--pairs" => options.pairs = true,
            "--every" => options.every = Some(positive(&arg, &value()?)?),
            "--part" => options.part = Some(positive(&arg, &value()?)?),
            "--after" => options.after = Some(positive(&arg, &value()?)?),
            "--mutants" => options.mutants = true,
            "--trace" => options.trace = true,
            "--coverage" => options.coverage = true,
            "--help" | "-h" => options.help = true,
            "--seeds" => options.seeds = Some(number(value()?)?),
            "--from" => options.from = Some(number(value()?)?),
            "--rights" => options.rights = Some(number(value()?)?),
            "--seed" => options.seed = Some(number(value()?)?),
            "--path" => options.path = Some(value()?),
            "--fault" => options.faults.push(value()?.parse()?),
            _ => return Err(format!("{arg} is not an option")),
        }
    }
    if options.part > options.every {
        return Err("--part K takes one of the N parts of --every N".to_owned());
    }
    let nothing = !options.singles && !options.pairs && !options.mutants;
    let nothing = nothing && options.rights.is_none();
    if nothing && options.seeds.is_none() && options.seed.is_none() && options.path.is_none() {
        (options.singles, options.pairs, options.mutants) = (true, true, true);
        (options.seeds, options.rights) = (Some(10_000), Some(10_000));
    }
    Ok(options)
}

fn positive(option: &str, text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{option} {text}: it takes a number from 1"))
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprint!("error: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if options.help {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if let Some(seed) = options.seed {
        return show(&random(seed), options.trace);
    }
    let path = options.path.as_deref().unwrap_or(MAIN.name);
    let Some(path) = Path::named(path) else {
        let names: Vec<&str> = PATHS.iter().map(|path| path.name).collect();
        let names = names.join(", ");
        eprintln!("error: there is no path {path}; there are: {names}");
        return ExitCode::from(2);
    };
    if options.path.is_some() && !options.pairs {
        return show(&play(path, &options.faults, None), options.trace);
    }
    if campaigns(&options, path) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn show(run: &Run, every_call: bool) -> ExitCode {
    if every_call {
        print!("{}", trace(run));
    }
    print!("{}", tell(run));
    for violation in &run.violations {
        println!("violated: {violation}");
    }
    if run.violations.is_empty() {
        println!("nothing is violated");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn campaigns(options: &Options, path: Path) -> bool {
    let mut whole = Tally::default();
    let part = Part {
        every: options.every.unwrap_or(1),
        from: options.part.unwrap_or(1) - 1,
    };
    let of_part = |what: String| match part.every {
        1 => what,
        every => format!("{what}, part {} of {every}", part.from + 1),
    };
    if options.singles {
        let what = of_part(format!("single faults on {} paths", PATHS.len()));
        whole.merge(timed(&what, || singles(PATHS, part, &watch)));
    }
    let missing = if options.singles {
        whole.coverage.missing(part.every)
    } else {
        Vec::new()
    };
    if options.pairs {
        let mut found = counted(|| pairs(path, part));
        found.leave_out(options.after.unwrap_or_default());
        let what = of_part(format!("pairs of faults, which represent {}", found.all));
        whole.merge(timed(&what, || play_pairs(path, &found, &watch)));
    }
    if let Some(count) = options.seeds {
        let from = options.from.unwrap_or(1);
        whole.merge(timed(&format!("seeds from {from} on"), || {
            randoms(from, count, &watch)
        }));
    }
    if options.coverage {
        print!("{}", whole.coverage);
    } else if options.singles {
        println!("visited: {}", whole.coverage.summary());
    }
    for missing in &missing {
        println!("error: no run has visited {missing}");
    }
    let granted = options
        .rights
        .is_none_or(|count| all_granted(options.from.unwrap_or(1), count));
    let holds = granted && whole.failures.is_empty() && missing.is_empty();
    if options.mutants {
        return holds && caught();
    }
    holds
}

/// Whether no user can do anything that was not granted, in sequences of operations and in all pairs of them.
#[expect(clippy::disallowed_methods, reason = "this measures real time")]
fn all_granted(from: u64, count: u64) -> bool {
    let begin = Instant::now();
    let pairs = rights::pairs();
    let (next, wrong) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let played = match turn.checked_sub(count).map(usize::try_from) {
                None => rights::play(from + turn),
                Some(Ok(place)) if place < pairs.len() => rights::play_pair(&pairs[place]),
                Some(_) => return,
            };
            if let Err(told) = played {
                wrong.fetch_add(1, Ordering::Relaxed);
                println!("\nviolated: {told}\nagain: --rights 1 --from SEED");
            }
        }
    };
    std::thread::scope(|scope| {
        let many = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..many {
            scope.spawn(work);
        }
    });
    let wrong = wrong.load(Ordering::Relaxed);
    println!(
        "{count} sequences of operations by four users from seed {from} on, and {} pairs by two, in {:.1} s; {wrong} violations",
        pairs.len(),
        begin.elapsed().as_secs_f64()
    );
    wrong == 0
}

fn watch(progress: &Progress<'_>) {
    match progress {
        Progress::Failed(failure) => {
            let violated: Vec<String> = failure
                .violations
                .iter()
                .map(|v| format!("violated: {v}"))
                .collect();
            println!(
                "\n{}\nagain: {}\n{}",
                failure.tale,
                failure.replay,
                violated.join("\n")
            );
        }
        Progress::Done(runs, of) => eprintln!("{runs} of {of} runs"),
    }
}

fn caught() -> bool {
    let mut all = true;
    for mutant in MUTANTS {
        let run = mutant.run(true);
        if let Some(violation) = run.violations.first() {
            println!("caught: {}, by: {violation}", mutant.name);
        } else {
            println!("error: nothing is violated although {}", mutant.name);
            all = false;
        }
    }
    all
}

/// Finds the pairs and prints their number at once, because running them takes minutes.
#[expect(clippy::disallowed_methods, reason = "this measures real time")]
fn counted(find: impl FnOnce() -> Pairs) -> Pairs {
    let begin = Instant::now();
    let found = find();
    println!(
        "{} pairs of faults differ, of {} that there are; found in {:.1} s",
        found.different(),
        found.all,
        begin.elapsed().as_secs_f64()
    );
    found
}

#[expect(clippy::disallowed_methods, reason = "this measures real time")]
fn timed(what: &str, campaign: impl FnOnce() -> Tally) -> Tally {
    let begin = Instant::now();
    let tally = campaign();
    let took = begin.elapsed().as_secs_f64();
    let per = |seconds: f64| {
        #[expect(clippy::cast_precision_loss, reason = "the rate is only displayed")]
        let saves = tally.saves as f64;
        if seconds > 0.0 { saves / seconds } else { 0.0 }
    };
    println!(
        "{} {what}: {} saves of {} that were asked for, in {took:.1} s; {:.0} a second, {:.0} a second of one processor; {} violations",
        tally.runs,
        tally.saves,
        tally.asked,
        per(took),
        per(tally.busy.as_secs_f64()),
        tally.failures.len()
    );
    if tally.joined > 0 {
        println!(
            "{} of them came to a moment that another run had passed",
            tally.joined
        );
    }
    tally
}
