//! Runs every example of the requirements document as it is written there.
//!
//! The examples are read from the document itself: its fenced blocks of commands and its inline commands, in their
//! order and under their headings, and its template file. What an example assumes, such as an instance launched
//! earlier, is created first.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{FAST, Prism, SERVED};

const DOCUMENT: &str = include_str!("../../docs/instance-to-ami-requirements.md");
/// The document's template file as in the test corpus, with a valid AMI ID.
const FILE: &str = include_str!("../../tests/corpus/template_files/requirements.yaml");
/// The ID in the document's file that no AMI can have: "ghi" are not hexadecimal digits.
const NO_ID: &str = "ami-def456ghi789";

/// An example: its heading and its commands.
struct Example {
    title: String,
    commands: Vec<Vec<String>>,
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let (mut fence, mut block) = (None, Vec::new());
    for text in DOCUMENT.lines() {
        match (text.strip_prefix("```"), fence) {
            (Some(language), None) => fence = Some(language),
            (Some(_), Some(language)) => {
                if language == "bash" {
                    let commands = commands(&std::mem::take(&mut block));
                    examples.last_mut().unwrap().commands.extend(commands);
                }
                fence = None;
            }
            (None, Some("bash")) => block.push(text),
            (None, Some(_)) => {}
            (None, None) => {
                if let Some(title) = text.strip_prefix('#') {
                    examples.push(Example {
                        title: title.trim_start_matches('#').trim().to_owned(),
                        commands: Vec::new(),
                    });
                } else if let Some(example) = examples.last_mut() {
                    example.commands.extend(inline(text));
                }
            }
        }
    }
    examples.retain(|example| !example.commands.is_empty());
    examples
}

/// The commands of a block. A line continues after a backslash, and also, in the document's own style, if an indented
/// option follows. The document's `[options]` stands for those.
fn commands(block: &[&str]) -> Vec<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    let mut goes_on = false;
    for text in block {
        let text = uncommented(text);
        let (text, more) = match text.strip_suffix('\\') {
            Some(begin) => (begin, true),
            None => (text, false),
        };
        let text = text.trim_end().strip_suffix("[options]").unwrap_or(text);
        if goes_on || text.starts_with("  --") {
            lines.last_mut().unwrap().push_str(text);
        } else {
            lines.push(text.to_owned());
        }
        goes_on = more;
    }
    let commands = lines.iter().map(|line| words(line));
    commands.filter(|words| !words.is_empty()).collect()
}

/// The complete commands inside sentences, as opposed to mentions of a command such as `prism save`.
fn inline(text: &str) -> Vec<Vec<String>> {
    let code = text.split('`').skip(1).step_by(2);
    let commands = code.filter(|code| !code.contains('<')).map(words);
    commands
        .filter(|words| words.len() > 2 && words[0] == "prism")
        .collect()
}

/// A line without its comment, as a shell reads it.
fn uncommented(line: &str) -> &str {
    let mut quoted = false;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted && before.is_whitespace() => return line[..at].trim_end(),
            _ => {}
        }
        before = c;
    }
    line.trim_end()
}

/// The words of a command, as a shell splits them. The examples only quote with `"`.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    assert!(!quoted, "{line}");
    words.extend(word);
    words
}

/// The commands that create what an example assumes.
fn given(title: &str) -> &'static [&'static [&'static str]] {
    match title {
        "5. Template Usage Integration" => &[
            &["launch", "python-ml", "my-research"],
            &["save", "my-research", "my-custom-ml-env"],
        ],
        "1. CLI Command: `prism save <instance-name> <template-name>`" => &[
            &["launch", "python-ml", "my-instance"],
            &["project", "create", "my-project"],
        ],
        "4. Instance State Management" => &[&["launch", "python-ml", "instance-name"]],
        "6. Project Integration (Phase 4)" => &[
            &["launch", "python-ml", "my-instance"],
            &["project", "create", "brain-imaging-study"],
        ],
        "Workflow 2: Team Environment Sharing" => {
            &[&["launch", "bioinformatics", "my-genomics-work"]]
        }
        "Workflow 3: Course Environment Distribution" => {
            &[&["launch", "python-ml", "ml-course-prep"]]
        }
        _ => &[],
    }
}

#[test]
fn the_document_is_read_whole() {
    let examples = examples();
    let counts: Vec<(&str, usize)> = examples
        .iter()
        .map(|example| (example.title.as_str(), example.commands.len()))
        .collect();
    assert_eq!(
        counts,
        [
            ("User Story", 4),
            (
                "1. CLI Command: `prism save <instance-name> <template-name>`",
                1
            ),
            ("4. Instance State Management", 2),
            ("5. Template Usage Integration", 3),
            ("6. Project Integration (Phase 4)", 3),
            ("Workflow 1: Individual Environment Preservation", 3),
            ("Workflow 2: Team Environment Sharing", 3),
            ("Workflow 3: Course Environment Distribution", 3),
        ]
    );
    let signature = &examples[1].commands[0];
    let save = [
        "prism",
        "save",
        "my-instance",
        "my-template",
        "--description",
        "Description of custom template",
        "--region",
        "us-west-2",
        "--public",
        "--project",
        "my-project",
    ];
    assert_eq!(signature, &save);
}

#[test]
fn every_example_runs_as_it_is_written() {
    for example in examples() {
        let prism = Prism::new(FAST);
        for command in given(&example.title) {
            prism.ok(command);
        }
        for command in &example.commands {
            assert_eq!(command[0], "prism", "{}", example.title);
            let args: Vec<&str> = command[1..].iter().map(String::as_str).collect();
            let answer = match args[..] {
                // What reaches everyone is asked for, where people type it.
                ["template", "share", ..] => prism.typed("y\n", &args),
                _ => prism.run(&args),
            };
            assert_eq!(
                answer.code, 0,
                "{}: {command:?}: {}",
                example.title, answer.stderr
            );
        }
    }
}

/// The file is parsed as it is in the document, except for the invalid AMI ID, which is refused with its position.
#[test]
fn the_file_of_a_template_is_the_one_that_is_read() {
    let rest = DOCUMENT.split_once("```yaml\n").unwrap().1;
    let file = rest.split_once("```").unwrap().0;
    assert_eq!(file.replace(NO_ID, "ami-def456ab7890"), FILE);
    let prism = Prism::new(FAST);
    let import = ["--json", "template", "import", "-", "--dry-run"];
    let refused = prism.piped(file, &import);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    let error = refused.error();
    assert_eq!(error["code"], "InvalidTemplateFile");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("line 14"), "{message}");
    // The whole file is understood: only the AMI that it names is missing.
    let error = prism.piped(FILE, &import).error();
    let text = error.to_string();
    assert!(text.contains("ami-abc123def456"), "{text}");
}

/// Runs a command as a user of the machine, without an option that says so.
fn run_as(prism: &Prism, user: &str, command: &[String]) -> common::Answer {
    let args: Vec<&str> = command[1..].iter().map(String::as_str).collect();
    let output = prism.command(&args).env("USER", user).output();
    common::answer(&output.unwrap())
}

/// The workflows of teams and courses have several users: one saves, and the others launch.
#[test]
fn the_workflows_of_several_users_run_as_they_are_written() {
    if SERVED {
        return; // The server has one user.
    }
    let examples = examples();
    let workflow = |title: &str| {
        examples
            .iter()
            .find(|it| it.title.starts_with(title))
            .unwrap()
    };
    let prism = Prism::new(FAST);
    let users = ["alice", "bob", "carol"];
    for title in ["Workflow 2", "Workflow 3"] {
        let example = workflow(title);
        for command in given(&example.title) {
            prism.ok(command);
        }
        for (user, command) in users.iter().zip(&example.commands) {
            let done = run_as(&prism, user, command);
            let private = title == "Workflow 3" && *user != "alice";
            let expected = i32::from(private);
            assert_eq!(done.code, expected, "{user}: {command:?}: {}", done.stderr);
            if title == "Workflow 3" && *user == "alice" {
                // The template is hers alone, and the result says how to change that.
                done.prints("only you; share it: prism template share cs229-environment");
            }
        }
    }
    let shared = prism.typed("y\n", &["template", "share", "cs229-environment"]);
    assert_eq!(shared.code, 0, "{}", shared.stderr);
    let course = workflow("Workflow 3");
    for (user, command) in users.iter().zip(&course.commands).skip(1) {
        let done = run_as(&prism, user, command);
        assert_eq!(done.code, 0, "{user}: {command:?}: {}", done.stderr);
    }
}
