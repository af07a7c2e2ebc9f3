//! Launches and starts that begin at once, against a hard stop. A meter counts an instance only when its launch or start
//! has returned; until then, its first hour is noted in a record of the project, which each of them reads and writes.

use super::holdings::{TRIES, pause};
use super::{Env, budget};
use crate::domain::{Code, MicroUsd, Problem, ProjectName, Timestamp};
use crate::registry::{FirstHour, Starting, Stored};

/// How long a launch or start that has not returned counts, in seconds. The API has 29 seconds for a response.
const BEGUN_S: i64 = 120;
/// What is launched or started for a project.
pub(crate) struct Beginning<'a> {
    pub(crate) project: &'a ProjectName,
    /// The token and the Region of the launch, or the ID of the instance. Repeated, it counts once.
    pub(crate) key: &'a str,
    /// The price of the instance, if it is known.
    pub(crate) usd_per_hour: Option<f64>,
}

/// Launches or starts an instance, and has its first hour counted by others meanwhile. `begin` ends with the meter of the
/// instance.
///
/// # Errors
/// [`Code::BudgetExceeded`] if the budget of the project has a hard stop and does not cover the hour, with what runs and
/// what begins at the same time. Nothing has begun in that case. Otherwise the errors of `begin`.
pub(crate) async fn counted<T>(
    env: &Env,
    what: Option<Beginning<'_>>,
    begin: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let Some(what) = what else {
        return begin.await;
    };
    let noted = note(env, &what).await?;
    let outcome = begin.await;
    // Without a response, the instance may have been launched.
    let unknown = matches!(&outcome, Err(problem) if problem.code == Code::AwsUnavailable);
    if let Some(noted) = noted.filter(|_| !unknown) {
        forget(env, &what, noted).await;
    }
    outcome
}

/// Notes an hour if the project's budget has a hard stop. Returns the record with it.
async fn note(env: &Env, what: &Beginning<'_>) -> Result<Option<Stored<Starting>>, Problem> {
    for tries in 0..TRIES {
        let project = env.registry.project(what.project).await?;
        let Some(project) = project.filter(|it| budget::has_hard_stop(&it.value)) else {
            return Ok(None);
        };
        // Read before the meters: what is no longer in this record is in those.
        let stored = env.registry.starting(what.project).await?;
        let now = env.clock.now();
        let mut starting = of(stored.as_ref(), now);
        starting.all.remove(what.key);
        let others = starting.all.values();
        let others = others.fold(MicroUsd::ZERO, |sum, it| sum + it.usd);
        budget::check_next_hour(env, &project.value, what.usd_per_hour, others).await?;
        let first = FirstHour {
            usd: MicroUsd::of_usd(what.usd_per_hour.unwrap_or_default()),
            until: now + chrono::TimeDelta::seconds(BEGUN_S),
        };
        starting.all.insert(what.key.to_owned(), first);
        let put = env
            .registry
            .put_starting(what.project, stored.as_ref(), starting, now);
        if let Some(noted) = put.await? {
            return Ok(Some(noted));
        }
        pause(env, tries).await;
    }
    let message = "Too many launches of one project began at the same time.";
    Err(Problem::new(Code::RegistryConflict, message))
}

/// Removes an hour that a meter counts, or of an instance that was not launched or started. If that fails, it counts a
/// little longer.
async fn forget(env: &Env, what: &Beginning<'_>, noted: Stored<Starting>) {
    if let Err(problem) = try_forget(env, what, noted).await {
        tracing::warn!(project = %what.project, code = %problem.code, problem = problem.chain(), "a launch or start still counts");
    }
}

async fn try_forget(
    env: &Env,
    what: &Beginning<'_>,
    noted: Stored<Starting>,
) -> Result<(), Problem> {
    let mut stored = Some(noted);
    for tries in 0..TRIES {
        let now = env.clock.now();
        let mut starting = of(stored.as_ref(), now);
        if starting.all.remove(what.key).is_none() {
            return Ok(());
        }
        let put = env
            .registry
            .put_starting(what.project, stored.as_ref(), starting, now);
        if put.await?.is_some() {
            return Ok(());
        }
        pause(env, tries).await;
        stored = env.registry.starting(what.project).await?;
    }
    Ok(())
}

/// What still counts.
fn of(stored: Option<&Stored<Starting>>, now: Timestamp) -> Starting {
    let mut starting = stored.map(|it| it.value.clone()).unwrap_or_default();
    starting.all.retain(|_, it| it.until > now);
    starting
}
