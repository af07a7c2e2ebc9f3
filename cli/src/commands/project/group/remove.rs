//! `prism project group remove`.

use std::collections::BTreeSet;

use clap::Args;
use prism_functions::domain::{Code, GroupName, Problem, counted};
use prism_functions::operations::{Asked, ChangeGroup, GroupEdit};

use crate::candidates;
use crate::commands::project::name;
use crate::errors::Outcome;
use crate::session::Session;

/// Remove members from a group, or the whole group; they stay in the project
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
    /// The group
    #[arg(value_name = "GROUP")]
    group: String,
    /// The members [default: all of them]
    // The ID "user" belongs to the global option --as.
    #[arg(id = "member", value_name = "USER")]
    users: Vec<String>,
}

impl Remove {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let group: GroupName = self.group.parse().map_err(Problem::from)?;
        let remove = if self.users.is_empty() {
            let groups = super::all(session, &project).await?;
            let found = groups.into_iter().find(|it| it.name == group);
            let found = found.ok_or_else(|| {
                let message = format!("The project {project} has no group {group}.");
                let problem = Problem::new(Code::MemberNotFound, message);
                problem.hint(format!(
                    "\"prism project group list {project}\" lists its groups."
                ))
            })?;
            found.members.into_iter().collect()
        } else {
            super::users(&self.users)?
        };
        let edit = GroupEdit {
            add: BTreeSet::new(),
            remove,
        };
        let asked = Asked::<ChangeGroup>::with((project, group), edit);
        let group = session.client.ask(asked).await?;
        session.out.done(&group, || match group.members.len() {
            0 => format!("There is no group {} any more.\n", group.name),
            count => format!(
                "The group {} has {}.\n",
                group.name,
                counted(count, "member")
            ),
        })
    }
}
