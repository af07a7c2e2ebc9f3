//! What makes a folder a home: its databases belong together, all of them are there, and each says so. A database that is
//! missing is never made anew beside the others: what it knew would be taken for what nobody knows (promise P9).

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use futures::executor::block_on;
use prism_functions::domain::{Code, DeploymentId, Problem};
use prism_functions::ports::Entropy as _;
use prism_functions::registry::Registry;

use super::{FILES, OsEntropy, cloud_file, file};
use crate::ec2::Cloud;
use crate::executions::Records;
use crate::sqlite;

/// What a process holds locked while it looks which databases are there, and makes those of a new home.
pub const LOCK: &str = "opening.lock";
/// Under which name the home's own records keep whose they are.
const SETTING: &str = "deployment";

/// Keeps every other process from opening the home until the answer is dropped.
pub(super) fn lock(home: &Path) -> Result<File, Problem> {
    let path = home.join(LOCK);
    sqlite::create(&path).map_err(|error| file(sqlite::classify_io(&path, error)))?;
    let locked = File::open(&path).and_then(|file| file.lock().map(|()| file));
    locked.map_err(|error| file(sqlite::classify_io(&path, error)))
}

/// The databases that are missing. An empty file is what a failing disk or a restore leaves.
pub(super) fn missing(home: &Path) -> Vec<&'static str> {
    let there = |name: &&str| fs::metadata(home.join(name)).is_ok_and(|file| file.len() > 0);
    FILES.into_iter().filter(|name| !there(name)).collect()
}

/// Refuses a home of which a part is missing.
pub(super) fn check_whole(home: &Path) -> Result<(), Problem> {
    let missing = missing(home);
    if missing.is_empty() || missing.len() == FILES.len() {
        return Ok(());
    }
    let message = format!(
        "The embedded cloud in {} is not whole: {} is missing. Nothing was changed.",
        home.display(),
        missing.join(", ")
    );
    Err(Problem::new(Code::LocalStateMissing, message))
}

/// Whose each database says that it is.
struct Marks {
    registry: Option<DeploymentId>,
    cloud: Option<DeploymentId>,
    records: Option<DeploymentId>,
}

/// The identity of the home, by its databases. Those that say none, as before there were identities, take over that
/// of the others. With `adopt` the registry's counts, and the others follow.
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
