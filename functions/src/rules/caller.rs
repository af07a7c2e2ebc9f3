//! The caller of an operation.

use serde::{Deserialize, Serialize};

use crate::domain::UserId;
use crate::domain::audit::{Channel, Origin};

/// The user who makes a request, and where the request comes from. Both are taken from the authenticated request, never
/// from its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub user: UserId,
    /// Where the request came from. It has no effect on access; it is recorded with each change.
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
}

impl Caller {
    /// Creates a caller of whom only the user is known.
    pub fn new(user: UserId) -> Self {
        Self {
            user,
            origin: Origin::default(),
        }
    }

    #[must_use]
    pub fn by(mut self, channel: Channel) -> Self {
        self.origin = Origin::by(channel);
        self
    }
}
