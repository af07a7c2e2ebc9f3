//! `docs`: generates documents from the code, or checks that they are up to date.
//!
//! `docs/errors.md`, `docs/access.md`, `docs/sensitive-files.md` and `docs/openapi.json` are generated completely. Other
//! files have generated parts, each between two lines with markers: `KEY:begin` and `KEY:end`.

mod access;
mod errors;
mod labels;
mod picture;
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
/// The documents that contain the diagram.
const PICTURES: [&str; 2] = ["README.md", "docs/ARCHITECTURE.md"];
const TEMPLATE: &str = "infra/template.yaml";

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
    let picture = (
        "state-machine".to_owned(),
        format!("```mermaid\n{picture}```\n"),
    );
    let with_picture = PICTURES.map(|name| (name, vec![picture.clone()]));
    let deploy = vec![("settings".to_owned(), settings::table())];
    let template = template::parts(&definition, &read(&root().join(TEMPLATE))?)?;
    for (name, parts) in with_picture
        .into_iter()
        .chain([(DEPLOY, deploy), (TEMPLATE, template)])
    {
        let mut text = read(&root().join(name))?;
        match parts.iter().try_for_each(|(key, part)| {
            text = filled(name, &text, key, part)?;
            Ok(())
        }) {
            Ok(()) => documents.push((name, text)),
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
