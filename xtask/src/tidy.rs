//! The house rules that are checked automatically.

use std::path::Path;

/// The maximum number of lines of a Rust source file.
const LINES: usize = 500;
/// The maximum number of lines of a Rust test or example.
const TEST_LINES: usize = 600;
const STEPS: &str = "functions/src/steps/";
/// The markers of missing code, split so that this file may contain them.
const MISSING: [&str; 2] = [concat!("todo", "!("), concat!("unimplemented", "!(")];
/// Phrases over which a reader who never met the authors would stumble, each with a plainer one. They are split so that
/// this file may contain them.
const PHRASES: [(&str, &str); 12] = [
    (concat!("an", "ew"), "again"),
    (concat!("me", "nd"), "fix"),
    (concat!("me", "nds"), "fixes"),
    (concat!("me", "nded"), "fixed"),
    (concat!("me", "nding"), "fixing"),
    (concat!("tell", " of"), "report"),
    (concat!("tells", " of"), "reports"),
    (concat!("gone", " over on"), "last checked on"),
    (concat!("so it", " stands"), "OK"),
    (concat!("whoever", " carries on"), "maintainers"),
    (concat!("have texts", " made up"), "fuzz"),
    (
        concat!("lets these", " credentials"),
        "these credentials have no access",
    ),
];
/// Folders that exist on every system: a path that begins with one does not identify a machine.
const COMMON: [&str; 13] = [
    "bin", "dev", "etc", "home", "lib", "mnt", "opt", "proc", "root", "srv", "tmp", "usr", "var",
];

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }
}

/// The prefixes of paths that only exist on this machine: the clone's, and those in the user's home folder, unless that
/// is a folder that simulated disks have too.
pub(crate) fn machine_paths(root: &Path, home: Option<&Path>) -> Vec<String> {
    let mut paths = vec![root.to_string_lossy().into_owned()];
    let top = root.iter().nth(1).map(|top| top.to_string_lossy());
    if let Some(top) = top.filter(|top| !COMMON.contains(&top.as_ref())) {
        paths.push(format!("/{top}/"));
    }
    let home = home.filter(|home| home.iter().count() > 2);
    paths.extend(home.map(|home| format!("{}/", home.display())));
    paths
}

pub(crate) fn problems(source: &Source, machine_paths: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        let at = format!("{}:{}", source.path, number + 1);
        if machine_paths.iter().any(|path| names(line, path)) {
            problems.push(format!("{at} names a path of this machine"));
        }
        let phrases = PHRASES.iter().filter(|(phrase, _)| says(line, phrase));
        problems.extend(phrases.map(|(phrase, plain)| {
            format!("{at} says \"{phrase}\"; a plainer phrase is \"{plain}\"")
        }));
        if is_rust(source) && MISSING.iter().any(|missing| line.contains(missing)) {
            problems.push(format!("{at} leaves code out"));
        }
    }
    if is_rust(source) {
        problems.extend(too_long(source));
    }
    if source.path.starts_with(STEPS) {
        problems.extend(step_order(source));
    }
    problems
}

/// Whether a line contains a path with this prefix, as opposed to a longer path that contains it in the middle.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "~._-/{}".contains(c))
    })
}

/// Whether a line contains a phrase, in words of their own.
fn says(line: &str, phrase: &str) -> bool {
    let line = line.to_lowercase();
    line.match_indices(phrase).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + phrase.len()..].chars().next();
        ![before, after]
            .into_iter()
            .flatten()
            .any(char::is_alphanumeric)
    })
}

pub(crate) fn is_rust(source: &Source) -> bool {
    Path::new(&source.path)
        .extension()
        .is_some_and(|end| end == "rs")
}

fn too_long(source: &Source) -> Option<String> {
    let path = &source.path;
    let is_test = path
        .split('/')
        .any(|part| matches!(part, "tests" | "examples" | "tests.rs"));
    let most = if is_test { TEST_LINES } else { LINES };
    let lines = source.text.lines().count();
    (lines > most).then(|| format!("{path} has {lines} lines, and {most} is the most"))
}

/// Checks the order of a step's file: first the step's name, then its struct, its input, its output, its `impl Step`
/// and its tests. Input and output may be missing.
fn step_order(source: &Source) -> Vec<String> {
    let (path, text) = (&source.path, &source.text);
    let Some(step) = text
        .lines()
        .find_map(|line| line.strip_prefix("impl Step for ")?.split(' ').next())
    else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let file = format!("{STEPS}{}.rs", snake_case(step));
    if *path != file {
        problems.push(format!("{path} has the step {step}, whose place is {file}"));
    }
    if !text.starts_with(&format!("//! {step}: ")) {
        problems.push(format!("{path} does not begin with \"//! {step}: \""));
    }
    let parts = [
        format!("struct {step};"),
        "struct Input".to_owned(),
        "struct Output".to_owned(),
        format!("impl Step for {step} "),
        "#[cfg(test)]".to_owned(),
    ];
    let found: Vec<(usize, &String)> = parts
        .iter()
        .filter_map(|part| Some((text.find(part.as_str())?, part)))
        .collect();
    for pair in found.windows(2) {
        if let [(first, before), (second, after)] = pair
            && first > second
        {
            problems.push(format!("{path} has \"{after}\" before \"{before}\""));
        }
    }
    problems
}

pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<String> {
        problems(&Source::new(path, text), &["/builds/".to_owned()])
    }

    #[test]
    fn long_files_are_reported() {
        assert_eq!(told("a/src/b.rs", &"\n".repeat(500)), [""; 0]);
        assert_eq!(told("a/src/b.rs", &"\n".repeat(501)).len(), 1);
        assert_eq!(told("a/src/b/tests/c.rs", &"\n".repeat(600)), [""; 0]);
        assert_eq!(told("a/src/tests.rs", &"\n".repeat(601)).len(), 1);
        assert_eq!(told("docs/a.md", &"\n".repeat(999)), [""; 0]);
    }

    #[test]
    fn paths_of_a_machine_are_reported() {
        let found = told("README.md", "one\nsee /builds/prism\n");
        assert_eq!(found, ["README.md:2 names a path of this machine"]);
        assert_eq!(told("README.md", "see ~/builds/prism\n"), [""; 0]);
        let paths = machine_paths(Path::new("/builds/prism"), Some(Path::new("/home/ada")));
        assert_eq!(paths, ["/builds/prism", "/builds/", "/home/ada/"]);
        let paths = machine_paths(Path::new("/tmp/prism"), Some(Path::new("/root")));
        assert_eq!(paths, ["/tmp/prism"]);
    }

    #[test]
    fn missing_code_is_reported() {
        let text = format!("fn f() {{ {}) }}", MISSING[0]);
        assert_eq!(told("a/src/b.rs", &text), ["a/src/b.rs:1 leaves code out"]);
    }

    #[test]
    fn phrases_that_are_not_plain_are_reported() {
        for (phrase, _) in PHRASES {
            let capital = phrase[..1].to_uppercase() + &phrase[1..];
            for text in [format!("a {phrase}, b"), capital, format!("f_{phrase}()")] {
                let found = told("docs/a.md", &text);
                let expected = format!("docs/a.md:1 says \"{phrase}\"");
                assert!(
                    found.len() == 1 && found[0].starts_with(&expected),
                    "{found:?}"
                );
            }
        }
        assert_eq!(told("docs/a.md", "we recommend it, amending it"), [""; 0]);
    }

    const STEP: &str = "//! StopIt: stops it.\nstruct StopIt;\nstruct Input {}\n\
                        struct Output {}\nimpl Step for StopIt {}\n#[cfg(test)]\nmod tests {}\n";

    #[test]
    fn steps_have_one_order() {
        let path = "functions/src/steps/stop_it.rs";
        assert_eq!(told(path, STEP), [""; 0]);
        assert_eq!(told(path, &STEP.replace("struct Output {}\n", "")), [""; 0]);
        let swapped = STEP.replace(
            "struct Input {}\nstruct Output {}",
            "struct Output {}\nstruct Input {}",
        );
        assert_eq!(told(path, &swapped).len(), 1);
        assert_eq!(
            told(path, &STEP.replace("//! StopIt", "//! Stops")).len(),
            1
        );
        assert_eq!(told("functions/src/steps/stop.rs", STEP).len(), 1);
    }
}
