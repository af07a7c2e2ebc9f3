//! Ensures one server per cloud: a second server would replace the first one's token, and run the chores twice.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use prism_functions::domain::{Code, Problem};

/// The file in the cloud's folder that a server keeps locked while it runs.
pub(in crate::commands::local) const FILE: &str = "serve.lock";

/// Takes the lock until the returned file is dropped. The system releases it if the process dies.
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
            let message = format!(
                "Another server is already running for {}. Nothing was changed.",
                home.display()
            );
            Err(Problem::new(Code::ServerRunning, message))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
