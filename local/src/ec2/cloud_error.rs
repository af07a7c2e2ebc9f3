//! Errors of the simulated cloud itself.

use std::path::PathBuf;

use crate::sqlite::SqliteError;

/// Why the cloud itself could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// Its file could not be opened, read or written.
    #[error("the simulated cloud's file could not be used")]
    File(#[source] SqliteError),
    #[error("the simulated cloud's file {} holds a row that cannot be read: {kind} {id}", path.display())]
    Row {
        path: PathBuf,
        kind: String,
        id: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The outside actor named something that does not exist.
    #[error("there is no {0} in the simulated cloud")]
    Unknown(String),
}
