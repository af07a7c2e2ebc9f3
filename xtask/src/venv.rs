//! Python programs and libraries, in pinned versions, cached outside the repository.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::Outcome;
use crate::shell::{cache, output, run};

/// Returns the program folder of a virtual environment with these packages. It is created once; other packages use
/// another environment.
pub(crate) fn with(python: &str, name: &str, packages: &[&str]) -> Outcome<PathBuf> {
    output(Command::new(python).arg("--version"))
        .map_err(|problem| format!("{name} needs {python} with its venv module; {problem}"))?;
    let digest = Sha256::digest(packages.join("\n"));
    let folder = cache()?.join(format!(
        "{name}-{:02x}{:02x}{:02x}",
        digest[0], digest[1], digest[2]
    ));
    let programs = folder.join("bin");
    let complete = folder.join("complete");
    if !complete.exists() {
        println!("installing {}", packages.join(", "));
        // Remove an incomplete installation and start again.
        let _ = fs::remove_dir_all(&folder);
        run(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
        let mut pip = Command::new(programs.join("pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        // Most of the installed code is never run, so compiling it would take longer.
        pip.arg("--no-compile");
        run(pip.args(packages).stdin(Stdio::null()))?;
        fs::write(&complete, "")
            .map_err(|error| format!("{} cannot be written: {error}", complete.display()))?;
    }
    Ok(programs)
}
