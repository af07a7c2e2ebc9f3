//! What people see on terminals of different widths: no name, ID or price is broken, and no line is too long.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "terminal/changes.rs"]
mod changes;
mod common;

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, Utc};
use common::{FAST, Prism};

/// The widths of the terminals: a narrow one, the usual one, and a wide one.
const WIDTHS: [u16; 3] = [60, 80, 120];
/// A width at which nothing has to be broken.
const ENDLESS: u16 = 2000;

const BOX: &str = "earthquake-analysis-of-southern-california";
const GPU: &str = "aftershock-prediction-with-a-gpu";
const ENV: &str = "seismic-ml-environment-2026";
const PROJECT: &str = "southern-california-faults";
const SCHEDULE: &str = "nightly-seismic-environment";

/// The commands that are not rendered, and why not.
const OTHERS: &[(&str, &str)] = &[
    ("audit-export", "writes events for programs"),
    ("completions", "prints a script for shells"),
    ("connect", "opens a shell, which has the terminal"),
    ("cp", "becomes another program, which copies"),
    ("exec", "prints what the program on the instance prints"),
    ("local-serve", "runs until it is interrupted"),
    (
        "notify-confirm",
        "needs the code of an e-mail: tests/notices.rs",
    ),
    ("open", "becomes another program, which is the tunnel"),
];

/// The commands that show something, with names as long as people give them.
const COMMANDS: &[&[&str]] = &[
    &["list"],
    &["show", BOX],
    &["launch", ENV, "aftershocks", "--dry-run"],
    &["save", BOX, "another-env", "--dry-run"],
    &["saves", "list"],
    &["saves", "show", "SAVE"],
    &["template", "list"],
    &["template", "show", ENV],
    &["template", "show", ENV, "--packages"],
    &["template", "versions", ENV],
    &["template", "lineage", ENV],
    &[
        "template",
        "diff",
        "seismic-ml-environment-2026@1",
        "seismic-ml-environment-2026@2",
    ],
    &["template", "shares", ENV],
    &["template", "share", ENV, "--project", PROJECT, "--dry-run"],
    &[
        "template",
        "copy",
        ENV,
        "--copy-to",
        "eu-west-1",
        "--dry-run",
    ],
    &["template", "delete", ENV, "--dry-run"],
    &["template", "list", "--search", "seismic"],
    &["project", "list"],
    &["project", "show", PROJECT],
    &["project", "member", "list", PROJECT],
    &["project", "templates", PROJECT],
    &["project", "approve", PROJECT],
    &["project", "costs", PROJECT],
    &["project", "budget", PROJECT],
    &["schedule", "list"],
    &["schedule", "show", SCHEDULE],
    &["costs"],
    &["audit", "list"],
    &["key", "list"],
    &["notify", "show"],
    &["region", "list"],
    &["doctor"],
    &["local", "show"],
    &["local", "settings"],
    &["local", "speed"],
    &["help", "topics"],
    &["help", "json"],
    &["help", "sharing"],
    &["stop", BOX, "--no-wait"],
    &["show", "earthquake-analysis-of-southern-californi"],
    &["template", "show", "seismic-ml-environment-2025"],
];

/// A cloud with something in every list, whose clock hardly runs.
fn furnished() -> (Prism, String) {
    let prism = Prism::new(FAST);
    let key = prism.home().join("key.pub");
    std::fs::write(&key, common::PUBLIC_KEY).unwrap();
    for args in [
        &["launch", "python-ml", BOX][..],
        &["exec", BOX, "--", "pip", "install", "obspy"],
        &[
            "project",
            "create",
            PROJECT,
            "--description",
            "Faults and their slip rates, measured and simulated",
        ],
        &[
            "project",
            "member",
            "add",
            PROJECT,
            "bob",
            "carol@university.edu",
        ],
        &[
            "save",
            BOX,
            ENV,
            "--project",
            PROJECT,
            "--description",
            "ML environment optimized for seismic data analysis",
        ],
        &["save", BOX, ENV, "--project", PROJECT],
        &["template", "share", ENV, "--user", "dan"],
        &["project", "approve", PROJECT, ENV],
        &[
            "project", "budget", PROJECT, "--limit", "50", "--alert", "50,80",
        ],
        &[
            "schedule",
            "create",
            BOX,
            ENV,
            "--name",
            SCHEDULE,
            "--rate",
            "1d",
            "--project",
            PROJECT,
        ],
        &["key", "add", key.to_str().unwrap()],
        &["launch", ENV, GPU, "--size", "GPU-L"],
    ] {
        prism.ok(args);
    }
    let saves = prism.run(&["saves", "list", "--format", "ids"]).stdout;
    let save = saves.lines().next().unwrap().to_owned();
    // The terminals of all widths then show the same times.
    prism.ok(&["local", "speed", "0.1"]);
    (prism, save)
}

/// Words for times and days, which may differ between two runs.
const TIMES: [&str; 14] = [
    "now", "ago", "min", "in", "s", "h", "d", "mon", "tue", "wed", "thu", "fri", "sat", "sun",
];

/// The words that must not be broken. Digits alone and words for times may differ between two runs.
fn words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(str::to_lowercase);
    let kept = words.filter(|word| {
        let bare = word.trim_matches(['(', ')', ',', '.', ';', ':']);
        word.chars().any(char::is_alphabetic) && !TIMES.contains(&bare) || word.contains('$')
    });
    kept.collect()
}

/// Checks that a terminal of this width shows all words of what an endless one shows, each on one line, and no line that
/// is too long. `same` leaves of a word what does not differ between two runs.
fn check(args: &[&str], width: u16, whole: &str, shown: &str, same: fn(&str) -> String) {
    // A column without values has no place in a paragraph.
    let lower = |word: &&str| word.chars().any(char::is_lowercase) || word.contains('$');
    let whole: Vec<&str> = whole.split_whitespace().filter(lower).collect();
    let whole = words(&whole.join(" "));
    assert!(!whole.is_empty(), "{args:?}");
    let there: BTreeSet<String> = words(shown).iter().map(|word| same(word)).collect();
    for word in &whole {
        assert!(
            there.contains(&same(word)),
            "{args:?} at {width}: {word} in\n{shown}"
        );
    }
    for line in shown.lines() {
        let fits = line.chars().count() <= usize::from(width);
        let one = line
            .split_whitespace()
            .any(|word| word.chars().count() + 16 > usize::from(width));
        assert!(fits || one, "{args:?} at {width}: {line:?} in\n{shown}");
    }
}

#[test]
fn no_width_breaks_a_name_an_id_or_a_price() {
    let (prism, save) = furnished();
    for command in COMMANDS {
        let args = command.iter().map(|word| match *word {
            "SAVE" => save.as_str(),
            word => word,
        });
        let args: Vec<&str> = args.collect();
        let whole = prism.on_terminal(ENDLESS, &args);
        for width in WIDTHS {
            let shown = prism.on_terminal(width, &args);
            check(&args, width, &whole, &shown, str::to_owned);
        }
    }
}

/// The name of a command as in `docs/json`: its words before its arguments, as far as the program knows them.
fn name_of(args: &[&str], commands: &BTreeSet<String>) -> String {
    let args = match args {
        ["--as", _, rest @ ..] | ["--quiet", rest @ ..] => rest,
        args => args,
    };
    let names = (1..=args.len().min(3))
        .rev()
        .map(|count| args[..count].join("-"));
    let mut known = names.filter(|name| commands.contains(name));
    known.next().unwrap_or_else(|| panic!("{args:?}"))
}

/// The commands that the program has: it writes a page of the manual for each, also for the groups that they are in.
fn commands() -> BTreeSet<String> {
    let prism = Prism::empty();
    let pages = prism.home().join("man");
    prism.ok(&["man", pages.to_str().unwrap()]);
    let pages = std::fs::read_dir(&pages).unwrap();
    let pages = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = pages
        .filter_map(|page| Some(page.strip_prefix("prism-")?.strip_suffix(".1")?.to_owned()))
        .collect();
    let is_group = |name: &&String| {
        let below = format!("{name}-");
        names.iter().any(|other| other.starts_with(&below))
    };
    let single = names.iter().filter(|name| !is_group(name));
    single.cloned().collect()
}

#[test]
fn every_command_is_rendered_or_has_a_reason_not_to_be() {
    let commands = commands();
    let others: BTreeSet<String> = OTHERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let shown = COMMANDS.iter().map(|args| name_of(args, &commands));
    let changing = changes::lines().map(|args| name_of(&args, &commands));
    let rendered: BTreeSet<String> = shown.chain(changing).collect();
    let both: Vec<&String> = rendered.intersection(&others).collect();
    assert!(both.is_empty(), "{both:?}");
    let all: BTreeSet<String> = rendered.union(&others).cloned().collect();
    assert_eq!(all, commands);
}

/// Where nobody reads, every row is one line whatever its width, and times are exact.
#[test]
fn a_pipe_gets_one_line_for_each_row_and_exact_times() {
    let prism = Prism::new(FAST);
    let long = "earthquake-analysis-of-southern-california-with-a-long-name";
    prism.ok(&["launch", "python-ml", long]);
    let list = prism.ok(&["list"]);
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.contains(" UTC"), "{list}");
    let shown = prism.on_terminal(200, &["list"]);
    assert!(
        !shown.contains(" UTC") && (shown.contains("ago") || shown.contains("now")),
        "{shown}"
    );
}

/// Where people read them, exact times are in the time zone of the machine, as they are typed. Programs get UTC.
#[test]
fn exact_times_are_in_the_time_zone_of_the_machine() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["local", "speed", "0.1"]);
    let show = ["show", "box"];
    let json = [&show[..], &["--json"]].concat();
    let shown = prism.run(&json).json();
    let at = shown["instance"]["launched_at"].as_str().unwrap();
    let utc: DateTime<Utc> = at.parse().unwrap();
    let west = FixedOffset::west_opt(5 * 3600).unwrap();
    let local = utc.with_timezone(&west).format("%F %T -05:00").to_string();
    let zone = [("TZ", "EST5")];
    let people = prism.on_terminal_with(120, &show, &zone);
    people.prints(&local);
    let piped = |args: &[&str]| {
        let mut command = prism.command(args);
        common::answer(&command.envs(zone).output().unwrap())
    };
    piped(&show).prints(&utc.format("%F %T UTC").to_string());
    assert_eq!(piped(&json).json()["instance"]["launched_at"], at);
}
