//! The option for a Region.

use clap::Args;

/// The Region of an instance.
#[derive(Debug, Args)]
pub(crate) struct InRegion {
    /// The Region to work in [default: $PRISM_REGION, the profile's, $AWS_REGION or us-east-1]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

impl InRegion {
    /// The named Region, if any.
    pub(crate) fn named(&self) -> Option<&str> {
        self.region.as_deref()
    }
}
