//! The values that are passed between states.

use std::sync::Arc;

use serde_json::Value;

/// The maximum size of an input, output, argument or result, as JSON text in UTF-8.
///
/// Source: AWS Step Functions quotas, "Maximum input or output size for a task, state, or
/// execution".
pub const PAYLOAD_LIMIT_BYTES: usize = 256 * 1024;

/// A value and its JSON text. Both are shared, because most values are the output of one state, the input of the
/// next, and part of two events.
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

    /// For values that are limited by something else.
    pub(super) fn unbounded(value: Value) -> Self {
        Self {
            text: Arc::from(value.to_string()),
            value: Arc::new(value),
        }
    }
}
