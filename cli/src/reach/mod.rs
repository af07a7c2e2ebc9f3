//! How an instance is reached: by a session of Session Manager, or by SSH. Which of them works is decided from facts
//! ([`ways`]); then other programs are run, whose arguments contain no secrets ([`commands`]).

mod browser;
mod commands;
mod programs;
mod ways;

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::session::{SessionKind, is_login};
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::{InRegion, InstanceName, Json, Nothing};
use prism_functions::operations::{Asked, InstanceView, Session as Joined, StartSession};

use crate::session::Session;
use crate::text::plain;

pub(crate) use browser::Page;
pub(crate) use commands::{Place, Tunnel, copied, login_with_ssh, remote, shell, tunnel};
pub(crate) use programs::{Invocation, Programs};
pub(crate) use ways::{Facts, Need, Via, Way};

/// How long to wait for a connection to port 22.
const REACHED_WITHIN: Duration = Duration::from_secs(4);

/// A running instance, and the facts about the ways to it.
pub(crate) struct Reach {
    pub(crate) instance: InstanceView,
    pub(crate) programs: Programs,
    pub(crate) facts: Facts,
    /// The only way that may be used, if the user names one.
    pub(crate) via: Option<Via>,
}

/// A way to an instance, ready for use.
pub(crate) struct Opened {
    pub(crate) way: Way,
    /// The session to join, if the way is through Session Manager.
    pub(crate) joined: Option<Joined>,
}

impl Reach {
    /// Looks an instance up, and which programs there are.
    pub(crate) fn of(
        session: &Session,
        mut instance: InstanceView,
        via: Option<Via>,
    ) -> Result<Self, Problem> {
        if instance.state != InstanceState::Running {
            let message = format!(
                "{} is {}, so nobody can log in to it.",
                instance.name,
                instance.state.as_str()
            );
            let region = session.region_option(&instance.region);
            return Err(
                Problem::new(Code::InstanceStateWrong, message).hint(format!(
                    "Start it first: prism start {}{region}",
                    instance.id
                )),
            );
        }
        let programs = Programs::on(session.environment.path.clone());
        instance.login = instance.login.filter(|login| is_login(login));
        let mut facts = Facts {
            plugin: programs.find(commands::PLUGIN).is_some(),
            ssh: programs.find("ssh").is_some(),
            scp: programs.find("scp").is_some(),
            profile: instance.has_profile,
            agent: true,
            session: true,
            address: instance.public_ip.clone(),
            reachable: false,
            login: instance.login.clone(),
        };
        // Nobody waits for the port if the address is not going to be used.
        if via == Some(Via::Ssh) || (via.is_none() && facts.needs_port()) {
            facts.reachable = is_reachable(facts.address.as_deref());
        }
        Ok(Self {
            instance,
            programs,
            facts,
            via,
        })
    }

    /// Opens the best way for a need. If no session can be started, the other way is tried.
    pub(crate) async fn open(
        &mut self,
        session: &Session,
        need: Need,
        kind: &SessionKind,
    ) -> Result<Opened, Problem> {
        let mut refused: Option<Problem> = None;
        loop {
            let way = ways::choose(need, self.via, &self.facts);
            let way = way.map_err(|lacks| ways::cannot(&self.instance, &lacks, refused.take()))?;
            let wanted = match way {
                Way::Ssh => {
                    if let Some(problem) = refused {
                        let told = format!("{} SSH is used instead.", problem.message);
                        session.out.note(&plain(&told));
                    }
                    return Ok(Opened { way, joined: None });
                }
                Way::SshThroughSession => &SessionKind::Ssh,
                Way::Session => kind,
            };
            match start(session, &self.instance, wanted).await {
                Ok(joined) => {
                    let joined = Some(joined);
                    return Ok(Opened { way, joined });
                }
                Err(problem) => refused = self.without_session(problem)?,
            }
        }
    }

    /// Notes what a session that could not be started says about this way. Returns the problem if the facts do not have
    /// all of it.
    ///
    /// # Errors
    /// The problem, if SSH would not help, or may not be used.
    fn without_session(&mut self, problem: Problem) -> Result<Option<Problem>, Problem> {
        let may_use_ssh = self.via != Some(Via::SessionManager);
        let refused = match problem.code {
            Code::AgentNotConnected => {
                self.facts.agent = false;
                None
            }
            Code::ProfileMissing => {
                self.facts.profile = false;
                None
            }
            Code::AwsRefused | Code::AwsUnavailable | Code::PermissionMissing | Code::Throttled
                if may_use_ssh =>
            {
                self.facts.session = false;
                Some(problem)
            }
            _ => return Err(problem),
        };
        if may_use_ssh && !self.facts.reachable {
            self.facts.reachable = is_reachable(self.facts.address.as_deref());
        }
        Ok(refused)
    }
}

async fn start(
    session: &Session,
    instance: &InstanceView,
    kind: &SessionKind,
) -> Result<Joined, Problem> {
    let region = instance.region.clone();
    let asked = Asked::<StartSession> {
        path: InstanceName(instance.id.clone()),
        query: InRegion { region },
        head: Nothing {},
        body: Json(kind.into()),
    };
    session.client.ask(asked).await
}

/// Whether port 22 of an address accepts a connection. Nothing else happens in this process meanwhile.
fn is_reachable(address: Option<&str>) -> bool {
    let found = address.and_then(|address| (address, 22).to_socket_addrs().ok()?.next());
    found.is_some_and(|target| TcpStream::connect_timeout(&target, REACHED_WITHIN).is_ok())
}
