//! Join links: codes with which users add themselves to a project.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use utoipa::ToSchema;

use super::project::ProjectRole;
use super::{GroupName, LinkId, ProjectName, Timestamp, UserId};

/// The maximum number of join links of a project.
pub const LINKS: usize = 20;
/// The longest time that a join link is valid, in days.
pub const LINK_DAYS: i64 = 366;

/// What a code begins with, so that tools that search for secrets recognize it.
const PREFIX: &str = "prism-join";
/// The number of hexadecimal digits of the ID and of the secret in a code.
const ID: usize = 16;
const SECRET: usize = 32;

/// A join link. Its secret is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JoinLink {
    /// The ID of the link, which is no secret.
    pub id: LinkId,
    /// The project that users join.
    pub project: ProjectName,
    /// The role that they get: `member` or `viewer`.
    pub role: ProjectRole,
    /// The group that they are added to.
    pub group: Option<GroupName>,
    /// How many users can join.
    pub uses: u32,
    /// How many have joined.
    pub used: u32,
    /// Until when it is valid.
    pub until: Timestamp,
    /// The user who created it. It is valid only as long as this user manages the project.
    pub created_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A join link with the hash of its secret, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HashedLink {
    pub(crate) link: JoinLink,
    pub(crate) hash: String,
}

impl HashedLink {
    /// Whether the code is that of the link and the link is valid. All of it is checked in any case, so that the time this
    /// takes tells nothing.
    pub(crate) fn admits(&self, code: &JoinCode, now: Timestamp) -> bool {
        let right = self.hash.as_bytes().ct_eq(code.hash().as_bytes());
        let valid = now < self.link.until && self.link.used < self.link.uses;
        bool::from(right & Choice::from(u8::from(valid)))
    }
}

/// A code: the ID of a link, and its secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct JoinCode {
    pub(crate) id: LinkId,
    secret: String,
}

impl JoinCode {
    /// Creates a code from random bits.
    pub(crate) fn new(id: u64, secret: [u64; 2]) -> Self {
        let id = format!("link-{id:016x}");
        Self {
            id: id.parse().expect("it is an ID"),
            secret: format!("{:016x}{:016x}", secret[0], secret[1]),
        }
    }

    /// Reads a code as it was given to a user; `None` if it is none. Spaces around it, and capitals, are forgiven.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (id, secret) = text
            .strip_prefix(PREFIX)?
            .strip_prefix('-')?
            .split_once('-')?;
        let hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
        };
        let code = Self {
            id: format!("link-{id}").parse().ok()?,
            secret: secret.to_owned(),
        };
        (hex(id, ID) && hex(secret, SECRET)).then_some(code)
    }

    /// The code as a text, which is shown once.
    pub(crate) fn text(&self) -> String {
        let id = self.id.as_str().trim_start_matches("link-");
        format!("{PREFIX}-{id}-{}", self.secret)
    }

    /// What is stored of it. The secret has 128 random bits, so a fast hash is enough.
    pub(crate) fn hash(&self) -> String {
        let text = format!("{PREFIX}\n{}\n{}", self.id, self.secret);
        hex::encode(Sha256::digest(text))
    }
}

impl fmt::Debug for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinCode")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_and_is_in_no_debug_output() {
        let code = JoinCode::new(7, [1, 2]);
        let text = code.text();
        assert_eq!(
            text,
            "prism-join-0000000000000007-00000000000000010000000000000002"
        );
        assert_eq!(
            JoinCode::read(&format!(" {}\n", text.to_uppercase())),
            Some(code.clone())
        );
        assert_eq!(
            format!("{code:?}"),
            "JoinCode { id: LinkId(\"link-0000000000000007\"), .. }"
        );
        for bad in [
            "",
            "prism-join-7-1",
            "prism-join-0000000000000007",
            &text[..text.len() - 1],
        ] {
            assert_eq!(JoinCode::read(bad), None, "{bad}");
        }
        assert_ne!(code.hash(), JoinCode::new(8, [1, 2]).hash());
        assert_ne!(code.hash(), JoinCode::new(7, [1, 3]).hash());
    }
}
