//! The instances that a user holds, by what the registry knows of them. EC2 lists a new instance only after a while; the
//! registry knows it from the moment its launch begins. So a name is used once and a limit of a project holds, however
//! many requests arrive at once, and an instance can be found as soon as its launch has returned.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Env, Maker, limits};
use crate::domain::ec2::UNLISTED_S;
use crate::domain::tags::{OWNER_TAG, PROJECT_TAG};
use crate::domain::{Code, InstanceId, Problem, ProjectName, Region, Timestamp, UserId};
use crate::ports::{Instance, InstanceFilter, from_ec2};
use crate::registry::{Attempts, Holding, Holdings, Stored};

/// How long a launch that has not returned holds its name, in seconds. The API has 29 seconds for a response.
const LAUNCHING_S: i64 = 120;
/// How long a caller waits until EC2 finds a new instance, in seconds.
const AWAITED_S: u32 = 10;
/// How long EC2 knows a launch by its client token at least, in seconds.
const REPEATABLE_S: i64 = 24 * 3600;
/// The number of holdings from which on each launch removes those of terminated instances.
const MANY: usize = 100;
/// How often a change is tried while others change the same record.
pub(super) const TRIES: u32 = 50;
/// The pause before another try, in milliseconds for each try so far.
const PAUSE_MS: u32 = 20;

/// What a launch takes.
pub(crate) struct Wanted<'a> {
    pub(crate) region: &'a Region,
    pub(crate) name: &'a str,
    pub(crate) project: Option<&'a ProjectName>,
    /// The maximum number of instances that the user may have for the project.
    pub(crate) most: Option<u32>,
}

impl Wanted<'_> {
    fn same_name(&self, held: &Holding) -> bool {
        held.region == *self.region && held.name == self.name
    }

    fn same_project(&self, held: &Holding) -> bool {
        self.project.is_some() && held.project.as_ref() == self.project
    }
}

/// Checks that a launch could take a name and a place in its project, without taking them.
pub(crate) async fn check(env: &Env, user: &UserId, wanted: &Wanted<'_>) -> Result<(), Problem> {
    let stored = env.registry.holdings(user).await?;
    let mut all = stored.map(|stored| stored.value.all).unwrap_or_default();
    checked(env, user, wanted, None, &mut all, &mut Listed::default()).await
}

/// Checks what [`check`] does for one of many users, and asks EC2 only if what the registry knows may refuse the launch.
/// `listed` is the number of the user's instances for the project that EC2 lists in the Region. A launch of this name for
/// this project that has begun is not refused: it is the same one, which is repeated.
pub(crate) async fn check_one_of_many(
    env: &Env,
    user: &UserId,
    wanted: &Wanted<'_>,
    listed: usize,
) -> Result<(), Problem> {
    let all = of(env.registry.holdings(user).await?.as_ref()).all;
    let named = all.iter().find(|it| wanted.same_name(it));
    if named.is_some_and(|it| wanted.same_project(it)) {
        return Ok(());
    }
    let held = all.iter().filter(|it| wanted.same_project(it)).count() + listed;
    let is_full = wanted.most.is_some_and(|most| held >= most as usize);
    if named.is_none() && !is_full {
        return Ok(());
    }
    check(env, user, wanted).await
}

/// A problem of [`check`] or [`take`] as others than the user are told it: what the user has outside the project is not
/// theirs to know.
pub(crate) fn told_to_others(problem: Problem, user: &UserId) -> Problem {
    if problem.code != Code::InstanceNameTaken {
        return problem;
    }
    let message = format!("{user} has an instance of this name already.");
    Problem::new(problem.code, message)
}

/// Whether a launch with this token has succeeded, and EC2 still knows the token: another request with it launches nothing.
/// What the user holds does not say so if the launch was interrupted before its instance was recorded there.
pub(crate) async fn has_launched(env: &Env, region: &Region, token: &str) -> Result<bool, Problem> {
    let attempts = attempts(env, region, token).await?;
    let launched = attempts.filter(|it| it.instance.is_some());
    let since = launched.and_then(|it| it.since);
    Ok(since.is_some_and(|since| (env.clock.now() - since).num_seconds() < REPEATABLE_S))
}

/// Takes a name and a place in its project for a launch. A repeated launch, which has the same token, has them already.
///
/// # Errors
/// [`Code::InstanceNameTaken`] and [`Code::ProjectLimitReached`].
pub(crate) async fn take(
    env: &Env,
    user: &UserId,
    wanted: &Wanted<'_>,
    token: &str,
) -> Result<(), Problem> {
    let mut listed = Listed::default();
    for tries in 0..TRIES {
        let stored = env.registry.holdings(user).await?;
        let mut holdings = of(stored.as_ref());
        if holdings
            .all
            .iter()
            .any(|it| is_of(it, wanted.region, token))
        {
            return Ok(());
        }
        let free = checked(env, user, wanted, None, &mut holdings.all, &mut listed).await;
        if let Err(problem) = free
            && !has_begun(env, wanted.region, token).await?
        {
            return Err(problem);
        }
        holdings.all.push(Holding {
            region: wanted.region.clone(),
            name: wanted.name.to_owned(),
            project: wanted.project.cloned(),
            token: token.to_owned(),
            instance: None,
            at: env.clock.now(),
        });
        let put = env.registry.put_holdings(user, stored.as_ref(), &holdings);
        if put.await? {
            return Ok(());
        }
        pause(env, tries).await;
    }
    Err(contended())
}

/// Takes a new name for an instance, and gives back the old one.
///
/// # Errors
/// [`Code::InstanceNameTaken`].
pub(crate) async fn rename(
    env: &Env,
    user: &UserId,
    region: &Region,
    instance: &Instance,
    name: &str,
) -> Result<(), Problem> {
    let (mut listed, id) = (Listed::default(), &instance.id);
    let wanted = Wanted {
        region,
        name,
        project: None,
        most: None,
    };
    for tries in 0..TRIES {
        let stored = env.registry.holdings(user).await?;
        let mut holdings = of(stored.as_ref());
        let is_it = |it: &Holding| it.instance.as_ref() == Some(id);
        let own = holdings.all.iter().position(is_it);
        let own = own.map(|at| holdings.all.remove(at));
        checked(env, user, &wanted, Some(id), &mut holdings.all, &mut listed).await?;
        let project = instance.tags.get(PROJECT_TAG);
        let own = own.unwrap_or_else(|| Holding {
            region: region.clone(),
            name: String::new(),
            project: project.and_then(|name| name.parse().ok()),
            token: format!("instance {id}"),
            instance: Some(id.clone()),
            at: instance.launched_at,
        });
        holdings.all.push(Holding {
            name: name.to_owned(),
            ..own
        });
        let put = env.registry.put_holdings(user, stored.as_ref(), &holdings);
        if put.await? {
            return Ok(());
        }
        pause(env, tries).await;
    }
    Err(contended())
}

/// Records the name that an instance has. If that fails, EC2's list of instances still has it.
pub(crate) async fn renamed(env: &Env, user: &UserId, instance: &InstanceId, name: &str) {
    let told = change(env, user, |all| {
        let mut all = all.iter_mut();
        let holding = all.find(|it| it.instance.as_ref() == Some(instance));
        holding.map(|it| name.clone_into(&mut it.name)).is_some()
    });
    warn(told.await, "the name of an instance was not given back");
}

/// Whether an earlier request for the same launch has tried it, so that the name and the place may be its own.
async fn has_begun(env: &Env, region: &Region, token: &str) -> Result<bool, Problem> {
    let attempts = attempts(env, region, token).await?;
    Ok(attempts.is_some_and(|it| it.at.is_some() || it.instance.is_some()))
}

async fn attempts(env: &Env, region: &Region, token: &str) -> Result<Option<Attempts>, Problem> {
    let stored = env.registry.attempts(&format!("{token}/{region}")).await?;
    Ok(stored.map(|stored| stored.value))
}

/// Records the instance of a launch. The launch has succeeded even if it cannot be recorded; EC2 lists the instance soon.
pub(crate) async fn launched(
    env: &Env,
    user: &UserId,
    region: &Region,
    token: &str,
    instance: &InstanceId,
) {
    let told = change(env, user, |all| {
        let holding = all.iter_mut().find(|it| is_of(it, region, token));
        let new = holding.filter(|it| it.instance.is_none());
        new.map(|it| it.instance = Some(instance.clone())).is_some()
    });
    warn(told.await, "an instance was not recorded");
}

/// Gives back what a launch has taken that launched nothing. If that fails, it is given back after a while.
pub(crate) async fn give_back(env: &Env, user: &UserId, region: &Region, token: &str) {
    let told = change(env, user, |all| {
        let before = all.len();
        all.retain(|it| !is_of(it, region, token) || it.instance.is_some());
        all.len() < before
    });
    warn(told.await, "the name of an instance was not given back");
}

/// Gives back what a terminated instance has held. If that fails, the next launch that needs it does so.
pub(crate) async fn ended(env: &Env, user: &UserId, instance: &InstanceId) {
    let told = change(env, user, |all| {
        let before = all.len();
        all.retain(|it| it.instance.as_ref() != Some(instance));
        all.len() < before
    });
    warn(told.await, "the name of an instance was not given back");
}

/// Returns which launch each of the user's instances comes from, as far as it is known.
pub(crate) async fn tokens(
    env: &Env,
    user: &UserId,
) -> Result<BTreeMap<InstanceId, String>, Problem> {
    let stored = env.registry.holdings(user).await?;
    let all = of(stored.as_ref()).all.into_iter();
    Ok(all
        .filter_map(|it| Some((it.instance?, it.token)))
        .collect())
}

fn warn(told: Result<(), Problem>, what: &'static str) {
    if let Err(problem) = told {
        tracing::warn!(code = %problem.code, problem = problem.chain(), what);
    }
}

/// Finds an instance that the user has just launched and that EC2 does not list yet, by its name or ID. Waits a few
/// seconds until EC2 finds it.
pub(crate) async fn just_launched(
    env: &Env,
    user: &UserId,
    region: &Region,
    name: &str,
) -> Result<Option<Instance>, Problem> {
    let Some(stored) = env.registry.holdings(user).await? else {
        return Ok(None);
    };
    let now = env.clock.now();
    let young = |it: &&Holding| it.region == *region && age(it, now) < UNLISTED_S;
    let mut young = stored.value.all.iter().filter(young);
    let id = young.find_map(|it| {
        let id = it.instance.as_ref()?;
        (it.name == name || id.as_str() == name).then_some(id)
    });
    let Some(id) = id else { return Ok(None) };
    let filter = InstanceFilter::Ids(vec![id.clone()]);
    for _ in 0..AWAITED_S {
        match env.ec2.instances(region, &filter).await {
            Err(error) if error.is_not_found() => {}
            found => return Ok(found.map_err(from_ec2)?.pop()),
        }
        env.clock.sleep(Duration::from_secs(1)).await;
    }
    Ok(None)
}

/// Whether this is what the launch holds. A request with the same ID in another Region is another launch, as it is for EC2.
fn is_of(held: &Holding, region: &Region, token: &str) -> bool {
    held.token == token && held.region == *region
}

fn age(holding: &Holding, now: Timestamp) -> i64 {
    now.signed_duration_since(holding.at).num_seconds()
}

/// Changes the holdings of a user. `change` returns `false` if there is nothing to change. It is called again if they
/// were changed concurrently.
async fn change(
    env: &Env,
    user: &UserId,
    mut change: impl FnMut(&mut Vec<Holding>) -> bool,
) -> Result<(), Problem> {
    for tries in 0..TRIES {
        let stored = env.registry.holdings(user).await?;
        let mut holdings = of(stored.as_ref());
        if !change(&mut holdings.all) {
            return Ok(());
        }
        let put = env.registry.put_holdings(user, stored.as_ref(), &holdings);
        if put.await? {
            return Ok(());
        }
        pause(env, tries).await;
    }
    Err(contended())
}

fn of(stored: Option<&Stored<Holdings>>) -> Holdings {
    stored.map(|it| it.value.clone()).unwrap_or_default()
}

/// Pauses before another try, so that one of those that change the same record gets through.
pub(super) async fn pause(env: &Env, tries: u32) {
    let pause = Duration::from_millis((PAUSE_MS * tries).into());
    env.clock.sleep(pause).await;
}

fn contended() -> Problem {
    let message = "Too many launches of one user began at the same time.";
    Problem::new(Code::RegistryConflict, message)
}

/// The user's instances that EC2 lists, by Region, as far as they were needed.
#[derive(Default)]
struct Listed(BTreeMap<Region, Vec<Instance>>);

impl Listed {
    async fn of(
        &mut self,
        env: &Env,
        user: &UserId,
        region: &Region,
    ) -> Result<&[Instance], Problem> {
        if !self.0.contains_key(region) {
            let filter = InstanceFilter::Tag(OWNER_TAG.to_owned(), user.to_string());
            let mut found = env.ec2.instances(region, &filter).await.map_err(from_ec2)?;
            let deployment = env.deployment().await?;
            found.retain(|it| !it.state.is_gone() && !Maker::is_another(&it.tags, deployment));
            self.0.insert(region.clone(), found);
        }
        Ok(self.0.get(region).map(Vec::as_slice).unwrap_or_default())
    }
}

/// Removes from `all` what is not held any more, as far as it matters, and checks that what is wanted is free. The
/// instance `except` is the one that wants it.
async fn checked(
    env: &Env,
    user: &UserId,
    wanted: &Wanted<'_>,
    except: Option<&InstanceId>,
    all: &mut Vec<Holding>,
    listed: &mut Listed,
) -> Result<(), Problem> {
    forget_ended(env, user, wanted, all, listed).await?;
    // Instances from before the registry knew them count, too.
    let there = listed.of(env, user, wanted.region).await?;
    let mut others = there.iter().filter(|it| Some(&it.id) != except);
    let named = others.find(|it| it.name() == Some(wanted.name));
    let holder = all.iter().find(|it| wanted.same_name(it));
    if let Some(problem) = taken(wanted, named.map(|it| &it.id), holder) {
        return Err(problem);
    }
    let Some((most, project)) = wanted.most.zip(wanted.project) else {
        return Ok(());
    };
    let known = all.iter().filter(|it| wanted.same_project(it)).map(|it| {
        let id = it.instance.as_ref().map(ToString::to_string);
        let launch = || format!("{}/{}", it.token, it.region);
        (id.unwrap_or_else(launch), it.name.as_str())
    });
    let of_project =
        |it: &&Instance| it.tags.get(PROJECT_TAG).map(String::as_str) == Some(project.as_str());
    let there = there.iter().filter(of_project);
    let there = there.map(|it| (it.id.to_string(), it.name().unwrap_or("-")));
    let held: BTreeMap<String, &str> = known.chain(there).collect();
    let held: Vec<&str> = held.into_values().collect();
    limits::check_count(project, user, most, &held)
}

/// Removes launches that did not return, and those instances that EC2 does not list any more which decide about what is
/// wanted.
async fn forget_ended(
    env: &Env,
    user: &UserId,
    wanted: &Wanted<'_>,
    all: &mut Vec<Holding>,
    listed: &mut Listed,
) -> Result<(), Problem> {
    let now = env.clock.now();
    all.retain(|it| it.instance.is_some() || age(it, now) < LAUNCHING_S);
    let limited = wanted.most.is_some();
    let many = all.len() >= MANY;
    let decides =
        |it: &&Holding| many || wanted.same_name(it) || (limited && wanted.same_project(it));
    let regions: BTreeSet<Region> = all
        .iter()
        .filter(decides)
        .map(|it| it.region.clone())
        .collect();
    for region in regions {
        let there = listed.of(env, user, &region).await?;
        let there: BTreeSet<&InstanceId> = there.iter().map(|it| &it.id).collect();
        all.retain(|it| {
            let gone = it.instance.as_ref().is_some_and(|id| !there.contains(id));
            it.region != region || !gone || age(it, now) < UNLISTED_S
        });
    }
    Ok(())
}

/// The problem of a name that is used already.
fn taken(
    wanted: &Wanted<'_>,
    listed: Option<&InstanceId>,
    holder: Option<&Holding>,
) -> Option<Problem> {
    let (region, name) = (wanted.region, wanted.name);
    let id = listed.or(holder.and_then(|it| it.instance.as_ref()));
    let message = match (id, holder) {
        (Some(id), _) => format!("The instance {id} in {region} is already named {name}."),
        (None, Some(_)) => format!("An instance named {name} is being launched in {region}."),
        (None, None) => return None,
    };
    Some(Problem::new(Code::InstanceNameTaken, message))
}
