//! Every example of the requirements document, as it is written there.
//!
//! `cli/tests/requirements.sh` has the document's fenced bash examples in their order, each headed by
//! the section that it stands in ("Instance-to-AMI Workflow Design"). What the document takes for
//! granted at an example, such as an instance that was launched before, is made first.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{FAST, Prism};

const SOURCE: &str = include_str!("requirements.sh");

/// An example: its heading, and its commands as somebody would type them.
struct Example {
    title: String,
    commands: Vec<Vec<String>>,
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut line = String::new();
    for text in SOURCE.lines() {
        if let Some(title) = text.strip_prefix("#> ") {
            examples.push(Example {
                title: title.to_owned(),
                commands: Vec::new(),
            });
            continue;
        }
        let text = uncommented(text);
        if let Some(begin) = text.strip_suffix('\\') {
            line.push_str(begin);
            continue;
        }
        line.push_str(text);
        let words = words(&std::mem::take(&mut line));
        if !words.is_empty() {
            examples.last_mut().unwrap().commands.push(words);
        }
    }
    examples
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

/// The words of a command, as a shell splits them: the examples quote with `"` alone.
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

/// What has to be there before an example begins.
fn given(title: &str) -> &'static [&'static [&'static str]] {
    match title {
        "5. Template Usage Integration" => &[
            &["launch", "python-ml", "my-research"],
            &["save", "my-research", "my-custom-ml-env"],
        ],
        "1. CLI Command" => &[
            &["launch", "python-ml", "my-instance"],
            &["project", "create", "my-project"],
        ],
        "6. Project Integration" => &[
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
            ("1. CLI Command", 1),
            ("5. Template Usage Integration", 3),
            ("6. Project Integration", 3),
            ("Workflow 1: Individual Environment Preservation", 3),
            ("Workflow 2: Team Environment Sharing", 3),
            ("Workflow 3: Course Environment Distribution", 3),
        ]
    );
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
            let answer = prism.run(&args);
            assert_eq!(
                answer.code, 0,
                "{}: {command:?}: {}",
                example.title, answer.stderr
            );
        }
    }
}
