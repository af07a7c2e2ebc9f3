//! Implements the port [`Sessions`] with Session Manager.

use std::sync::Arc;

use async_trait::async_trait;

use super::clients::Clients;
use super::ec2::errors;
use crate::domain::session::SessionKind;
use crate::domain::{InstanceId, Region};
use crate::ports::{Ec2Error, Sessions, Ticket};

const ACTION: &str = "ssm:StartSession";

/// The sessions of each Region.
#[derive(Debug, Clone)]
pub struct SessionManager {
    clients: Arc<Clients>,
}

impl SessionManager {
    /// Starts sessions with these clients.
    pub fn new(clients: Arc<Clients>) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl Sessions for SessionManager {
    async fn start(
        &self,
        region: &Region,
        instance: &InstanceId,
        kind: &SessionKind,
    ) -> Result<Ticket, Ec2Error> {
        let mut request = self
            .clients
            .ssm(region)
            .start_session()
            .target(instance.as_str())
            .set_document_name(kind.document().map(str::to_owned));
        for (name, value) in kind.parameters() {
            request = request.parameters(name, vec![value]);
        }
        let told = request.send().await.map_err(errors::of(ACTION))?;
        Ok(Ticket {
            session_id: errors::need(ACTION, "session ID", told.session_id())?.to_owned(),
            stream_url: errors::need(ACTION, "stream URL", told.stream_url())?.to_owned(),
            token: errors::need(ACTION, "token", told.token_value())?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::testing::{Aws, Reply};

    #[tokio::test]
    async fn a_session_has_its_ticket_and_an_agent_that_is_gone_is_told() {
        let aws = Aws::answering([
            Reply::found(json!({
                "SessionId": "s-1", "StreamUrl": "wss://stream", "TokenValue": "secret",
            })),
            Reply::json(400, json!({"__type": "TargetNotConnected"})),
        ]);
        let sessions = SessionManager::new(Arc::new(aws.clients()));
        let region = "us-west-2".parse().unwrap();
        let instance = "i-0123456789abcdef0".parse().unwrap();
        let kind = SessionKind::Ssh;
        let ticket = sessions.start(&region, &instance, &kind).await.unwrap();
        assert_eq!((&*ticket.session_id, &*ticket.token), ("s-1", "secret"));
        assert!(!format!("{ticket:?}").contains("secret"));
        assert!(aws.uri(0).contains("us-west-2"), "{}", aws.uri(0));
        let gone = sessions.start(&region, &instance, &kind).await.unwrap_err();
        assert_eq!(gone.code, "TargetNotConnected");
    }
}
