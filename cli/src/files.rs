//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever the system lets by default.
    Usual,
    /// Its owner alone.
    Owner,
}

/// Writes a file whole or not at all: under another name beside it, which then takes its place.
/// Without `replace` a file that is there stays, and that is an error.
pub(crate) fn write_whole(
    path: &Path,
    bytes: &[u8],
    access: Access,
    replace: bool,
) -> io::Result<()> {
    if path.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let mut name = path.file_name().ok_or(ErrorKind::IsADirectory)?.to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let placed = write_new(&part, bytes, access).and_then(|()| {
        if replace {
            fs::rename(&part, path)
        } else {
            // A link, other than a rename, fails where the name is taken.
            fs::hard_link(&part, path)
        }
    });
    if placed.is_err() || !replace {
        let _ = fs::remove_file(&part);
    }
    placed
}

fn write_new(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if access == Access::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = access;
    let mut file: File = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
