//! `docs`: generates documents from the code, or checks that they are up to date.
//!
//! `docs/errors.md`, `docs/access.md`, `docs/sensitive-files.md` and `docs/openapi.json` are generated completely. The
//! diagram of the state machine is part of `docs/ARCHITECTURE.md`, between two markers.

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
const PICTURE: &str = "docs/ARCHITECTURE.md";
const BEGIN: &str = "<!-- state-machine:begin -->";
const END: &str = "<!-- state-machine:end -->";

pub(crate) fn write() -> Outcome {
    for (name, text) in documents()? {
        if is_up_to_date(name, &text) {
            println!("{name} is up to date");
        } else {
            write_file(&root().join(name), &text)?;
            println!("{name} is written");
        }
    }
    Ok(())
}

/// Fails if any document is out of date.
pub(crate) fn check() -> Outcome {
    let mut problems = Vec::new();
    for (name, text) in documents()? {
        if is_up_to_date(name, &text) {
            println!("{name} is up to date");
        } else {
            problems.push(format!("{name} is stale: run \"cargo xtask docs\""));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join("\nerror: "))
}

fn is_up_to_date(name: &str, text: &str) -> bool {
    fs::read_to_string(root().join(name)).is_ok_and(|it| it == text)
}

/// Documents by path, with their generated contents.
fn documents() -> Outcome<Vec<(&'static str, String)>> {
    let definition = serde_json::from_str(&read(&root().join(DEFINITION))?)
        .map_err(|error| format!("{DEFINITION} is not valid JSON: {error}"))?;
    let picture = picture::mermaid(&definition)?;
    let architecture = with_picture(PICTURE, &read(&root().join(PICTURE))?, &picture)?;
    Ok(vec![
        (ERRORS, errors::markdown()),
        (ACCESS, access::markdown()),
        (SENSITIVE, sensitive::document()),
        (OPENAPI, openapi()?),
        (PICTURE, architecture),
    ])
}

fn openapi() -> Outcome<String> {
    let text = prism_functions::api::document().to_pretty_json();
    let text =
        text.map_err(|error| format!("the OpenAPI document cannot be written as JSON: {error}"))?;
    Ok(format!("{text}\n"))
}

fn with_picture(name: &str, text: &str, picture: &str) -> Outcome<String> {
    let missing = || {
        format!(
            "{name} lacks the lines {BEGIN} and {END}, which enclose the diagram of the state machine"
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
