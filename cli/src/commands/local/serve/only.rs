//! One server for each cloud: a second one would take the first one's token away, and do its chores twice.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use prism_functions::domain::{Code, Problem};

/// The file in the cloud's folder that a server holds locked for as long as it runs.
pub(in crate::commands::local) const FILE: &str = "serve.lock";

/// Holds the place of the only server until it is dropped; a process that dies gives it back.
pub(super) fn server(home: &Path) -> Result<File, Problem> {
    let path = home.join(FILE);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let failed = |error: std::io::Error| {
        let message = format!("{} cannot be locked.", path.display());
        Problem::new(Code::LocalIo, message).because(error)
    };
    let file = options.open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("{} is served already. Nothing was changed.", home.display());
            Err(Problem::new(Code::ServerRunning, message))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
