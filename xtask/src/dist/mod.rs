//! `dist`: builds the archives of a release, `target/dist/prism-VERSION-linux-ARCH.tar.gz`, each with `prism`, its
//! completions, its manual pages and the licences, and `SHA256SUMS`. The same source and toolchain produce the same
//! bytes in any folder.

mod archive;
mod licences;

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::Outcome;
use crate::shell::{output, root, run as run_command, write};
use crate::shipped::{self, Arch, By, Shipped};
use archive::Entry;

const PRISM: Shipped = Shipped {
    bin: "prism",
    build: &["--release", "--locked", "--package", "prism"],
    flags: &[],
    folder: "",
};
/// The shells, and the names under which they look for completions.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "prism.bash"),
    ("fish", "prism.fish"),
    ("zsh", "_prism"),
];
const SUMS: &str = "SHA256SUMS";

pub(crate) fn run(args: &[&str]) -> Outcome {
    let wanted = match args {
        [] => Arch::ALL.to_vec(),
        ["--arch", name] => Arch::named(name).into_iter().collect(),
        _ => Vec::new(),
    };
    if wanted.is_empty() {
        return Err("usage: cargo xtask dist [--arch x86_64|arm64]".to_owned());
    }
    let host = Arch::host()?;
    let folder = root().join("target/dist");
    let can = |arch: Arch| {
        if arch == host {
            Ok(())
        } else {
            shipped::ready(arch, By::Cross)
        }
    };
    if let [only] = wanted[..] {
        can(only)?;
    }
    // The host's program prints what is the same for all architectures.
    let program = shipped::program(&PRISM, host, By::Host)?;
    let documents = documents(&program)?;
    let mut sums = String::new();
    let mut left_out = Vec::new();
    for arch in wanted {
        let program = match can(arch) {
            Ok(()) if arch == host => program.clone(),
            Ok(()) => shipped::program(&PRISM, arch, By::Cross)?,
            Err(problem) => {
                left_out.push(format!(
                    "there is no archive for {}: {problem}",
                    arch.name()
                ));
                continue;
            }
        };
        sums.push_str(&pack(arch, &program, &documents, &folder)?);
    }
    write(&folder.join(SUMS), &sums)?;
    for problem in left_out {
        println!("{problem}");
    }
    Ok(())
}

/// Writes the archive of a program for this machine, and `SHA256SUMS`, into a new folder.
pub(crate) fn of(program: &Path, folder: &Path) -> Outcome {
    let line = pack(Arch::host()?, program, &documents(program)?, folder)?;
    write(&folder.join(SUMS), &line)
}

/// Writes the archive for an architecture. Returns its line in `SHA256SUMS`.
fn pack(arch: Arch, program: &Path, documents: &[Entry], folder: &Path) -> Outcome<String> {
    let name = format!("prism-{}-linux-{}", env!("CARGO_PKG_VERSION"), arch.name());
    let mut entries = documents.to_vec();
    entries.push(Entry::program("prism", read(program)?));
    let licences = licences::of("prism", arch.target())?;
    entries.push(Entry::text("THIRD-PARTY-LICENSES", licences));
    let packed = archive::pack(&name, entries)?;
    let file = format!("{name}.tar.gz");
    let path = folder.join(&file);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, &packed))
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    let line = sum_line(&packed, &file);
    print!("{line}");
    Ok(line)
}

/// A line that `sha256sum --check` reads.
fn sum_line(content: &[u8], file: &str) -> String {
    format!("{}  {file}\n", hex::encode(Sha256::digest(content)))
}

/// The completions, the manual pages and the licence.
fn documents(program: &Path) -> Outcome<Vec<Entry>> {
    let licence = read(&root().join("LICENSE"))?;
    let mut entries = vec![Entry::text("LICENSE", licence)];
    for (shell, file) in COMPLETIONS {
        let script = output(Command::new(program).args(["completions", shell]))?;
        entries.push(Entry::text(&format!("completions/{file}"), script));
    }
    let pages = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    run_command(Command::new(program).arg("man").arg(pages.path()))?;
    let cannot = |error| format!("the manual pages cannot be read: {error}");
    for page in fs::read_dir(pages.path()).map_err(cannot)? {
        let page = page.map_err(cannot)?;
        let path = format!("man/man1/{}", page.file_name().to_string_lossy());
        entries.push(Entry::text(&path, read(&page.path())?));
    }
    Ok(entries)
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_in_the_format_of_sha256sum() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sum_line(b"", "a.tar.gz"), format!("{empty}  a.tar.gz\n"));
    }
}
