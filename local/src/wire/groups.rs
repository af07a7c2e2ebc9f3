//! Security groups: named sets of open ports.
//!
//! The cloud only stores which ports of an instance are open. The server keeps the groups, for as long as it runs, so
//! that a launch that names a group opens its ports. It also keeps which groups an instance is in; an instance that
//! the server did not launch is only in the default group.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prism_functions::domain::{AccountId, InstanceId, Region};
use prism_functions::ports::Tags;

pub(super) const DEFAULT: &str = "default";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    /// Open TCP ports, each with the address ranges that it is open to.
    pub(super) ports: BTreeMap<u16, Vec<String>>,
    pub(super) tags: Tags,
}

#[derive(Debug)]
pub(super) struct Area {
    pub(super) groups: Vec<Group>,
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
    pub(super) fn of(&self, instance: &InstanceId) -> Vec<&Group> {
        let groups = self.groups.iter();
        match self.members.get(instance) {
            Some(ids) => groups.filter(|group| ids.contains(&group.id)).collect(),
            None => groups.filter(|group| group.name == DEFAULT).collect(),
        }
    }

    pub(super) fn launched(&mut self, instance: &InstanceId, groups: &[String]) {
        if !groups.is_empty() {
            self.members.insert(instance.clone(), groups.to_vec());
        }
    }
}

type Areas = BTreeMap<(AccountId, Region), Area>;

/// All groups of all accounts. Clones share the same groups.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups(Arc<Mutex<Areas>>);

impl Groups {
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
