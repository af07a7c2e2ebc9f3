//! What travels between states.

use std::sync::Arc;

use serde_json::Value;

/// The largest input, output, argument or result, as JSON text in UTF-8.
///
/// Source: AWS Step Functions quotas, "Maximum input or output size for a task, state, or
/// execution".
pub const PAYLOAD_LIMIT_BYTES: usize = 256 * 1024;

/// A value and its JSON text. Both are shared, as most values are the output of one state, the
/// input of the next, and in two events.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    pub(super) value: Arc<Value>,
    pub(super) text: Arc<str>,
}

/// The value is larger than [`PAYLOAD_LIMIT_BYTES`].
#[derive(Debug)]
pub(super) struct TooLarge;

impl Payload {
    pub(super) fn new(value: Value) -> Result<Self, TooLarge> {
        let payload = Self::unbounded(value);
        if payload.text.len() > PAYLOAD_LIMIT_BYTES {
            Err(TooLarge)
        } else {
            Ok(payload)
        }
    }

    /// For values that something else bounds.
    pub(super) fn unbounded(value: Value) -> Self {
        Self {
            text: Arc::from(value.to_string()),
            value: Arc::new(value),
        }
    }
}
