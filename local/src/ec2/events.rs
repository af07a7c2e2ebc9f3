//! The events of the cloud, as a story that people and tests can read.

use std::fmt;

use prism_functions::domain::{Region, Timestamp};
use serde::{Deserialize, Serialize};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its position in the order of all events.
    pub number: u64,
    pub at: Timestamp,
    pub region: Region,
    pub subject: String,
    /// A description, such as `stopping (by 111122223333)`.
    pub what: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.at.format("%H:%M:%S%.3f");
        write!(f, "{time} {} {} {}", self.region, self.subject, self.what)
    }
}
