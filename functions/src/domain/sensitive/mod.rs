//! Files that were perhaps not meant for whoever a template is shown to: which they are, by their paths alone.

mod catalogue;
mod pattern;

use serde::{Deserialize, Serialize};

pub use catalogue::{CATALOGUE, CHECKED, Entry, HOMES, markdown};

/// The most such files that an inventory keeps.
pub const SENSITIVE_FILES: usize = 200;
/// The longest path that is kept, in bytes.
const PATH: usize = 300;

/// Why somebody may not want to give a file away.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Every instance of the template would have the same until it makes its own.
    HostKey,
    /// Whoever has one of the keys can log in to every instance of the template.
    AuthorizedKeys,
    /// It lets others pass for its owner.
    PrivateKey,
    /// It lets others use accounts of its owner.
    Credentials,
    /// It shows what was typed, passwords among it.
    History,
    /// It tells one machine from another, and shows how it was set up.
    MachineIdentity,
}

impl Sensitivity {
    /// Whether it is shown to more people only with somebody's consent. What every machine has from its
    /// first boot is told, and would otherwise have to be consented to each time.
    pub fn needs_consent(self) -> bool {
        match self {
            Sensitivity::PrivateKey | Sensitivity::Credentials | Sensitivity::History => true,
            Sensitivity::HostKey | Sensitivity::AuthorizedKeys | Sensitivity::MachineIdentity => {
                false
            }
        }
    }
}

/// Such a file.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct SensitiveFile {
    /// Where it is.
    pub path: String,
    /// What it is, by its name.
    pub kind: Sensitivity,
}

impl SensitiveFile {
    /// The file at that path, if the catalogue has it.
    pub fn at(path: &str) -> Option<Self> {
        let entry = entry(path)?;
        (path.len() <= PATH).then(|| Self {
            path: path.to_owned(),
            kind: entry.kind,
        })
    }

    /// What it is, for people.
    pub fn what(&self) -> &'static str {
        entry(&self.path).map_or("a file that was told of as sensitive", |entry| entry.what)
    }
}

/// Those among these files, as many as are kept, by path; and whether there are more.
pub fn sensitive<'a>(paths: impl IntoIterator<Item = &'a str>) -> (Vec<SensitiveFile>, bool) {
    let mut files: Vec<_> = paths.into_iter().filter_map(SensitiveFile::at).collect();
    files.sort();
    files.dedup();
    // Of too many, what needs a consent is what must not be lost.
    files.sort_by_key(|file| !file.kind.needs_consent());
    let more = files.len() > SENSITIVE_FILES;
    files.truncate(SENSITIVE_FILES);
    files.sort();
    (files, more)
}

/// The first entry of the catalogue that a path fits.
fn entry(path: &str) -> Option<&'static Entry> {
    CATALOGUE
        .iter()
        .find(|entry| pattern::fits(entry.path, path))
}

/// What somebody consents to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Consent<'a> {
    /// Nothing.
    None,
    /// These files, and what nobody has looked at.
    To(&'a [SensitiveFile]),
    /// Whatever there is.
    All,
}

impl Consent<'_> {
    /// The consent that a request gives by itself.
    pub(crate) fn asked(publish_sensitive: bool) -> Self {
        if publish_sensitive {
            Consent::All
        } else {
            Consent::None
        }
    }

    /// Whether it is one to show that file.
    pub(crate) fn covers(self, file: &SensitiveFile) -> bool {
        match self {
            Consent::None => false,
            Consent::To(files) => files.contains(file),
            Consent::All => true,
        }
    }
}

/// A file that an operation would show, as it is told.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct ShownFile {
    /// Where it is.
    pub path: String,
    /// What kind of file it is.
    pub kind: Sensitivity,
    /// What it is, for people.
    pub what: String,
    /// The versions that have it; none where it lies on the instance that is to be saved.
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
