//! Who the caller is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::{Found, Nothing};
use super::{Asked, Method, Operation, Service};
use crate::domain::{Problem, UserId};
use crate::rules::access::Caller;

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The user.
    pub user: UserId,
}

/// Shows who the caller is.
#[derive(Debug)]
pub struct ShowMe;

impl Operation for ShowMe {
    const ID: &'static str = "me";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/me";
    const TAG: &'static str = "me";
    const TEXT: &'static str = "Who you are";
    type Path = Nothing;
    type Query = Nothing;
    type Head = Nothing;
    type Body = Nothing;
    type Output = Found<Me>;

    async fn run(_: &Service, caller: &Caller, _: Asked<Self>) -> Result<Found<Me>, Problem> {
        Ok(Found::new(Me {
            user: caller.user.clone(),
        }))
    }
}
