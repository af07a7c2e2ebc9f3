//! The zip file: one entry, and the same bytes for the same program.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::Outcome;

const ENTRY: &str = "bootstrap";
/// The maximum size of an artefact, in bytes (docs/performance.md).
pub(crate) const MOST_BYTES: u64 = 8_000_000;
/// The level that packs most.
const LEVEL: i64 = 9;

pub(super) fn zip(program: &[u8]) -> Outcome<Vec<u8>> {
    let cannot = |error| format!("the program cannot be packed: {error}");
    // Leave out the time and the permissions of the packing user.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(ENTRY, options).map_err(cannot)?;
    writer
        .write_all(program)
        .map_err(|error| cannot(error.into()))?;
    writer.finish().map(Cursor::into_inner).map_err(cannot)
}

/// Writes the file atomically: a deployment may read it at any time.
pub(super) fn write(path: &Path, packed: &[u8]) -> Outcome {
    let unfinished = path.with_extension("unfinished");
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&unfinished, packed))
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

/// Checks that the artefact does not exceed the promised size.
pub(super) fn judge(bytes: u64) -> Outcome {
    if bytes > MOST_BYTES {
        return Err(format!("the artefact has more than {MOST_BYTES} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use zip::ZipArchive;

    use super::*;

    #[test]
    fn it_holds_the_program_alone_as_lambda_runs_it() {
        let packed = zip(b"program").unwrap();
        let mut archive = ZipArchive::new(Cursor::new(&packed)).unwrap();
        assert_eq!(archive.len(), 1);
        let mut entry = archive.by_name(ENTRY).unwrap();
        assert_eq!(entry.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        assert_eq!(entry.last_modified(), Some(DateTime::default()));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"program");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        assert!(judge(MOST_BYTES).is_ok());
        assert!(judge(MOST_BYTES + 1).is_err());
    }
}
