//! A project.

use crate::domain::project::Project;
use crate::domain::{Problem, ProjectName};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

pub(in crate::registry) fn project_key(name: &ProjectName) -> Key {
    Key::new(format!("PROJECT#{name}"), "META")
}

pub(in crate::registry) fn project_item(project: &Project, revision: u64) -> Result<Item, Problem> {
    encode(project_key(&project.name), project, revision, [])
}
