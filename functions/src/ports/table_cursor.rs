//! Where a page of [`Table::query`](super::Table::query) ended: text that means nothing to callers, and is good for its own query alone.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Index, Item, Key, Query, SortKeys, TableError};

/// The place in the order of the index after which to go on.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The sort key in the index that is read.
    pub sort_key: String,
    /// The item's own key, which orders items of one sort key in an index; the primary needs none.
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
    /// Where the item lies in the index, which it is in.
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

/// The cursor that lets the query go on after the position.
pub fn write(query: &Query, position: Position) -> String {
    let cursor = Cursor {
        index: name(query.index).to_owned(),
        pk: query.pk.clone(),
        descending: query.descending,
        position,
    };
    to_text(&cursor)
}

/// Packs something into a text that can be put into an address as it is.
pub(crate) fn to_text<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_string(value).expect("texts and a flag are JSON");
    text.bytes()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// Where the query goes on.
pub fn read(query: &Query) -> Result<Option<Position>, TableError> {
    let Some(text) = &query.cursor else {
        return Ok(None);
    };
    let cursor = from_text::<Cursor>(text)
        .ok_or_else(|| TableError::Invalid("that is no cursor".to_owned()))?;
    let ours = cursor.index == name(query.index)
        && cursor.pk == query.pk
        && cursor.descending == query.descending
        && cursor.position.tie.is_some() == (query.index != Index::Primary);
    if !ours {
        return Err(TableError::Invalid(
            "the cursor is another query's".to_owned(),
        ));
    }
    if !is_within(&query.sort_keys, &cursor.position.sort_key) {
        return Err(TableError::Invalid(
            "the cursor lies outside of the sort keys that are asked for".to_owned(),
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

/// Unpacks what [`to_text`] has packed.
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
    char::from_digit(u32::from(value), 16).expect("half a byte is one hexadecimal digit")
}

fn value(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn name(index: Index) -> &'static str {
    index.attributes().0
}
