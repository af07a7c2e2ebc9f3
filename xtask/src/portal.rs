//! `portal`: builds the portal's files with Node.js, checks that the committed ones are what the sources give, or makes
//! the pictures of the README.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::shell::{self, root, run as run_command};

/// The types of the API, generated from its description.
const TYPES: &str = "src/api/schema.ts";

fn folder() -> PathBuf {
    root().join("portal")
}

/// A program of the portal's folder.
fn tool(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder()).args(args);
    // Nothing but the packages is needed: the tests use the browser of the system.
    command.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    command
}

/// Installs the packages that the lock file names, generates the types, and builds.
pub(crate) fn build() -> Outcome {
    install()?;
    run_command(&mut tool("npm", &["run", "--silent", "api"]))?;
    run_command(&mut tool("npm", &["run", "--silent", "build"]))
}

/// Builds again, elsewhere, and compares every byte.
pub(crate) fn check() -> Outcome {
    install()?;
    let scratch = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let (built, types) = (
        scratch.path().join("dist"),
        scratch.path().join("schema.ts"),
    );
    let (to, types_to) = (built.display().to_string(), types.display().to_string());
    let generate = [
        "openapi-typescript",
        "../docs/openapi.json",
        "--output",
        &types_to,
    ];
    run_command(tool("npx", &["--no-install"]).args(generate))?;
    run_command(&mut tool("node", &["build.mjs", &to]))?;
    same(TYPES, &read(&folder().join(TYPES))?, &read(&types)?)?;
    let (committed, built) = (files(&folder().join("dist"))?, files(&built)?);
    for (name, bytes) in &built {
        same(name, committed.get(name).map_or(&[], Vec::as_slice), bytes)?;
    }
    match committed.keys().find(|name| !built.contains_key(*name)) {
        Some(name) => same(name, &[0], &[]),
        None => Ok(()),
    }
}

/// Makes the pictures of the README again, on a new embedded cloud and in Chromium.
pub(crate) fn screenshots() -> Outcome {
    install()?;
    picture(&pictures())
}

/// Makes the same pictures in another folder, for whoever looks at a change, and compares their names and sizes with those
/// of the README. Their pixels differ with fonts and times, which is no fault.
pub(crate) fn screenshots_in(folder: &str) -> Outcome {
    install()?;
    let folder = root().join(folder);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    picture(&folder)?;
    println!("pictures of the portal: {}", folder.display());
    let (committed, fresh) = (files(&pictures())?, files(&folder)?);
    if !committed.keys().eq(fresh.keys()) {
        return Err(format!(
            "portal: the pictures are {:?}, and those of the README {:?}: run cargo xtask portal --screenshots",
            fresh.keys(),
            committed.keys()
        ));
    }
    for (name, bytes) in &fresh {
        let (was, now) = (size(&committed[name])?, size(bytes)?);
        if was != now {
            println!("{name}: {now:?} pixels, and {was:?} in the README");
        }
    }
    Ok(())
}

fn pictures() -> PathBuf {
    root().join("docs/pictures")
}

fn picture(folder: &Path) -> Outcome {
    let prism = shell::build(&["--workspace", "--locked", "--bin", "prism"])?;
    let folder = folder.display().to_string();
    let mut node = tool("node", &["tests/browser/pictures.mjs", &folder]);
    run_command(node.env("PRISM_BIN", prism))
}

/// The width and height of a picture, from the header of a PNG file.
fn size(picture: &[u8]) -> Outcome<(u32, u32)> {
    let number = |at: usize| {
        let bytes = picture.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    let header = picture.starts_with(b"\x89PNG\r\n\x1a\n");
    let size = header.then(|| Some((number(16)?, number(20)?))).flatten();
    size.ok_or_else(|| "a picture is no PNG file".to_owned())
}

fn install() -> Outcome {
    run_command(&mut tool("npm", &["ci", "--silent", "--prefer-offline"]))
}

fn same(name: &str, committed: &[u8], built: &[u8]) -> Outcome {
    if committed == built {
        return Ok(());
    }
    Err(format!(
        "portal: {name} is not what the sources give: run cargo xtask portal"
    ))
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The files of a folder, by their path in it.
fn files(folder: &Path) -> Outcome<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    collect(folder, "", &mut found)?;
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.insert(name, read(&entry.path())?);
        }
    }
    Ok(())
}
