//! Finds the process that holds a lock on a file, for error messages.

use std::fmt;
use std::path::{Path, PathBuf};

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    pub program: String,
    /// Whether it is stopped by a signal, such as `kill -STOP`: it keeps its locks and does nothing.
    pub suspended: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.program)?;
        if self.suspended {
            f.write_str(", which is suspended")?;
        }
        Ok(())
    }
}

impl Holder {
    pub(super) fn hint(&self) -> String {
        let Self { pid, .. } = self;
        if self.suspended {
            // A suspended process does not handle any other catchable signal until it continues.
            format!(
                "let that process go on with \"kill -CONT {pid}\", or end it with \"kill -KILL {pid}\"; then try again"
            )
        } else {
            format!(
                "wait until that process is done and try again, or end it with \"kill {pid}\" if it hangs"
            )
        }
    }
}

/// The process that keeps others from writing one of these files, if the operating system lists locks (Linux). It
/// opens none of the files: closing one would release every lock that this process has on it (POSIX).
#[cfg(target_os = "linux")]
pub(crate) fn of(files: &[PathBuf]) -> Option<Holder> {
    use std::os::unix::fs::MetadataExt as _;

    let files: Vec<(u64, PathBuf)> = files
        .iter()
        .filter_map(|path| Some((path.metadata().ok()?.ino(), path.canonicalize().ok()?)))
        .collect();
    let of_writer = |(pid, inode)| {
        // Files on other file systems can have the same inode number.
        let path = files.iter().find(|(of, _)| *of == inode)?;
        (pid != std::process::id() && has_open(pid, &path.1)).then(|| holder(pid))
    };
    (0..READS).find_map(|_| {
        let locks = std::fs::read_to_string("/proc/locks").ok()?;
        locks.lines().filter_map(writer).find_map(of_writer)
    })
}

/// How often the list of locks is read: it is read in several parts, and while other processes lock and unlock files,
/// an entry between two parts can be missed.
#[cfg(target_os = "linux")]
const READS: u32 = 5;

/// Other operating systems have no such list.
#[cfg(not(target_os = "linux"))]
pub(crate) fn of(_: &[PathBuf]) -> Option<Holder> {
    None
}

/// The process and the inode in a line of `/proc/locks`, such as `1: POSIX  ADVISORY  WRITE 4711 08:01:1234 120 120`.
/// Locks that are shared, or that a process waits for (`->`), do not keep others out.
#[cfg(target_os = "linux")]
fn writer(line: &str) -> Option<(u32, u64)> {
    let mut words = line.split_whitespace().skip(1);
    let (kind, _, mode) = (words.next()?, words.next()?, words.next()?);
    if !["POSIX", "FLOCK"].contains(&kind) || mode != "WRITE" {
        return None;
    }
    // A process outside this one's namespace has the ID 0.
    let pid = words.next()?.parse().ok().filter(|pid| *pid > 0)?;
    let inode = words.next()?.rsplit(':').next()?.parse().ok()?;
    Some((pid, inode))
}

#[cfg(target_os = "linux")]
fn has_open(pid: u32, path: &Path) -> bool {
    let opened = std::fs::read_dir(format!("/proc/{pid}/fd"));
    opened
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == path))
}

#[cfg(target_os = "linux")]
fn holder(pid: u32) -> Holder {
    // "4711 (prism) T ...": the name itself may contain parentheses.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let (before, after) = stat.rsplit_once(')').unwrap_or_default();
    let program = before.split_once('(').map_or("", |(_, name)| name);
    Holder {
        pid,
        program: program.to_owned(),
        suspended: matches!(after.trim_start().chars().next(), Some('T' | 't')),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_exclusive_locks_that_are_held_count() {
        let lines = [
            "1: POSIX  ADVISORY  WRITE 4711 08:01:1234 120 120",
            "2: FLOCK  ADVISORY  WRITE 4712 fe:00:99 0 EOF",
            "3: POSIX  ADVISORY  READ 4713 08:01:1234 128 128",
            "1: -> POSIX  ADVISORY  WRITE 4714 08:01:1234 120 120",
            "5: POSIX  ADVISORY  WRITE 0 08:01:1234 120 120",
            "6: LEASE  ACTIVE    WRITE 4715 08:01:1234 0 EOF",
            "",
        ];
        assert_eq!(
            lines.map(writer),
            [
                Some((4711, 1234)),
                Some((4712, 99)),
                None,
                None,
                None,
                None,
                None
            ]
        );
    }

    #[test]
    fn the_hint_fits_the_state_of_the_process() {
        let holder = |suspended| Holder {
            pid: 4711,
            program: "prism".to_owned(),
            suspended,
        };
        assert_eq!(
            holder(true).to_string(),
            "process 4711 (prism), which is suspended"
        );
        assert!(holder(true).hint().contains("kill -CONT 4711"));
        assert!(!holder(false).hint().contains("-CONT"));
    }
}
