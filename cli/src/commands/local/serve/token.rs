//! The token of a server: random, and stored in a file that only its owner can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prism_functions::domain::{Code, Problem};
use subtle::ConstantTimeEq as _;

/// The name of the token file in the cloud's folder.
pub(in crate::commands::local) const FILE: &str = "serve.token";
/// The length of a token in random bytes.
const BYTES: usize = 32;

/// A token and its file, which is removed when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Token(Arc<Placed>);

struct Placed {
    text: String,
    file: PathBuf,
}

impl Token {
    /// Generates a token and writes it to the folder, replacing an earlier server's.
    pub(super) fn place(folder: &Path) -> Result<Self, Problem> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|error| {
            Problem::new(Code::Internal, "The system provides no random bytes.").because(error)
        })?;
        let text = hex::encode(bytes);
        let file = folder.join(FILE);
        write(&file, &text).map_err(|error| {
            let message = format!("The token could not be written to {}.", file.display());
            Problem::new(Code::LocalIo, message).because(error)
        })?;
        Ok(Self(Arc::new(Placed { text, file })))
    }

    pub(super) fn text(&self) -> &str {
        &self.0.text
    }

    pub(super) fn file(&self) -> &Path {
        &self.0.file
    }

    /// Whether a text is the token, compared in constant time.
    pub(super) fn is(&self, text: &str) -> bool {
        self.0.text.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        // A later server may have written its own token there. If the file cannot be removed, its token is useless
        // anyway.
        if fs::read_to_string(&self.file).is_ok_and(|text| text.trim() == self.text) {
            let _ = fs::remove_file(&self.file);
        }
    }
}

/// Writes the file atomically, and never readable for other users.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let placed = options.open(&part).and_then(|mut file| {
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&part, path)
    });
    if placed.is_err() {
        let _ = fs::remove_file(&part);
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_its_own_token_and_takes_only_that_away() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(FILE);
        let first = Token::place(home.path()).unwrap();
        let second = Token::place(home.path()).unwrap();
        assert_ne!(first.text(), second.text());
        assert_eq!(second.text().len(), 2 * BYTES);
        assert!(second.is(second.text()) && !second.is(first.text()) && !second.is(""));
        drop(first);
        let kept = fs::read_to_string(&file).unwrap();
        assert_eq!(kept.trim(), second.text());
        drop(second);
        assert!(!file.exists());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
