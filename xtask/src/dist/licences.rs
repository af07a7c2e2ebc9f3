//! The licences of the crates in a program. Most of them must be distributed with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Outcome;
use crate::shell::{cargo, output};

/// The beginnings of the names of files with licences.
const NAMES: [&str; 6] = [
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
];

/// Returns the licences of all crates in a program for a target, as one text.
pub(super) fn of(package: &str, target: &str) -> Outcome<String> {
    let mut tree = cargo();
    tree.args(["tree", "--locked", "--package", package, "--target", target]);
    tree.args(["--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let tree = output(&mut tree)?;
    // Such as "tar v0.4.46".
    let used: BTreeSet<String> = tree
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let mut metadata = cargo();
    metadata.args(["metadata", "--locked", "--format-version=1"]);
    let metadata: Value = serde_json::from_str(&output(&mut metadata)?)
        .map_err(|error| format!("cargo metadata returned invalid JSON: {error}"))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut crates = Vec::new();
    for package in packages.filter(|it| !it["source"].is_null()) {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let name = format!("{} v{}", text("name"), text("version"));
        if used.contains(&name) {
            let folder = Path::new(text("manifest_path")).parent();
            let texts = texts(folder.unwrap_or(Path::new("")))?;
            crates.push((format!("{name} ({})", text("license")), texts));
        }
    }
    Ok(joined(&crates))
}

/// The texts of the files with licences in a folder.
fn texts(folder: &Path) -> Outcome<Vec<String>> {
    let cannot = |error| format!("{} cannot be read: {error}", folder.display());
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let lower = name.to_lowercase();
        if path.is_file() && NAMES.iter().any(|known| lower.starts_with(known)) {
            let text = fs::read(&path).map_err(cannot)?;
            texts.insert(
                name.into_owned(),
                String::from_utf8_lossy(&text).into_owned(),
            );
        }
    }
    Ok(texts.into_values().collect())
}

/// Joins the licences of crates. A text that several crates have appears once, after their names.
fn joined(crates: &[(String, Vec<String>)]) -> String {
    let mut by_text: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, texts) in crates {
        for text in texts {
            by_text.entry(text.trim()).or_default().insert(name);
        }
    }
    let mut joined =
        "This program contains Rust's standard library (MIT OR Apache-2.0) and these crates:\n"
            .to_owned();
    let names: BTreeSet<&str> = crates.iter().map(|(name, _)| name.as_str()).collect();
    for name in names {
        let _ = writeln!(joined, "  {name}");
    }
    for (text, names) in by_text {
        let names = names.into_iter().collect::<Vec<_>>().join("\n");
        let _ = write!(joined, "\n{}\n{names}\n\n{text}\n", "-".repeat(78));
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_several_crates_have_appears_once() {
        let of = |name: &str, texts: &[&str]| {
            let texts = texts.iter().map(|&text| text.to_owned()).collect();
            (name.to_owned(), texts)
        };
        let text = joined(&[
            of("b v1 (MIT)", &["Free.\n"]),
            of("a v2 (MIT OR ISC)", &["Free.", "Isc."]),
            of("c v3 (Zlib)", &[]),
        ]);
        assert_eq!(text.matches("Free.").count(), 1);
        assert!(text.contains("a v2 (MIT OR ISC)\nb v1 (MIT)\n\nFree.\n"));
        assert!(text.contains("\na v2 (MIT OR ISC)\n\nIsc.\n"));
        assert!(text.contains("  c v3 (Zlib)\n"));
    }
}
