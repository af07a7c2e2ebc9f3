//! Puts notices into the outbox, from which they are delivered. Whoever sends a notice waits for the registry, and never
//! for those who receive it.

use futures::future::join_all;

use crate::domain::{Problem, UserId};
use crate::ports::Notice;
use crate::registry::{Outgoing, Registry};

/// How many users' settings are read concurrently.
const AT_ONCE: usize = 16;

/// Puts a notice into the outbox for each user whom it concerns, by each channel that the user has chosen for it.
/// Repeating it has no effect. What fails for one of them does not hold up the others; the first failure is returned.
pub(super) async fn post(registry: &Registry, notice: &Notice) -> Result<(), Problem> {
    let users: Vec<&UserId> = notice.to.iter().collect();
    let mut outcome = Ok(());
    for some in users.chunks(AT_ONCE) {
        let posted = join_all(some.iter().map(|user| post_to(registry, notice, user))).await;
        outcome = posted.into_iter().fold(outcome, Result::and);
    }
    outcome
}

async fn post_to(registry: &Registry, notice: &Notice, user: &UserId) -> Result<(), Problem> {
    for channel in registry.notify(user).await?.channels(notice.event) {
        let outgoing = Outgoing::new(notice, user, channel);
        registry.put_outgoing(&outgoing).await?;
    }
    Ok(())
}
