//! `docs`: generates documents from the code, or checks that they are up to date.
//!
//! `docs/errors.md`, `docs/access.md`, `docs/sensitive-files.md` and `docs/openapi.json` are generated completely. Other
//! files have generated parts, each between two lines with markers: `KEY:begin` and `KEY:end`.

mod access;
mod errors;
mod labels;
mod picture;
mod sample;
mod sensitive;
mod settings;
mod template;

use std::fs;

use crate::Outcome;
use crate::shell::{read, root, write as write_file};

const ACCESS: &str = "docs/access.md";
const ERRORS: &str = "docs/errors.md";
/// The response of `GET /v1/openapi.json`.
const OPENAPI: &str = "docs/openapi.json";
const SENSITIVE: &str = "docs/sensitive-files.md";
const DEPLOY: &str = "docs/deploy.md";
const DEFINITION: &str = "statemachine/save.asl.json";
const PICTURE: &str = "docs/ARCHITECTURE.md";
const README: &str = "README.md";
const TEMPLATE: &str = "infra/template.yaml";

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
    let picture = format!("```mermaid\n{}```\n", picture::mermaid(&definition)?);
    let template = read(&root().join(TEMPLATE))?;
    Ok(vec![
        (ERRORS, errors::markdown()),
        (ACCESS, access::markdown()),
        (SENSITIVE, sensitive::document()),
        (OPENAPI, openapi()?),
        (PICTURE, with_part(PICTURE, "state-machine", &picture)?),
        (DEPLOY, with_part(DEPLOY, "settings", &settings::table())?),
        (README, readme()?),
        (TEMPLATE, template::generated(&definition, template)?),
    ])
}

fn with_part(name: &str, key: &str, part: &str) -> Outcome<String> {
    filled(name, &read(&root().join(name))?, key, part)
}

/// The README, with what its commands print.
fn readme() -> Outcome<String> {
    let text = read(&root().join(README))?;
    let part = text.split_once("sample:begin -->\n");
    let part = part.and_then(|(_, rest)| rest.split_once("<!-- sample:end"));
    let (part, _) = part.ok_or_else(|| format!("{README} has no sample"))?;
    filled(README, &text, "sample", &sample::played(part)?)
}

fn openapi() -> Outcome<String> {
    let text = prism_functions::api::document().to_pretty_json();
    let text =
        text.map_err(|error| format!("the OpenAPI document cannot be written as JSON: {error}"))?;
    Ok(format!("{text}\n"))
}

/// A text with a part between each pair of its markers, indented as they are.
fn filled(name: &str, text: &str, key: &str, part: &str) -> Outcome<String> {
    let (begin, end) = (format!(" {key}:begin"), format!(" {key}:end"));
    let (mut filled, mut inside, mut found) = (String::new(), false, false);
    for line in text.split_inclusive('\n') {
        inside &= !line.contains(&end);
        if !inside {
            filled += line;
        }
        if line.contains(&begin) {
            (inside, found) = (true, true);
            let indent = line.len() - line.trim_start().len();
            filled += &indented(part, &line[..indent]);
        }
    }
    if inside || !found {
        return Err(format!("{name} lacks the lines{begin} and{end}"));
    }
    Ok(filled)
}

/// A text as a quoted YAML string.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text with each line indented, except for empty ones.
fn indented(text: &str, by: &str) -> String {
    let line = |line: &str| match line {
        "\n" => line.to_owned(),
        line => format!("{by}{line}"),
    };
    text.split_inclusive('\n').map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_goes_between_its_markers() {
        let text = "# A\n\n  <!-- a:begin -->\nold\n  <!-- a:end -->\n\nB\n";
        let done = filled("A.md", text, "a", "new\n\n  it\n").unwrap();
        assert_eq!(
            done,
            "# A\n\n  <!-- a:begin -->\n  new\n\n    it\n  <!-- a:end -->\n\nB\n"
        );
        assert_eq!(filled("A.md", &done, "a", "new\n\n  it\n").unwrap(), done);
    }

    #[test]
    fn a_document_without_markers_is_named() {
        for text in ["<!-- a:begin --> only", "neither"] {
            let problem = filled("A.md", text, "a", "x").unwrap_err();
            assert!(problem.starts_with("A.md lacks"), "{problem}");
        }
    }
}
