//! Grants: who can use a template in addition to its owner.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::as_string::from_and_into_string;
use super::ec2::LaunchPermission;
use super::ids::shown;
use super::{AccountId, Code, Problem, ProjectName, TemplateName, Timestamp, UserId};

/// The maximum number of grants per template.
pub const GRANTS: usize = 50;

/// An organization in AWS Organizations, or one of its organizational units, by its ARN.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganizationArn(String);

impl OrganizationArn {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The organization's ID, such as `o-a1b2c3d4e5`.
    pub fn id(&self) -> &str {
        let rest = self.0.rsplit(':').next().unwrap_or_default();
        rest.split('/').nth(1).unwrap_or_default()
    }

    pub fn is_id(text: &str) -> bool {
        text.strip_prefix("o-").is_some_and(|rest| {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            (10..=32).contains(&rest.len()) && rest.bytes().all(plain)
        })
    }
}

impl FromStr for OrganizationArn {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let valid = || {
            let rest = text.strip_prefix("arn:")?;
            let (partition, rest) = rest.split_once(':')?;
            let rest = rest.strip_prefix("organizations::")?;
            let (account, resource) = rest.split_once(':')?;
            let mut parts = resource.split('/');
            let (kind, organization) = (parts.next()?, parts.next()?);
            let unit = parts.next();
            let unit_fits = match kind {
                "organization" => unit.is_none(),
                "ou" => unit.is_some_and(|unit| {
                    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
                    unit.starts_with("ou-") && unit.len() <= 68 && unit.bytes().all(plain)
                }),
                _ => false,
            };
            let fits = matches!(partition, "aws" | "aws-us-gov" | "aws-cn")
                && account.parse::<AccountId>().is_ok()
                && Self::is_id(organization)
                && unit_fits
                && parts.next().is_none();
            fits.then(|| Self(text.to_owned()))
        };
        valid().ok_or_else(|| {
            let message = format!(
                "The organization {} is not valid: it must be an ARN such as arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5.",
                shown(text)
            );
            Problem::new(Code::InvalidInput, message)
                .hint("Run this in the management account: aws organizations describe-organization")
        })
    }
}

from_and_into_string!(OrganizationArn);

impl fmt::Display for OrganizationArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The recipient of a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Grantee {
    /// A user of this deployment.
    User(UserId),
    /// The members of a project.
    Project(ProjectName),
    /// Another AWS account, which can launch the AMIs.
    Account(AccountId),
    /// The accounts of an organization, which can launch the AMIs.
    Organization(OrganizationArn),
    /// Everyone whom the deployment's settings allow.
    Public,
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grantee::User(user) => write!(f, "user:{user}"),
            Grantee::Project(project) => write!(f, "project:{project}"),
            Grantee::Account(account) => write!(f, "account:{account}"),
            Grantee::Organization(arn) => write!(f, "organization:{arn}"),
            Grantee::Public => f.write_str("public"),
        }
    }
}

impl FromStr for Grantee {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        if text == "public" {
            return Ok(Grantee::Public);
        }
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        Ok(match kind {
            "user" => Grantee::User(name.parse()?),
            "project" => Grantee::Project(name.parse()?),
            "account" => Grantee::Account(name.parse()?),
            "organization" => Grantee::Organization(name.parse()?),
            _ => {
                let message = format!(
                    "{} is not a valid grantee to share with: use user:NAME, project:NAME, account:123456789012, organization:ARN or public.",
                    shown(text)
                );
                return Err(Problem::new(Code::InvalidInput, message));
            }
        })
    }
}

from_and_into_string!(Grantee);

impl utoipa::PartialSchema for Grantee {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some(
                "With whom a template is shared: `user:NAME`, `project:NAME`, `account:123456789012`, `organization:ARN` or `public`.",
            ))
            .examples(["user:bob", "project:brain-imaging", "public"])
            .into()
    }
}

impl utoipa::ToSchema for Grantee {}

/// The state of a grant. The AMIs of a template are in several Regions: the intended state is written before they are
/// changed, so that an interrupted change is not forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// The launch permissions are being added. The grant is not effective yet.
    Opening,
    /// The grant is effective.
    Open,
    /// The launch permissions are being removed. The grant is no longer effective.
    Closing,
}

/// A grant: a template is shared with a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Grant {
    /// The name of the template.
    pub template: TemplateName,
    /// The recipient.
    pub to: Grantee,
    /// The user who created the grant.
    pub by: UserId,
    /// When the grant was created.
    pub at: Timestamp,
    /// The state of the grant.
    pub state: GrantState,
    /// The launch permission that was added to the AMIs for this grant.
    #[serde(default)]
    pub launch: Option<LaunchPermission>,
    /// Whether the snapshots of the AMIs are shared too, so that the account can copy them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_snapshots: bool,
    /// Set while the grant is being removed from more AMIs than can be closed at once: the AMIs of this version and of
    /// all newer versions are closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_from: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORGANIZATION: &str = "arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5";
    const UNIT: &str = "arn:aws:organizations::123456789012:ou/o-a1b2c3d4e5/ou-ab12-cdefgh34";

    #[test]
    fn a_grantee_reads_back() {
        let organization = format!("organization:{ORGANIZATION}");
        for text in [
            "user:iam:user/ann",
            "project:brain-imaging",
            "account:123456789012",
            organization.as_str(),
            "public",
        ] {
            assert_eq!(text.parse::<Grantee>().unwrap().to_string(), text);
        }
        for bad in ["", "ada", "user:", "account:12", "public:x", "everyone"] {
            assert!(bad.parse::<Grantee>().is_err(), "{bad}");
        }
    }

    #[test]
    fn organizations_are_named_by_their_arns() {
        for good in [ORGANIZATION, UNIT] {
            assert_eq!(
                good.parse::<OrganizationArn>().unwrap().id(),
                "o-a1b2c3d4e5"
            );
        }
        for bad in [
            "o-a1b2c3d4e5",
            "arn:aws:organizations::12:organization/o-a1b2c3d4e5",
            "arn:aws:organizations::123456789012:organization/o-A",
            "arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5/x",
            "arn:aws:organizations::123456789012:ou/o-a1b2c3d4e5",
            "arn:aws:iam::123456789012:organization/o-a1b2c3d4e5",
        ] {
            assert!(bad.parse::<OrganizationArn>().is_err(), "{bad}");
        }
        assert!(OrganizationArn::is_id("o-a1b2c3d4e5"));
        assert!(!OrganizationArn::is_id("o-short") && !OrganizationArn::is_id("a1b2c3d4e5"));
    }
}
