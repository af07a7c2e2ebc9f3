//! The names of instances in messages.

use crate::ports::Instance;

/// Returns the name of an instance, or its ID if it has no name.
pub(super) fn name(instance: &Instance) -> &str {
    instance.name().unwrap_or(instance.id.as_str())
}

/// Returns the name and the ID of an instance, or only its ID if it has no name.
pub(super) fn label(instance: &Instance) -> String {
    match instance.name() {
        Some(name) => format!("{name} ({})", instance.id),
        None => instance.id.to_string(),
    }
}
