//! The Regions and instance types that a deployment allows.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::shown;
use super::{Code, Problem, Region};

/// The Regions in which instances can be launched and saved, and to which AMIs can be copied. If the list is empty,
/// every Region of the account is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AllowedRegions(pub BTreeSet<Region>);

/// The instance types that can be launched: a single type such as `m7i.large`, or a whole family such as `t3.*`. If
/// the list is empty, every type is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AllowedTypes(BTreeSet<String>);

/// The text is neither an instance type nor an instance family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an instance type such as m7i.large, or a family such as t3.*")]
pub struct InvalidType(String);

impl AllowedRegions {
    /// Returns an error for the first Region that the deployment does not allow.
    pub fn check<'a>(&self, regions: impl IntoIterator<Item = &'a Region>) -> Result<(), Problem> {
        let mut regions = regions.into_iter();
        let Some(other) = regions.find(|region| !self.0.is_empty() && !self.0.contains(region))
        else {
            return Ok(());
        };
        let allowed: Vec<&str> = self.0.iter().map(Region::as_str).collect();
        let message = format!("This deployment does not allow the Region {other}.");
        let hint = format!("Allowed Regions: {}.", allowed.join(", "));
        Err(Problem::new(Code::RegionNotAllowed, message).hint(hint))
    }
}

impl AllowedTypes {
    /// Returns an error if the deployment does not allow the instance type.
    pub fn check(&self, name: &str) -> Result<(), Problem> {
        let allows = |allowed: &String| match allowed.strip_suffix('*') {
            Some(family) => name.starts_with(family),
            None => allowed == name,
        };
        if self.0.is_empty() || self.0.iter().any(allows) {
            return Ok(());
        }
        let message = format!("This deployment does not allow the instance type {name}.");
        let hint = format!(
            "Allowed instance types: {}. Choose another --size.",
            self.list().join(", ")
        );
        Err(Problem::new(Code::InstanceTypeNotAllowed, message).hint(hint))
    }

    /// The allowed types and families, in order.
    pub fn list(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

impl FromStr for AllowedTypes {
    type Err = InvalidType;

    /// Reads a comma-separated list of types and families. An empty text allows all types.
    fn from_str(text: &str) -> Result<Self, InvalidType> {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let read = |name: &str| {
            let plain = |part: &str| {
                let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                !part.is_empty() && part.bytes().all(fits)
            };
            match name.split_once('.') {
                Some((family, size)) if plain(family) && (size == "*" || plain(size)) => {
                    Ok(name.to_owned())
                }
                _ => Err(InvalidType(shown(name))),
            }
        };
        names.map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for AllowedRegions {
    type Err = super::InvalidId;

    /// Reads a comma-separated list of Regions. An empty text allows all Regions.
    fn from_str(text: &str) -> Result<Self, super::InvalidId> {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        names.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_listed_allows_all() {
        let region = "eu-west-1".parse().unwrap();
        assert!(AllowedRegions::default().check([&region]).is_ok());
        assert!(AllowedTypes::default().check("p5.48xlarge").is_ok());
        assert_eq!("".parse(), Ok(AllowedTypes::default()));
        assert_eq!(" , ".parse(), Ok(AllowedRegions::default()));
    }

    #[test]
    fn what_is_not_listed_is_refused_and_told_what_is() {
        let regions: AllowedRegions = "us-east-1, us-west-2".parse().unwrap();
        let [east, west, else_where] =
            ["us-east-1", "us-west-2", "eu-west-1"].map(|name| name.parse().unwrap());
        assert!(regions.check([&east, &west]).is_ok());
        let refused = regions.check([&east, &else_where]).unwrap_err();
        assert_eq!(refused.code, Code::RegionNotAllowed);
        assert!(refused.message.contains("eu-west-1") && refused.advice().contains("us-west-2"));

        let types: AllowedTypes = "t3.*,m7i.large".parse().unwrap();
        assert!(types.check("t3.micro").is_ok() && types.check("m7i.large").is_ok());
        for other in ["t3a.micro", "m7i.xlarge", "t4g.small"] {
            let refused = types.check(other).unwrap_err();
            assert_eq!(refused.code, Code::InstanceTypeNotAllowed, "{other}");
            assert!(refused.advice().contains("m7i.large, t3.*"), "{refused:?}");
        }
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for text in ["large", "t3.", ".large", "T3.micro", "t3.*x", "*", "t3.a b"] {
            assert!(text.parse::<AllowedTypes>().is_err(), "{text}");
        }
        assert!("us-east".parse::<AllowedRegions>().is_err());
    }
}
