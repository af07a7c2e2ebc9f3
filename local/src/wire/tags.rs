//! `TagSpecification.N`: tags for the resources that a request creates.

use std::collections::BTreeMap;

use prism_functions::domain::ids::shown;
use prism_functions::ports::Tags;

use super::fault::Fault;
use super::params::Params;

#[derive(Debug)]
pub(super) struct TagSpecs(BTreeMap<String, Tags>);

impl TagSpecs {
    pub(super) fn take(params: &mut Params, types: &[&str]) -> Result<Self, Fault> {
        let mut specs = BTreeMap::new();
        for mut member in params.structs("TagSpecification") {
            let kind = member.required("ResourceType")?;
            let tags = take_tags(&mut member)?;
            member.finish()?;
            if !types.contains(&kind.as_str()) {
                let message = format!(
                    "{} is not a valid taggable resource type for this operation.",
                    shown(&kind)
                );
                return Err(Fault::new("InvalidParameterValue", message));
            }
            if specs.insert(kind.clone(), tags).is_some() {
                let message = format!("{} has two TagSpecifications.", shown(&kind));
                return Err(Fault::new("InvalidParameterValue", message));
            }
        }
        Ok(Self(specs))
    }

    pub(super) fn of(&self, kind: &str) -> Tags {
        self.0.get(kind).cloned().unwrap_or_default()
    }
}

fn take_tags(params: &mut Params) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for mut member in params.structs("Tag") {
        let key = member.required("Key")?;
        let value = member.take("Value").unwrap_or_default();
        member.finish()?;
        if tags.insert(key.clone(), value).is_some() {
            let message = format!("Duplicate tag key {} specified.", shown(&key));
            return Err(Fault::new("InvalidParameterValue", message));
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(form: &str) -> Result<TagSpecs, Fault> {
        let mut params = Params::parse(form.as_bytes()).unwrap();
        TagSpecs::take(&mut params, &["image", "snapshot"])
    }

    #[test]
    fn each_type_has_its_tags() {
        let specs = specs(
            "TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=a\
             &TagSpecification.1.Tag.1.Value=b%26c&TagSpecification.1.Tag.2.Key=empty",
        );
        let specs = specs.unwrap();
        assert_eq!(specs.of("image")["a"], "b&c");
        assert_eq!(specs.of("image")["empty"], "");
        assert!(specs.of("snapshot").is_empty());
    }

    #[test]
    fn what_cannot_be_tagged_or_is_tagged_twice_is_refused() {
        for form in [
            "TagSpecification.1.ResourceType=volume",
            "TagSpecification.1.ResourceType=image&TagSpecification.2.ResourceType=image",
            "TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=a\
             &TagSpecification.1.Tag.2.Key=a",
        ] {
            assert_eq!(specs(form).unwrap_err().code, "InvalidParameterValue");
        }
        assert_eq!(
            specs("TagSpecification.1.Tag.1.Key=a").unwrap_err().code,
            "MissingParameter"
        );
    }
}
