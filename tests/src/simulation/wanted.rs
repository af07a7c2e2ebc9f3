//! What somebody asks for, and the saves that come of it.

use std::fmt;

use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::{SaveId, TemplateName};

/// What somebody asks for.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// To save an instance.
    Save(SaveRequest),
    /// To copy a version to further Regions.
    Copy(CopyRequest),
}

impl Wanted {
    /// The template that it is about.
    pub(crate) fn template(&self) -> &TemplateName {
        match self {
            Wanted::Save(save) => &save.template,
            Wanted::Copy(copy) => &copy.template,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Save(save) => write!(f, "{} as {}", save.instance, save.template),
            Wanted::Copy(copy) => write!(f, "{} to {:?}", copy.template, copy.regions),
        }
    }
}

/// A save that somebody asked for.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The save.
    pub id: SaveId,
    /// What was asked.
    pub wanted: Wanted,
    /// Under which request id.
    pub request_id: String,
    /// Whether whoever asked was told that it has begun.
    pub begun: bool,
}
