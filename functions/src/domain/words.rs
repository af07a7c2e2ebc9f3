//! The words by which a search finds a template.

use std::collections::BTreeSet;

use super::ids::shown;
use super::template::Template;
use super::{Code, Problem};

/// The maximum number of words by which a template is found. The words of the name come first, then those of the
/// description.
pub const WORDS: usize = 16;
/// The minimum length of a search text, in characters. It is the length of the prefix that partitions the words.
pub const SHORTEST: usize = 2;
/// The maximum number of characters of a word that are significant.
const LONGEST: usize = 32;
/// The maximum length of a search text, in characters.
const SEARCH: usize = 100;

/// Splits a text into words, in lowercase.
fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().chars().take(LONGEST).collect())
}

/// The words by which a template with this name and description is found.
pub fn of(name: &str, description: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for word in split(name).chain(split(description)) {
        if words.len() == WORDS {
            break;
        }
        if word.chars().count() >= SHORTEST {
            words.insert(word);
        }
    }
    words
}

/// The words by which a saved template is found.
pub fn of_template(template: &Template) -> BTreeSet<String> {
    of(template.name.as_str(), &template.description)
}

/// A search: prefixes of words, all of which must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    parts: Vec<String>,
}

impl Search {
    /// Parses the text that the user typed.
    pub fn new(text: &str) -> Result<Self, Problem> {
        let refused = |why: &str| {
            let message = format!("The search {} is not valid: {why}.", shown(text));
            Err(Problem::new(Code::InvalidInput, message)
                .hint("Search for the beginning of a word in the name or the description."))
        };
        if text.chars().count() > SEARCH {
            return refused("it has more than 100 characters");
        }
        let mut parts: Vec<String> = split(text).collect();
        // The longest part matches the fewest templates.
        parts.sort_by_key(|part| std::cmp::Reverse(part.chars().count()));
        match parts.first() {
            Some(part) if part.chars().count() >= SHORTEST => Ok(Self { parts }),
            _ => refused("it needs two consecutive letters or digits"),
        }
    }

    /// The part by which templates are looked up.
    pub fn leading(&self) -> &str {
        &self.parts[0]
    }

    /// Returns the first of these words that the leading part matches, if all of the other parts match a word too.
    pub fn finds<'a>(&self, words: &'a BTreeSet<String>) -> Option<&'a str> {
        let found = |part: &String| words.iter().find(|word| word.starts_with(part.as_str()));
        self.parts
            .iter()
            .skip(1)
            .all(|part| found(part).is_some())
            .then_some(())?;
        found(&self.parts[0]).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str, description: &str) -> Vec<String> {
        of(name, description).into_iter().collect()
    }

    #[test]
    fn words_are_what_people_would_type() {
        assert_eq!(
            words("seismic-ml_env.2", "ML for Seismic data, à la carte!"),
            ["carte", "data", "env", "for", "la", "ml", "seismic"]
        );
        let many = (10..60).fold(String::new(), |text, n| format!("{text}w{n} "));
        assert_eq!(words("name", &many).len(), WORDS);
        assert!(words("name", &many).contains(&"name".to_owned()));
        assert_eq!(words("abc", &"x".repeat(200))[1].len(), LONGEST);
    }

    #[test]
    fn every_part_of_a_search_has_to_be_found() {
        let words = of("seismic-ml-env", "for quakes");
        let finds = |text: &str| Search::new(text).unwrap().finds(&words).map(str::to_owned);
        assert_eq!(finds("SEIS"), Some("seismic".to_owned()));
        assert_eq!(finds("ml q"), Some("ml".to_owned()));
        assert_eq!(finds("quake seis"), Some("quakes".to_owned()));
        assert_eq!(finds("ml volcano"), None);
        assert_eq!(finds("eismic"), None);
        for bad in ["", " ", "a", "a b c", "-_.", &"x".repeat(101)] {
            assert_eq!(
                Search::new(bad).unwrap_err().code,
                Code::InvalidInput,
                "{bad}"
            );
        }
    }
}
