//! `prism connect`.

use std::path::PathBuf;

use clap::Args;
use prism_functions::domain::session::SessionKind;
use prism_functions::domain::{Code, Problem};

use super::shell;
use crate::candidates;
use crate::errors::Outcome;
use crate::options::InRegion;
use crate::reach::{self, Need, Reach, Tunnel, Via};
use crate::session::Session;

const ABOUT: &str = "\
Session Manager is used if it works: no port of the instance is open for it, and it needs the \
Session Manager plugin here, and an instance profile there. Otherwise SSH is used, to the public \
address and with your key. If neither works, the error says what each of them lacks.

A command is run by SSH, whose connection goes through Session Manager if that works, and its exit \
code is that of \"prism connect\". It needs one of the keys with which the instance was launched.

On an embedded cloud, the shell is simulated: it has the commands of \"prism exec\".

Examples:
  prism connect my-research
  prism connect my-research -- nvidia-smi
  prism connect my-research --forward 8888";

/// Open a shell on an instance, run a command on it, or forward a port to it
#[derive(Debug, Args)]
#[command(after_long_help = ABOUT, after_help = "See how it connects, and examples, with --help.")]
pub(crate) struct Connect {
    /// The instance, by its name or ID
    #[arg(value_name = "NAME")]
    #[arg(add = candidates::instances())]
    name: String,
    #[command(flatten)]
    region: InRegion,
    #[command(flatten)]
    by: By,
    /// Forward this port of 127.0.0.1 to the same port of the instance, or a port LOCAL to a port PORT
    #[arg(long, value_name = "[LOCAL:]PORT", value_parser = forwarded, conflicts_with = "command")]
    forward: Option<Tunnel>,
    /// The command and its arguments [default: a shell]
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
}

/// How an instance is reached.
#[derive(Debug, Args)]
pub(crate) struct By {
    /// Use only this way [default: Session Manager if it works, otherwise SSH]
    #[arg(long, value_enum)]
    pub(crate) via: Option<Via>,
    /// The file of the private key for SSH [default: those that ssh tries by itself]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
}

impl Connect {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.region)?;
        let instance = session.instance(&region, &self.name).await?;
        if let Some(local) = session.client.embedded() {
            if self.forward.is_some() {
                return Err(simulated(&self.name).into());
            }
            return shell::run(session, local, &instance, &self.command);
        }
        let mut reach = Reach::of(session, instance, self.by.via)?;
        let identity = self.by.identity.as_deref();
        let invocation = if let Some(tunnel) = self.forward {
            let opened = reach.open(session, Need::Session, &tunnel.into()).await?;
            session.out.note(&format!(
                "Port {} of {} is forwarded from 127.0.0.1:{}. End it with Ctrl-C.",
                tunnel.port, reach.instance.name, tunnel.local_port
            ));
            reach::tunnel(&opened, &reach.instance, identity, tunnel)
        } else if self.command.is_empty() {
            let login = reach.instance.login.clone();
            let kind = SessionKind::Shell { login };
            let opened = reach.open(session, Need::Session, &kind).await?;
            reach::shell(&opened, &reach.instance, identity)
        } else {
            let kind = SessionKind::Ssh;
            let opened = reach.open(session, Need::Command, &kind).await?;
            reach::login_with_ssh(&opened, &reach.instance, identity, &self.command)
        };
        Err(reach.programs.become_it(&invocation).into())
    }
}

/// The problem of a tunnel to a simulated instance.
pub(crate) fn simulated(name: &str) -> Problem {
    let message =
        format!("{name} is simulated: it runs no programs, so nothing listens on its ports.");
    Problem::new(Code::CannotConnect, message)
        .hint("Use a profile of a deployment on AWS (--profile NAME) for this.")
}

fn forwarded(text: &str) -> Result<Tunnel, String> {
    let port = |text: &str| match text.parse() {
        Ok(0) | Err(_) => Err(format!("{text} is not a port from 1 to 65535")),
        Ok(port) => Ok(port),
    };
    let (local, there) = text.split_once(':').unwrap_or((text, text));
    Ok(Tunnel {
        local_port: port(local)?,
        port: port(there)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forward_names_one_port_or_two() {
        let tunnel = |local_port, port| Ok(Tunnel { local_port, port });
        assert_eq!(forwarded("8888"), tunnel(8888, 8888));
        assert_eq!(forwarded("9000:8888"), tunnel(9000, 8888));
        for bad in ["", "0", "70000", "a", "1:2:3", "127.0.0.1:80"] {
            assert!(forwarded(bad).is_err(), "{bad}");
        }
    }
}
