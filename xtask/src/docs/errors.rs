//! Generates `docs/errors.md` from the table of codes.

use std::fmt::Write;

use prism_functions::domain::{Class, Code};

const HEAD: &str = "\
<!-- Made by `cargo xtask docs` from functions/src/domain/problem.rs. Change it there. -->

# Error codes

A code is a promise: Step Functions matches on it, `--json` shows it, and it never changes its
meaning. The command line prints the message, its causes, and a `hint:` line with what to do; where
a case has better advice than its code, that is the hint.

";

/// The classes in the order of the document: heading, exit code, and what the class's errors have in common.
const CLASSES: [(Class, &str, u8, &str); 4] = [
    (
        Class::BadInput,
        "Bad input",
        2,
        "The request itself is malformed. Nothing was looked at or changed.",
    ),
    (
        Class::Refused,
        "Refused",
        1,
        "The request cannot be met as things stand. Nothing was changed.",
    ),
    (
        Class::Failed,
        "Failed",
        1,
        "It failed on the way; what had been changed is put back.",
    ),
    (
        Class::Transient,
        "Transient",
        1,
        "It may pass by itself and is tried again; it is shown once the tries are used up.",
    ),
];

pub(super) fn markdown() -> String {
    let mut text = HEAD.to_owned();
    let _ = writeln!(text, "| class | exit code | in common |\n|---|---|---|");
    for (_, heading, exit, common) in CLASSES {
        let anchor = heading.to_lowercase().replace(' ', "-");
        let _ = writeln!(text, "| [{heading}](#{anchor}) | {exit} | {common} |");
    }
    for (class, heading, exit, common) in CLASSES {
        let _ = writeln!(
            text,
            "\n## {heading}\n\n{common} Exit code {exit}.\n\n\
             | code | what it means | what to do |\n|---|---|---|"
        );
        for code in Code::ALL.iter().filter(|code| code.class() == class) {
            let (means, todo) = (cell(code.means()), cell(code.todo()));
            let _ = writeln!(text, "| `{code}` | {means} | {todo} |");
        }
    }
    text
}

/// Escapes text for a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_line() {
        let text = markdown();
        for code in Code::ALL {
            let lines = text.matches(&format!("| `{code}` |")).count();
            assert_eq!(lines, 1, "{code}");
        }
    }
}
