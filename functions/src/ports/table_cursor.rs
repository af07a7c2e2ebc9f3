//! Cursors of [`Table::query`](super::Table::query): opaque texts that are valid only for the query that returned
//! them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Index, Item, Key, Query, SortKeys, TableError};

/// The position in the index after which the next page begins.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The sort key in the table or index that is read.
    pub sort_key: String,
    /// The primary key of the item, which orders items with the same sort key in an index; `None` for the table
    /// itself.
    pub tie: Option<Key>,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    index: String,
    pk: String,
    descending: bool,
    position: Position,
}

impl Position {
    /// The position of an item in an index that contains it.
    pub fn of(item: &Item, index: Index) -> Self {
        let (_, name) = index.attributes();
        match item.attributes.get(name).and_then(|value| value.as_str()) {
            Some(sort_key) if index != Index::Primary => Self {
                sort_key: sort_key.to_owned(),
                tie: Some(item.key.clone()),
            },
            _ => Self {
                sort_key: item.key.sk.clone(),
                tie: None,
            },
        }
    }
}

/// Creates the cursor with which the query continues after the position.
pub fn write(query: &Query, position: Position) -> String {
    let cursor = Cursor {
        index: name(query.index).to_owned(),
        pk: query.pk.clone(),
        descending: query.descending,
        position,
    };
    to_text(&cursor)
}

/// Encodes a value as text that can be used in a URL without escaping.
pub(crate) fn to_text<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_string(value).expect("strings and a Boolean serialize to JSON");
    text.bytes()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The position after which the query continues.
pub fn read(query: &Query) -> Result<Option<Position>, TableError> {
    let Some(text) = &query.cursor else {
        return Ok(None);
    };
    let cursor = from_text::<Cursor>(text)
        .ok_or_else(|| TableError::Invalid("the cursor is malformed".to_owned()))?;
    let ours = cursor.index == name(query.index)
        && cursor.pk == query.pk
        && cursor.descending == query.descending
        && cursor.position.tie.is_some() == (query.index != Index::Primary);
    if !ours {
        return Err(TableError::Invalid(
            "the cursor belongs to another query".to_owned(),
        ));
    }
    if !is_within(&query.sort_keys, &cursor.position.sort_key) {
        return Err(TableError::Invalid(
            "the cursor is outside of the requested range of sort keys".to_owned(),
        ));
    }
    Ok(Some(cursor.position))
}

fn is_within(wanted: &SortKeys, sort_key: &str) -> bool {
    match wanted {
        SortKeys::All => true,
        SortKeys::BeginsWith(prefix) => sort_key.starts_with(prefix.as_str()),
        SortKeys::Between(from, to) => (from.as_str()..=to.as_str()).contains(&sort_key),
    }
}

pub(crate) fn from_text<T: DeserializeOwned>(text: &str) -> Option<T> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs
        .iter()
        .map(|&[high, low]| Some(value(high)? << 4 | value(low)?))
        .collect::<Option<Vec<u8>>>()?;
    rest.is_empty()
        .then(|| serde_json::from_slice(&bytes).ok())?
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).expect("four bits are one hexadecimal digit")
}

fn value(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn name(index: Index) -> &'static str {
    index.attributes().0
}
