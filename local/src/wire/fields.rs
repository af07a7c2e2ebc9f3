//! The fields of a request that is JSON.

use prism_functions::domain::ids::shown;
use serde_json::Value;

use super::fault::Fault;

/// What an action was asked with.
pub(super) type Fields = serde_json::Map<String, Value>;

/// What is wrong with it.
pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationException", message)
}

/// Reads them.
pub(super) fn fields(body: &[u8]) -> Result<Fields, Fault> {
    let parsed: Result<Value, _> = serde_json::from_slice(body);
    match parsed {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Fault::new(
            "SerializationException",
            "the request is no object",
        )),
        Err(error) => Err(Fault::new("SerializationException", error.to_string())),
    }
}

/// Takes a text.
pub(super) fn text(fields: &mut Fields, name: &str) -> Result<String, Fault> {
    match fields.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(invalid(format!("{name} is missing or no text"))),
    }
}

/// Takes a text, and sees to it that nothing else is left.
pub(super) fn only_text(mut fields: Fields, name: &str) -> Result<String, Fault> {
    let text = text(&mut fields, name)?;
    match fields.keys().next() {
        None => Ok(text),
        Some(other) => Err(invalid(format!("{} is not recognized", shown(other)))),
    }
}
