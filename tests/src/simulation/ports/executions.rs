//! Executions and notifications.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use prism_functions::ports::{
    Call, Execution, Executions, ExecutionsError, Notice, Notifier, NotifierError,
};
use serde_json::Value;

use super::super::conductor::{Asked, Wrong};
use super::Through;

#[async_trait]
impl Notifier for Through<dyn Notifier> {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifierError> {
        let call = if notice.alarm {
            Call::Alarm
        } else {
            Call::Notice
        };
        let wrong = |wrong| NotifierError {
            reason: format!("injected by the simulation: {wrong:?}"),
        };
        through!(self, call, &wrong, None, notify(notice))
    }
}

fn executions_error(wrong: Wrong) -> ExecutionsError {
    ExecutionsError::Unavailable {
        reason: format!("injected by the simulation: {wrong:?}"),
        source: None,
    }
}

#[async_trait]
impl Executions for Through<dyn Executions> {
    async fn start(&self, name: &str, input: Value) -> Result<(), ExecutionsError> {
        let (port, name) = (Arc::clone(&self.port), name.to_owned());
        let ask = move || -> BoxFuture<'static, Result<_, _>> {
            let (port, name, input) = (Arc::clone(&port), name.clone(), input.clone());
            Box::pin(async move { port.start(&name, input).await })
        };
        let asked = Asked {
            call: Call::StartExecution,
            wrong: &executions_error,
            ask: &ask,
            past: None,
        };
        self.conductor.through(asked).await
    }

    async fn describe(&self, name: &str) -> Result<Execution, ExecutionsError> {
        through!(
            self,
            Call::DescribeExecution,
            &executions_error,
            None,
            describe(name)
        )
    }

    async fn wake(&self, token: &str) -> Result<bool, ExecutionsError> {
        through!(self, Call::EndWait, &executions_error, None, wake(token))
    }

    async fn stop(&self, name: &str, cause: &str) -> Result<(), ExecutionsError> {
        through!(
            self,
            Call::StopExecution,
            &executions_error,
            None,
            stop(name, cause)
        )
    }
}
