//! Tables that track which of their rows changed, so that only those are written to disk.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Rows by key. Getting a row mutably counts as changing it.
#[derive(Debug, Clone)]
pub(crate) struct Rows<K, V> {
    by_key: BTreeMap<K, V>,
    /// The keys that changed since [`Rows::take_changed`]; it stays empty if the model is not persisted.
    changed: BTreeSet<K>,
    tracked: bool,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self {
            by_key: BTreeMap::new(),
            changed: BTreeSet::new(),
            tracked: false,
        }
    }
}

impl<K: Ord + Clone, V> Rows<K, V> {
    pub(crate) fn track(&mut self) {
        self.tracked = true;
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.by_key.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let row = self.by_key.get_mut(key);
        if self.tracked && row.is_some() {
            self.changed.insert(key.clone());
        }
        row
    }

    pub(crate) fn insert(&mut self, key: K, row: V) {
        if self.tracked {
            self.changed.insert(key.clone());
        }
        self.by_key.insert(key, row);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let row = self.by_key.remove(key);
        if self.tracked && row.is_some() {
            self.changed.insert(key.clone());
        }
        row
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.by_key.contains_key(key)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.by_key.iter()
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.by_key.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(crate) fn first_key(&self) -> Option<&K> {
        self.by_key.first_key_value().map(|(key, _)| key)
    }

    /// The keys that changed since the last call. If a row was removed, its key has no row.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<K> {
        std::mem::take(&mut self.changed)
    }

    /// Sets a row that another process wrote, without counting it as a change.
    pub(crate) fn load(&mut self, key: K, row: Option<V>) {
        match row {
            Some(row) => self.by_key.insert(key, row),
            None => self.by_key.remove(&key),
        };
    }
}

impl<K: Serialize + Ord, V: Serialize> Serialize for Rows<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_key.serialize(serializer)
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for Rows<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            by_key: BTreeMap::deserialize(deserializer)?,
            changed: BTreeSet::new(),
            tracked: false,
        })
    }
}
