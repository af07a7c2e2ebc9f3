//! The representation of records as items: the record itself under `record`, a revision that every write increases,
//! and the attributes of the indexes.

use chrono::SecondsFormat;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::{Code, Problem, Timestamp};
use crate::ports::{Change, Condition, Index, Item, Key};

/// The format version of records. It is stored with each record, so that later formats can be recognized.
const FORM: u64 = 1;

/// The attribute with the item's expiration time, in seconds since 1970.
pub(super) const EXPIRES: &str = "expires_at";

/// A record as read from the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    pub value: T,
    /// The revision. The next write succeeds only if it has not changed.
    pub revision: u64,
}

impl<T> Stored<T> {
    /// The condition that the record was not written since it was read.
    pub(super) fn unchanged(&self) -> Condition {
        Condition::Equals("revision".to_owned(), self.revision.into())
    }
}

pub(super) struct Indexed {
    pub(super) index: Index,
    pub(super) pk: String,
    pub(super) sk: String,
}

/// Formats an instant so that texts sort in chronological order.
pub(super) fn sortable(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(super) fn encode<T: Serialize>(
    key: Key,
    record: &T,
    revision: u64,
    indexed: impl IntoIterator<Item = Indexed>,
) -> Result<Item, Problem> {
    let record = serde_json::to_value(record).map_err(|error| {
        Problem::new(Code::Internal, "A record could not be written.").because(error)
    })?;
    let mut attributes = Map::new();
    attributes.insert("record".to_owned(), record);
    attributes.insert("revision".to_owned(), revision.into());
    attributes.insert("form".to_owned(), FORM.into());
    for entry in indexed {
        let (pk, sk) = entry.index.attributes();
        attributes.insert(pk.to_owned(), entry.pk.into());
        attributes.insert(sk.to_owned(), entry.sk.into());
    }
    Ok(Item { key, attributes })
}

/// The changes that turn an item into this record, including the removal of outdated index entries. Other attributes,
/// such as counters, are not changed.
pub(super) fn changes<T: Serialize>(
    key: Key,
    record: &T,
    revision: u64,
    indexed: impl IntoIterator<Item = Indexed>,
) -> Result<Vec<Change>, Problem> {
    let item = encode(key, record, revision, indexed)?;
    let of_indexes = [Index::Gsi1, Index::Gsi2].map(Index::attributes);
    let gone = of_indexes.into_iter().flat_map(|(pk, sk)| [pk, sk]);
    let gone = gone.filter(|name| !item.attributes.contains_key(*name));
    let mut changes: Vec<Change> = gone.map(|name| Change::Remove(name.to_owned())).collect();
    changes.extend(
        item.attributes
            .into_iter()
            .map(|(name, value)| Change::Set(name, value)),
    );
    Ok(changes)
}

pub(super) fn decode<T: DeserializeOwned>(item: &Item) -> Result<Stored<T>, Problem> {
    let damaged = |what: &str| {
        let message = format!(
            "The record {} {} cannot be read: {what}.",
            item.key.pk, item.key.sk
        );
        Problem::new(Code::Internal, message)
    };
    match item.attributes.get("form").and_then(Value::as_u64) {
        Some(FORM) => {}
        Some(form) => {
            let message = format!(
                "The record {} {} was written by a newer version of Prism (format {form}; this version supports up to {FORM}). It was not changed.",
                item.key.pk, item.key.sk
            );
            return Err(Problem::new(Code::RegistryNewer, message));
        }
        None => return Err(damaged("it has no format number")),
    }
    let revision = item
        .attributes
        .get("revision")
        .and_then(Value::as_u64)
        .ok_or_else(|| damaged("it has no revision"))?;
    let record = item
        .attributes
        .get("record")
        .ok_or_else(|| damaged("it is empty"))?;
    let value =
        T::deserialize(record).map_err(|error| damaged("its format is wrong").because(error))?;
    Ok(Stored { value, revision })
}
