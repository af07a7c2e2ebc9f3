//! The lease of an execution: a locked file, which the operating system unlocks with its process.

use std::fs::{File, OpenOptions, TryLockError, create_dir_all};
use std::io;
use std::path::{Path, PathBuf};

/// Held by the process that carries an execution.
#[derive(Debug)]
pub(super) struct Lease {
    _file: File,
}

impl Lease {
    /// The lease of an execution, unless a living process holds it.
    pub(super) fn take(home: &Path, name: &str) -> io::Result<Option<Self>> {
        let path = path(home, name)?;
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn path(home: &Path, name: &str) -> io::Result<PathBuf> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if name.is_empty() || name.len() > 80 || !name.bytes().all(plain) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "that is no execution's name",
        ));
    }
    let folder = home.join("leases");
    create_dir_all(&folder)?;
    Ok(folder.join(format!("{name}.lock")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_once_and_given_up_with_its_holder() {
        let home = tempfile::tempdir().unwrap();
        let first = Lease::take(home.path(), "save-1").unwrap();
        assert!(first.is_some());
        assert!(Lease::take(home.path(), "save-1").unwrap().is_none());
        assert!(Lease::take(home.path(), "save-2").unwrap().is_some());
        drop(first);
        assert!(Lease::take(home.path(), "save-1").unwrap().is_some());
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let home = tempfile::tempdir().unwrap();
        for bad in ["", "../x", "a/b", "a b", "."] {
            assert!(Lease::take(home.path(), bad).is_err(), "{bad}");
        }
    }
}
