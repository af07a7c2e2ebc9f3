//! Requests, and the saves that result from them.

use std::fmt;

use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::{SaveId, TemplateName};

#[derive(Debug, Clone)]
pub enum Wanted {
    Save(SaveRequest),
    Copy(CopyRequest),
}

impl Wanted {
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

#[derive(Debug, Clone)]
pub struct Subject {
    pub id: SaveId,
    pub wanted: Wanted,
    pub request_id: String,
    pub begun: bool,
}
