//! Query strings, whose values are parsed into their types.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Schema};

use super::malformed;
use crate::domain::{Code, Problem, Region};

/// An input that is read from a query string: a struct of texts, numbers and flags.
pub trait QueryParts: Clone + Send {
    /// Reads the input. An invalid value is refused with the error code of its type.
    fn read(query: &str) -> Result<Self, Problem>;
    /// Returns the query string.
    fn write(&self) -> Result<String, Problem>;
    /// Describes the parameters.
    fn describe() -> Vec<Parameter>;
    /// Adds the schemas that the description refers to.
    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>);
}

impl<T: DeserializeOwned + Serialize + IntoParams + Clone + Send> QueryParts for T {
    fn read(query: &str) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.map(|(name, value)| (Text(name), Text(value)));
        serde_path_to_error::deserialize(MapDeserializer::new(pairs)).map_err(|error| {
            let path = error.path().to_string();
            match error.into_inner() {
                Refusal(Some(problem), _) => problem,
                Refusal(None, why) if path == "." => malformed("query", &why),
                Refusal(None, why) => malformed("query", &format!("{path}: {why}")),
            }
        })
    }

    fn write(&self) -> Result<String, Problem> {
        serde_urlencoded::to_string(self).map_err(|error| {
            let message = "The query could not be serialized.";
            Problem::new(Code::Internal, message).because(error)
        })
    }

    fn describe() -> Vec<Parameter> {
        T::into_params(|| Some(ParameterIn::Query))
    }

    fn schemas(_: &mut Vec<(String, RefOr<Schema>)>) {}
}

/// The query of an operation that has a dry run.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DryRun {
    /// Checks everything and returns the plan, without doing anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// The query of an operation in a Region.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InRegion {
    /// The Region of the instance.
    pub region: Region,
}

/// Why a value is refused: a problem with the code of its type, if the type has one, and a text.
#[derive(Debug)]
struct Refusal(Option<Problem>, String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(Problem::from_packed(&format!("{why:#}")), why.to_string())
    }
}

/// A name or a value in a query string.
struct Text<'a>(Cow<'a, str>);

impl<'de> IntoDeserializer<'de, Refusal> for Text<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(error) => Err(de::Error::custom(error)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Refusal;

    parsed! {
        deserialize_bool visit_bool;
        deserialize_i8 visit_i8;
        deserialize_i16 visit_i16;
        deserialize_i32 visit_i32;
        deserialize_i64 visit_i64;
        deserialize_u8 visit_u8;
        deserialize_u16 visit_u16;
        deserialize_u32 visit_u32;
        deserialize_u64 visit_u64;
        deserialize_f32 visit_f32;
        deserialize_f64 visit_f64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let variant: StrDeserializer<'_, Refusal> = self.0.as_ref().into_deserializer();
        visitor.visit_enum(variant)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::domain::ec2::Architecture;
    use crate::operations::parts::Nothing;

    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams)]
    #[serde(deny_unknown_fields)]
    struct Query {
        region: Option<Region>,
        arch: Option<Architecture>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        mine: bool,
        #[param(value_type = Option<u32>)]
        to: Option<NonZeroU32>,
    }

    fn refused(query: &str) -> (Code, String) {
        let problem = Query::read(query).unwrap_err();
        (problem.code, problem.message)
    }

    #[test]
    fn texts_are_read_into_their_types() {
        let read = Query::read("region=us-east-1&arch=arm64&mine=true&to=3").unwrap();
        assert_eq!(read.region.as_ref().map(Region::as_str), Some("us-east-1"));
        assert_eq!((read.arch, read.mine), (Some(Architecture::Arm64), true));
        assert_eq!(Query::read(&read.write().unwrap()).unwrap(), read);
        assert_eq!(Query::read("").unwrap(), Query::default());
        assert_eq!(Query::default().write().unwrap(), "");
        // An operation without parameters ignores them.
        assert_eq!(Nothing::read("x=y").unwrap(), Nothing {});
    }

    #[test]
    fn what_breaks_the_rule_of_a_type_has_its_code() {
        let (code, message) = refused("region=mars");
        assert_eq!(code, Code::InvalidRegion);
        assert!(message.starts_with("The Region \"mars\""), "{message}");
    }

    #[test]
    fn what_is_no_value_is_named() {
        let odd = [
            ("to=0", "to: "),
            ("to=x", "to: invalid digit found in string"),
            ("mine=1", "mine: provided string was not `true` or `false`"),
            ("arch=vax", "arch: unknown variant `vax`"),
            ("x=1", "x: unknown field `x`"),
            ("mine=true&mine=true", "duplicate field `mine`"),
        ];
        for (query, why) in odd {
            let (code, message) = refused(query);
            assert_eq!(code, Code::InvalidInput);
            let begin = format!("The query is not valid: {why}");
            assert!(message.starts_with(&begin), "{message}");
        }
    }
}
