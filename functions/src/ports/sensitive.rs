//! Files that were perhaps not meant for whoever a template is shared with.

use serde::{Deserialize, Serialize};

/// The most such files that an inventory keeps.
pub const SENSITIVE_FILES: usize = 100;
/// The longest path that is kept, in bytes.
const PATH: usize = 300;

/// Why somebody may not want to give a file away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Every instance of the template would have the same.
    HostKey,
    /// Whoever has one of the keys can log in to every instance of the template.
    AuthorizedKeys,
    /// It lets others pass for its owner.
    PrivateKey,
    /// It lets others use accounts of its owner.
    Credentials,
    /// It shows what was typed, passwords among it.
    History,
}

impl Sensitivity {
    /// What it is, for people.
    pub fn means(self) -> &'static str {
        match self {
            Sensitivity::HostKey => "an SSH host key",
            Sensitivity::AuthorizedKeys => "keys that may log in",
            Sensitivity::PrivateKey => "a private key",
            Sensitivity::Credentials => "credentials",
            Sensitivity::History => "a history of commands",
        }
    }
}

/// Such a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SensitiveFile {
    /// Where it is.
    pub path: String,
    /// What it is, by its name.
    pub kind: Sensitivity,
}

impl SensitiveFile {
    /// The file at that path, if its name says that it is one.
    pub fn at(path: &str) -> Option<Self> {
        let kind = kind(path)?;
        (path.len() <= PATH).then(|| Self {
            path: path.to_owned(),
            kind,
        })
    }
}

/// Those among these files, as many as are kept, by path.
pub fn sensitive<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<SensitiveFile> {
    let mut files: Vec<_> = paths.into_iter().filter_map(SensitiveFile::at).collect();
    files.sort();
    files.dedup();
    files.truncate(SENSITIVE_FILES);
    files
}

fn kind(path: &str) -> Option<Sensitivity> {
    let (folder, name) = path.rsplit_once('/')?;
    let parent = folder.rsplit('/').next().unwrap_or_default();
    let histories = [
        ".bash_history",
        ".zsh_history",
        ".sh_history",
        ".python_history",
        ".psql_history",
        ".mysql_history",
        ".Rhistory",
    ];
    let secrets = [
        ".netrc",
        ".git-credentials",
        ".pgpass",
        ".my.cnf",
        ".Renviron",
        ".pypirc",
        ".npmrc",
        ".env",
    ];
    let within = [
        (".aws", "credentials"),
        (".docker", "config.json"),
        (".kaggle", "kaggle.json"),
        (".kube", "config"),
        ("gcloud", "credentials.db"),
        ("gcloud", "application_default_credentials.json"),
        ("huggingface", "token"),
        ("gh", "hosts.yml"),
    ];
    let private_name = || {
        let names = ["id_rsa", "id_ecdsa", "id_ed25519", "id_dsa"];
        names.contains(&name) || (parent == ".ssh" && name.strip_suffix(".pem").is_some())
    };
    if parent == "ssh" && name.starts_with("ssh_host_") && name.ends_with("_key") {
        Some(Sensitivity::HostKey)
    } else if name == "authorized_keys" {
        Some(Sensitivity::AuthorizedKeys)
    } else if private_name() {
        Some(Sensitivity::PrivateKey)
    } else if histories.contains(&name) {
        Some(Sensitivity::History)
    } else if secrets.contains(&name) || within.contains(&(parent, name)) {
        Some(Sensitivity::Credentials)
    } else {
        None
    }
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
            (
                "/home/ubuntu/.cache/huggingface/token",
                Sensitivity::Credentials,
            ),
            ("/home/ubuntu/.bash_history", Sensitivity::History),
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
            "credentials",
        ] {
            assert_eq!(SensitiveFile::at(path), None, "{path}");
        }
    }

    #[test]
    fn there_are_never_too_many() {
        let paths: Vec<String> = (0..500).map(|n| format!("/home/u{n}/.netrc")).collect();
        let found = sensitive(paths.iter().map(String::as_str));
        assert_eq!(found.len(), SENSITIVE_FILES);
        let long = format!("/{}/.netrc", "x".repeat(400));
        assert_eq!(
            sensitive([long.as_str(), "/a/.netrc", "/a/.netrc"]).len(),
            1
        );
    }
}
