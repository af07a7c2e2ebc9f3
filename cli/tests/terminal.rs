//! What people see on terminals of different widths: no name, ID or price is broken, and no line is too long.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{FAST, Prism};

/// The widths of the terminals: a narrow one, the usual one, and a wide one.
const WIDTHS: [u16; 3] = [60, 80, 120];
/// A width at which nothing has to be broken.
const ENDLESS: u16 = 2000;

/// Every command that shows something, with names as long as people give them.
const COMMANDS: &[&[&str]] = &[
    &["list"],
    &["show", "earthquake-analysis-of-southern-california"],
    &[
        "launch",
        "seismic-ml-environment-2026",
        "aftershocks",
        "--dry-run",
    ],
    &[
        "save",
        "earthquake-analysis-of-southern-california",
        "another-env",
        "--dry-run",
    ],
    &["saves", "list"],
    &["saves", "show", "SAVE"],
    &["template", "list"],
    &["template", "show", "seismic-ml-environment-2026"],
    &[
        "template",
        "show",
        "seismic-ml-environment-2026",
        "--packages",
    ],
    &["template", "versions", "seismic-ml-environment-2026"],
    &["template", "lineage", "seismic-ml-environment-2026"],
    &[
        "template",
        "diff",
        "seismic-ml-environment-2026@1",
        "seismic-ml-environment-2026@2",
    ],
    &["template", "shares", "seismic-ml-environment-2026"],
    &[
        "template",
        "share",
        "seismic-ml-environment-2026",
        "--project",
        "southern-california-faults",
        "--dry-run",
    ],
    &[
        "template",
        "copy",
        "seismic-ml-environment-2026",
        "--copy-to",
        "eu-west-1",
        "--dry-run",
    ],
    &[
        "template",
        "delete",
        "seismic-ml-environment-2026",
        "--dry-run",
    ],
    &["template", "list", "--search", "seismic"],
    &["project", "list"],
    &["project", "show", "southern-california-faults"],
    &["project", "member", "list", "southern-california-faults"],
    &["project", "templates", "southern-california-faults"],
    &["project", "approve", "southern-california-faults"],
    &["project", "costs", "southern-california-faults"],
    &["project", "budget", "southern-california-faults"],
    &["schedule", "list"],
    &["schedule", "show", "nightly-seismic-environment"],
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
    &[
        "stop",
        "earthquake-analysis-of-southern-california",
        "--no-wait",
    ],
    &["show", "earthquake-analysis-of-southern-californi"],
    &["template", "show", "seismic-ml-environment-2025"],
];

/// A cloud with something in every list, whose clock hardly runs.
fn furnished() -> (Prism, String) {
    let prism = Prism::new(FAST);
    let key = prism.home().join("key.pub");
    std::fs::write(&key, common::PUBLIC_KEY).unwrap();
    let (box_, env) = (
        "earthquake-analysis-of-southern-california",
        "seismic-ml-environment-2026",
    );
    let project = "southern-california-faults";
    for args in [
        &["launch", "python-ml", box_][..],
        &["exec", box_, "--", "pip", "install", "obspy"],
        &[
            "project",
            "create",
            project,
            "--description",
            "Faults and their slip rates, measured and simulated",
        ],
        &[
            "project",
            "member",
            "add",
            project,
            "bob",
            "carol@university.edu",
        ],
        &[
            "save",
            box_,
            env,
            "--project",
            project,
            "--description",
            "ML environment optimized for seismic data analysis",
        ],
        &["save", box_, env, "--project", project],
        &["template", "share", env, "--user", "dan"],
        &["project", "approve", project, env],
        &[
            "project", "budget", project, "--limit", "50", "--alert", "50,80",
        ],
        &[
            "schedule",
            "create",
            box_,
            env,
            "--name",
            "nightly-seismic-environment",
            "--rate",
            "1d",
            "--project",
            project,
        ],
        &["key", "add", key.to_str().unwrap()],
        &[
            "launch",
            env,
            "aftershock-prediction-with-a-gpu",
            "--size",
            "GPU-L",
        ],
    ] {
        prism.ok(args);
    }
    let saves = prism.run(&["saves", "list", "--format", "ids"]).stdout;
    let save = saves.lines().next().unwrap().to_owned();
    // The terminals of all widths then show the same times.
    prism.ok(&["local", "speed", "0.1"]);
    (prism, save)
}

/// The words that must not be broken. Those with an apostrophe, digits alone, and words for times may differ between
/// two runs.
fn words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(str::to_lowercase);
    let kept = words.filter(|word| {
        word.chars().any(char::is_alphabetic)
            && !["now", "ago", "min", "in", "s"].contains(&word.as_str())
            || word.contains('$')
    });
    kept.collect()
}

#[test]
fn no_width_breaks_a_name_an_id_or_a_price() {
    let (prism, save) = furnished();
    for command in COMMANDS {
        let args: Vec<&str> = command
            .iter()
            .map(|word| {
                if *word == "SAVE" {
                    save.as_str()
                } else {
                    *word
                }
            })
            .collect();
        let whole = prism.on_terminal(ENDLESS, &args);
        // A column without values has no place in a paragraph.
        let upper = |word: &&str| word.chars().any(char::is_lowercase) || word.contains('$');
        let whole: Vec<&str> = whole.split_whitespace().filter(upper).collect();
        let whole = words(&whole.join(" "));
        assert!(!whole.is_empty(), "{args:?}");
        for width in WIDTHS {
            let shown = prism.on_terminal(width, &args);
            let there = words(&shown);
            for word in &whole {
                assert!(
                    there.contains(word),
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
    }
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
