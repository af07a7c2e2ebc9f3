//! Who manages the key that encrypts a volume, and whether the key can be used. Only KMS knows this: the ARN of an AWS
//! managed key looks like any other ARN, and permission to describe a key does not include permission to list the
//! alias `aws/ebs`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_kms::Client;
use aws_sdk_kms::types::{GrantOperation, KeyManagerType, KeyMetadata};

use super::errors;
use crate::ports::{Ec2Error, Encryption, KeyState};

const ACTION: &str = "kms:DescribeKey";
const NOT_FOUND: &str = "NotFoundException";

/// A cache of the keys that were looked up. Who manages a key never changes.
#[derive(Debug, Default)]
pub(super) struct Keys(Mutex<HashMap<String, Encryption>>);

impl Keys {
    /// How a volume is encrypted whose key has this ARN.
    pub(super) async fn encryption(&self, kms: &Client, key: &str) -> Result<Encryption, Ec2Error> {
        if let Some(known) = self.known().get(key) {
            return Ok(known.clone());
        }
        // Only a customer managed key can be deleted.
        let encryption = match ask(kms, key).await {
            Err(error) if error.code == NOT_FOUND => Encryption::CustomerKey(key.to_owned()),
            told => told?,
        };
        self.known().insert(key.to_owned(), encryption.clone());
        Ok(encryption)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Encryption>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(kms: &Client, key: &str) -> Result<Encryption, Ec2Error> {
    let told = describe(kms, key).await?;
    let manager = told.and_then(|key| key.key_manager);
    Ok(match manager {
        Some(KeyManagerType::Aws) => Encryption::AwsManagedKey,
        _ => Encryption::CustomerKey(key.to_owned()),
    })
}

/// The state of a key, or `None` if its own policy hides it. The state can change, so it is never cached.
pub(super) async fn state(kms: &Client, key: &str) -> Result<Option<KeyState>, Ec2Error> {
    let told = match describe(kms, key).await {
        Err(error) if error.code == NOT_FOUND => return Ok(Some(KeyState::Gone)),
        told => told?,
    };
    let state = told.and_then(|key| key.key_state);
    Ok(state.and_then(|state| KeyState::named(state.as_str())))
}

/// KMS's description of a key, or `None` if the key's own policy denies access.
async fn describe(kms: &Client, key: &str) -> Result<Option<KeyMetadata>, Ec2Error> {
    match kms.describe_key().key_id(key).send().await {
        Ok(told) => Ok(told.key_metadata),
        Err(error) => match errors::of(ACTION)(error) {
            error if is_by_the_key(&error) => Ok(None),
            error => Err(error),
        },
    }
}

/// Checks with a DryRun whether Prism may create a grant on a key. The grant would allow the key's own account to
/// describe the key, and nothing else. Prism's policies allow no other grants except those that EC2 creates on its
/// behalf, and a DryRun cannot check those (`kms:GrantIsForAWSResource` is false in it). If a key's policy allows
/// only those, it refuses this grant too.
pub(super) async fn may_grant(kms: &Client, key: &str) -> Result<(), Ec2Error> {
    const ACTION: &str = "kms:CreateGrant";
    let request = kms
        .create_grant()
        .key_id(key)
        .grantee_principal(account_of(key))
        .operations(GrantOperation::DescribeKey)
        .dry_run(true);
    match request.send().await.map_err(errors::of(ACTION)) {
        Err(error) if error.code == "DryRunOperationException" => Ok(()),
        Err(error) if is_by_the_key(&error) => Err(Ec2Error {
            code: Ec2Error::KEY_POLICY.to_owned(),
            ..error
        }),
        asked => asked.map(drop),
    }
}

/// The account of a key as a principal: `arn:aws:kms:us-east-1:111122223333:key/1` belongs to
/// `arn:aws:iam::111122223333:root`.
fn account_of(key: &str) -> String {
    let mut parts = key.split(':').skip(1);
    let partition = parts.next().unwrap_or("aws");
    let account = parts.nth(2).unwrap_or_default();
    format!("arn:{partition}:iam::{account}:root")
}

/// Whether the key's own policy denied access. Every principal in the account whose own policies allow it may
/// describe an AWS managed key, so a key that denies access is customer managed. If Prism's own policies do not allow
/// it, nothing is known about the key.
fn is_by_the_key(error: &Ec2Error) -> bool {
    error.code == "AccessDeniedException" && !error.message.contains("identity-based policy")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_hides_is_a_customers_unless_our_own_policy_hides_it() {
        let theirs = "User: a is not authorized to perform: kms:DescribeKey on resource: b because no resource-based policy allows the kms:DescribeKey action";
        let ours = "User: a is not authorized to perform: kms:DescribeKey on resource: b because no identity-based policy allows the kms:DescribeKey action";
        let denied = |message| Ec2Error::new(ACTION, "AccessDeniedException", message);
        assert!(is_by_the_key(&denied(theirs)));
        assert!(!is_by_the_key(&denied(ours)));
        assert!(!is_by_the_key(&Ec2Error::new(ACTION, "Timeout", "")));
    }

    #[test]
    fn the_account_of_a_key_is_in_its_arn() {
        let key = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1";
        assert_eq!(account_of(key), "arn:aws-us-gov:iam::111122223333:root");
    }
}
