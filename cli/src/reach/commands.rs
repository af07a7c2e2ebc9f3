//! The command lines of the programs that reach an instance.
//!
//! The Session Manager plugin is called as the AWS CLI calls it: the response of StartSession, which has a secret, is in
//! a variable of its environment whose name is the first argument. Versions of the plugin before 1.2.536 do not support
//! that, and refuse the name as a response that is not JSON.

use std::path::{Path, PathBuf};

use prism_functions::domain::session::SessionKind;
use prism_functions::operations::{InstanceView, Session};
use serde_json::json;

use super::{Invocation, Opened, Way};

/// The program that joins a session.
pub(crate) const PLUGIN: &str = "session-manager-plugin";
/// The variable with the response of StartSession. The plugin knows it by the beginning of its name.
const RESPONSE: &str = "AWS_SSM_START_SESSION_RESPONSE";

/// A tunnel from a port of 127.0.0.1 here to a port there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tunnel {
    pub(crate) local_port: u16,
    pub(crate) port: u16,
}

impl From<Tunnel> for SessionKind {
    fn from(Tunnel { local_port, port }: Tunnel) -> Self {
        Self::Port { port, local_port }
    }
}

/// Joins a session with the plugin.
fn join(joined: &Session, kind: &SessionKind) -> Invocation {
    let request = json!({
        "Target": joined.instance,
        "DocumentName": kind.document(),
        "Parameters": kind.parameters().into_iter()
            .map(|(name, value)| (name.to_owned(), json!([value])))
            .collect::<serde_json::Map<_, _>>(),
    });
    let region = joined.region.to_string();
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    let endpoint = format!("https://ssm.{region}.amazonaws.com{suffix}");
    Invocation {
        program: PLUGIN,
        args: vec![
            RESPONSE.to_owned(),
            region,
            "StartSession".to_owned(),
            // The profile, with whose credentials the plugin would resume the session. Prism's users have none for that.
            String::new(),
            request.to_string(),
            endpoint,
        ],
        env: vec![(RESPONSE, response(joined))],
    }
}

/// The response of StartSession, as the plugin reads it.
fn response(joined: &Session) -> String {
    let Session {
        session_id,
        stream_url,
        token,
        ..
    } = joined;
    json!({ "SessionId": session_id, "StreamUrl": stream_url, "TokenValue": token }).to_string()
}

/// The options of ssh and scp for an opened way, and the host. Keys of hosts are remembered by the instance's ID, because
/// addresses are used again by other instances.
fn options(
    opened: &Opened,
    instance: &InstanceView,
    identity: Option<&Path>,
) -> (Vec<String>, Vec<(&'static str, String)>, String) {
    let mut args = vec![
        "-o".to_owned(),
        format!("HostKeyAlias={}", instance.id),
        "-o".to_owned(),
        "StrictHostKeyChecking=accept-new".to_owned(),
    ];
    if let Some(identity) = identity {
        args.extend(["-i".to_owned(), identity.display().to_string()]);
    }
    let Some(joined) = &opened.joined else {
        let address = instance.public_ip.clone().unwrap_or_default();
        return (args, Vec::new(), address);
    };
    let Invocation {
        program,
        args: plugin,
        env,
    } = join(joined, &SessionKind::Ssh);
    let words: Vec<String> = plugin.iter().map(|word| quoted(word)).collect();
    // ssh replaces "%" and its next letter.
    let command = format!("{program} {}", words.join(" ")).replace('%', "%%");
    args.extend(["-o".to_owned(), format!("ProxyCommand={command}")]);
    (args, env, instance.id.clone())
}

fn login(instance: &InstanceView, host: &str) -> String {
    match &instance.login {
        Some(login) => format!("{login}@{host}"),
        None => host.to_owned(),
    }
}

/// A shell, by the way that was opened for it.
pub(crate) fn shell(
    opened: &Opened,
    instance: &InstanceView,
    identity: Option<&Path>,
) -> Invocation {
    match (&opened.joined, opened.way) {
        (Some(joined), Way::Session) => {
            let login = instance.login.clone();
            join(joined, &SessionKind::Shell { login })
        }
        _ => login_with_ssh(opened, instance, identity, &[]),
    }
}

/// A command by SSH, or a shell if there is no command. The words arrive as they are.
pub(crate) fn login_with_ssh(
    opened: &Opened,
    instance: &InstanceView,
    identity: Option<&Path>,
    command: &[String],
) -> Invocation {
    let (mut args, env, host) = options(opened, instance, identity);
    args.extend(["--".to_owned(), login(instance, &host)]);
    // The remote shell splits and expands what ssh sends.
    args.extend(command.iter().map(|word| quoted(word)));
    Invocation {
        program: "ssh",
        args,
        env,
    }
}

/// A tunnel, by the way that was opened for it. It listens on 127.0.0.1 only.
pub(crate) fn tunnel(
    opened: &Opened,
    instance: &InstanceView,
    identity: Option<&Path>,
    it: Tunnel,
) -> Invocation {
    if let (Some(joined), Way::Session) = (&opened.joined, opened.way) {
        return join(joined, &it.into());
    }
    let (mut args, env, host) = options(opened, instance, identity);
    let Tunnel { local_port, port } = it;
    args.extend([
        "-o".to_owned(),
        "ExitOnForwardFailure=yes".to_owned(),
        "-N".to_owned(),
    ]);
    args.extend([
        "-L".to_owned(),
        format!("127.0.0.1:{local_port}:127.0.0.1:{port}"),
    ]);
    args.extend(["--".to_owned(), login(instance, &host)]);
    Invocation {
        program: "ssh",
        args,
        env,
    }
}

/// A path on an instance or here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Here(PathBuf),
    There(String),
}

/// An argument of a copy: `NAME:PATH` is on an instance, everything else is a file here. A file whose name has a colon is
/// written with its folder, as for scp.
pub(crate) fn remote(text: &str) -> Option<(&str, &str)> {
    let (name, path) = text.split_once(':')?;
    (!name.is_empty() && !name.contains('/')).then_some((name, path))
}

/// A copy by scp.
pub(crate) fn copied(
    opened: &Opened,
    instance: &InstanceView,
    identity: Option<&Path>,
    recursive: bool,
    [from, to]: [&Place; 2],
) -> Invocation {
    let (mut args, env, host) = options(opened, instance, identity);
    if recursive {
        args.push("-r".to_owned());
    }
    args.push("--".to_owned());
    let text = |place: &Place| match place {
        Place::There(path) => format!("{}:{path}", login(instance, &host)),
        // A colon in the first part of a relative path would make it a host.
        Place::Here(path) if path.is_absolute() => path.display().to_string(),
        Place::Here(path) => Path::new(".").join(path).display().to_string(),
    };
    args.extend([text(from), text(to)]);
    Invocation {
        program: "scp",
        args,
        env,
    }
}

/// A word that a shell reads as it is.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./=:@,+".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_arrive_as_they_are() {
        assert_eq!(quoted("a-b_c.d/e=f"), "a-b_c.d/e=f");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's $HOME; `x` *"), r"'it'\''s $HOME; `x` *'");
        for word in ["a b", "$(id)", "'", "\\", "\n", "~", "é", "%h"] {
            let script = format!("printf %s {}", quoted(word));
            let said = std::process::Command::new("sh")
                .args(["-c", &script])
                .output();
            assert_eq!(said.unwrap().stdout, word.as_bytes(), "{word:?}");
        }
    }

    #[test]
    fn a_place_with_a_name_before_the_colon_is_on_an_instance() {
        assert_eq!(remote("box:data/a.csv"), Some(("box", "data/a.csv")));
        assert_eq!(
            remote("i-0123456789abcdef0:"),
            Some(("i-0123456789abcdef0", ""))
        );
        for here in ["a.csv", "./a:b", "/tmp/a:b", ":a", ""] {
            assert_eq!(remote(here), None, "{here}");
        }
    }
}
