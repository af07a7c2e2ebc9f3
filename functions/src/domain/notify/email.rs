//! E-mail addresses, and the codes that confirm them.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::as_string::from_and_into_string;
use crate::domain::ids::shown;
use crate::domain::{Code, Problem, Timestamp};

/// How long a code is valid, in hours.
pub const CODE_HOURS: i64 = 1;
/// The maximum number of codes that are sent for a user in 24 hours: any address can be named, and its owner did not
/// ask for them.
pub const CODES: usize = 5;
/// How many wrong codes are accepted before a new one is needed.
const TRIES: u32 = 5;

/// An e-mail address: an ASCII address of RFC 5321, without quotes, comments or literals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EmailAddress {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        if is_address(text) {
            return Ok(Self(text.to_owned()));
        }
        let message = format!(
            "The e-mail address {} is not valid: it must be like name@example.org, with ASCII characters only.",
            shown(text)
        );
        Err(Problem::new(Code::InvalidInput, message))
    }
}

from_and_into_string!(EmailAddress);

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    let atoms = |part: &str| !part.is_empty() && part.bytes().all(atom);
    let label = |part: &str| {
        let plain = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let ends = !part.starts_with('-') && !part.ends_with('-');
        (1..=63).contains(&part.len()) && plain && ends
    };
    text.len() <= 254
        && local.len() <= 64
        && local.split('.').all(atoms)
        && domain.contains('.')
        && domain.split('.').all(label)
}

/// A code that was sent to an address and has not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The hash of the address and the code.
    hash: String,
    expires_at: Timestamp,
    tries_left: u32,
}

/// Why a code does not confirm an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    Wrong {
        tries_left: u32,
    },
    /// It is too old, or too many wrong ones were tried.
    Expired,
}

impl Confirmation {
    /// Makes a code of eight digits for an address. Only its hash is kept.
    pub fn new(address: &EmailAddress, random: u64, now: Timestamp) -> (Self, String) {
        let code = format!("{:08}", random % 100_000_000);
        let made = Self {
            hash: hash(address, &code),
            expires_at: now + TimeDelta::hours(CODE_HOURS),
            tries_left: TRIES,
        };
        (made, code)
    }

    /// Tries a code. A wrong one counts.
    pub fn attempt(
        &mut self,
        address: &EmailAddress,
        code: &str,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if now >= self.expires_at || self.tries_left == 0 {
            return Err(Refused::Expired);
        }
        if hash(address, code.trim()) == self.hash {
            return Ok(());
        }
        self.tries_left -= 1;
        Err(Refused::Wrong {
            tries_left: self.tries_left,
        })
    }

    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

fn hash(address: &EmailAddress, code: &str) -> String {
    hex::encode(Sha256::digest(format!("confirm\n{address}\n{code}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_smuggle_anything_into_a_header() {
        for good in [
            "ada@example.org",
            "a.b+prism@sub.example-site.org",
            "o'neil@x.io",
        ] {
            assert!(good.parse::<EmailAddress>().is_ok(), "{good}");
        }
        let long = format!("a@{}.org", "x".repeat(64));
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@example",
            "a b@example.org",
            "a@b@c.org",
            "ada@example.org\r\nBcc: eve@example.org",
            "ada@example.org,eve@example.org",
            "<ada@example.org>",
            "\"a\"@example.org",
            "ada@[127.0.0.1]",
            "ada@-x.org",
            ".a@x.org",
            "a..b@x.org",
            "ädä@example.org",
            "ada@exämple.org",
            &long,
        ] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_code_is_valid_for_an_hour_and_a_few_tries() {
        let address: EmailAddress = "ada@example.org".parse().unwrap();
        let other: EmailAddress = "eve@example.org".parse().unwrap();
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let (mut made, code) = Confirmation::new(&address, 1_234_567_890_123, now);
        assert_eq!(code, "67890123");
        assert!(made.clone().attempt(&other, &code, now).is_err());
        assert_eq!(made.clone().attempt(&address, &code, now), Ok(()));
        let late = now + TimeDelta::hours(CODE_HOURS);
        assert_eq!(
            made.clone().attempt(&address, &code, late),
            Err(Refused::Expired)
        );
        for tries_left in (0..TRIES).rev() {
            let refused = made.attempt(&address, "00000000", now);
            assert_eq!(refused, Err(Refused::Wrong { tries_left }));
        }
        assert_eq!(made.attempt(&address, &code, now), Err(Refused::Expired));
        assert!(!serde_json::to_string(&made).unwrap().contains(&code));
    }
}
