//! A project.

use super::end::{PROJECT_ENDS, due};
use crate::domain::project::Project;
use crate::domain::{Problem, ProjectName};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

pub(in crate::registry) fn project_key(name: &ProjectName) -> Key {
    Key::new(format!("PROJECT#{name}"), "META")
}

pub(in crate::registry) fn project_item(project: &Project, revision: u64) -> Result<Item, Problem> {
    let next = project.end.as_ref().and_then(|end| end.next_at);
    let next = next.filter(|_| project.deleted_at.is_none());
    let entry = next.map(|at| due(PROJECT_ENDS, at, &project.name));
    encode(project_key(&project.name), project, revision, entry)
}
