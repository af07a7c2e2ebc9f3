//! Files that may not be meant for everyone who can see a template, recognized by their paths alone.

mod catalogue;
mod pattern;

use serde::{Deserialize, Serialize};

pub use catalogue::{CATALOGUE, CHECKED, Entry, HOMES, markdown};

/// The maximum number of sensitive files in an inventory.
pub const SENSITIVE_FILES: usize = 200;
/// The maximum length of a recorded path, in bytes.
const PATH: usize = 300;

/// Why a user may not want to share a file.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// A host key, which every instance of the template would share until it generates its own.
    HostKey,
    /// Public keys whose owners can log in to every instance of the template.
    AuthorizedKeys,
    /// A private key, with which others can impersonate its owner.
    PrivateKey,
    /// Credentials, with which others can use the owner's accounts.
    Credentials,
    /// A command history, which can contain passwords.
    History,
    /// A file that identifies the machine and shows how it was set up.
    MachineIdentity,
}

impl Sensitivity {
    /// Whether showing the file to more people requires consent. Files that every machine has from its first boot are
    /// reported, but do not require consent: otherwise every save would.
    pub fn needs_consent(self) -> bool {
        match self {
            Sensitivity::PrivateKey | Sensitivity::Credentials | Sensitivity::History => true,
            Sensitivity::HostKey | Sensitivity::AuthorizedKeys | Sensitivity::MachineIdentity => {
                false
            }
        }
    }
}

/// A sensitive file.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct SensitiveFile {
    /// The path of the file.
    pub path: String,
    /// The kind of file, according to its path.
    pub kind: Sensitivity,
}

impl SensitiveFile {
    /// Returns the file at this path if the catalog contains it.
    pub fn at(path: &str) -> Option<Self> {
        let entry = entry(path)?;
        (path.len() <= PATH).then(|| Self {
            path: path.to_owned(),
            kind: entry.kind,
        })
    }

    /// A description of the file for users.
    pub fn what(&self) -> &'static str {
        entry(&self.path).map_or("a file that was reported as sensitive", |entry| entry.what)
    }
}

/// Returns the sensitive files among these paths, sorted by path and limited in number, and whether there are more.
pub fn sensitive<'a>(paths: impl IntoIterator<Item = &'a str>) -> (Vec<SensitiveFile>, bool) {
    let mut files: Vec<_> = paths.into_iter().filter_map(SensitiveFile::at).collect();
    files.sort();
    files.dedup();
    // If there are too many files, those that require consent must be kept.
    files.sort_by_key(|file| !file.kind.needs_consent());
    let more = files.len() > SENSITIVE_FILES;
    files.truncate(SENSITIVE_FILES);
    files.sort();
    (files, more)
}

fn entry(path: &str) -> Option<&'static Entry> {
    CATALOGUE
        .iter()
        .find(|entry| pattern::fits(entry.path, path))
}

/// The sensitive files that a user consents to show.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Consent<'a> {
    /// No files.
    None,
    /// These files, and files on instances that were not checked.
    To(&'a [SensitiveFile]),
    /// All files.
    All,
}

impl Consent<'_> {
    pub(crate) fn asked(publish_sensitive: bool) -> Self {
        if publish_sensitive {
            Consent::All
        } else {
            Consent::None
        }
    }

    /// Whether the consent includes this file.
    pub(crate) fn covers(self, file: &SensitiveFile) -> bool {
        match self {
            Consent::None => false,
            Consent::To(files) => files.contains(file),
            Consent::All => true,
        }
    }
}

/// A sensitive file that an operation would show to others.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct ShownFile {
    /// The path of the file.
    pub path: String,
    /// What kind of file it is.
    pub kind: Sensitivity,
    /// A description of the file for users.
    pub what: String,
    /// The versions that contain the file; empty if the file is on the instance that is to be saved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_others_should_not_have() {
        for (path, kind) in [
            ("/etc/ssh/ssh_host_ed25519_key", Sensitivity::HostKey),
            (
                "/home/ubuntu/.ssh/authorized_keys",
                Sensitivity::AuthorizedKeys,
            ),
            ("/root/.ssh/id_rsa", Sensitivity::PrivateKey),
            ("/home/ubuntu/.ssh/lab.pem", Sensitivity::PrivateKey),
            ("/home/ubuntu/.aws/credentials", Sensitivity::Credentials),
            ("/home/ubuntu/work/.env", Sensitivity::Credentials),
            ("/srv/app/terraform.tfstate", Sensitivity::Credentials),
            (
                "/home/ubuntu/.cache/huggingface/token",
                Sensitivity::Credentials,
            ),
            ("/home/ubuntu/.bash_history", Sensitivity::History),
            ("/etc/machine-id", Sensitivity::MachineIdentity),
            ("/etc/ssl/private/lab.key", Sensitivity::PrivateKey),
            (
                "/etc/ssl/private/ssl-cert-snakeoil.key",
                Sensitivity::MachineIdentity,
            ),
            ("/home/bo/dbgap/prj_12345.ngc", Sensitivity::Credentials),
        ] {
            let found = SensitiveFile::at(path).map(|file| file.kind);
            assert_eq!(found, Some(kind), "{path}");
        }
        for path in [
            "/etc/ssh/ssh_host_ed25519_key.pub",
            "/root/.ssh/id_rsa.pub",
            "/home/ubuntu/.aws/config",
            "/data/token",
            "/usr/share/ca.pem",
            "/etc/wireguard/readme.txt",
            "credentials",
            "",
        ] {
            assert_eq!(SensitiveFile::at(path), None, "{path}");
        }
    }

    #[test]
    fn there_are_never_too_many_and_the_least_important_go() {
        let paths: Vec<String> = (0..500)
            .map(|n| format!("/home/u{n}/.netrc"))
            .chain(["/etc/machine-id".to_owned()])
            .collect();
        let (found, more) = sensitive(paths.iter().map(String::as_str));
        assert_eq!((found.len(), more), (SENSITIVE_FILES, true));
        assert!(found.iter().all(|file| file.kind.needs_consent()));
        let long = format!("/home/{}/.netrc", "x".repeat(400));
        let (found, more) = sensitive([long.as_str(), "/root/.netrc", "/root/.netrc"]);
        assert_eq!((found.len(), more), (1, false));
    }
}
