//! Security groups: names for open ports.
//!
//! The cloud knows only which ports an instance has open. A group is kept by the server, as long
//! as it runs, so that a launch that names the group opens its ports. Which groups an instance is in
//! is kept with it: one that the server did not launch is in the default group alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prism_functions::domain::{AccountId, InstanceId, Region};
use prism_functions::ports::Tags;

/// The name of the group that each VPC has from the beginning.
pub(super) const DEFAULT: &str = "default";

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

/// What an account has in a Region.
#[derive(Debug)]
pub(super) struct Area {
    /// Its groups, the default one first.
    pub(super) groups: Vec<Group>,
    /// The ids of the groups of instances that were launched with any.
    members: BTreeMap<InstanceId, Vec<String>>,
}

impl Default for Area {
    fn default() -> Self {
        let group = Group {
            id: format!("sg-0{:016x}", 1),
            name: DEFAULT.to_owned(),
            description: "default VPC security group".to_owned(),
            ports: BTreeMap::new(),
            tags: Tags::new(),
        };
        Self {
            groups: vec![group],
            members: BTreeMap::new(),
        }
    }
}

impl Area {
    /// The groups that an instance is in.
    pub(super) fn of(&self, instance: &InstanceId) -> Vec<&Group> {
        let groups = self.groups.iter();
        match self.members.get(instance) {
            Some(ids) => groups.filter(|group| ids.contains(&group.id)).collect(),
            None => groups.filter(|group| group.name == DEFAULT).collect(),
        }
    }

    /// Notes which groups an instance was launched in.
    pub(super) fn launched(&mut self, instance: &InstanceId, groups: &[String]) {
        if !groups.is_empty() {
            self.members.insert(instance.clone(), groups.to_vec());
        }
    }
}

type Areas = BTreeMap<(AccountId, Region), Area>;

/// All groups of all accounts. Clones are handles of the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups(Arc<Mutex<Areas>>);

impl Groups {
    /// Does something with the groups of an account in a Region.
    pub(super) fn with<T>(
        &self,
        account: &AccountId,
        region: &Region,
        act: impl FnOnce(&mut Area) -> T,
    ) -> T {
        let mut areas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(areas.entry((account.clone(), region.clone())).or_default())
    }
}
