//! Carries the simulated cloud's news of AMIs to the executions that wait for them, as EventBridge
//! does on AWS.
//!
//! Each process listens for the executions that it carries. What another process does is noticed
//! too, since the cloud is in a file that all of them read.

use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use prism_asl::TaskTokens;
use prism_functions::domain::ImageId;
use prism_functions::ports::Executions;
use prism_functions::service::image_changed;
use prism_functions::steps::Env;

use crate::ec2::{Cloud, CloudError, Event};

/// How long the cloud goes unwatched at most while something waits: what is due is known, but
/// somebody may do something that nobody had planned.
const LOOK: Duration = Duration::from_secs(5);
/// How long it is left alone at least.
const REST: Duration = Duration::from_millis(100);
/// What EventBridge tells of an AMI, as the simulated cloud words it.
const TOLD: [&str; 3] = ["available", "failed", "deregistered"];

/// Listens for ever: whoever calls it drops it. `rest` lets the cloud's time pass. What was heard last is in `seen`,
/// for whoever listens next.
pub(super) async fn listen(
    cloud: &Cloud,
    env: &Env,
    executions: &dyn Executions,
    tokens: &TaskTokens,
    seen: &mut Option<u64>,
    rest: impl Fn(Duration) -> BoxFuture<'static, ()>,
) {
    // What happened before is seen by whoever begins to wait.
    if seen.is_none() {
        *seen = last(cloud.events_after(None), None);
    }
    loop {
        tokens.any_open().await;
        let news = cloud.events_after(*seen);
        for event in news.iter().flatten() {
            tell(event, env, executions).await;
        }
        *seen = last(news, *seen);
        rest(pause(cloud, env)).await;
    }
}

/// The number of the last event, or the one before where there is no news.
fn last(news: Result<Vec<Event>, CloudError>, before: Option<u64>) -> Option<u64> {
    match news {
        Ok(news) => news.last().map(|event| event.number).or(before),
        Err(error) => {
            tracing::warn!(%error, "the cloud's events could not be read");
            before
        }
    }
}

/// How long nothing will happen by itself.
fn pause(cloud: &Cloud, env: &Env) -> Duration {
    let due = cloud.next_due().ok().flatten();
    let left = due.map(|at| (at - env.clock.now()).max(TimeDelta::zero()));
    let left = left.and_then(|left| left.to_std().ok());
    left.unwrap_or(LOOK).clamp(REST, LOOK)
}

/// Only news of AMIs concern a wait.
async fn tell(event: &Event, env: &Env, executions: &dyn Executions) {
    let told = TOLD.iter().any(|word| event.what.starts_with(word));
    let Some(image) = event.subject.parse::<ImageId>().ok().filter(|_| told) else {
        return;
    };
    if let Err(problem) = image_changed(env, executions, &event.region, &image).await {
        let problem = problem.chain();
        tracing::warn!(%image, problem, "an event was lost");
    }
}
