//! Names and identifiers. Each has its own type, which checks its rule on construction.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Code, Problem};

/// Why a text is not a valid identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidId {
    /// The kind of identifier that was expected, such as "template name".
    pub what: &'static str,
    /// The text, shortened for use in an error message.
    pub shown: String,
    /// The rule that the text breaks.
    pub rule: &'static str,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return write!(f, "{:#}", Problem::from(self.clone()));
        }
        let Self { what, shown, rule } = self;
        write!(f, "{what} {shown} is not valid: {rule}")
    }
}

impl std::error::Error for InvalidId {}

impl InvalidId {
    fn new(what: &'static str, text: &str, rule: &'static str) -> Self {
        Self {
            what,
            shown: shown(text),
            rule,
        }
    }
}

impl From<InvalidId> for Problem {
    fn from(invalid: InvalidId) -> Self {
        let code = if invalid.what == "Region" {
            Code::InvalidRegion
        } else {
            Code::InvalidName
        };
        Problem::new(code, format!("The {invalid}."))
    }
}

/// Quotes a text for an error message: control characters are escaped, and at most 60 characters are shown.
pub fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut quoted: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MOST).is_some() {
        quoted.push('…');
    }
    format!("\"{quoted}\"")
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $pattern:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The rule as a regular expression, for clients that validate before they send a request. Every text that
            /// matches it is valid.
            pub const PATTERN: &'static str = $pattern;

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId::new($what, text, $rule))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        crate::domain::as_string::from_and_into_string!($name);

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .description(Some(concat!("Format of the ", $what, ": ", $rule, ".")))
                    .pattern(Some($pattern))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

/// Whether the text is `prefix` followed by 8 to 32 lowercase hexadecimal digits.
fn resource_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|hex| {
        (8..=32).contains(&hex.len()) && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Whether the text has a length in the range and consists only of allowed bytes.
fn made_of(text: &str, length: std::ops::RangeInclusive<usize>, allowed: fn(u8) -> bool) -> bool {
    length.contains(&text.len()) && text.bytes().all(allowed)
}

text_id!(
    /// The ID of an EC2 instance: `i-` followed by hexadecimal digits.
    InstanceId, "instance ID", "it must be \"i-\" followed by 8 to 32 hexadecimal digits",
    "^i-[0-9a-f]{8,32}$",
    |t| resource_id(t, "i-")
);
text_id!(
    /// The ID of an AMI: `ami-` followed by hexadecimal digits.
    ImageId, "AMI ID", "it must be \"ami-\" followed by 8 to 32 hexadecimal digits",
    "^ami-[0-9a-f]{8,32}$",
    |t| resource_id(t, "ami-")
);
text_id!(
    /// The ID of an EBS snapshot: `snap-` followed by hexadecimal digits.
    SnapshotId, "snapshot ID", "it must be \"snap-\" followed by 8 to 32 hexadecimal digits",
    "^snap-[0-9a-f]{8,32}$",
    |t| resource_id(t, "snap-")
);
text_id!(
    /// The ID of an EBS volume: `vol-` followed by hexadecimal digits.
    VolumeId, "volume ID", "it must be \"vol-\" followed by 8 to 32 hexadecimal digits",
    "^vol-[0-9a-f]{8,32}$",
    |t| resource_id(t, "vol-")
);
text_id!(
    /// The ID of a subnet: `subnet-` followed by hexadecimal digits.
    SubnetId, "subnet ID", "it must be \"subnet-\" followed by 8 to 32 hexadecimal digits",
    "^subnet-[0-9a-f]{8,32}$",
    |t| resource_id(t, "subnet-")
);
text_id!(
    /// The ID of an EC2 launch template: `lt-` followed by hexadecimal digits.
    LaunchTemplateId, "launch template ID", "it must be \"lt-\" followed by 8 to 32 hexadecimal digits",
    "^lt-[0-9a-f]{8,32}$",
    |t| resource_id(t, "lt-")
);
text_id!(
    /// The ID of a save: `save-` followed by hexadecimal digits. It is also the name of the save's execution and part
    /// of the name of its AMI.
    SaveId, "save ID", "it must be \"save-\" followed by 8 to 32 hexadecimal digits",
    "^save-[0-9a-f]{8,32}$",
    |t| resource_id(t, "save-")
);
text_id!(
    /// The ID of a deployment, which consists of one registry and the EC2 resources that belong to it. It is created
    /// once, by the deployment's stack or by the embedded cloud, and is stored in the registry.
    DeploymentId, "deployment ID",
    "it must have 8 to 64 lowercase letters, digits or \"-\", starting with a letter or digit",
    "^[a-z0-9][a-z0-9-]{7,63}$",
    |t| {
        made_of(t, 8..=64, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !t.starts_with('-')
    }
);
text_id!(
    /// The ID of an AWS account: twelve digits.
    AccountId, "account ID", "it must be twelve digits",
    "^[0-9]{12}$",
    |t| made_of(t, 12..=12, |b| b.is_ascii_digit())
);
text_id!(
    /// The name of an AWS Region, such as `us-west-2`.
    Region, "Region", "it must be lowercase words and a number with hyphens between them, such as us-east-1",
    "^[a-z]{2,4}(-[a-z]{2,5})?-[a-z]{4,9}-[0-9]{1,2}$",
    |t| {
        made_of(t, 9..=25, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && t.split('-').count() >= 3
            && t.split('-').all(|part| !part.is_empty())
            && t.ends_with(|c: char| c.is_ascii_digit())
    }
);
text_id!(
    /// The name of a template, unique in the deployment. It becomes part of AMI names, which allow few characters (EC2
    /// fact 4), and of commands, in which it should not need quoting.
    TemplateName, "template name",
    "it must have 3 to 64 lowercase letters, digits, \".\", \"_\" or \"-\", starting with a letter or digit",
    "^[a-z0-9][a-z0-9._-]{2,63}$",
    |t| {
        made_of(t, 3..=64, |b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-')
        }) && t.starts_with(|c: char| c.is_ascii_alphanumeric())
    }
);
text_id!(
    /// The name of a project. It follows the rule for template names.
    ProjectName,
    "project name",
    "it must have 3 to 64 lowercase letters, digits, \".\", \"_\" or \"-\", starting with a letter or digit",
    "^[a-z0-9][a-z0-9._-]{2,63}$",
    |t| t.parse::<TemplateName>().is_ok()
);
text_id!(
    /// The name of a schedule, unique among its owner's schedules. It follows the rule for template names.
    ScheduleName,
    "schedule name",
    "it must have 3 to 64 lowercase letters, digits, \".\", \"_\" or \"-\", starting with a letter or digit",
    "^[a-z0-9][a-z0-9._-]{2,63}$",
    |t| t.parse::<TemplateName>().is_ok()
);
text_id!(
    /// The name of a group of members, unique in its project. It follows the rule for template names.
    GroupName,
    "group name",
    "it must have 3 to 64 lowercase letters, digits, \".\", \"_\" or \"-\", starting with a letter or digit",
    "^[a-z0-9][a-z0-9._-]{2,63}$",
    |t| t.parse::<TemplateName>().is_ok()
);
text_id!(
    /// The ID of a join link: `link-` followed by hexadecimal digits. It is no secret.
    LinkId, "link ID", "it must be \"link-\" followed by 8 to 32 hexadecimal digits",
    "^link-[0-9a-f]{8,32}$",
    |t| resource_id(t, "link-")
);
text_id!(
    /// The fingerprint of a public SSH key, as OpenSSH shows it.
    KeyFingerprint, "key fingerprint",
    "it must be \"SHA256:\" followed by 43 characters, as ssh-keygen -l shows it",
    "^SHA256:[A-Za-z0-9+/]{43}$",
    |t| t.strip_prefix("SHA256:").is_some_and(|t| {
        made_of(t, 43..=43, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
    })
);
text_id!(
    /// A person or a principal, as named in the authenticated request.
    UserId, "user name", "it must have 1 to 128 letters, digits or any of . _ - @ + = : /",
    "^[A-Za-z0-9._@+=:/-]{1,128}$",
    |t| made_of(t, 1..=128, |b| b.is_ascii_alphanumeric() || b".-_@+=:/".contains(&b))
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn template_names_keep_to_what_commands_and_ami_names_allow() {
        for good in [
            "abc",
            "seismic-ml-environment",
            "cs229-environment",
            "r4.2_x",
        ] {
            assert!(good.parse::<TemplateName>().is_ok(), "{good}");
        }
        for bad in [
            "", "ab", "-abc", "Ab c", "a/b/c", "naïve", "abc$(x)", "abc\n", "ABC",
        ] {
            assert!(bad.parse::<TemplateName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_error_message_never_grows_with_its_input() {
        let error = "x".repeat(10_000).parse::<TemplateName>().unwrap_err();
        assert!(error.to_string().len() < 300);
        let error = "\u{1b}[31mred".parse::<TemplateName>().unwrap_err();
        assert!(!error.to_string().contains('\u{1b}'));
    }

    #[test]
    fn regions_and_resource_ids() {
        for good in ["us-east-1", "us-gov-west-1", "ap-southeast-5"] {
            assert!(good.parse::<Region>().is_ok(), "{good}");
        }
        for bad in [
            "us-east",
            "useast1aaaa",
            "us--east-1",
            "mars-north-",
            "US-EAST-1",
        ] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
        assert!("i-0123456789abcdef0".parse::<InstanceId>().is_ok());
        assert!("i-xyz".parse::<InstanceId>().is_err());
        assert!("ami-0123456789abcdef0".parse::<InstanceId>().is_err());
    }

    /// Generates texts that match a pattern, which must be the rule itself or stricter.
    fn matching(pattern: &str) -> impl Strategy<Value = String> {
        let inner = pattern.trim_start_matches('^').trim_end_matches('$');
        proptest::string::string_regex(inner).unwrap()
    }

    proptest! {
        #[test]
        fn what_matches_a_pattern_is_valid(
            instance in matching(InstanceId::PATTERN),
            account in matching(AccountId::PATTERN),
            region in matching(Region::PATTERN),
            template in matching(TemplateName::PATTERN),
            project in matching(ProjectName::PATTERN),
            schedule in matching(ScheduleName::PATTERN),
            deployment in matching(DeploymentId::PATTERN),
            group in matching(GroupName::PATTERN),
            link in matching(LinkId::PATTERN),
            user in matching(UserId::PATTERN),
            key in matching(KeyFingerprint::PATTERN),
        ) {
            prop_assert!(instance.parse::<InstanceId>().is_ok(), "{instance}");
            prop_assert!(account.parse::<AccountId>().is_ok(), "{account}");
            prop_assert!(region.parse::<Region>().is_ok(), "{region}");
            prop_assert!(template.parse::<TemplateName>().is_ok(), "{template}");
            prop_assert!(project.parse::<ProjectName>().is_ok(), "{project}");
            prop_assert!(deployment.parse::<DeploymentId>().is_ok(), "{deployment}");
            prop_assert!(schedule.parse::<ScheduleName>().is_ok(), "{schedule}");
            prop_assert!(group.parse::<GroupName>().is_ok(), "{group}");
            prop_assert!(link.parse::<LinkId>().is_ok(), "{link}");
            prop_assert!(user.parse::<UserId>().is_ok(), "{user}");
            prop_assert!(key.parse::<KeyFingerprint>().is_ok(), "{key}");
        }
    }
}
