//! Who asks for something.

use serde::{Deserialize, Serialize};

use crate::domain::UserId;
use crate::domain::audit::{Channel, Origin};

/// Who asks, and from where. Both come from the authenticated request, never from its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// From where the request came. It decides nothing: it is written down with what was changed.
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
}

impl Caller {
    /// A caller of whom nothing else is known.
    pub fn new(user: UserId) -> Self {
        Self {
            user,
            origin: Origin::default(),
        }
    }

    /// The same, by this way.
    #[must_use]
    pub fn by(mut self, channel: Channel) -> Self {
        self.origin = Origin::by(channel);
        self
    }
}
