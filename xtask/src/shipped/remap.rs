//! Keeps the paths of the building machine out of the program.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::Outcome;
use crate::shell::{cargo, output};

/// The path that replaces the folder of a registry's crates.
const REGISTRY: &str = "/registry";

/// The compiler flags. The crates of this repository are compiled with paths relative to its root. Those of a registry
/// are in the home folder of the building user, in a folder named after their source.
pub(super) fn flags() -> Outcome<Vec<String>> {
    let mut command = cargo();
    command.args(["metadata", "--locked", "--format-version=1"]);
    let metadata: Value = serde_json::from_str(&output(&mut command)?)
        .map_err(|error| format!("cargo metadata returned invalid JSON: {error}"))?;
    let folders = registries(&metadata).into_iter();
    Ok(folders
        .map(|folder| format!("--remap-path-prefix={folder}={REGISTRY}"))
        .collect())
}

fn registries(metadata: &Value) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let foreign = packages.filter(|package| !package["source"].is_null());
    foreign
        .filter_map(|package| {
            let manifest = Path::new(package["manifest_path"].as_str()?);
            Some(manifest.parent()?.parent()?.to_str()?.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_folders_of_foreign_crates_are_found_once_each() {
        let metadata = json!({"packages": [
            {"source": null, "manifest_path": "/clone/functions/Cargo.toml"},
            {"source": "registry+x", "manifest_path": "/home/ada/src/index-1/http-1.0.0/Cargo.toml"},
            {"source": "registry+x", "manifest_path": "/home/ada/src/index-1/url-2.0.0/Cargo.toml"},
        ]});
        let found: Vec<_> = registries(&metadata).into_iter().collect();
        assert_eq!(found, ["/home/ada/src/index-1"]);
    }
}
