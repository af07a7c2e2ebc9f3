//! What keeps the builder's folders out of the program.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::Outcome;
use crate::shell::{cargo, output};

/// What stands for the folder in which a registry's crates lie.
const REGISTRY: &str = "/registry";

/// The compiler's flags. The crates of this repository are
/// compiled under paths that are relative to its root; those of a registry lie in the home of
/// whoever builds, in a folder named after where they were fetched.
pub(super) fn flags() -> Outcome<Vec<String>> {
    let mut command = cargo();
    command.args(["metadata", "--locked", "--format-version=1"]);
    let metadata: Value = serde_json::from_str(&output(&mut command)?)
        .map_err(|error| format!("cargo metadata answered what is no JSON: {error}"))?;
    let folders = registries(&metadata).into_iter();
    Ok(folders
        .map(|folder| format!("--remap-path-prefix={folder}={REGISTRY}"))
        .collect())
}

/// The folders that hold the folders of crates that are not ours.
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
