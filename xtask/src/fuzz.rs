//! `fuzz`: fuzzes the parsers of untrusted input with libFuzzer, guided by code coverage. The targets are in `fuzz/`,
//! the properties that must hold for each input in `tests/properties`, and the seed corpus in `tests/corpus`.

#[path = "../../tests/properties/corpus.rs"]
mod corpus;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::shell::{cargo, output, read, root, run as run_command, target, write};

const USAGE: &str = "\
Usage: cargo xtask fuzz [TARGET...] [--seconds N]
       cargo xtask fuzz TARGET --input FILE

Fuzzes each target with libFuzzer for a minute, or for the given number of seconds. The corpus is kept in the
target folder, and the next run continues with it. With --input, only runs that file. Needs a C++ compiler.

Targets:";

/// The default run time of each target, in seconds.
const SECONDS: u32 = 60;
/// The maximum time for one input, in seconds.
const SLOW_S: u32 = 5;
const MEMORY_MB: u32 = 1024;
/// Has the compiler record coverage and comparisons. These are the flags of cargo-fuzz without the sanitizers, which
/// only a nightly compiler has.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg",
    "fuzzing",
];

struct Target {
    name: &'static str,
    about: &'static str,
    /// The seeds in `tests/corpus`: a file with one per line, or a folder.
    seeds: &'static str,
    /// The maximum length of an input, in bytes.
    longest: u32,
}

const TARGETS: [Target; 3] = [
    Target {
        name: "names",
        about: "names, references and rules",
        seeds: "names.txt",
        longest: 400,
    },
    Target {
        name: "schedules",
        about: "when schedules are due",
        seeds: "schedules.txt",
        longest: 200,
    },
    Target {
        name: "template_file",
        about: "a template as a YAML file",
        seeds: "template_files",
        // Slightly more than the maximum size that is read.
        longest: 33 * 1024,
    },
];

struct Asked {
    targets: Vec<&'static Target>,
    seconds: u32,
    input: Option<PathBuf>,
}

pub(crate) fn run(options: &[&str]) -> Outcome {
    if options.iter().any(|it| matches!(*it, "-h" | "--help")) {
        println!("{USAGE}");
        for target in &TARGETS {
            println!("  {:<15} {}", target.name, target.about);
        }
        return Ok(());
    }
    let asked = asked(options)?;
    let folder = target().join("fuzz");
    let programs = build(&folder)?;
    for target in asked.targets {
        let mut command = Command::new(programs.join(target.name));
        if let Some(input) = &asked.input {
            return run_command(command.arg(input));
        }
        println!("fuzzing {}: {}", target.name, target.about);
        command.arg(format!("-max_total_time={}", asked.seconds));
        command.arg(format!("-max_len={}", target.longest));
        command.arg(format!("-timeout={SLOW_S}"));
        command.arg(format!("-rss_limit_mb={MEMORY_MB}"));
        command.arg("-print_final_stats=1");
        let dictionary = root().join(format!("fuzz/dictionaries/{}.dict", target.name));
        command.arg(format!("-dict={}", dictionary.display()));
        let found = folder.join("found").join(target.name);
        create(&found)?;
        command.arg(format!("-artifact_prefix={}/", found.display()));
        let learnt = folder.join("corpus").join(target.name);
        create(&learnt)?;
        let seeds = seeds(target, &folder)?;
        run_command(command.arg(learnt).arg(seeds)).map_err(|failed| {
            format!(
                "{failed}\nThe text is in {}. Play it again: cargo xtask fuzz {} --input FILE\n\
                 Once it is fixed, put it into tests/corpus/{}.",
                found.display(),
                target.name,
                target.seeds
            )
        })?;
    }
    Ok(())
}

fn asked(options: &[&str]) -> Outcome<Asked> {
    let mut asked = Asked {
        targets: Vec::new(),
        seconds: SECONDS,
        input: None,
    };
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let mut value = || options.next().ok_or(format!("{option} needs a value"));
        match *option {
            "--seconds" => {
                let text = value()?;
                let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
                asked.seconds = seconds.ok_or(format!("{text} is not a number of seconds"))?;
            }
            // Cargo runs the chore in the folder where the user typed the command.
            "--input" => asked.input = Some(PathBuf::from(value()?)),
            name => {
                let target = TARGETS.iter().find(|target| target.name == name);
                let known = || TARGETS.map(|target| target.name).join(", ");
                asked
                    .targets
                    .push(target.ok_or_else(|| format!("there is no {name}, but {}", known()))?);
            }
        }
    }
    if asked.input.is_some() && asked.targets.len() != 1 {
        return Err("--input is for one target".to_owned());
    }
    if asked.targets.is_empty() {
        asked.targets.extend(&TARGETS);
    }
    Ok(asked)
}

fn build(folder: &Path) -> Outcome<PathBuf> {
    let version = output(cargo().arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("cargo does not say for what machine it builds")?;
    let mut command = cargo();
    command.args(["build", "--locked", "--release", "--bins"]);
    command.args(["--manifest-path", "fuzz/Cargo.toml"]);
    // With an explicit target, build scripts and macros are compiled without these flags.
    command.args(["--target", host, "--target-dir"]).arg(folder);
    command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    run_command(&mut command)?;
    Ok(folder.join(host).join("release"))
}

fn seeds(target: &Target, folder: &Path) -> Outcome<PathBuf> {
    let from = root().join("tests/corpus").join(target.seeds);
    if from.is_dir() {
        return Ok(from);
    }
    let seeds = folder.join("seeds").join(target.name);
    for (number, text) in corpus::texts(&read(&from)?).iter().enumerate() {
        write(&seeds.join(number.to_string()), text)?;
    }
    Ok(seeds)
}

fn create(folder: &Path) -> Outcome {
    fs::create_dir_all(folder)
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_built_and_has_its_files() {
        let manifest = read(&root().join("fuzz/Cargo.toml")).unwrap();
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
        for target in &TARGETS {
            assert!(manifest.contains(&format!("name = \"{}\"", target.name)));
            let scratch = tempfile::tempdir().unwrap();
            let seeds = seeds(target, scratch.path()).unwrap();
            assert!(fs::read_dir(seeds).unwrap().count() > 1, "{}", target.name);
            let dictionary = format!("fuzz/dictionaries/{}.dict", target.name);
            assert!(root().join(dictionary).is_file(), "{}", target.name);
        }
    }

    #[test]
    fn the_versions_of_what_is_shared_are_the_workspaces() {
        let ours = read(&root().join("Cargo.lock")).unwrap();
        let theirs = read(&root().join("fuzz/Cargo.lock")).unwrap();
        let own = ["libfuzzer-sys", "prism-fuzz", "arbitrary", "jobserver"];
        for package in theirs.split("[[package]]").skip(1) {
            let mut lines = package.trim().lines();
            let (name, version) = (lines.next().unwrap(), lines.next().unwrap());
            if !own.iter().any(|own| name == format!("name = \"{own}\"")) {
                assert!(
                    ours.contains(&format!("{name}\n{version}\n")),
                    "{name} {version}"
                );
            }
        }
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused() {
        let all = asked(&[]).unwrap();
        assert_eq!((all.targets.len(), all.seconds), (TARGETS.len(), SECONDS));
        let one = asked(&["names", "--seconds", "5"]).unwrap();
        assert_eq!((one.targets.len(), one.seconds), (1, 5));
        assert!(asked(&["names", "--input", "x"]).unwrap().input.is_some());
        for wrong in [
            &["nothing"][..],
            &["--seconds"],
            &["--seconds", "0"],
            &["--seconds", "soon"],
            &["--input", "x"],
        ] {
            assert!(asked(wrong).is_err(), "{wrong:?}");
        }
    }
}
