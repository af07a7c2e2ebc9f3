//! A run that has come to its end.

use prism_functions::domain::Timestamp;
use prism_local::ec2::Inventory;

use super::conductor::Conductor;
use super::fault::Kind;
use super::neighbour::{self, Belongings};
use crate::world::World;

/// A run that has come to its end.
#[derive(Debug)]
pub struct Run {
    /// The world as it was left.
    pub world: World,
    /// What happened on the way.
    pub conductor: Conductor,
    /// When it began.
    pub begin: Timestamp,
    /// Whether permissions to clean up were missing for longer than a save tries: then what is left
    /// must be in the record, and may be there.
    pub denies: bool,
    /// What another deployment of the account had when it began.
    pub(crate) neighbours: Belongings,
    /// What is wrong.
    pub violations: Vec<String>,
}

impl Run {
    /// What there is in the account now, but for what is another deployment's.
    pub(crate) fn inventory(&self) -> Inventory {
        let all = self.world.admin.inventory();
        neighbour::without(all.expect("the cloud answers"))
    }

    /// Whether somebody has protected an AMI: it stays until they lift that.
    pub(crate) fn protects(&self) -> bool {
        let acts = self.conductor.acts();
        acts.iter().any(|act| act.kind == Kind::TheyProtect)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The conductor holds parts of the world, which hold the conductor.
        self.conductor.release();
    }
}
