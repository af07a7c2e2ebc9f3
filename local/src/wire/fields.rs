//! The fields of a JSON request.

use prism_functions::domain::ids::shown;
use serde_json::Value;

use super::fault::Fault;

pub(super) type Fields = serde_json::Map<String, Value>;

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationException", message)
}

pub(super) fn fields(body: &[u8]) -> Result<Fields, Fault> {
    let parsed: Result<Value, _> = serde_json::from_slice(body);
    match parsed {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Fault::new(
            "SerializationException",
            "the request is not an object",
        )),
        Err(error) => Err(Fault::new("SerializationException", error.to_string())),
    }
}

pub(super) fn text(fields: &mut Fields, name: &str) -> Result<String, Fault> {
    match fields.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(invalid(format!("{name} is missing or no text"))),
    }
}

/// Takes a text field, and checks that there are no others.
pub(super) fn only_text(mut fields: Fields, name: &str) -> Result<String, Fault> {
    let text = text(&mut fields, name)?;
    match fields.keys().next() {
        None => Ok(text),
        Some(other) => Err(invalid(format!("{} is not recognized", shown(other)))),
    }
}
