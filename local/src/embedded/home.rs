//! Checks that a folder is a home: all of its databases exist, belong together, and carry the home's identity. A
//! missing database is never created again next to existing ones: Prism would then treat data that it has lost as
//! data that never existed (promise P9).

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::slice;
use std::time::Duration;

use futures::executor::block_on;
use prism_functions::domain::{Code, DeploymentId, Problem};
use prism_functions::ports::Entropy as _;
use prism_functions::registry::Registry;

use super::{FILES, OsEntropy, cloud_file, file};
use crate::clock;
use crate::ec2::Cloud;
use crate::executions::Records;
use crate::sqlite::{self, SqliteError};

/// The file that a process locks while it checks which databases exist and creates those of a new home.
pub const LOCK: &str = "opening.lock";
const SETTING: &str = "deployment";

/// How long to wait, in seconds, for another process that is opening the home. Opening takes milliseconds, and longer
/// if the home has an older version.
const OPENING_S: u64 = 60;
/// How long to wait, in seconds, for a process that is suspended and may never finish.
const SUSPENDED_S: u64 = 2;
/// How often the lock is polled, in milliseconds.
const LOOK_MS: u64 = 10;

/// Keeps every other process from opening the home until the returned file is dropped.
pub(super) fn lock(home: &Path) -> Result<File, Problem> {
    let path = home.join(LOCK);
    let failed = |error| file(sqlite::classify_io(&path, error));
    sqlite::create(&path).map_err(failed)?;
    let locked = File::open(&path).map_err(failed)?;
    for look in 1..=OPENING_S * 1000 / LOOK_MS {
        match locked.try_lock() {
            Ok(()) => return Ok(locked),
            Err(TryLockError::WouldBlock) => clock::pause(Duration::from_millis(LOOK_MS)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let is_time = look.is_multiple_of(SUSPENDED_S * 1000 / LOOK_MS);
        if is_time && sqlite::holder_of(slice::from_ref(&path)).is_some_and(|it| it.suspended) {
            break;
        }
    }
    let holder = sqlite::holder_of(slice::from_ref(&path));
    let source = "the lock was not to be had in time".into();
    Err(file(SqliteError::Locked {
        path,
        holder,
        source,
    }))
}

/// The databases that are missing. An empty database counts as missing: a failing disk or a restore can leave one.
pub(super) fn missing(home: &Path) -> Vec<&'static str> {
    let there = |name: &&str| fs::metadata(home.join(name)).is_ok_and(|file| file.len() > 0);
    FILES.into_iter().filter(|name| !there(name)).collect()
}

/// Refuses a home that is incomplete. In a new home, only `local.db` can exist and be empty, because it is created
/// first: if all files exist and are empty, the folder was a home before.
pub(super) fn check_whole(home: &Path) -> Result<(), Problem> {
    let missing = missing(home);
    let is_there = |name: &str| home.join(name).exists();
    let is_new =
        missing.len() == FILES.len() && !["cloud.db", "registry.db"].map(is_there).contains(&true);
    if missing.is_empty() || is_new {
        return Ok(());
    }
    let message = format!(
        "The embedded cloud in {} is not whole: {} is missing or empty. Nothing was changed.",
        home.display(),
        missing.join(", ")
    );
    Err(Problem::new(Code::LocalStateMissing, message))
}

/// The deployment ID that each database contains.
struct Marks {
    registry: Option<DeploymentId>,
    cloud: Option<DeploymentId>,
    records: Option<DeploymentId>,
}

/// Determines the identity of the home from its databases. Databases without an ID, from before IDs existed, take
/// over the ID of the others. With `adopt`, the registry's ID takes precedence, and the others take it over.
pub(super) fn identity(
    home: &Path,
    records: &Records,
    cloud: &Cloud,
    registry: &Registry,
    adopt: bool,
) -> Result<DeploymentId, Problem> {
    let marks = Marks {
        registry: block_on(registry.deployment())?,
        cloud: cloud.deployment().map_err(cloud_file)?,
        records: records.setting(SETTING).map_err(file)?,
    };
    let all = [&marks.registry, &marks.cloud, &marks.records];
    let known: BTreeSet<&DeploymentId> = all.into_iter().flatten().collect();
    if known.len() > 1 && !adopt {
        return Err(mixed(home, &marks));
    }
    let first = all.into_iter().flatten().next().cloned();
    let id = match first {
        Some(id) => id,
        None => format!("local-{:016x}", OsEntropy.next()).parse()?,
    };
    if marks.records.as_ref() != Some(&id) {
        records.set_setting(SETTING, &id).map_err(file)?;
    }
    if marks.cloud.as_ref() != Some(&id) {
        cloud.set_deployment(&id).map_err(cloud_file)?;
    }
    block_on(registry.claim(&id))
}

fn mixed(home: &Path, marks: &Marks) -> Problem {
    let of = |mark: &Option<DeploymentId>| match mark {
        Some(id) => format!("that of {id}"),
        None => "nobody's yet".to_owned(),
    };
    let message = format!(
        "The databases in {} do not belong together: cloud.db is {}, registry.db {}, local.db {}. Nothing was changed.",
        home.display(),
        of(&marks.cloud),
        of(&marks.registry),
        of(&marks.records)
    );
    Problem::new(Code::LocalStateMixed, message)
}
