use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Ec2Error;
use crate::domain::session::SessionKind;
use crate::domain::{InstanceId, Region};

/// A session that was started, with what a client needs to join it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub session_id: String,
    pub stream_url: String,
    /// The secret with which the client joins the session. It is valid for a short time.
    pub token: String,
}

/// The token is a secret, so it is not shown.
impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("session_id", &self.session_id)
            .finish_non_exhaustive()
    }
}

/// Sessions with instances. On AWS, they are those of Session Manager.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Starts a session (StartSession). Returns an error with the code `TargetNotConnected` if the agent on the instance
    /// is not connected to Systems Manager.
    async fn start(
        &self,
        region: &Region,
        instance: &InstanceId,
        kind: &SessionKind,
    ) -> Result<Ticket, Ec2Error>;
}
