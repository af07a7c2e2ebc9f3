//! Rules that every adapter of [`Table`](super::Table) checks before it reads anything, because DynamoDB enforces
//! them.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    Change, Condition, ITEM_BYTES, Index, Key, Query, SortKeys, TRANSACTION_WRITES, TableError,
    Write,
};

/// The maximum length of a partition key, in bytes.
pub const PARTITION_KEY_BYTES: usize = 2048;
/// The maximum length of a sort key, in bytes.
pub const SORT_KEY_BYTES: usize = 1024;
/// The maximum length of an index's partition key attribute, in bytes.
pub const INDEX_PARTITION_KEY_BYTES: usize = 2048;
/// The maximum length of an index's sort key attribute, in bytes.
pub const INDEX_SORT_KEY_BYTES: usize = 1024;
/// The maximum total size of the items in a transaction, in bytes.
pub const TRANSACTION_BYTES: usize = 4_000_000;
/// The maximum size of the items in a page, in bytes.
pub const PAGE_BYTES: usize = 1_000_000;
/// The maximum number of items in a page.
pub const QUERY_LIMIT: usize = 1000;
/// The maximum nesting depth of lists and maps.
pub const NESTING: usize = 32;

type Valid<T = ()> = Result<T, TableError>;

fn invalid<T>(reason: impl Into<String>) -> Valid<T> {
    Err(TableError::Invalid(reason.into()))
}

/// Checks everything about a transaction that does not depend on stored items. Returns the JSON text of each item that
/// is put, and an empty text for each other write.
pub fn transaction(writes: &[Write]) -> Valid<Vec<String>> {
    if writes.is_empty() || writes.len() > TRANSACTION_WRITES {
        return invalid(format!(
            "a transaction must have 1 to {TRANSACTION_WRITES} writes, not {}",
            writes.len()
        ));
    }
    let mut keys = HashSet::with_capacity(writes.len());
    let mut texts = Vec::with_capacity(writes.len());
    for write in writes {
        key(write.key())?;
        if !keys.insert(write.key()) {
            let Key { pk, sk } = write.key();
            return invalid(format!(
                "two writes of one transaction have the key ({pk}, {sk})"
            ));
        }
        condition(write.condition())?;
        texts.push(match write {
            Write::Put(put, _) => item(&put.key, &put.attributes)?,
            Write::Update(_, changes, _) => {
                self::changes(changes)?;
                String::new()
            }
            Write::Delete(..) | Write::Check(..) => String::new(),
        });
    }
    Ok(texts)
}

/// Checks the total size of a transaction's items.
pub fn transaction_bytes(bytes: usize) -> Valid {
    if bytes > TRANSACTION_BYTES {
        return invalid(format!(
            "a transaction can write at most {TRANSACTION_BYTES} bytes, not {bytes}"
        ));
    }
    Ok(())
}

/// Checks a whole item and returns the JSON text of its attributes.
pub fn item(at: &Key, attributes: &Map<String, Value>) -> Valid<String> {
    for (name, value) in attributes {
        attribute_name(name)?;
        nesting(name, value, NESTING)?;
    }
    for (name, value) in attributes {
        index_key(name, value)?;
    }
    let text = serde_json::to_string(attributes)
        .or_else(|error| invalid(format!("an item cannot be written as JSON: {error}")))?;
    let bytes = text.len() + at.pk.len() + at.sk.len();
    if bytes > ITEM_BYTES {
        return invalid(format!(
            "an item can have at most {ITEM_BYTES} bytes, not {bytes}"
        ));
    }
    Ok(text)
}

/// Checks the key of an item.
pub fn key(key: &Key) -> Valid {
    key_text("pk", &key.pk, PARTITION_KEY_BYTES)?;
    key_text("sk", &key.sk, SORT_KEY_BYTES)
}

/// Checks a query except for its cursor.
pub fn query(query: &Query) -> Valid {
    let (pk, _) = query.index.attributes();
    key_text(pk, &query.pk, PARTITION_KEY_BYTES)?;
    if !(1..=QUERY_LIMIT).contains(&query.limit) {
        return invalid(format!(
            "a limit must be 1 to {QUERY_LIMIT}, not {}",
            query.limit
        ));
    }
    match &query.sort_keys {
        SortKeys::Between(from, to) if from > to => {
            invalid("the first sort key of a range is after the second")
        }
        _ => Ok(()),
    }
}

fn key_text(name: &str, text: &str, most: usize) -> Valid {
    if text.is_empty() || text.len() > most {
        return invalid(format!(
            "{name} must have 1 to {most} bytes, not {}",
            text.len()
        ));
    }
    Ok(())
}

/// Checks an index key attribute. DynamoDB rejects an item whose index attribute is empty or not a string, rather than
/// leaving the item out of the index.
fn index_key(name: &str, value: &Value) -> Valid {
    match (index_key_bytes(name), value) {
        (None, _) => Ok(()),
        (Some(most), Value::String(text)) => key_text(name, text, most),
        (Some(_), _) => invalid(format!("{name} must be a string, because an index uses it")),
    }
}

/// The maximum length of the attribute if it is a key of an index.
fn index_key_bytes(name: &str) -> Option<usize> {
    [Index::Gsi1, Index::Gsi2].into_iter().find_map(|index| {
        let (pk, sk) = index.attributes();
        match name {
            _ if name == pk => Some(INDEX_PARTITION_KEY_BYTES),
            _ if name == sk => Some(INDEX_SORT_KEY_BYTES),
            _ => None,
        }
    })
}

fn attribute_name(name: &str) -> Valid {
    match name {
        "" => invalid("an attribute has no name"),
        "pk" | "sk" => invalid(format!(
            "no attribute can be named {name}, because the key has that name"
        )),
        _ => Ok(()),
    }
}

/// Checks the nesting depth. Deeper values could be written but not read again.
fn nesting(name: &str, value: &Value, levels: usize) -> Valid {
    let mut inner: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Array(values) => Box::new(values.iter()),
        Value::Object(values) => Box::new(values.values()),
        _ => return Ok(()),
    };
    if levels == 0 {
        return invalid(format!("{name} is nested deeper than {NESTING} levels"));
    }
    inner.try_for_each(|value| nesting(name, value, levels - 1))
}

fn changes(changes: &[Change]) -> Valid {
    if changes.is_empty() {
        return invalid("an update changes nothing");
    }
    let mut names = HashSet::with_capacity(changes.len());
    for change in changes {
        let (Change::Set(name, _) | Change::Add(name, _) | Change::Remove(name)) = change;
        attribute_name(name)?;
        if !names.insert(name) {
            return invalid(format!("an update changes {name} twice"));
        }
        match change {
            Change::Set(name, value) => {
                index_key(name, value)?;
                nesting(name, value, NESTING)?;
            }
            Change::Add(name, _) if index_key_bytes(name).is_some() => {
                return invalid(format!("{name} must be a string, because an index uses it"));
            }
            Change::Add(..) | Change::Remove(_) => {}
        }
    }
    Ok(())
}

fn condition(condition: &Condition) -> Valid {
    match condition {
        Condition::Always | Condition::ItemAbsent | Condition::ItemPresent => Ok(()),
        Condition::Equals(name, _) | Condition::AttributeAbsent(name) => attribute_name(name),
        Condition::AtMost(name, limit) if limit.is_finite() => attribute_name(name),
        Condition::AtMost(name, limit) => invalid(format!("{name} cannot be compared to {limit}")),
        Condition::All(conditions) | Condition::Any(conditions) => {
            conditions.iter().try_for_each(self::condition)
        }
    }
}
