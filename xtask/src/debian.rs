//! Debian's packages, unpacked into a folder of the cache: nothing is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::shell::{cache, output, run};

/// Returns the folder with these packages, which are downloaded once, each in the form `NAME:ARCHITECTURE`. What they
/// depend on is not included. `name` is the name of the folder.
pub(crate) fn unpacked(name: &str, packages: &[&str]) -> Outcome<PathBuf> {
    let folder = cache()?.join(name);
    let (root, complete) = (folder.join("root"), folder.join("complete"));
    if complete.exists() {
        return Ok(root);
    }
    println!("downloading {}", packages.join(", "));
    // Remove an incomplete download and start again.
    let _ = fs::remove_dir_all(&folder);
    let unwritable = |error| format!("{} cannot be written: {error}", folder.display());
    for part in ["state/lists/partial", "cache/archives/partial", "root"] {
        fs::create_dir_all(folder.join(part)).map_err(unwritable)?;
    }
    fs::write(folder.join("status"), "").map_err(unwritable)?;
    run(apt(&folder).args(["--quiet", "update"]))?;
    run(apt(&folder).args(["--quiet", "download"]).args(packages))?;
    for package in fs::read_dir(&folder).map_err(unwritable)? {
        let package = package.map_err(unwritable)?.path();
        if package
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            output(
                Command::new("dpkg-deb")
                    .arg("--extract")
                    .arg(&package)
                    .arg(&root),
            )?;
            fs::remove_file(package).map_err(unwritable)?;
        }
    }
    fs::write(complete, "").map_err(unwritable)?;
    Ok(root)
}

/// apt-get with the sources of this machine and lists of its own, for both architectures.
fn apt(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.current_dir(folder);
    let place = |name: &str, part: &str| format!("{name}={}", folder.join(part).display());
    for setting in [
        place("Dir::State", "state"),
        place("Dir::State::status", "status"),
        place("Dir::Cache", "cache"),
        "APT::Architectures::=amd64".to_owned(),
        "APT::Architectures::=arm64".to_owned(),
        "APT::Sandbox::User=root".to_owned(),
    ] {
        command.args(["-o", &setting]);
    }
    command
}
