//! The Regions that can be used.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::{Found, Page, Paging};
use super::{Asked, Service};
use crate::domain::Region;
use crate::operations::operation::{Answered, operation};
use crate::ports::from_ec2;
use crate::rules::access::Caller;

/// A Region of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegionView {
    /// Its name.
    pub name: Region,
    /// Whether the deployment allows saves, copies and launches there.
    pub allowed: bool,
}

operation! {
    /// Lists the Regions that are enabled for the account, by name
    ///
    /// The deployment may allow saves, copies and launches in some of them only.
    ListRegions by list_regions: Get "/v1/regions" of "regions",
    query: Paging,
    output: Found<Page<RegionView>>,
    rights: [],
}

async fn list_regions(
    service: &Service,
    _: &Caller,
    asked: Asked<ListRegions>,
) -> Answered<ListRegions> {
    let env = &service.env;
    let mut regions = env.ec2.regions().await.map_err(from_ec2)?;
    regions.sort();
    let views = regions.into_iter().map(|name| RegionView {
        allowed: env.settings.allowed_regions.check([&name]).is_ok(),
        name,
    });
    let key = |view: &RegionView| [view.name.to_string(), String::new()];
    let page = asked.query.of("regions", views.collect(), key);
    page.map(Found::new)
}
