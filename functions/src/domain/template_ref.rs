//! References to templates and versions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::as_string::from_and_into_string;
use super::ids::shown;
use super::{Code, Problem, TemplateName};

/// A reference to a template or a version as users type it: `name`, `name@3` or `name@latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TemplateRef {
    pub name: TemplateName,
    /// The version number; `None` means the latest version.
    pub version: Option<u32>,
}

impl FromStr for TemplateRef {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let (name, version) = text.split_once('@').unwrap_or((text, "latest"));
        let name = name.parse()?;
        let version = match version.parse::<u32>() {
            _ if version == "latest" => None,
            Ok(number) if number > 0 && version.starts_with(|c: char| c.is_ascii_digit()) => {
                Some(number)
            }
            _ => {
                let message = format!(
                    "{} is not a valid version: use a number from 1, or \"latest\".",
                    shown(version)
                );
                return Err(Problem::new(Code::InvalidName, message));
            }
        };
        Ok(Self { name, version })
    }
}

impl From<TemplateName> for TemplateRef {
    fn from(name: TemplateName) -> Self {
        let version = None;
        Self { name, version }
    }
}

from_and_into_string!(TemplateRef);

impl fmt::Display for TemplateRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(number) => write!(f, "{}@{number}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_a_version_or_the_latest() {
        let parsed = |text: &str| text.parse::<TemplateRef>().map(|r| r.version);
        assert_eq!(parsed("abc").unwrap(), None);
        assert_eq!(parsed("abc@latest").unwrap(), None);
        assert_eq!(parsed("abc@3").unwrap(), Some(3));
        for bad in [
            "abc@",
            "abc@0",
            "abc@-1",
            "abc@+1",
            "abc@1.5",
            "abc@99999999999",
            "@1",
        ] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }
}
