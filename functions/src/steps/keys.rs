//! Checks that the KMS keys of an instance's volumes allow starting the instance again and creating its snapshots. A
//! running instance does not notice that a key was disabled; only its next start fails (EC2 facts, "Restart").

use std::collections::{BTreeMap, BTreeSet};

use super::label::label;
use crate::domain::ec2::InstanceState;
use crate::domain::save::Warning;
use crate::domain::{Code, Problem, Region, SnapshotId};
use crate::ports::{Ec2ErrorKind, Encryption, Instance, KeyState, Probe, Volume, from_ec2};
use crate::rules::Env;

/// Refuses an instance with a volume that is encrypted with an unusable key. Returns what could not be checked. The AWS
/// managed key is not checked, because it can neither be disabled nor have its policy changed.
pub(super) async fn check(
    env: &Env,
    region: &Region,
    instance: &Instance,
    volumes: &[Volume],
) -> Result<Vec<Warning>, Problem> {
    let mut keys: BTreeMap<&str, &Volume> = BTreeMap::new();
    for volume in volumes {
        if let Encryption::CustomerKey(key) = &volume.encryption {
            keys.entry(key).or_insert(volume);
        }
    }
    let mut warnings = Vec::new();
    for (key, volume) in keys {
        let what = format!("the volume {} of {}", volume.id, label(instance));
        env.settings.kms_keys.check(key, &what)?;
        let shown = check_shown(env, region, key, &what).await?;
        // A stopped instance is not started again.
        if instance.state == InstanceState::Running {
            warnings.extend(check_grant(env, region, key, &what, shown).await?);
        }
    }
    Ok(warnings)
}

/// Refuses to launch an AMI that is encrypted with an unusable key: EC2 would accept the launch, and terminate the
/// instance before it runs. Returns what could not be checked.
pub(crate) async fn check_launch(
    env: &Env,
    region: &Region,
    snapshots: &[SnapshotId],
    what: &str,
) -> Result<Vec<Warning>, Problem> {
    let told = match env.ec2.snapshot_keys(region, snapshots).await {
        // The AMI belongs to another account, or is gone: the launch itself reports that.
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        told => told.map_err(from_ec2)?,
    };
    let keys: BTreeSet<String> = told
        .into_values()
        .filter_map(|encryption| match encryption {
            Encryption::CustomerKey(key) => Some(key),
            Encryption::None | Encryption::AwsManagedKey => None,
        })
        .collect();
    let mut warnings = Vec::new();
    for key in &keys {
        env.settings.kms_keys.check(key, what)?;
        let shown = check_shown(env, region, key, what).await?;
        warnings.extend(check_grant(env, region, key, what, shown).await?);
    }
    Ok(warnings)
}

/// Refuses to launch if the key that encrypts the volumes in the Region is unusable. Returns what could not be checked.
pub(crate) async fn check_own(
    env: &Env,
    region: &Region,
    key: &str,
) -> Result<Option<Warning>, Problem> {
    let what = format!("launches in {region}");
    let shown = check_shown(env, region, key, &what).await?;
    check_grant(env, region, key, &what, shown).await
}

/// Refuses a key that cannot be used.
pub(crate) async fn check_state(
    env: &Env,
    region: &Region,
    key: &str,
    what: &str,
) -> Result<(), Problem> {
    check_shown(env, region, key, what).await.map(drop)
}

/// Refuses a key that cannot be used, and returns whether the key's policy lets its state be read.
async fn check_shown(env: &Env, region: &Region, key: &str, what: &str) -> Result<bool, Problem> {
    let state = env.ec2.key_state(region, key).await.map_err(from_ec2)?;
    match state {
        Some(state) if !state.is_usable() => {
            Err(unusable(region, key, what, state.as_str(), advice(state)))
        }
        state => Ok(state.is_some()),
    }
}

/// Checks whether a grant can be created. A key policy that allows grants only for AWS resources or only through EC2,
/// as most do, denies the check, and so does a policy that allows no grants. If the key's state can be read, the former
/// is assumed, with a warning (ADR 17). If neither the state nor the check is allowed, nothing suggests that the key
/// can be used.
async fn check_grant(
    env: &Env,
    region: &Region,
    key: &str,
    what: &str,
    shown: bool,
) -> Result<Option<Warning>, Problem> {
    match env.ec2.probe(region, &Probe::Grant(key.to_owned())).await {
        Err(error) if error.kind() == Ec2ErrorKind::KeyPolicy && shown => {
            Ok(Some(unchecked(key, what)))
        }
        Err(error) if error.kind() == Ec2ErrorKind::KeyPolicy => {
            let message = format!(
                "The policy of the key {key}, of {what}, does not let Prism describe the key or create a grant on it, without which EC2 cannot start the instance."
            );
            Err(Problem::new(Code::KeyGrantRefused, message).because(error))
        }
        // The key's state has changed since it was read.
        Err(error) if error.kind() == Ec2ErrorKind::KeyState => {
            let state = error.code.clone();
            Err(unusable(region, key, what, &state, "enable-key").because(error))
        }
        asked => asked.map(|()| None).map_err(from_ec2),
    }
}

fn unchecked(key: &str, what: &str) -> Warning {
    Warning {
        code: "KeyGrantUnchecked".to_owned(),
        text: format!(
            "Prism could not check whether EC2 may use the key {key}, of {what}, to start an instance, because the key's policy does not let Prism create grants directly. If it allows EC2's grants (kms:GrantIsForAWSResource or kms:ViaService), no action is needed; if not, the instance cannot be started again until it does. docs/deploy.md, \"Customer managed KMS keys\", has a statement that allows the check."
        ),
    }
}

fn unusable(region: &Region, key: &str, what: &str, state: &str, command: &str) -> Problem {
    let message = format!(
        "The key {key}, of {what}, cannot be used ({state}): volumes and snapshots that are encrypted with it cannot be used or copied."
    );
    let hint = format!(
        "Make it usable: aws kms {command} --region {region} --key-id {key}. Show its state: aws kms describe-key --region {region} --key-id {key}"
    );
    Problem::new(Code::KeyUnusable, message).hint(hint)
}

/// Returns the command that makes a key usable again, or begins to.
fn advice(state: KeyState) -> &'static str {
    match state {
        KeyState::PendingDeletion | KeyState::PendingReplicaDeletion => "cancel-key-deletion",
        KeyState::PendingImport => "import-key-material",
        _ => "enable-key",
    }
}
