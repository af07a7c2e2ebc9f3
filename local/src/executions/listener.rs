//! Delivers the simulated cloud's events about instances and AMIs to the executions that wait for them, as
//! EventBridge does on AWS.
//!
//! Each process listens for the executions that it runs. It also sees what other processes do, because the cloud is
//! in a file that all of them read.

use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use prism_asl::TaskTokens;
use prism_functions::domain::{ImageId, InstanceId};
use prism_functions::operations::end_wait;
use prism_functions::ports::Executions;
use prism_functions::registry::Awaited;
use prism_functions::rules::Env;

use crate::ec2::{Cloud, CloudError, Event};

/// The longest pause between two polls of the cloud while something waits: scheduled changes are known, but a user
/// may make a change at any time.
const LOOK: Duration = Duration::from_secs(5);
const REST: Duration = Duration::from_millis(100);
/// The delay of an event, from EC2 through EventBridge and a queue. Assumed: AWS says "near real time", and a
/// recipient may even send a request before DescribeInstances knows of the change (boto3 issue 4386).
const ON_ITS_WAY: TimeDelta = TimeDelta::milliseconds(500);
/// The AMI events that EventBridge sends, in the words of the simulated cloud.
const OF_IMAGES: [&str; 3] = ["available", "failed", "deregistered"];
/// The instance events that EventBridge sends.
const OF_INSTANCES: [&str; 4] = ["running", "stopped", "terminated", "could not start"];

/// Listens until the future is dropped. `rest` waits for the cloud's time to pass. The last event is stored in
/// `seen`, for the next listener.
pub(super) async fn listen(
    cloud: &Cloud,
    env: &Env,
    executions: &dyn Executions,
    tokens: &TaskTokens,
    seen: &mut Option<u64>,
    rest: impl Fn(Duration) -> BoxFuture<'static, ()>,
) {
    // An execution that begins to wait checks what happened before.
    if seen.is_none() {
        *seen = last(cloud.events_after(None), None);
    }
    loop {
        tokens.any_open().await;
        let news = cloud.events_after(*seen);
        for event in news.iter().flatten().filter(|event| is_told(event)) {
            let left = event.at + ON_ITS_WAY - env.clock.now();
            if let Ok(left) = left.to_std() {
                rest(left).await;
            }
            tell(event, env, executions).await;
        }
        // More may have happened while these events were being delivered.
        let quiet = news.as_ref().map_or(true, Vec::is_empty);
        *seen = last(news, *seen);
        if quiet {
            rest(pause(cloud, env)).await;
        }
    }
}

/// The number of the last event, or `before` if there are no new events.
fn last(news: Result<Vec<Event>, CloudError>, before: Option<u64>) -> Option<u64> {
    match news {
        Ok(news) => news.last().map(|event| event.number).or(before),
        Err(error) => {
            tracing::warn!(%error, "the cloud's events could not be read");
            before
        }
    }
}

/// How long no scheduled change is due.
fn pause(cloud: &Cloud, env: &Env) -> Duration {
    let due = cloud.next_due().ok().flatten();
    let left = due.map(|at| (at - env.clock.now()).max(TimeDelta::zero()));
    let left = left.and_then(|left| left.to_std().ok());
    left.unwrap_or(LOOK).clamp(REST, LOOK)
}

/// Whether an execution may wait for the event.
fn is_told(event: &Event) -> bool {
    let begins = |words: &[&str]| words.iter().any(|word| event.what.starts_with(word));
    begins(if event.subject.starts_with("ami-") {
        &OF_IMAGES
    } else {
        &OF_INSTANCES
    })
}

async fn tell(event: &Event, env: &Env, executions: &dyn Executions) {
    let (image, instance) = (
        event.subject.parse::<ImageId>(),
        event.subject.parse::<InstanceId>(),
    );
    let awaited = match (&image, &instance) {
        (Ok(image), _) => Awaited::Image(image),
        (_, Ok(instance)) => Awaited::Instance(instance),
        _ => return,
    };
    if let Err(problem) = end_wait(env, executions, &event.region, awaited).await {
        let (subject, problem) = (&event.subject, problem.chain());
        tracing::warn!(subject, problem, "an event was lost");
    }
}
