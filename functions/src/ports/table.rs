//! The registry's table: items under a partition and a sort key, two indexes, conditional writes.
//!
//! The trait asks for nothing that DynamoDB cannot serve without a scan, and its limits are
//! DynamoDB's: 100 writes in a transaction, 400 KB in an item, 1 MB in a page.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Refusal;

/// The most writes that one transaction takes (DynamoDB's TransactWriteItems).
pub const TRANSACTION_WRITES: usize = 100;
/// The largest item, in bytes of its JSON text (DynamoDB's 400 KB, counted on the safe side).
pub const ITEM_BYTES: usize = 400_000;

/// Where an item lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl Key {
    /// The key of these two parts.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self {
            pk: pk.into(),
            sk: sk.into(),
        }
    }
}

/// An item: its key and attributes. The attributes that an index reads are named by [`Index`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Where it lies.
    pub key: Key,
    /// Everything else. An item is in an index when it has both of that index's attributes, as texts.
    pub attributes: Map<String, Value>,
}

/// What to read: the table itself or one of its two indexes. Indexes are sparse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Index {
    /// The items under their own keys.
    Primary,
    /// Items by the attributes `gsi1pk` and `gsi1sk`.
    Gsi1,
    /// Items by the attributes `gsi2pk` and `gsi2sk`.
    Gsi2,
}

impl Index {
    /// The names of the partition and the sort attribute.
    pub fn attributes(self) -> (&'static str, &'static str) {
        match self {
            Index::Primary => ("pk", "sk"),
            Index::Gsi1 => ("gsi1pk", "gsi1sk"),
            Index::Gsi2 => ("gsi2pk", "gsi2sk"),
        }
    }
}

/// Which sort keys of a partition are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortKeys {
    /// All of them.
    All,
    /// Those that start with this text.
    BeginsWith(String),
    /// Those from the first to the second, both included.
    Between(String, String),
}

/// A question for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The table or an index.
    pub index: Index,
    /// The partition.
    pub pk: String,
    /// The part of it.
    pub sort_keys: SortKeys,
    /// Whether the largest sort key comes first. Sort keys compare as UTF-8 bytes.
    pub descending: bool,
    /// The most items in the answer, 1 to 1,000.
    pub limit: usize,
    /// Where the page before ended, as that page said.
    pub cursor: Option<String>,
}

/// Part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The items, in the order of their sort keys in the index that was read.
    pub items: Vec<Item>,
    /// Where to go on; `None` at the end. Opaque; a page may be empty and still have one.
    pub cursor: Option<String>,
}

/// What must hold of the stored item for a write to happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Nothing is asked.
    Always,
    /// No item lies at the key.
    ItemAbsent,
    /// An item lies at the key.
    ItemPresent,
    /// The attribute has exactly this value.
    Equals(String, Value),
    /// The attribute is a number of at most this.
    AtMost(String, f64),
    /// The item lacks the attribute, or no item lies there.
    AttributeAbsent(String),
    /// All of these.
    All(Vec<Condition>),
    /// Any of these.
    Any(Vec<Condition>),
}

/// A change to one attribute of a stored item.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Sets the attribute.
    Set(String, Value),
    /// Adds to the number in the attribute, or to zero where there is none.
    Add(String, i64),
    /// Removes the attribute.
    Remove(String),
}

/// One write of a transaction. No key may occur twice in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Puts the whole item.
    Put(Item, Condition),
    /// Changes at least one attribute. Where no item lies, one is made, as in DynamoDB; do not count
    /// on it where all of the changes are removals.
    Update(Key, Vec<Change>, Condition),
    /// Deletes the item; deleting nothing is no error.
    Delete(Key, Condition),
    /// Changes nothing, but the condition must hold.
    Check(Key, Condition),
}

impl Write {
    /// The key that it is about.
    pub fn key(&self) -> &Key {
        match self {
            Write::Put(item, _) => &item.key,
            Write::Update(key, _, _) | Write::Delete(key, _) | Write::Check(key, _) => key,
        }
    }

    /// What it asks of the stored item.
    pub fn condition(&self) -> &Condition {
        match self {
            Write::Put(_, condition)
            | Write::Update(_, _, condition)
            | Write::Delete(_, condition)
            | Write::Check(_, condition) => condition,
        }
    }
}

/// How far a number is moved on by [`Table::advance`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The attribute that has the number. No index may read it.
    pub attribute: String,
    /// By how much; more than 0.
    pub by: i64,
    /// What it counts as where it is less, or where there is none.
    pub least: i64,
    /// What it may become at most.
    pub most: i64,
}

impl Advance {
    /// What the number becomes; `None` where that would be more than it may.
    pub fn of(&self, number: Option<i64>) -> Option<i64> {
        let from = number.map_or(self.least, |number| number.max(self.least));
        let after = from.saturating_add(self.by);
        (after <= self.most).then_some(after)
    }
}

/// How often [`Table::advance`] tries again where somebody else came between.
const ADVANCES: usize = 100;

/// Why the table did not do as asked. Nothing has been written in any of these cases, except that
/// [`TableError::Unavailable`] cannot know.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A condition of the transaction did not hold: which write's, counted from 0.
    #[error("the condition of write {write} did not hold")]
    ConditionFailed {
        /// The first write whose condition failed.
        write: usize,
    },
    /// Another transaction was in the way; it is worth trying again.
    #[error("another transaction is in the way")]
    Conflict,
    /// The request itself is wrong, such as two writes to one key, a limit of 0 or a foreign cursor.
    #[error("the table cannot do that: {0}")]
    Invalid(String),
    /// The table refuses whatever is asked, for how Prism is set up.
    #[error("the table refused")]
    Refused(#[source] Refusal),
    /// The table did not answer, or the answer was lost.
    #[error("the table did not answer: {reason}")]
    Unavailable {
        /// What was seen, for people.
        reason: String,
        /// Whether the same call may succeed later without anyone doing anything.
        transient: bool,
        /// What to do, where it lies in how Prism is set up.
        advice: Option<&'static str>,
        /// What the adapter saw.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// The table. Reads are strongly consistent on the primary key; an index may lag behind on AWS.
#[async_trait]
pub trait Table: Send + Sync {
    /// The item at the key.
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError>;

    /// One page of a partition.
    async fn query(&self, query: &Query) -> Result<Page, TableError>;

    /// Does all of the writes, or none. Conditions see the state before the transaction.
    async fn transact(&self, writes: &[Write]) -> Result<(), TableError>;

    /// Moves a number on in one step that nobody comes between, and gives what it is then. `None`, and
    /// nothing is written, where it would become more than it may. Where an answer is lost, it may have been moved on more than once.
    ///
    /// An adapter that has such a step does this in one request; the others read and write on a condition.
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

/// The whole number in an attribute of an item, where there is one.
pub fn number(item: Option<&Item>, attribute: &str) -> Result<Option<i64>, TableError> {
    let stored = item.and_then(|item| item.attributes.get(attribute));
    let whole = |value: &Value| {
        let wrong = || TableError::Invalid(format!("{attribute} is not a whole number"));
        value.as_i64().ok_or_else(wrong)
    };
    stored.map(whole).transpose()
}
