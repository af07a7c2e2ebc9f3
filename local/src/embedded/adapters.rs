//! Small adapters for the ports.

use async_trait::async_trait;
use prism_functions::ports::{Notice, Notifier, NotifierError};

use crate::executions::Records;

/// Stores notices in the embedded cloud's own file.
pub(super) struct LocalNotifier {
    pub(super) records: Records,
}

#[async_trait]
impl Notifier for LocalNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifierError> {
        self.records
            .add_notice(notice)
            .map_err(|error| NotifierError {
                reason: error.to_string(),
            })
    }
}
