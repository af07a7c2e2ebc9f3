//! The customer managed KMS keys that a deployment may use.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::shown;
use super::{Code, Problem, Region};

/// The ARNs of customer managed keys. The first one in each Region encrypts the copies and the volumes of launches
/// there; the others may only be used by what is saved. If the list is empty, every key may be used, and nothing is
/// encrypted that is not encrypted anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KmsKeys(Vec<String>);

/// The text is not the ARN of a KMS key. An alias has an ARN too, but the policies need the key's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is not the ARN of a KMS key such as arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)]
pub struct InvalidKey(String);

impl KmsKeys {
    /// The key that encrypts copies to this Region and volumes that are launched in it.
    pub fn of(&self, region: &Region) -> Option<&str> {
        let mut keys = self.0.iter().map(String::as_str);
        keys.find(|key| region_of(key) == Some(region.as_str()))
    }

    /// Refuses a key that is not in the list. `what` is encrypted with it, as in "the volume vol-1 of work".
    pub fn check(&self, key: &str, what: &str) -> Result<(), Problem> {
        if self.0.is_empty() || self.0.iter().any(|it| it == key) {
            return Ok(());
        }
        let message = format!("This deployment does not allow the KMS key {key}, of {what}.");
        let hint = format!(
            "Allowed keys: {}. Ask an operator to add the key to the setting KmsKeys, or move the data to a volume with one of these keys.",
            self.list().join(", ")
        );
        Err(Problem::new(Code::KeyNotAllowed, message).hint(hint))
    }

    /// The ARNs, in order.
    pub fn list(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

/// The Region in the ARN of a key.
pub fn region_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(3)
}

impl FromStr for KmsKeys {
    type Err = InvalidKey;

    /// Reads a comma-separated list of ARNs. An empty text allows all keys.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let arns = text.split(',').map(str::trim).filter(|arn| !arn.is_empty());
        let read = |arn: &str| {
            let key = is_key(arn).then(|| arn.to_owned());
            key.ok_or_else(|| InvalidKey(shown(arn)))
        };
        arns.map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// Whether it is `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
fn is_key(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "kms", region, account, key] = parts.as_slice() else {
        return false;
    };
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let id = key.strip_prefix("key/").unwrap_or_default();
    partition.starts_with("aws")
        && region.parse::<Region>().is_ok()
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && (1..=64).contains(&id.len())
        && id.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EAST: &str =
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const WEST: &str = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd";

    #[test]
    fn the_first_key_of_a_region_encrypts_and_all_are_allowed() {
        let other = EAST.replace("1234567890ab", "000000000000");
        let keys: KmsKeys = format!("{EAST}, {WEST},{other}").parse().unwrap();
        let of = |region: &str| keys.of(&region.parse().unwrap());
        assert_eq!(of("us-east-1"), Some(EAST));
        assert_eq!(of("us-gov-west-1"), Some(WEST));
        assert_eq!(of("eu-west-1"), None);
        keys.check(&other, "the volume").unwrap();
        let unknown = EAST.replace("1111", "4444");
        let refused = keys.check(&unknown, "the volume vol-1").unwrap_err();
        assert_eq!(refused.code, Code::KeyNotAllowed);
        assert!(refused.message.contains(&unknown) && refused.message.contains("vol-1"));
        assert!(refused.advice().contains(EAST), "{refused:?}");
    }

    #[test]
    fn nothing_listed_allows_all() {
        let none: KmsKeys = " , ".parse().unwrap();
        assert_eq!(none, KmsKeys::default());
        assert_eq!(none.of(&"us-east-1".parse().unwrap()), None);
        none.check(EAST, "the volume").unwrap();
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "alias/lab",
            "arn:aws:kms:us-east-1:111122223333:alias/lab",
            "arn:aws:kms:us-east-1:1111:key/1",
            "arn:aws:kms:europe:111122223333:key/1",
            "arn:aws:kms:us-east-1:111122223333:key/",
            "arn:aws:kms:us-east-1:111122223333:key/*",
            "us-east-1=arn:aws:kms:us-east-1:111122223333:key/1",
            "arn:aws:ec2:us-east-1:111122223333:key/1",
        ] {
            assert!(text.parse::<KmsKeys>().is_err(), "{text}");
        }
    }
}
