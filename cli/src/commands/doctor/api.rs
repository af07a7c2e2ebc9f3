//! The checks of an API.

use std::sync::Arc;

use prism_functions::domain::UserId;
use prism_functions::ports::Clock;
use serde::Deserialize;

use super::{Check, clock};
use crate::backend::api::{self, Answer, Call};
use crate::environment::Environment;
use crate::profile::Profile;

/// Who asks.
#[derive(Debug, Deserialize)]
struct Me {
    user: UserId,
}

pub(super) async fn checks(
    profile: &Profile,
    environment: &Environment,
    time: &Arc<dyn Clock>,
) -> Vec<Check> {
    let client = match api::client(profile, environment, time).await {
        Ok(client) => client,
        Err(problem) => return vec![Check::fail("api", problem)],
    };
    let (headers, answer) = match client.ask(&Call::get("/v1/me")).await {
        Ok(found) => found,
        Err(problem) => return vec![Check::fail("api", problem)],
    };
    let mut checks = vec![
        Check::ok("api", format!("{} responds", client.url())),
        clock::check(&headers, time.now()),
    ];
    let me = answer.and_then(Answer::json::<Me>);
    checks.push(Check::of("user", me.map(|me| me.user.to_string())));
    checks
}
