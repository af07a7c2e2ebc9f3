//! The caller's own identity.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::Found;
use super::{Asked, Service};
use crate::domain::UserId;
use crate::operations::operation::{Answered, operation};
use crate::rules::access::Caller;

/// The caller's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The user.
    pub user: UserId,
}

operation! {
    /// Returns your user name
    ShowMe by me: Get "/v1/me" of "me",
    output: Found<Me>,
    rights: [],
}

async fn me(_: &Service, caller: &Caller, _: Asked<ShowMe>) -> Answered<ShowMe> {
    Ok(Found::new(Me {
        user: caller.user.clone(),
    }))
}
