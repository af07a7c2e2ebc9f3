//! Who the caller is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::Found;
use super::{Asked, Service};
use crate::domain::UserId;
use crate::operations::operation::{Answered, operation};
use crate::rules::access::Caller;

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The user.
    pub user: UserId,
}

operation! {
    /// Who you are
    ShowMe by me: Get "/v1/me" of "me",
    output: Found<Me>,
}

async fn me(_: &Service, caller: &Caller, _: Asked<ShowMe>) -> Answered<ShowMe> {
    Ok(Found::new(Me {
        user: caller.user.clone(),
    }))
}
