//! `prism project group`.

mod add;
mod list;
mod remove;

use std::collections::BTreeSet;

use prism_functions::domain::{Problem, ProjectName, UserId};
use prism_functions::operations::{Asked, Group, ListGroups};

use crate::session::Session;

commands! {
    /// Manage groups of members, such as the labs of a course
    Groups {
        Add(add::Add),
        Remove(remove::Remove),
        #[command(visible_alias = "ls")]
        List(list::List),
    }
}

async fn all(session: &Session, project: &ProjectName) -> Result<Vec<Group>, Problem> {
    let page = |page| Asked::<ListGroups>::of(project.clone()).query(page);
    session.client.all(page).await
}

fn users(names: &[String]) -> Result<BTreeSet<UserId>, Problem> {
    let users = names.iter().map(|user| user.parse::<UserId>());
    Ok(users.collect::<Result<_, _>>()?)
}
