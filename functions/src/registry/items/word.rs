//! A word by which a search finds a template.

use crate::domain::{Problem, TemplateName, UserId, words};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

/// The templates among which words are looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    OwnedBy(UserId),
    Public,
}

/// The partition of the words that share this word's prefix.
pub(in crate::registry) fn words_pk(scope: &Scope, word: &str) -> String {
    let begin: String = word.chars().take(words::SHORTEST).collect();
    match scope {
        Scope::OwnedBy(user) => format!("WORDS#OWNER#{user}#{begin}"),
        Scope::Public => format!("WORDS#PUBLIC#{begin}"),
    }
}

pub(in crate::registry) fn word_key(scope: &Scope, word: &str, template: &TemplateName) -> Key {
    Key::new(words_pk(scope, word), format!("{word}#{template}"))
}

pub(in crate::registry) fn word_item(key: Key, name: &TemplateName) -> Result<Item, Problem> {
    encode(key, name, 1, [])
}
