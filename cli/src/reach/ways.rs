//! Which way to an instance works. The decision depends on nothing but the facts.

use std::fmt;

use clap::ValueEnum;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::InstanceView;

use crate::text::plain;

/// What is needed of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// A shell, or a tunnel to a port.
    Session,
    /// A command with its exit code, which only SSH returns.
    Command,
    /// Copies of files.
    Copy,
}

/// A way that the user names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// AWS Systems Manager: no port is open, and the deployment's permissions are used
    SessionManager,
    /// SSH to the public address
    Ssh,
}

/// A way to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The Session Manager plugin alone.
    Session,
    /// An SSH client, whose connection goes through Session Manager.
    SshThroughSession,
    /// An SSH client that connects to the public address.
    Ssh,
}

/// What is known about an instance and this machine.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Whether the Session Manager plugin is installed here.
    pub(crate) plugin: bool,
    pub(crate) ssh: bool,
    pub(crate) scp: bool,
    /// Whether the instance has an instance profile.
    pub(crate) profile: bool,
    /// Whether the agent is connected, as far as known.
    pub(crate) agent: bool,
    /// Whether AWS starts sessions, as far as known.
    pub(crate) session: bool,
    /// The public address.
    pub(crate) address: Option<String>,
    /// Whether port 22 of the address accepts connections from here.
    pub(crate) reachable: bool,
    /// The user name to log in with.
    pub(crate) login: Option<String>,
}

/// Something that a way lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lack {
    Plugin,
    Profile,
    Agent,
    Session,
    Ssh,
    Scp,
    Login,
    Address,
    /// Port 22 of this address is not reachable.
    Network(String),
    /// The user excluded the way.
    Excluded,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plugin => "the Session Manager plugin is not installed here",
            Self::Profile => "the instance has no instance profile",
            Self::Agent => "the agent of Systems Manager on the instance is not connected",
            Self::Session => "no session could be started",
            Self::Ssh => "ssh is not installed here",
            Self::Scp => "scp is not installed here",
            Self::Login => "the user name to log in with is not known",
            Self::Address => "the instance has no public address",
            Self::Network(address) => {
                return write!(
                    f,
                    "port 22 of {} is not reachable from here",
                    plain(address)
                );
            }
            Self::Excluded => "--via names the other one",
        })
    }
}

/// What each of the two ways lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lacks {
    pub(crate) session_manager: Vec<Lack>,
    pub(crate) ssh: Vec<Lack>,
}

impl Facts {
    /// Whether it matters if port 22 is reachable: Session Manager does not work here, as far as known.
    pub(crate) fn needs_port(&self) -> bool {
        !(self.plugin && self.profile)
    }

    fn client(&self, need: Need) -> impl Iterator<Item = Lack> {
        let needed = match need {
            Need::Session => [None, None, None],
            Need::Command => [(!self.ssh).then_some(Lack::Ssh), None, self.no_login()],
            Need::Copy => [
                (!self.ssh).then_some(Lack::Ssh),
                (!self.scp).then_some(Lack::Scp),
                self.no_login(),
            ],
        };
        needed.into_iter().flatten()
    }

    fn no_login(&self) -> Option<Lack> {
        self.login.is_none().then_some(Lack::Login)
    }
}

/// Chooses the way for a need. Session Manager comes first: it needs no open port, and what it does is recorded in the
/// audit log.
pub(crate) fn choose(need: Need, only: Option<Via>, facts: &Facts) -> Result<Way, Lacks> {
    let excluded = |via: Via| (only.is_some_and(|only| only != via)).then_some(Lack::Excluded);
    let lacks = Lacks {
        session_manager: (excluded(Via::SessionManager).into_iter())
            .chain((!facts.plugin).then_some(Lack::Plugin))
            .chain((!facts.profile).then_some(Lack::Profile))
            .chain((!facts.agent).then_some(Lack::Agent))
            .chain((!facts.session).then_some(Lack::Session))
            .chain(facts.client(need))
            .collect(),
        ssh: (excluded(Via::Ssh).into_iter())
            .chain(match need {
                Need::Session => (!facts.ssh).then_some(Lack::Ssh),
                Need::Command | Need::Copy => None,
            })
            .chain(match need {
                Need::Session => facts.no_login(),
                Need::Command | Need::Copy => None,
            })
            .chain(facts.client(need))
            .chain(match &facts.address {
                None => Some(Lack::Address),
                Some(address) => (!facts.reachable).then(|| Lack::Network(address.clone())),
            })
            .collect(),
    };
    match need {
        Need::Session if lacks.session_manager.is_empty() => Ok(Way::Session),
        _ if lacks.session_manager.is_empty() => Ok(Way::SshThroughSession),
        _ if lacks.ssh.is_empty() => Ok(Way::Ssh),
        _ => Err(lacks),
    }
}

/// The problem of an instance that no way leads to: what each way lacks, and what to do about the easiest. If a session
/// was refused, it is that problem, with what SSH lacks.
pub(super) fn cannot(instance: &InstanceView, lacks: &Lacks, refused: Option<Problem>) -> Problem {
    let told = |lacks: &[Lack]| {
        let texts: Vec<String> = lacks.iter().map(ToString::to_string).collect();
        texts.join(", and ")
    };
    if let Some(mut problem) = refused {
        problem.message = format!("{} By SSH: {}.", problem.message, told(&lacks.ssh));
        return problem;
    }
    let name = &instance.name;
    let message = format!(
        "{name} cannot be reached. By Session Manager: {}. By SSH: {}.",
        told(&lacks.session_manager),
        told(&lacks.ssh)
    );
    Problem::new(Code::CannotConnect, message).hint(hint(lacks))
}

fn hint(lacks: &Lacks) -> &'static str {
    match lacks.session_manager.as_slice() {
        [Lack::Plugin] => {
            "Install the plugin: https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
        }
        [.., Lack::Agent] => {
            "Wait a minute after the start. Otherwise, the instance needs the agent, and a route to Systems Manager: a public address, NAT, or VPC endpoints for ssm and ssmmessages."
        }
        lacks if lacks.contains(&Lack::Profile) => {
            "Instances that are launched from now on have an instance profile. To this one, an administrator can attach one: aws ec2 associate-iam-instance-profile"
        }
        [Lack::Login] => "Log in without a command: prism connect NAME",
        _ => "Supply what one of the two lacks.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything works.
    fn all() -> Facts {
        Facts {
            plugin: true,
            ssh: true,
            scp: true,
            profile: true,
            agent: true,
            session: true,
            address: Some("192.0.2.7".to_owned()),
            reachable: true,
            login: Some("ubuntu".to_owned()),
        }
    }

    const NEEDS: [Need; 3] = [Need::Session, Need::Command, Need::Copy];

    #[test]
    fn session_manager_comes_first_and_commands_go_through_it_by_ssh() {
        let chosen = NEEDS.map(|need| choose(need, None, &all()).unwrap());
        let through = Way::SshThroughSession;
        assert_eq!(chosen, [Way::Session, through, through]);
        let chosen = NEEDS.map(|need| choose(need, Some(Via::Ssh), &all()).unwrap());
        assert_eq!(chosen, [Way::Ssh; 3]);
    }

    #[test]
    fn whatever_session_manager_lacks_ssh_takes_its_place() {
        for lack in [
            |facts: &mut Facts| facts.plugin = false,
            |facts: &mut Facts| facts.profile = false,
            |facts: &mut Facts| facts.agent = false,
            |facts: &mut Facts| facts.session = false,
        ] {
            let mut facts = all();
            lack(&mut facts);
            for need in NEEDS {
                assert_eq!(choose(need, None, &facts).unwrap(), Way::Ssh, "{facts:?}");
                let only = choose(need, Some(Via::SessionManager), &facts).unwrap_err();
                assert_eq!(only.session_manager.len(), 1);
                assert!(only.ssh.contains(&Lack::Excluded));
            }
        }
    }

    #[test]
    fn a_shell_through_session_manager_needs_no_ssh_and_no_address() {
        let facts = Facts {
            ssh: false,
            scp: false,
            address: None,
            reachable: false,
            login: None,
            ..all()
        };
        assert_eq!(choose(Need::Session, None, &facts).unwrap(), Way::Session);
        let lacks = choose(Need::Copy, None, &facts).unwrap_err();
        assert_eq!(lacks.session_manager, [Lack::Ssh, Lack::Scp, Lack::Login]);
        assert_eq!(
            lacks.ssh,
            [Lack::Ssh, Lack::Scp, Lack::Login, Lack::Address]
        );
    }

    #[test]
    fn when_nothing_works_each_missing_piece_is_named() {
        let facts = Facts {
            plugin: false,
            ssh: false,
            profile: false,
            agent: false,
            reachable: false,
            login: None,
            ..all()
        };
        let lacks = choose(Need::Session, None, &facts).unwrap_err();
        let at = Lack::Network("192.0.2.7".to_owned());
        assert_eq!(
            lacks.session_manager,
            [Lack::Plugin, Lack::Profile, Lack::Agent]
        );
        assert_eq!(lacks.ssh, [Lack::Ssh, Lack::Login, at]);
    }

    #[test]
    fn every_combination_gives_a_way_or_says_what_both_lack() {
        for bits in 0..256_u32 {
            let is = |bit: u32| bits & (1 << bit) != 0;
            let facts = Facts {
                plugin: is(0),
                ssh: is(1),
                scp: is(1),
                profile: is(2),
                agent: is(3),
                session: is(7),
                address: is(4).then(|| "192.0.2.7".to_owned()),
                reachable: is(5),
                login: is(6).then(|| "ubuntu".to_owned()),
            };
            for need in NEEDS {
                if let Err(lacks) = choose(need, None, &facts) {
                    assert!(!lacks.session_manager.is_empty() && !lacks.ssh.is_empty());
                }
            }
        }
    }
}
