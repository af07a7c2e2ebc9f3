//! Writes files atomically.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// According to the system's defaults.
    Usual,
    /// Only its owner.
    Owner,
}

/// Writes a file atomically: to another name beside it, which is then renamed. Without `replace` an existing file is
/// kept, and that is an error.
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
            // Unlike a rename, a hard link fails if the name exists.
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
