//! What happened in the cloud, as a story that people and tests can read.

use std::fmt;

use prism_functions::domain::{Region, Timestamp};
use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the order of all events.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub region: Region,
    /// The id of what it happened to.
    pub subject: String,
    /// What, such as `stopping (by 111122223333)`.
    pub what: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.at.format("%H:%M:%S%.3f");
        write!(f, "{time} {} {} {}", self.region, self.subject, self.what)
    }
}
