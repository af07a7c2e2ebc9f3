//! Whose key encrypts a volume. Only KMS can tell: the ARN of a key that AWS manages looks like any
//! other, and the alias `aws/ebs` may not be listed by who may describe the key.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_kms::Client;
use aws_sdk_kms::types::KeyManagerType;

use super::errors;
use crate::ports::{Ec2Error, Encryption};

const ACTION: &str = "kms:DescribeKey";

/// The keys that were asked about. Who manages a key never changes.
#[derive(Debug, Default)]
pub(super) struct Keys(Mutex<HashMap<String, Encryption>>);

impl Keys {
    /// How a volume under this key, an ARN, is encrypted.
    pub(super) async fn encryption(&self, kms: &Client, key: &str) -> Result<Encryption, Ec2Error> {
        if let Some(known) = self.known().get(key) {
            return Ok(known.clone());
        }
        let encryption = ask(kms, key).await?;
        self.known().insert(key.to_owned(), encryption.clone());
        Ok(encryption)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Encryption>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(kms: &Client, key: &str) -> Result<Encryption, Ec2Error> {
    let customers = || Encryption::CustomerKey(key.to_owned());
    match kms.describe_key().key_id(key).send().await {
        Ok(told) => {
            let manager = told.key_metadata().and_then(|key| key.key_manager());
            Ok(match manager {
                Some(KeyManagerType::Aws) => Encryption::AwsManagedKey,
                _ => customers(),
            })
        }
        Err(error) => {
            let error = errors::of(ACTION)(error);
            if is_anothers(&error) {
                return Ok(customers());
            }
            Err(error)
        }
    }
}

/// Whether the key's own policy, or that it is gone, kept us from it. A key that AWS manages may be
/// described by everybody in its account whose own policies allow it, and cannot be deleted; so this
/// one is a customer's. Where our own policies do not allow it, nothing is known.
fn is_anothers(error: &Ec2Error) -> bool {
    match error.code.as_str() {
        "NotFoundException" => true,
        "AccessDeniedException" => !error.message.contains("identity-based policy"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_hides_is_a_customers_unless_our_own_policy_hides_it() {
        let theirs = "User: a is not authorized to perform: kms:DescribeKey on resource: b because no resource-based policy allows the kms:DescribeKey action";
        let ours = "User: a is not authorized to perform: kms:DescribeKey on resource: b because no identity-based policy allows the kms:DescribeKey action";
        let denied = |message| Ec2Error::new(ACTION, "AccessDeniedException", message);
        assert!(is_anothers(&denied(theirs)));
        assert!(!is_anothers(&denied(ours)));
        assert!(!is_anothers(&Ec2Error::new(ACTION, "Timeout", "")));
    }
}
