//! The pledged costs of a save or copy that is in progress.

use serde::{Deserialize, Serialize};

use crate::domain::{MicroUsd, Problem, ProjectName, SaveId};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::registry) struct Pledge {
    pub(in crate::registry) save_id: SaveId,
    /// The maximum cost, in USD per month.
    pub(in crate::registry) usd_per_month: f64,
}

impl Pledge {
    pub(in crate::registry) fn amount(&self) -> MicroUsd {
        MicroUsd::of_usd(self.usd_per_month)
    }
}

pub(in crate::registry) fn pledge_key(project: &ProjectName, save: &SaveId) -> Key {
    Key::new(format!("PROJECT#{project}"), format!("PLEDGE#{save}"))
}

pub(in crate::registry) fn pledge_item(
    project: &ProjectName,
    pledge: &Pledge,
) -> Result<Item, Problem> {
    encode(pledge_key(project, &pledge.save_id), pledge, 1, [])
}
