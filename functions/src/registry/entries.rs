//! The search index: the words of templates' names and descriptions. Each word is an item that contains only the name
//! of its template. The items are written in the transactions that change the template, so that they always match it
//! (ADR 14).

use std::collections::BTreeSet;

use super::items::word::{Scope, word_item, word_key};
use super::records::replaced;
use crate::domain::template::{Template, TemplateState, Visibility};
use crate::domain::{Problem, words};
use crate::ports::{Key, Write};

fn keys(template: &Template) -> BTreeSet<Key> {
    let mut keys = BTreeSet::new();
    if template.state == TemplateState::Deleted {
        return keys;
    }
    let mut scopes = vec![Scope::OwnedBy(template.owner.clone())];
    scopes.extend((template.visibility == Visibility::Public).then_some(Scope::Public));
    for word in words::of_template(template) {
        for scope in &scopes {
            keys.insert(word_key(scope, &word, &template.name));
        }
    }
    keys
}

/// The writes that update the items from one state of a template to another.
pub(super) fn writes(before: Option<&Template>, after: &Template) -> Result<Vec<Write>, Problem> {
    let before = before.map(keys).unwrap_or_default();
    replaced(&before, &keys(after), |key| word_item(key, &after.name))
}
