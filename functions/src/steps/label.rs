//! What an instance is called in messages.

use crate::ports::Instance;

/// The name of an instance, or its id where it has none.
pub(super) fn name(instance: &Instance) -> &str {
    instance.name().unwrap_or(instance.id.as_str())
}

/// The name and the id of an instance, or its id where it has no name.
pub(super) fn label(instance: &Instance) -> String {
    match instance.name() {
        Some(name) => format!("{name} ({})", instance.id),
        None => instance.id.to_string(),
    }
}
