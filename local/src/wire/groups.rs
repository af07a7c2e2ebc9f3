//! Security groups: names for open ports.
//!
//! The cloud knows only which ports an instance has open. A group is kept by the server, as long
//! as it runs, so that a launch that names the group opens its ports.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prism_functions::domain::{AccountId, Region};
use prism_functions::ports::Tags;

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    /// TCP ports that are open to somebody, each with the address ranges that it is open to.
    pub(super) ports: BTreeMap<u16, Vec<String>>,
    pub(super) tags: Tags,
}

type Areas = BTreeMap<(AccountId, Region), Vec<Group>>;

/// All groups of all accounts. Clones are handles of the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups(Arc<Mutex<Areas>>);

impl Groups {
    /// Does something with the groups of an account in a Region.
    pub(super) fn with<T>(
        &self,
        account: &AccountId,
        region: &Region,
        act: impl FnOnce(&mut Vec<Group>) -> T,
    ) -> T {
        let mut areas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(areas.entry((account.clone(), region.clone())).or_default())
    }
}
