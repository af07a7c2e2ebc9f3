//! Whether the KMS keys of an instance's volumes let it be started again, and its snapshots be made. A
//! running instance notices nothing of a key that was disabled: it is the next start that fails (EC2
//! facts, "Restart").

use std::collections::{BTreeMap, BTreeSet};

use super::preflight::label;
use super::{Env, from_ec2};
use crate::domain::{Code, Problem, Region, SnapshotId};
use crate::ports::{Ec2Error, Encryption, Instance, InstanceState, KeyState, Probe, Volume};

/// Refuses an instance whose volumes are under a key that cannot be used, or for which no grant can be
/// made. The key that AWS manages can neither be disabled nor have its policy changed.
pub(super) async fn check(
    env: &Env,
    region: &Region,
    instance: &Instance,
    volumes: &[Volume],
) -> Result<(), Problem> {
    let mut keys: BTreeMap<&str, &Volume> = BTreeMap::new();
    for volume in volumes {
        if let Encryption::CustomerKey(key) = &volume.encryption {
            keys.entry(key).or_insert(volume);
        }
    }
    for (key, volume) in keys {
        let what = format!("the volume {} of {}", volume.id, label(instance));
        check_state(env, region, key, &what).await?;
        // One that is stopped stays so.
        if instance.state == InstanceState::Running {
            check_grant(env, region, key, &what).await?;
        }
    }
    Ok(())
}

/// Refuses to launch what is encrypted with such a key: EC2 would take the launch on, and end the instance
/// before it runs.
pub(crate) async fn check_launch(
    env: &Env,
    region: &Region,
    snapshots: &[SnapshotId],
    what: &str,
) -> Result<(), Problem> {
    let told = match env.ec2.snapshot_keys(region, snapshots).await {
        // Another account's, or gone: the launch itself says so.
        Err(error) if error.is_not_found() => return Ok(()),
        told => told.map_err(from_ec2)?,
    };
    let keys: BTreeSet<String> = told
        .into_values()
        .filter_map(|encryption| match encryption {
            Encryption::CustomerKey(key) => Some(key),
            Encryption::None | Encryption::AwsManagedKey => None,
        })
        .collect();
    for key in &keys {
        check_state(env, region, key, what).await?;
        check_grant(env, region, key, what).await?;
    }
    Ok(())
}

/// Refuses a key that cannot be used.
pub(crate) async fn check_state(
    env: &Env,
    region: &Region,
    key: &str,
    what: &str,
) -> Result<(), Problem> {
    let state = env.ec2.key_state(region, key).await.map_err(from_ec2)?;
    match state.filter(|state| !state.is_usable()) {
        Some(state) => Err(unusable(region, key, what, state.as_str(), advice(state))),
        None => Ok(()),
    }
}

async fn check_grant(env: &Env, region: &Region, key: &str, what: &str) -> Result<(), Problem> {
    match env.ec2.probe(region, &Probe::Grant(key.to_owned())).await {
        Err(error) if error.code == Ec2Error::KEY_POLICY => {
            let message = format!(
                "The policy of the key {key}, of {what}, lets Prism make no grant on it, without which EC2 starts no instance that has it."
            );
            Err(Problem::new(Code::KeyGrantRefused, message).because(error))
        }
        // Its state has changed since a moment ago.
        Err(error) if error.is_about_key_state() => {
            let state = error.code.clone();
            Err(unusable(region, key, what, &state, "enable-key").because(error))
        }
        asked => asked.map_err(from_ec2),
    }
}

fn unusable(region: &Region, key: &str, what: &str, state: &str, command: &str) -> Problem {
    let message = format!(
        "The key {key}, of {what}, cannot be used ({state}): what is encrypted with it can be neither started nor copied."
    );
    let hint = format!(
        "Make it usable: aws kms {command} --region {region} --key-id {key}; what KMS says of it: aws kms describe-key --region {region} --key-id {key}"
    );
    Problem::new(Code::KeyUnusable, message).hint(hint)
}

/// The command that brings a key out of a state, or begins to.
fn advice(state: KeyState) -> &'static str {
    match state {
        KeyState::PendingDeletion | KeyState::PendingReplicaDeletion => "cancel-key-deletion",
        KeyState::PendingImport => "import-key-material",
        _ => "enable-key",
    }
}
