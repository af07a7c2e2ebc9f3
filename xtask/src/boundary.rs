//! `boundary`: checks that a default build does not depend on the SDK of an AWS service, that no layer refers to one
//! above it, that files do not refer to each other in a cycle, that functions are short, and that the source follows the
//! house rules of [`crate::tidy`].

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{cargo, output, root, variable};
use crate::tidy::{self, Source};
use crate::{Outcome, documented, layers, sizes};

/// Crates that only a deployment may need, behind a feature that is off by default: their names, or prefixes of them.
const FOREIGN: [&str; 5] = [
    "aws-sdk-",
    "aws-config",
    "aws-smithy-",
    "lambda_runtime",
    "lambda_http",
];
/// Those of them with which `prism` finds its credentials for an API (docs/adr/0021-credentials-by-default.md): a role or a
/// session of single sign-on is exchanged for them.
const CREDENTIALS: [&str; 4] = ["aws-config", "aws-sdk-sso", "aws-sdk-sts", "aws-smithy-"];
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", ".aws-sam"];
const WRITTEN: [&str; 14] = [
    "rs", "toml", "json", "md", "yaml", "yml", "sql", "sh", "run", "snap", "ts", "tsx", "mjs", "py",
];

pub(crate) fn run() -> Outcome {
    let mut problems = foreign_crates()?;
    let sources = sources()?;
    let machine = tidy::machine_paths(root(), variable("HOME").map(PathBuf::from).as_deref());
    for source in &sources {
        problems.extend(tidy::problems(source, &machine));
    }
    problems.extend(layers::problems(&sources)?);
    problems.extend(documented::problems(&sources)?);
    problems.extend(sizes::problems(&sources)?);
    if problems.is_empty() {
        println!(
            "no package builds the SDK of an AWS service by default; {} files keep the house rules",
            sources.len()
        );
        return Ok(());
    }
    Err(problems.join("\nerror: "))
}

/// The packages whose default features include a dependency that only a deployment, or its tests, may need.
fn foreign_crates() -> Outcome<Vec<String>> {
    let mut problems = Vec::new();
    for package in packages()? {
        let mut tree = cargo();
        tree.args(["tree", "--locked", "--edges", "normal,build,dev"]);
        tree.args(["--prefix", "none", "--format", "{p}", "--package", &package]);
        let tree = output(&mut tree)?;
        let mut found: Vec<&str> = tree
            .lines()
            .filter_map(|line| line.split(' ').next())
            .filter(|name| is_foreign(&package, name))
            .collect();
        found.sort_unstable();
        found.dedup();
        problems.extend(found.into_iter().map(|name| {
            format!(
                "{package} depends on {name} by default: cargo tree -p {package} --invert {name}"
            )
        }));
    }
    Ok(problems)
}

/// Whether a package must not depend on a crate by default.
fn is_foreign(package: &str, name: &str) -> bool {
    let is_in = |list: &[&str]| list.iter().any(|known| name.starts_with(known));
    is_in(&FOREIGN) && !(package == "prism" && is_in(&CREDENTIALS))
}

fn packages() -> Outcome<Vec<String>> {
    let mut metadata = cargo();
    metadata.args(["metadata", "--locked", "--no-deps", "--format-version=1"]);
    let metadata: serde_json::Value = serde_json::from_str(&output(&mut metadata)?)
        .map_err(|error| format!("cargo metadata returned invalid JSON: {error}"))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    Ok(packages
        .filter_map(|package| Some(package["name"].as_str()?.to_owned()))
        .collect())
}

/// Reads every file that people write, with its path from the root.
fn sources() -> Outcome<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        let cannot = |error| format!("{} cannot be read: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if !SKIPPED.contains(&name.as_ref()) {
                    folders.push(path);
                }
            } else if is_written(&path) {
                // Files that are not text are not written by people.
                if let Ok(text) = fs::read_to_string(&path) {
                    let path = path.strip_prefix(root()).unwrap_or(&path);
                    let path = path.to_string_lossy().replace('\\', "/");
                    sources.push(Source::new(path, text));
                }
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn is_written(path: &Path) -> bool {
    let end = path.extension().or(path.file_name()).unwrap_or_default();
    WRITTEN.iter().any(|written| end == *written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_command_line_finds_credentials() {
        for name in ["aws-config", "aws-sdk-sso", "aws-smithy-runtime"] {
            assert!(!is_foreign("prism", name), "{name}");
            assert!(is_foreign("prism-local", name), "{name}");
        }
        for name in [
            "aws-sdk-ec2",
            "aws-sdk-ssm",
            "aws-sdk-dynamodb",
            "lambda_http",
        ] {
            assert!(is_foreign("prism", name), "{name}");
        }
        assert!(!is_foreign("prism-local", "rusqlite"));
    }
}
