//! `prism local reset`.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use prism_functions::domain::{Code, Problem};
use prism_local::{FILES, OPENING_LOCK, PACE_FILE};
use serde_json::json;

use super::serve::{LOCK_FILE, TOKEN_FILE};
use crate::errors::Outcome;
use crate::output::Output;
use crate::{exit, prompt};

/// The suffixes of the files of an SQLite database.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];
/// The folder of the files that running executions keep locked.
const LEASES: &str = "leases";
/// The log of executions in the background.
const LOG: &str = "background.log";
/// Byte 68 and the next of a Prism database: the first letters of its application ID, at the offset that SQLite's
/// "Database File Format" specifies.
const MARK: [u8; 2] = *b"Pr";

/// Delete the embedded cloud with all of its instances and templates
#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Reset {
    /// Runs without opening the cloud, so that a damaged one can be removed too.
    pub(crate) fn run(&self, out: &Output, home: &Path) -> Outcome {
        let leases = check(home)?;
        let question = format!(
            "All instances and templates in {} will be deleted. Continue?",
            home.display()
        );
        if !prompt::confirm(out, self.yes, &question)? {
            return Ok(exit::FAILED);
        }
        let removed = remove(home, &leases).map_err(|error| failed(home, error))?;
        out.done(&json!({ "home": home, "removed": removed }), || {
            format!("The embedded cloud in {} is deleted.\n", home.display())
        })
    }
}

fn failed(home: &Path, error: io::Error) -> Problem {
    let message = format!("The folder {} cannot be reset.", home.display());
    Problem::new(Code::LocalIo, message).because(error)
}

/// Refuses a folder that is not a Prism home, and one in which a save is being carried out. Returns the lease files in
/// it.
fn check(home: &Path) -> Result<Vec<PathBuf>, Problem> {
    if !FILES.iter().any(|name| is_ours(&home.join(name))) {
        let message = format!("There is no embedded cloud in {}.", home.display());
        return Err(Problem::new(Code::InvalidInput, message)
            .hint("Name its folder with --home PATH; \"prism local show\" shows it."));
    }
    let mut leases = Vec::new();
    let entries = match fs::read_dir(home.join(LEASES)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(leases),
        Err(error) => return Err(failed(home, error)),
    };
    for entry in entries {
        let path = entry.map_err(|error| failed(home, error))?.path();
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let locked = File::open(&path).is_ok_and(|file| file.try_lock().is_err());
        if locked {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            return Err(
                Problem::new(Code::InstanceBusy, format!("{name} is still running."))
                    .hint("Wait until it has ended, or cancel it: prism saves list"),
            );
        }
        leases.push(path);
    }
    Ok(leases)
}

/// Whether a file is a Prism database.
fn is_ours(path: &Path) -> bool {
    let mut head = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head.starts_with(b"SQLite format 3\0") && head[68..70] == MARK
}

/// Removes the files with Prism's names, and the folder if nothing else is in it.
fn remove(home: &Path, leases: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let databases = FILES
        .iter()
        .flat_map(|name| BESIDE.map(|end| home.join(format!("{name}{end}"))));
    let all = leases.iter().cloned().chain(databases);
    let mut removed = Vec::new();
    for path in
        all.chain([LOG, TOKEN_FILE, LOCK_FILE, OPENING_LOCK, PACE_FILE].map(|name| home.join(name)))
    {
        match fs::remove_file(&path) {
            Ok(()) => removed.push(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    for folder in [home.join(LEASES), home.to_owned()] {
        // A folder that contains other files is kept.
        let _ = fs::remove_dir(folder);
    }
    Ok(removed)
}
