//! Request bodies: JSON, or none.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::{Nothing, malformed, named, register};
use crate::domain::object::Object;
use crate::domain::{Code, Problem};

/// The maximum size of a request body, in bytes.
pub const BODY_BYTES: usize = 64 * 1024;

/// An input that is read from the body.
pub trait BodyPart: Clone + Send {
    /// Whether there is a body.
    const IS_ANY: bool;
    /// Reads the input.
    fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, Problem>;
    /// Returns the body, and adds its `Content-Type` header.
    fn write(&self, headers: &mut HeaderMap) -> Result<Bytes, Problem>;
    /// The schema of the body.
    fn schema() -> Option<RefOr<Schema>>;
    /// Adds the schemas that this one refers to.
    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>);
}

impl BodyPart for Nothing {
    const IS_ANY: bool = false;

    fn read(_: &HeaderMap, _: &Bytes) -> Result<Self, Problem> {
        Ok(Nothing {})
    }

    fn write(&self, _: &mut HeaderMap) -> Result<Bytes, Problem> {
        Ok(Bytes::new())
    }

    fn schema() -> Option<RefOr<Schema>> {
        None
    }

    fn schemas(_: &mut Vec<(String, RefOr<Schema>)>) {}
}

/// A JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Serialize + ToSchema + Clone + Send> BodyPart for Json<T> {
    const IS_ANY: bool = true;

    fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, Problem> {
        if !headers.get(CONTENT_TYPE).is_some_and(is_json) {
            let message = "The body's content type is not JSON.";
            return Err(Problem::new(Code::WrongContentType, message));
        }
        let mut json = serde_json::Deserializer::from_slice(body);
        let Object(value) = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| malformed("body", &error.to_string()))?;
        json.end()
            .map_err(|error| malformed("body", &error.to_string()))?;
        Ok(Self(value))
    }

    fn write(&self, headers: &mut HeaderMap) -> Result<Bytes, Problem> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = serde_json::to_vec(&self.0).map_err(|error| {
            let message = "The body could not be serialized.";
            Problem::new(Code::Internal, message).because(error)
        })?;
        Ok(body.into())
    }

    fn schema() -> Option<RefOr<Schema>> {
        Some(named::<T>())
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        register::<T>(into);
    }
}

/// Returns whether a media type is JSON or based on JSON.
fn is_json(value: &HeaderValue) -> bool {
    let text = value.to_str().unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let sub = kind.strip_prefix("application/");
    sub.is_some_and(|sub| sub == "json" || sub.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_known_by_its_media_type() {
        let is = |text: &str| is_json(&HeaderValue::from_str(text).unwrap());
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/cloudevents+json",
        ] {
            assert!(is(json), "{json}");
        }
        for other in ["text/json", "application/jsonp", "application/xml", ""] {
            assert!(!is(other), "{other}");
        }
    }
}
