//! The deployment that the registry belongs to.

use serde::{Deserialize, Serialize};

use crate::domain::{DeploymentId, Problem};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

#[derive(Serialize, Deserialize)]
pub(in crate::registry) struct Record {
    pub(in crate::registry) id: DeploymentId,
}

pub(in crate::registry) fn deployment_key() -> Key {
    Key::new("DEPLOYMENT", "META")
}

pub(in crate::registry) fn deployment_item(id: &DeploymentId) -> Result<Item, Problem> {
    encode(deployment_key(), &Record { id: id.clone() }, 1, [])
}
