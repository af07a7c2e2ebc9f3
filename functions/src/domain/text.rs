//! Rules of texts that people write.

use super::ids::shown;
use super::{Code, Problem};

/// Checks the name of an instance: a tag value, at most 128 characters, none of them control characters.
pub fn check_name(what: &str, name: &str) -> Result<(), Problem> {
    let fits = !name.is_empty() && name.chars().count() <= 128;
    if fits && !name.chars().any(char::is_control) && name.trim() == name {
        return Ok(());
    }
    let message = format!(
        "The {what} {} is not valid: it has 1 to 128 characters, no control characters, and no space at its ends.",
        shown(name)
    );
    Err(Problem::new(Code::InvalidName, message))
}

/// Checks a description: EC2 takes at most 255 characters; control characters help nobody.
pub fn check_text(what: &str, text: &str) -> Result<(), Problem> {
    let length = text.chars().count();
    if length > 255 {
        let message = format!("The {what} has {length} characters; at most 255 are allowed.");
        return Err(Problem::new(Code::InvalidDescription, message));
    }
    if text.chars().any(char::is_control) {
        let message = format!("The {what} {} has control characters.", shown(text));
        return Err(Problem::new(Code::InvalidDescription, message));
    }
    Ok(())
}

/// Checks a tag of the user's own.
pub(super) fn check_tag(key: &str, value: &str) -> Result<(), Problem> {
    let reserved = ["aws:", "prism:"]
        .iter()
        .any(|p| key.to_ascii_lowercase().starts_with(p))
        || key == "Name";
    let fits = !key.is_empty() && key.chars().count() <= 128 && value.chars().count() <= 256;
    let plain = !key.chars().chain(value.chars()).any(char::is_control);
    if fits && plain && !reserved {
        return Ok(());
    }
    let rule = if reserved {
        "that key is reserved"
    } else {
        "it is empty, too long, or has control characters"
    };
    Err(Problem::new(
        Code::InvalidTag,
        format!("The tag {} cannot be used: {rule}.", shown(key)),
    ))
}
