//! The location of the profile file.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::PathBuf;

use prism_functions::domain::{Code, Problem};

use super::Profiles;
use super::file;
use crate::environment::Environment;
use crate::files;

/// The maximum size of the file, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The path of the file, which need not exist.
#[derive(Debug, Clone)]
pub(crate) struct Place(Option<PathBuf>);

impl Place {
    /// The path that the environment sets.
    pub(crate) fn of(environment: &Environment) -> Self {
        Self(environment.config())
    }

    pub(crate) fn path(&self) -> Result<&PathBuf, Problem> {
        self.0.as_ref().ok_or_else(|| {
            Problem::new(Code::LocalIo, "There is no home folder for profiles.")
                .hint("Name a file with the variable PRISM_CONFIG.")
        })
    }

    /// Whether users other than the owner can change the file, and so redirect the credentials.
    pub(crate) fn open_to_others(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let found = self.0.as_ref().and_then(|path| fs::metadata(path).ok());
            found.is_some_and(|found| found.permissions().mode() & 0o022 != 0)
        }
        #[cfg(not(unix))]
        false
    }

    pub(crate) fn exists(&self) -> bool {
        self.0.as_ref().is_some_and(|path| path.exists())
    }

    /// Reads the profiles; empty if there is no file.
    pub(crate) fn read(&self) -> Result<Profiles, Problem> {
        let Some(path) = &self.0 else {
            return Ok(Profiles::default());
        };
        let cannot = |error| {
            let message = format!("The configuration {} cannot be read.", path.display());
            Problem::new(Code::ConfigInvalid, message).because(error)
        };
        let mut text = String::new();
        match File::open(path) {
            Ok(file) => {
                let read = file.take(MOST_BYTES + 1).read_to_string(&mut text);
                read.map_err(cannot)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Profiles::default()),
            Err(error) => return Err(cannot(error)),
        }
        if text.len() as u64 > MOST_BYTES {
            let message = format!("The configuration {} is too large.", path.display());
            return Err(Problem::new(Code::ConfigInvalid, message));
        }
        file::parse(&text).map_err(|error| error.problem(&path.display().to_string()))
    }

    /// Reads the profiles, changes them, and writes the file atomically, readable only by its owner. A lock admits one
    /// process at a time.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Profiles) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let path = self.path()?;
        let cannot = |error| {
            let message = format!("The configuration {} cannot be written.", path.display());
            Problem::new(Code::LocalIo, message)
                .because(error)
                .hint("Check the folder's permissions, or name another file with PRISM_CONFIG.")
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(cannot)?;
        }
        let lock = File::create(path.with_extension("lock")).map_err(cannot)?;
        lock.lock().map_err(cannot)?;
        let mut profiles = self.read()?;
        let answer = change(&mut profiles)?;
        let text = file::text(&profiles)?;
        files::write_whole(path, text.as_bytes(), files::Access::Owner, true).map_err(cannot)?;
        Ok(answer)
    }
}
