//! `prism project member remove`.

use clap::Args;
use prism_functions::domain::project::MEMBERS;
use prism_functions::domain::{Code, Problem, ProjectName, UserId};
use prism_functions::operations::{Asked, ListMembers, RemoveMember, Who};
use serde_json::json;

use crate::candidates;
use crate::commands::project::name;
use crate::errors::Outcome;
use crate::session::Session;
use crate::several::Done;

/// Remove users from a project; all members may remove themselves
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
    /// The users
    // The ID "user" belongs to the global option --as.
    #[arg(id = "member", value_name = "USER", required = true)]
    users: Vec<String>,
}

impl Remove {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let users = self.users.iter().map(|user| user.parse::<UserId>());
        let users: Vec<UserId> = users.collect::<Result<_, _>>().map_err(Problem::from)?;
        if users.len() > 1 {
            known(session, &project, &users).await?;
        }
        let mut done = Done::default();
        for user in &users {
            let who = Who { user: user.clone() };
            let asked = Asked::<RemoveMember>::by(project.clone(), who);
            match session.client.call(asked).await {
                Ok(_) => done.add((
                    json!({ "project": project, "removed": user }),
                    format!("{user} is no longer in {project}.\n"),
                )),
                Err(problem) => done.fail(user, problem),
            }
        }
        let what = "users could not be removed";
        done.report(&session.out, users.len(), "removed", what)
    }
}

/// Refuses users who are not in the project, before anybody is removed.
async fn known(session: &Session, project: &ProjectName, users: &[UserId]) -> Result<(), Problem> {
    let page = |page| Asked::<ListMembers>::of(project.clone()).query(page);
    let (members, _) = session.client.list(MEMBERS, page).await?;
    let is_in = |user: &&UserId| members.iter().any(|it| it.user == **user);
    let Some(missing) = users.iter().find(|user| !is_in(user)) else {
        return Ok(());
    };
    let message = format!("{missing} is not in the project {project}. Nobody was removed.");
    Err(Problem::new(Code::MemberNotFound, message))
}
