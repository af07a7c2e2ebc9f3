//! The tags that an institution puts on everything that its deployment creates in EC2.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::shown;
use super::save_request::USER_TAGS;
use super::text::check_tag;
use super::{Code, Problem};

/// Tags by their keys. With as many user-defined tags and Prism's own, they are at most the 50 that EC2 allows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceTags(BTreeMap<String, String>);

impl ResourceTags {
    /// The tags by their keys.
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// The tags in the form `key=value`.
    pub fn list(&self) -> Vec<String> {
        let each = self.0.iter().map(|(key, value)| format!("{key}={value}"));
        each.collect()
    }
}

impl FromStr for ResourceTags {
    type Err = Problem;

    /// Reads a comma-separated list of `key=value`.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let refused = |message| Err(Problem::new(Code::InvalidTag, message));
        let mut tags = BTreeMap::new();
        for tag in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let Some((key, value)) = tag.split_once('=') else {
                return refused(format!(
                    "{} is not a tag such as CostCentre=42.",
                    shown(tag)
                ));
            };
            check_tag(key, value)?;
            if tags.insert(key.to_owned(), value.to_owned()).is_some() {
                return refused(format!("The tag {} is named twice.", shown(key)));
            }
        }
        if tags.len() > USER_TAGS {
            let count = tags.len();
            return refused(format!(
                "There are {count} tags; the maximum is {USER_TAGS}."
            ));
        }
        Ok(Self(tags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_from_a_list() {
        let tags: ResourceTags = "Owner=lab 1, CostCentre=4=2,Empty=".parse().unwrap();
        assert_eq!(tags.list(), ["CostCentre=4=2", "Empty=", "Owner=lab 1"]);
        let none: ResourceTags = " , ".parse().unwrap();
        assert_eq!(none, ResourceTags::default());
    }

    #[test]
    fn what_ec2_or_prism_would_not_accept_is_refused() {
        let long = format!("Key={}", "v".repeat(257));
        let many: Vec<String> = (0..=USER_TAGS).map(|n| format!("k{n}=v")).collect();
        for (text, told) in [
            ("CostCentre", "is not a tag"),
            ("=42", "not valid"),
            ("aws:x=1", "reserved"),
            ("prism:owner=eve", "reserved"),
            ("Name=x", "reserved"),
            ("a=1,a=2", "twice"),
            (long.as_str(), "too long"),
            (many.join(",").as_str(), "the maximum is 20"),
        ] {
            let error = text.parse::<ResourceTags>().unwrap_err().message;
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
