//! A simulated file system: it stores files with their contents, and packages only by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The Linux family of a disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    #[default]
    Debian,
    Amazon,
}

impl System {
    pub(super) fn user(self) -> &'static str {
        match self {
            System::Debian => "ubuntu",
            System::Amazon => "ec2-user",
        }
    }
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The package manager: `pip`, `conda`, `apt`, `dnf` or `R`.
    pub manager: String,
    pub name: String,
    pub version: String,
    pub size_bytes: u64,
}

/// The contents of a file. Clones share the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct FileBody(pub Arc<[u8]>);

/// The serialised form of contents: as text if they are valid text.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Text(String),
    Hex(String),
}

impl From<FileBody> for Written {
    fn from(body: FileBody) -> Self {
        if let Ok(text) = std::str::from_utf8(&body.0) {
            return Written::Text(text.to_owned());
        }
        let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
        let digits = body.0.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]);
        Written::Hex(digits.collect())
    }
}

impl From<Written> for FileBody {
    fn from(written: Written) -> Self {
        match written {
            Written::Text(text) => FileBody(text.into_bytes().into()),
            Written::Hex(hex) => {
                let digit = |c: u8| (c as char).to_digit(16).unwrap_or(0);
                let byte = |pair: &[u8]| {
                    let n = pair.iter().fold(0, |n, c| n << 4 | digit(*c));
                    u8::try_from(n & 0xff).unwrap_or(0)
                };
                FileBody(hex.as_bytes().chunks(2).map(byte).collect())
            }
        }
    }
}

/// The contents of a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    pub base_bytes: u64,
    pub system: System,
    pub files: BTreeMap<String, FileBody>,
    /// Folders that were created explicitly, besides those that contain files.
    pub folders: BTreeSet<String>,
    /// Packages by manager and name, joined by a slash.
    pub packages: BTreeMap<String, Package>,
}

impl Disk {
    pub fn fresh(system: System, base_bytes: u64) -> Self {
        Self {
            base_bytes,
            system,
            ..Self::default()
        }
    }

    /// The bytes in use, which a full snapshot has to copy.
    pub fn used_bytes(&self) -> u64 {
        let packages: u64 = self.packages.values().map(|p| p.size_bytes).sum();
        self.base_bytes
            .saturating_add(self.file_bytes())
            .saturating_add(packages)
    }

    pub fn file_bytes(&self) -> u64 {
        self.files.values().map(|f| f.0.len() as u64).sum()
    }

    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(|body| body.0.as_ref())
    }

    pub fn package(&self, manager: &str, name: &str) -> Option<&Package> {
        self.packages.get(&format!("{manager}/{name}"))
    }
}
