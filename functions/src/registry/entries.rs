//! What a search finds templates by: the words of their names and descriptions, each an item that
//! only names its template. They are written in the transactions that change the template, so that
//! they never tell otherwise than it does (ADR 14).

use std::collections::BTreeSet;

use super::records::encode;
use crate::domain::template::{Template, TemplateState, Visibility};
use crate::domain::{Problem, TemplateName, UserId, words};
use crate::ports::{Condition, Item, Key, Write};

/// Among whose templates words are looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Those that somebody owns.
    OwnedBy(UserId),
    /// Those that everybody may use.
    Public,
}

/// The partition of the words that begin as this one does.
pub(super) fn words_pk(scope: &Scope, word: &str) -> String {
    let begin: String = word.chars().take(words::SHORTEST).collect();
    match scope {
        Scope::OwnedBy(user) => format!("WORDS#OWNER#{user}#{begin}"),
        Scope::Public => format!("WORDS#PUBLIC#{begin}"),
    }
}

/// The sort key of a word of a template.
pub(super) fn word_sk(word: &str, template: &TemplateName) -> String {
    format!("{word}#{template}")
}

fn keys(template: &Template) -> BTreeSet<Key> {
    let mut keys = BTreeSet::new();
    if template.state == TemplateState::Deleted {
        return keys;
    }
    let mut scopes = vec![Scope::OwnedBy(template.owner.clone())];
    scopes.extend((template.visibility == Visibility::Public).then_some(Scope::Public));
    for word in words::of_template(template) {
        for scope in &scopes {
            let sk = word_sk(&word, &template.name);
            keys.insert(Key::new(words_pk(scope, &word), sk));
        }
    }
    keys
}

/// The writes that bring the items of a template from one state of it to another.
pub(super) fn writes(before: Option<&Template>, after: &Template) -> Result<Vec<Write>, Problem> {
    let before = before.map(keys).unwrap_or_default();
    let now = keys(after);
    let gone = before.difference(&now).cloned();
    let mut writes: Vec<Write> = gone
        .map(|key| Write::Delete(key, Condition::Always))
        .collect();
    for key in now.difference(&before) {
        writes.push(Write::Put(
            item(key.clone(), &after.name)?,
            Condition::Always,
        ));
    }
    Ok(writes)
}

fn item(key: Key, name: &TemplateName) -> Result<Item, Problem> {
    encode(key, name, 1, [])
}
