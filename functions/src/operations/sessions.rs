//! Sessions with the caller's instances. The deployment starts them with its own permissions, after it has checked whose
//! the instance is: the permissions of members to start sessions could not be limited to their own instances, and users
//! of the portal have no AWS credentials.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::{Found, InRegion, InstanceName, Json};
use super::{Asked, Service};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::ec2::InstanceState;
use crate::domain::session::{SessionKind, is_login};
use crate::domain::tags::LOGIN_TAG;
use crate::domain::{Code, InstanceId, Problem, Region};
use crate::operations::operation::{Answered, operation};
use crate::ports::{Ec2Error, Ticket, from_ec2};
use crate::rules::access::Caller;
use crate::rules::lookup::check_regions;

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A shell, as the user whom the template names to log in as.
    Shell,
    /// A tunnel from a port of 127.0.0.1 on the client to a port on the instance.
    Port,
    /// The connection of an SSH client, to port 22.
    Ssh,
}

/// A request for a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// What the session is for.
    pub kind: Purpose,
    /// The port on the instance, for a tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub port: Option<u16>,
    /// The port on the client, for a tunnel. By default, it is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub local_port: Option<u16>,
}

impl From<&SessionKind> for SessionRequest {
    fn from(kind: &SessionKind) -> Self {
        let of = |kind| Self {
            kind,
            port: None,
            local_port: None,
        };
        match kind {
            SessionKind::Shell { .. } => of(Purpose::Shell),
            SessionKind::Ssh => of(Purpose::Ssh),
            SessionKind::Port { port, local_port } => Self {
                port: Some(*port),
                local_port: Some(*local_port),
                ..of(Purpose::Port)
            },
        }
    }
}

impl SessionRequest {
    /// What is asked for, as this user if it is a shell.
    fn resolve(&self, login: Option<String>) -> Result<SessionKind, Problem> {
        let ports = (self.port, self.local_port.or(self.port));
        Ok(match (self.kind, ports) {
            (Purpose::Shell, (None, None)) => SessionKind::Shell { login },
            (Purpose::Ssh, (None, None)) => SessionKind::Ssh,
            (Purpose::Port, (Some(port @ 1..), Some(local_port @ 1..))) => {
                SessionKind::Port { port, local_port }
            }
            (Purpose::Port, _) => {
                let message =
                    "A tunnel needs a port, and local_port if it differs, from 1 to 65535.";
                return Err(Problem::new(Code::InvalidInput, message));
            }
            (Purpose::Shell | Purpose::Ssh, _) => {
                let message = "Only a tunnel has a port and a local_port.";
                return Err(Problem::new(Code::InvalidInput, message));
            }
        })
    }
}

/// A session that was started. The Session Manager plugin joins it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The instance.
    pub instance: InstanceId,
    /// The Region of the instance.
    pub region: Region,
    /// The ID of the session in Session Manager.
    pub session_id: String,
    /// Where the session is joined.
    pub stream_url: String,
    /// The secret with which the session is joined. It is valid for a short time, and is not recorded.
    pub token: String,
}

/// The token is a secret, so it is not shown.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("instance", &self.instance)
            .field("session_id", &self.session_id)
            .finish_non_exhaustive()
    }
}

operation! {
    /// Starts a session with an instance, through Session Manager
    ///
    /// No port of the instance is open for it. The client joins the session with the returned token, which is a secret.
    StartSession by start_session: Post "/v1/instances/{name}/sessions" of "instances",
    path: InstanceName, query: InRegion, body: Json<SessionRequest>,
    output: Found<Session>,
    rights: [Change Instance],
}

async fn start_session(
    service: &Service,
    caller: &Caller,
    asked: Asked<StartSession>,
) -> Answered<StartSession> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    let Json(request) = asked.body;
    request.resolve(None)?;
    check_regions(&service.env, [&region]).await?;
    let instance = service.instance(caller, &region, &name).await?;
    if instance.state != InstanceState::Running {
        let message = format!(
            "{name} is {}, so nobody can log in to it.",
            instance.state.as_str()
        );
        return Err(
            Problem::new(Code::InstanceStateWrong, message).hint(format!(
                "Start it first: prism start {} --region {region}",
                instance.id
            )),
        );
    }
    if !instance.has_profile {
        let message =
            format!("{name} has no instance profile, so Session Manager cannot reach it.");
        return Err(Problem::new(Code::ProfileMissing, message));
    }
    let login = instance.tags.get(LOGIN_TAG).cloned();
    let kind = request.resolve(login.filter(|login| is_login(login)))?;
    let subject = Subject::Instance(region.clone(), instance.id.clone());
    let event = service
        .event(caller, AuditAction::InstanceConnect, subject)
        .with("kind", kind.name());
    service.audit(&event).await?;
    let started = service.sessions.start(&region, &instance.id, &kind).await;
    let ticket = started.map_err(|error| refused(error, &name))?;
    let Ticket {
        session_id,
        stream_url,
        token,
    } = ticket;
    Ok(Found::new(Session {
        instance: instance.id,
        region,
        session_id,
        stream_url,
        token,
    }))
}

fn refused(error: Ec2Error, name: &str) -> Problem {
    if error.code != "TargetNotConnected" {
        return from_ec2(error);
    }
    let message = format!("The agent of Systems Manager on {name} is not connected.");
    Problem::new(Code::AgentNotConnected, message).because(error)
}
