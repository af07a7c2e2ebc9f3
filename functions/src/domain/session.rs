//! Sessions with an instance, through Session Manager: no port of the instance is open for them.

use std::collections::BTreeMap;

/// What a session is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionKind {
    /// A shell as this user, or as the agent's user if none is named.
    Shell { login: Option<String> },
    /// A tunnel from a port of 127.0.0.1 on the client to a port on the instance.
    Port { port: u16, local_port: u16 },
    /// The connection of an SSH client, to port 22.
    Ssh,
}

impl SessionKind {
    /// The name of what it is for, as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Shell { .. } => "shell",
            Self::Port { .. } => "port",
            Self::Ssh => "ssh",
        }
    }

    /// The document of Systems Manager that defines the session; `None` for the account's own default.
    pub fn document(&self) -> Option<&'static str> {
        match self {
            Self::Shell { login: None } => None,
            Self::Shell { login: Some(_) } => Some("AWS-StartInteractiveCommand"),
            Self::Port { .. } => Some("AWS-StartPortForwardingSession"),
            Self::Ssh => Some("AWS-StartSSHSession"),
        }
    }

    /// The parameters of the document.
    pub fn parameters(&self) -> BTreeMap<&'static str, String> {
        match self {
            Self::Shell { login: None } => BTreeMap::new(),
            // The agent's user may use sudo without a password.
            Self::Shell { login: Some(login) } => {
                BTreeMap::from([("command", format!("sudo -i -u {login}"))])
            }
            Self::Port { port, local_port } => BTreeMap::from([
                ("portNumber", port.to_string()),
                ("localPortNumber", local_port.to_string()),
            ]),
            Self::Ssh => BTreeMap::from([("portNumber", "22".to_owned())]),
        }
    }
}

/// Whether a text is a user name as Linux distributions create them, which needs no quoting in a command.
pub fn is_login(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    (1..=32).contains(&text.len())
        && text.bytes().all(allowed)
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_one_word_of_a_command() {
        assert!(is_login("ubuntu") && is_login("ec2-user") && is_login("_x9"));
        for bad in ["", "-u", "a b", "a;b", "$(x)", "Root", "9a", "a\n", "é"] {
            assert!(!is_login(bad), "{bad}");
        }
    }

    #[test]
    fn each_kind_has_the_parameters_of_its_document() {
        let ubuntu = SessionKind::Shell {
            login: Some("ubuntu".to_owned()),
        };
        assert_eq!(ubuntu.document(), Some("AWS-StartInteractiveCommand"));
        assert_eq!(ubuntu.parameters()["command"], "sudo -i -u ubuntu");
        let port = SessionKind::Port {
            port: 8888,
            local_port: 0,
        };
        assert_eq!(port.document(), Some("AWS-StartPortForwardingSession"));
        let parameters = port.parameters();
        assert_eq!(
            (&*parameters["portNumber"], &*parameters["localPortNumber"]),
            ("8888", "0")
        );
        assert_eq!(SessionKind::Ssh.parameters()["portNumber"], "22");
    }
}
