//! Rules for texts that users write.

use std::fmt::Display;

use super::ids::shown;
use super::{Code, Problem};

/// A number of things, such as "1 hour" or "2 hours".
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Checks the name of an instance: a tag value of at most 128 characters, without control characters.
pub fn check_name(what: &str, name: &str) -> Result<(), Problem> {
    let fits = !name.is_empty() && name.chars().count() <= 128;
    if fits && !name.chars().any(char::is_control) && name.trim() == name {
        return Ok(());
    }
    let message = format!(
        "The {what} {} is not valid: it must have 1 to 128 characters, no control characters, and no space at the beginning or end.",
        shown(name)
    );
    Err(Problem::new(Code::InvalidName, message))
}

/// Checks a description. EC2 accepts at most 255 characters. Control characters are refused because they serve no
/// purpose.
pub fn check_text(what: &str, text: &str) -> Result<(), Problem> {
    let length = text.chars().count();
    if length > 255 {
        let message = format!("The {what} has {length} characters; the maximum is 255.");
        return Err(Problem::new(Code::InvalidDescription, message));
    }
    if text.chars().any(char::is_control) {
        let message = format!("The {what} {} contains control characters.", shown(text));
        return Err(Problem::new(Code::InvalidDescription, message));
    }
    Ok(())
}

/// Converts a text to a description that EC2 accepts: ASCII, at most 255 characters. Letters are transliterated to the
/// closest Latin letters. The registry keeps the original text.
pub(crate) fn ascii(text: &str) -> String {
    let mut folded = any_ascii::any_ascii(text);
    folded.retain(|c| !c.is_ascii_control());
    folded.truncate(255);
    folded
}

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
        "its key is reserved"
    } else {
        "it is empty, too long, or contains control characters"
    };
    Err(Problem::new(
        Code::InvalidTag,
        format!("The tag {} is not valid: {rule}.", shown(key)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_beyond_ascii_are_written_with_those_of_ascii() {
        assert_eq!(ascii("Saved from Müller"), "Saved from Muller");
        assert_eq!(
            ascii("R 4.4 — Straße ‘a’ 北京"),
            "R 4.4 - Strasse 'a' BeiJing"
        );
        assert_eq!(
            ascii("plain: 1 + 1 = 2 (\"ok\")"),
            "plain: 1 + 1 = 2 (\"ok\")"
        );
    }

    #[test]
    fn what_becomes_longer_is_cut() {
        let folded = ascii(&"ß".repeat(255));
        assert_eq!(folded, "s".repeat(255));
        assert!(ascii(&"\u{2603}\u{85}".repeat(127)).len() <= 255);
    }
}
