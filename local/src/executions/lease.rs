//! The lease of an execution: a locked file, which the operating system unlocks when its process ends.

use std::fs::{File, OpenOptions, TryLockError, create_dir_all};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use prism_functions::domain::Timestamp;

/// How often the holder of a lease sends a heartbeat, in real time.
pub(super) const BEAT: Duration = Duration::from_millis(500);
/// A holder that has sent no heartbeat for this long is suspended, for example by Ctrl-Z: it still holds the lock,
/// but does nothing. The time allows for a very busy machine.
const SILENT: TimeDelta = TimeDelta::seconds(30);

/// Held by the process that runs an execution.
#[derive(Debug)]
pub(super) struct Lease {
    file: File,
}

impl Lease {
    /// Takes the lease of an execution, unless a living process holds it.
    pub(super) fn take(home: &Path, name: &str) -> io::Result<Option<Self>> {
        let path = path(home, name)?;
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {
                let lease = Self { file };
                lease.beat()?;
                Ok(Some(lease))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Sends a heartbeat: writing to the file makes the operating system record the time.
    pub(super) fn beat(&self) -> io::Result<()> {
        self.file.write_all_at(b".", 0)
    }

    /// Whether the holder of a lease has stopped sending heartbeats by this real time. A heartbeat in the future is
    /// from before the clock was set back; a living holder would have sent another one since.
    pub(super) fn is_silent(home: &Path, name: &str, now: Timestamp) -> io::Result<bool> {
        let sign = std::fs::metadata(path(home, name)?)?.modified()?;
        Ok((now - Timestamp::from(sign)).abs() > SILENT)
    }
}

fn path(home: &Path, name: &str) -> io::Result<PathBuf> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if name.is_empty() || name.len() > 80 || !name.bytes().all(plain) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "that is not the name of an execution",
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
    fn a_holder_that_gives_no_sign_of_life_is_silent() {
        let home = tempfile::tempdir().unwrap();
        let now = crate::clock::system_time();
        let lease = Lease::take(home.path(), "save-1").unwrap().unwrap();
        let silent = |seconds| {
            let now = now + TimeDelta::seconds(seconds);
            Lease::is_silent(home.path(), "save-1", now).unwrap()
        };
        assert_eq!([0, 20, 60, -60].map(silent), [false, false, true, true]);
        let old = std::time::UNIX_EPOCH;
        lease.file.set_modified(old).unwrap();
        assert!(silent(0));
        lease.beat().unwrap();
        assert!(!silent(0));
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let home = tempfile::tempdir().unwrap();
        for bad in ["", "../x", "a/b", "a b", "."] {
            assert!(Lease::take(home.path(), bad).is_err(), "{bad}");
        }
    }
}
