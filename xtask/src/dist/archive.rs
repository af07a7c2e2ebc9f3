//! An archive of a release: the same bytes for the same files, whoever packs them and when.

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use crate::Outcome;

/// The time of every file, in seconds since 1970: 1 January 1980, as in the artefacts of a deployment.
const TIME: u64 = 315_532_800;

/// A file in an archive.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    path: String,
    mode: u32,
    content: Vec<u8>,
}

impl Entry {
    pub(super) fn program(path: &str, content: Vec<u8>) -> Self {
        Self::new(path, 0o755, content)
    }

    pub(super) fn text(path: &str, content: impl Into<Vec<u8>>) -> Self {
        Self::new(path, 0o644, content.into())
    }

    fn new(path: &str, mode: u32, content: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            mode,
            content,
        }
    }
}

/// Packs files into a folder of this name, in the order of their paths.
pub(super) fn pack(folder: &str, mut entries: Vec<Entry>) -> Outcome<Vec<u8>> {
    let cannot = |error| format!("{folder} cannot be packed: {error}");
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for entry in entries {
        // A header in this format has neither the name nor the group of the packing user.
        let mut header = Header::new_ustar();
        header.set_size(entry.content.len() as u64);
        header.set_mode(entry.mode);
        header.set_mtime(TIME);
        header.set_uid(0);
        header.set_gid(0);
        let path = format!("{folder}/{}", entry.path);
        archive
            .append_data(&mut header, path, entry.content.as_slice())
            .map_err(cannot)?;
    }
    let packed = archive.into_inner().map_err(cannot)?;
    packed.finish().map_err(cannot)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn entries() -> Vec<Entry> {
        vec![
            Entry::program("prism", b"program".to_vec()),
            Entry::text("man/man1/prism.1", "page"),
        ]
    }

    #[test]
    fn an_archive_says_nothing_of_who_packed_it_and_when() {
        let packed = pack("prism-1", entries()).unwrap();
        let mut reversed = entries();
        reversed.reverse();
        assert_eq!(pack("prism-1", reversed).unwrap(), packed);
        let mut archive = tar::Archive::new(GzDecoder::new(packed.as_slice()));
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, TIME));
            assert_eq!(header.username(), Ok(Some("")));
            let path = entry.path().unwrap().display().to_string();
            found.push((path, entry.header().mode().unwrap(), text));
        }
        let file = |path: &str, mode, text: &str| (path.to_owned(), mode, text.to_owned());
        let expected = [
            file("prism-1/man/man1/prism.1", 0o644, "page"),
            file("prism-1/prism", 0o755, "program"),
        ];
        assert_eq!(found, expected);
    }
}
