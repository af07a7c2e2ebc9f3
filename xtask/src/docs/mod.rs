//! `docs`: generates documents from the code, or checks that they are up to date.
//!
//! `docs/errors.md`, `docs/access.md`, `docs/sensitive-files.md` and `docs/openapi.json` are generated completely. The
//! diagram of the state machine is part of documents that people write, between two markers.

mod access;
mod errors;
mod labels;
mod picture;
mod sensitive;

use std::fs;

use crate::Outcome;
use crate::shell::{read, root, write as write_file};

const ACCESS: &str = "docs/access.md";
const ERRORS: &str = "docs/errors.md";
/// The response of `GET /v1/openapi.json`.
const OPENAPI: &str = "docs/openapi.json";
const SENSITIVE: &str = "docs/sensitive-files.md";
const DEFINITION: &str = "statemachine/save.asl.json";
/// The documents that contain the diagram.
const PICTURES: [&str; 2] = ["README.md", "docs/ARCHITECTURE.md"];
const BEGIN: &str = "<!-- state-machine:begin -->";
const END: &str = "<!-- state-machine:end -->";

/// Writes the documents that are out of date.
pub(crate) fn write() -> Outcome {
    let Made {
        documents,
        problems,
    } = made()?;
    for (name, text) in documents {
        if fs::read_to_string(root().join(name)).ok().as_deref() == Some(&text) {
            println!("{name} is up to date");
        } else {
            write_file(&root().join(name), &text)?;
            println!("{name} is written");
        }
    }
    all_or_nothing(&problems)
}

/// Fails if any document is out of date.
pub(crate) fn check() -> Outcome {
    let Made {
        documents,
        mut problems,
    } = made()?;
    for (name, text) in documents {
        if fs::read_to_string(root().join(name)).ok().as_deref() == Some(&text) {
            println!("{name} is up to date");
        } else {
            problems.push(format!("{name} is stale: run \"cargo xtask docs\""));
        }
    }
    all_or_nothing(&problems)
}

fn all_or_nothing(problems: &[String]) -> Outcome {
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join("\nerror: "))
}

/// The generated documents.
struct Made {
    /// Documents by path, with their generated contents.
    documents: Vec<(&'static str, String)>,
    /// Errors that prevented the generation of others.
    problems: Vec<String>,
}

fn made() -> Outcome<Made> {
    let definition = serde_json::from_str(&read(&root().join(DEFINITION))?)
        .map_err(|error| format!("{DEFINITION} is no JSON: {error}"))?;
    let picture = picture::mermaid(&definition)?;
    let mut documents = vec![
        (ERRORS, errors::markdown()),
        (ACCESS, access::markdown()),
        (SENSITIVE, sensitive::document()),
        (OPENAPI, openapi()?),
    ];
    let mut problems = Vec::new();
    for name in PICTURES {
        let document = read(&root().join(name));
        match document.and_then(|text| with_picture(name, &text, &picture)) {
            Ok(text) => documents.push((name, text)),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(Made {
        documents,
        problems,
    })
}

/// The OpenAPI description.
fn openapi() -> Outcome<String> {
    let text = prism_functions::api::document().to_pretty_json();
    let text = text.map_err(|error| format!("the API's description is no JSON: {error}"))?;
    Ok(format!("{text}\n"))
}

/// A document with the diagram between its markers.
fn with_picture(name: &str, text: &str, picture: &str) -> Outcome<String> {
    let missing = || {
        format!(
            "{name} lacks the lines {BEGIN} and {END}, between which the state machine's picture goes"
        )
    };
    let (before, rest) = text.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!(
        "{before}{BEGIN}\n```mermaid\n{picture}```\n{END}{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_goes_between_the_markers() {
        let text = format!("# A\n\n{BEGIN}\nold\n{END}\n\nB\n");
        let done = with_picture("A.md", &text, "flowchart TB\n").unwrap();
        assert_eq!(
            done,
            format!("# A\n\n{BEGIN}\n```mermaid\nflowchart TB\n```\n{END}\n\nB\n")
        );
        assert_eq!(with_picture("A.md", &done, "flowchart TB\n").unwrap(), done);
    }

    #[test]
    fn a_document_without_markers_is_named() {
        let problem = with_picture("A.md", &format!("{BEGIN} only"), "x").unwrap_err();
        assert!(problem.starts_with("A.md lacks"), "{problem}");
    }
}
