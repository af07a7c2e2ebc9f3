//! Requests, and the saves that result from them.

use std::fmt;

use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::{SaveId, TemplateName};

/// A request.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// To save an instance.
    Save(SaveRequest),
    /// To copy a version to further Regions.
    Copy(CopyRequest),
}

impl Wanted {
    /// The template of the request.
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

/// A requested save.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The ID of the save.
    pub id: SaveId,
    /// The request.
    pub wanted: Wanted,
    /// The request ID.
    pub request_id: String,
    /// Whether the requester was told that it has begun.
    pub begun: bool,
}
