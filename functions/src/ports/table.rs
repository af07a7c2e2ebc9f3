//! The registry's table: items with a partition key and a sort key, two indexes, and conditional writes.
//!
//! The trait requires nothing that DynamoDB cannot do without a scan, and its limits are those of DynamoDB: 100 writes
//! in a transaction, 400 KB in an item, 1 MB in a page.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Refusal;

/// The maximum number of writes in a transaction (DynamoDB's TransactWriteItems).
pub const TRANSACTION_WRITES: usize = 100;
/// The maximum size of an item, in bytes of its JSON text (a conservative measure of DynamoDB's 400 KB).
pub const ITEM_BYTES: usize = 400_000;

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl Key {
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self {
            pk: pk.into(),
            sk: sk.into(),
        }
    }
}

/// An item: its key and its attributes. [`Index`] names the attributes that the indexes use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub key: Key,
    /// All other attributes. An item is in an index if it has both of the index's key attributes as strings.
    pub attributes: Map<String, Value>,
}

/// The table or index to read. The indexes are sparse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Index {
    /// The table itself, by primary key.
    Primary,
    /// The index on the attributes `gsi1pk` and `gsi1sk`.
    Gsi1,
    /// The index on the attributes `gsi2pk` and `gsi2sk`.
    Gsi2,
}

impl Index {
    /// The names of the partition key and sort key attributes.
    pub fn attributes(self) -> (&'static str, &'static str) {
        match self {
            Index::Primary => ("pk", "sk"),
            Index::Gsi1 => ("gsi1pk", "gsi1sk"),
            Index::Gsi2 => ("gsi2pk", "gsi2sk"),
        }
    }
}

/// The sort keys to read in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortKeys {
    All,
    BeginsWith(String),
    /// Those between two values, inclusive.
    Between(String, String),
}

/// A query of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub index: Index,
    pub pk: String,
    pub sort_keys: SortKeys,
    /// Whether to return the items in descending order. Sort keys are compared as UTF-8 bytes.
    pub descending: bool,
    /// The maximum number of items to return, from 1 to 1,000.
    pub limit: usize,
    /// The cursor from the previous page.
    pub cursor: Option<String>,
}

/// One page of a query's results.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The items, in the order of their sort keys in the table or index.
    pub items: Vec<Item>,
    /// The cursor for the next page; `None` at the end. It is opaque. A page can be empty and still have a cursor.
    pub cursor: Option<String>,
}

/// A condition on the stored item that must hold for a write to succeed.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    Always,
    ItemAbsent,
    ItemPresent,
    Equals(String, Value),
    /// The attribute is a number that is not greater than this value.
    AtMost(String, f64),
    /// The item does not have the attribute, or no item with this key exists.
    AttributeAbsent(String),
    All(Vec<Condition>),
    /// At least one of these conditions holds.
    Any(Vec<Condition>),
}

/// A change to one attribute of a stored item.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Sets the attribute.
    Set(String, Value),
    /// Adds to the number in the attribute. An attribute that does not exist counts as zero.
    Add(String, i64),
    Remove(String),
}

/// One write of a transaction. A transaction cannot contain two writes to the same key.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Replaces the whole item.
    Put(Item, Condition),
    /// Changes at least one attribute. As in DynamoDB, an item that does not exist is created; do not rely on this if
    /// all of the changes are removals.
    Update(Key, Vec<Change>, Condition),
    /// Deletes the item. It is not an error if the item does not exist.
    Delete(Key, Condition),
    /// Changes nothing, but fails the transaction unless the condition holds.
    Check(Key, Condition),
}

impl Write {
    /// The key that the write refers to.
    pub fn key(&self) -> &Key {
        match self {
            Write::Put(item, _) => &item.key,
            Write::Update(key, _, _) | Write::Delete(key, _) | Write::Check(key, _) => key,
        }
    }

    pub fn condition(&self) -> &Condition {
        match self {
            Write::Put(_, condition)
            | Write::Update(_, _, condition)
            | Write::Delete(_, condition)
            | Write::Check(_, condition) => condition,
        }
    }
}

/// How [`Table::advance`] increases a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The attribute that contains the number. It must not be a key of an index.
    pub attribute: String,
    /// The increment; greater than 0.
    pub by: i64,
    /// The starting value if the stored number is lower or does not exist.
    pub least: i64,
    /// The maximum of the increased number.
    pub most: i64,
}

impl Advance {
    /// The increased number; `None` if it would exceed the maximum.
    pub fn of(&self, number: Option<i64>) -> Option<i64> {
        let from = number.map_or(self.least, |number| number.max(self.least));
        let after = from.saturating_add(self.by);
        (after <= self.most).then_some(after)
    }
}

/// How often [`Table::advance`] retries after a concurrent change.
const ADVANCES: usize = 100;

/// Why a table operation failed. Nothing was written in any of these cases, except that the outcome is unknown for
/// [`TableError::Unavailable`].
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A condition of the transaction did not hold.
    #[error("the condition of write {write} failed")]
    ConditionFailed {
        /// The index of the first write whose condition failed, counted from 0.
        write: usize,
    },
    /// The transaction conflicted with another one. It can be retried.
    #[error("the transaction conflicts with another one")]
    Conflict,
    /// The table throttles requests. It can be retried.
    #[error("the table throttled the request: {0}")]
    Throttled(String),
    /// The request itself is invalid, such as two writes to one key, a limit of 0 or a cursor from another query.
    #[error("the table request is not valid: {0}")]
    Invalid(String),
    /// The table refuses every request because of how Prism is configured.
    #[error("the table denied the request")]
    Refused(#[source] Refusal),
    /// The table did not respond, or the response was lost.
    #[error("the table did not respond: {reason}")]
    Unavailable {
        /// What the adapter observed, as text for users.
        reason: String,
        /// Whether the same call may succeed later without intervention.
        transient: bool,
        /// What to do, if the cause is the configuration of Prism.
        advice: Option<&'static str>,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// The table. Reads by primary key are strongly consistent; on AWS, reads from an index are eventually consistent.
#[async_trait]
pub trait Table: Send + Sync {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError>;

    /// Returns one page of a partition.
    async fn query(&self, query: &Query) -> Result<Page, TableError>;

    /// Performs all of the writes or none of them. Conditions are evaluated against the state before the transaction.
    async fn transact(&self, writes: &[Write]) -> Result<(), TableError>;

    /// Increases a number atomically and returns the new value. Returns `None` and writes nothing if the new value
    /// would exceed the maximum. If a response is lost, the number may have been increased more than once.
    ///
    /// Adapters for stores with an atomic increment do this in one request. The default implementation reads the item
    /// and writes it conditionally.
    async fn advance(&self, key: &Key, advance: &Advance) -> Result<Option<i64>, TableError> {
        for _ in 0..ADVANCES {
            let stored = number(self.get(key).await?.as_ref(), &advance.attribute)?;
            let Some(after) = advance.of(stored) else {
                return Ok(None);
            };
            let unchanged = match stored {
                Some(before) => Condition::Equals(advance.attribute.clone(), before.into()),
                None => Condition::AttributeAbsent(advance.attribute.clone()),
            };
            let set = Change::Set(advance.attribute.clone(), after.into());
            match self
                .transact(&[Write::Update(key.clone(), vec![set], unchanged)])
                .await
            {
                Ok(()) => return Ok(Some(after)),
                Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Conflict)
    }
}

/// The integer in an attribute of an item, if there is one.
pub fn number(item: Option<&Item>, attribute: &str) -> Result<Option<i64>, TableError> {
    let stored = item.and_then(|item| item.attributes.get(attribute));
    let whole = |value: &Value| {
        let wrong = || TableError::Invalid(format!("{attribute} is not a whole number"));
        value.as_i64().ok_or_else(wrong)
    };
    stored.map(whole).transpose()
}
