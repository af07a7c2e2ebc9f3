//! `prism project group add`.

use std::collections::BTreeSet;

use clap::Args;
use prism_functions::domain::{Problem, counted};
use prism_functions::operations::{Asked, ChangeGroup, GroupEdit};

use crate::candidates;
use crate::commands::project::name;
use crate::errors::Outcome;
use crate::session::Session;

/// Add members of a project to a group, which need not exist yet
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
    /// The group
    #[arg(value_name = "GROUP")]
    group: String,
    /// The members
    // The ID "user" belongs to the global option --as.
    #[arg(id = "member", value_name = "USER", required = true)]
    users: Vec<String>,
}

impl Add {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let path = (
            name(&self.project)?,
            self.group.parse().map_err(Problem::from)?,
        );
        let edit = GroupEdit {
            add: super::users(&self.users)?,
            remove: BTreeSet::new(),
        };
        let asked = Asked::<ChangeGroup>::with(path, edit);
        let group = session.client.ask(asked).await?;
        session.out.done(&group, || {
            format!(
                "The group {} has {}.\n",
                group.name,
                counted(group.members.len(), "member")
            )
        })
    }
}
