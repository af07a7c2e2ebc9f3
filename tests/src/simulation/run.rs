//! A completed run.

use prism_functions::domain::Timestamp;
use prism_local::ec2::Inventory;

use super::conductor::Conductor;
use super::fault::Kind;
use super::neighbour::{self, Belongings};
use crate::world::World;

#[derive(Debug)]
pub struct Run {
    pub world: World,
    pub conductor: Conductor,
    pub begin: Timestamp,
    /// Whether permissions to clean up were missing for longer than a save retries. Leftovers are then allowed, but
    /// must be in the record.
    pub denies: bool,
    pub(crate) neighbours: Belongings,
    pub violations: Vec<String>,
}

impl Run {
    /// The account's current resources, without those of the other deployment.
    pub(crate) fn inventory(&self) -> Inventory {
        let all = self.world.admin.inventory();
        neighbour::without(all.expect("the cloud answers"))
    }

    /// Whether the clock of a function was wrong: so are the instants that it noted.
    pub(crate) fn is_skewed(&self) -> bool {
        let trace = self.conductor.trace();
        let mut kinds = trace.iter().filter_map(|visit| visit.kind);
        kinds.any(|kind| kind.skew_s().is_some())
    }

    /// Whether an AMI was protected from outside: it is kept until the protection is lifted.
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
