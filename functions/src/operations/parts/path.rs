//! The named parts of paths.

use std::fmt;
use std::str::FromStr;

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, RefOr, Required, Schema, Type};

use super::{Nothing, named, register};
use crate::domain::save::check_name;
use crate::domain::template::TemplateRef;
use crate::domain::{
    Code, GroupName, KeyFingerprint, LinkId, Problem, ProjectName, SaveId, ScheduleName,
    TemplateName,
};

/// An input that is read from the named parts of a path.
pub trait PathParts: Clone + Send {
    /// Reads the input from the parts, in order.
    fn read(parts: &[String]) -> Result<Self, Problem>;
    /// Returns the parts, in order.
    fn write(&self) -> Vec<String>;
    /// Describes the parts with these names.
    fn describe(names: &[&'static str]) -> Vec<Parameter>;
    /// Adds the schemas that the description refers to.
    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>);
}

/// The type of one named part.
pub trait Segment: FromStr<Err: Into<Problem>> + fmt::Display + Clone + Send {
    /// What the part means, for the API description.
    const MEANS: &'static str;
    /// The schema of the part.
    fn schema() -> RefOr<Schema>;
    /// Adds the schemas that this one refers to.
    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>);
}

macro_rules! segment {
    ($name:ty, $means:literal) => {
        impl Segment for $name {
            const MEANS: &'static str = $means;

            fn schema() -> RefOr<Schema> {
                named::<Self>()
            }

            fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
                register::<Self>(into);
            }
        }
    };
}

segment!(TemplateName, "The template");
segment!(ProjectName, "The project");
segment!(GroupName, "The group");
segment!(LinkId, "The join link");
segment!(ScheduleName, "The schedule");
segment!(SaveId, "The save");

/// An instance, by its name or its ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceName(pub String);

impl FromStr for InstanceName {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        check_name("instance name or ID", text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Segment for InstanceName {
    const MEANS: &'static str = "The name or the ID of the instance";

    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.min_length(Some(1)).max_length(Some(128)).into()
    }

    fn schemas(_: &mut Vec<(String, RefOr<Schema>)>) {}
}

/// A public SSH key, by its fingerprint. In a path, `-` and `_` take the place of `+` and `/`, as in Base64 for URLs:
/// API Gateway decodes paths, after which an encoded `/` would separate two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyId(pub KeyFingerprint);

impl FromStr for KeyId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.replace('-', "+").replace('_', "/").parse()?))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.as_str().replace('+', "-").replace('/', "_"))
    }
}

impl Segment for KeyId {
    const MEANS: &'static str =
        "The fingerprint of the key, in which `-` and `_` take the place of `+` and `/`";

    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.pattern(Some("^SHA256:[A-Za-z0-9_-]{43}$")).into()
    }

    fn schemas(_: &mut Vec<(String, RefOr<Schema>)>) {}
}

/// Reads the part at an index. The router provides as many parts as the path has names.
fn part<S: Segment>(parts: &[String], at: usize) -> Result<S, Problem> {
    let text = parts.get(at).map_or("", String::as_str);
    text.parse().map_err(Into::into)
}

fn parameter(name: &str, means: &str, schema: RefOr<Schema>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(means))
        .schema(Some(schema))
        .build()
}

impl PathParts for Nothing {
    fn read(_: &[String]) -> Result<Self, Problem> {
        Ok(Nothing {})
    }

    fn write(&self) -> Vec<String> {
        Vec::new()
    }

    fn describe(_: &[&'static str]) -> Vec<Parameter> {
        Vec::new()
    }

    fn schemas(_: &mut Vec<(String, RefOr<Schema>)>) {}
}

impl<S: Segment> PathParts for S {
    fn read(parts: &[String]) -> Result<Self, Problem> {
        part(parts, 0)
    }

    fn write(&self) -> Vec<String> {
        vec![self.to_string()]
    }

    fn describe(names: &[&'static str]) -> Vec<Parameter> {
        let all = names.iter().take(1);
        all.map(|name| parameter(name, S::MEANS, S::schema()))
            .collect()
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        S::schemas(into);
    }
}

impl<A: Segment, B: Segment> PathParts for (A, B) {
    fn read(parts: &[String]) -> Result<Self, Problem> {
        Ok((part(parts, 0)?, part(parts, 1)?))
    }

    fn write(&self) -> Vec<String> {
        vec![self.0.to_string(), self.1.to_string()]
    }

    fn describe(names: &[&'static str]) -> Vec<Parameter> {
        let kinds = [(A::MEANS, A::schema()), (B::MEANS, B::schema())];
        let all = names.iter().zip(kinds);
        all.map(|(name, (means, schema))| parameter(name, means, schema))
            .collect()
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        A::schemas(into);
        B::schemas(into);
    }
}

fn version(names: &[&'static str], means: &'static str) -> Vec<Parameter> {
    let number = <u32 as utoipa::PartialSchema>::schema();
    let number = match number {
        RefOr::T(Schema::Object(object)) => {
            let object = ObjectBuilder::from(object).minimum(Some(1));
            RefOr::from(object)
        }
        other => other,
    };
    let kinds = [
        (<TemplateName as Segment>::MEANS, named::<TemplateName>()),
        (means, number),
    ];
    let all = names.iter().zip(kinds);
    all.map(|(name, (means, schema))| parameter(name, means, schema))
        .collect()
}

/// A template and one of its versions, by number or as `latest`.
impl PathParts for TemplateRef {
    fn read(parts: &[String]) -> Result<Self, Problem> {
        parts.join("@").parse()
    }

    fn write(&self) -> Vec<String> {
        let version = self.version.map(|number| number.to_string());
        let version = version.unwrap_or_else(|| "latest".to_owned());
        vec![self.name.to_string(), version]
    }

    fn describe(names: &[&'static str]) -> Vec<Parameter> {
        version(names, "The number of the version, or `latest`")
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        register::<TemplateName>(into);
    }
}

/// A version by its number, for operations that must not follow a change of the latest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRef {
    /// The template.
    pub template: TemplateName,
    /// The number of the version.
    pub number: u32,
}

impl From<VersionRef> for TemplateRef {
    fn from(version: VersionRef) -> Self {
        Self {
            name: version.template,
            version: Some(version.number),
        }
    }
}

impl PathParts for VersionRef {
    fn read(parts: &[String]) -> Result<Self, Problem> {
        let reference = TemplateRef::read(parts)?;
        let Some(number) = reference.version else {
            let message = "The version must be given by its number here.";
            return Err(Problem::new(Code::InvalidName, message));
        };
        Ok(Self {
            template: reference.name,
            number,
        })
    }

    fn write(&self) -> Vec<String> {
        TemplateRef::from(self.clone()).write()
    }

    fn describe(names: &[&'static str]) -> Vec<Parameter> {
        version(names, "The number of the version")
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        register::<TemplateName>(into);
    }
}
