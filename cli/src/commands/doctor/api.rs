//! The checks of an API backend.

use std::sync::Arc;

use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ShowMe};
use prism_functions::ports::Clock;

use super::{Check, clock};
use crate::client::hear;
use crate::environment::Environment;
use crate::profile::Profile;

pub(super) async fn checks(
    profile: &Profile,
    environment: &Environment,
    time: &Arc<dyn Clock>,
) -> Vec<Check> {
    let asked = Asked::<ShowMe>::of(Nothing {});
    let heard = match hear(profile, environment, time, asked).await {
        Ok(heard) => heard,
        Err(problem) => return vec![Check::fail("api", problem)],
    };
    let me = heard.answer.map(|me| me.value.user.to_string());
    vec![
        Check::ok("api", format!("{} responds", heard.url)),
        clock::check(&heard.headers, time.now()),
        Check::of("user", me),
    ]
}
