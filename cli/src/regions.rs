//! The option that names a Region.

use clap::Args;
use prism_functions::domain::{Problem, Region};

use crate::app::Session;

/// The Region of an instance.
#[derive(Debug, Args)]
pub(crate) struct InRegion {
    /// The Region to work in [default: $PRISM_REGION, the profile's, $AWS_REGION or us-east-1]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

impl InRegion {
    /// The Region that is named, or the usual one.
    pub(crate) fn resolve(&self, session: &Session) -> Result<Region, Problem> {
        session.region_of(self.region.as_deref())
    }
}
