//! `prism project member add`.

use clap::Args;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::{Problem, UserId};
use prism_functions::operations::{AddMember, Asked, MemberRequest};

use crate::app::Session;
use crate::commands::project::name;
use crate::errors::Outcome;
use crate::exit;

const EXAMPLES: &str = "\
Roles:
  owner   does everything, and makes owners and admins
  admin   manages members, templates, approvals and the budget
  member  saves and launches for the project, and sees what it costs
  viewer  sees the project's shared templates

Examples:
  prism project member add brain-imaging bob
  prism project member add brain-imaging carol@university.edu --role admin";

/// Add somebody to a project, or give them another role
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See roles and examples with --help.")]
pub(crate) struct Add {
    /// The project
    #[arg(value_name = "PROJECT")]
    project: String,
    /// Who, as "prism audit list" names users
    // Its id is its own: "user" is that of the global --as.
    #[arg(id = "member", value_name = "USER")]
    user: String,
    /// As what: owner, admin, member or viewer
    #[arg(long, default_value = "member", value_name = "ROLE")]
    role: String,
}

impl Add {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let user: UserId = self.user.parse().map_err(Problem::from)?;
        let role: ProjectRole = self.role.parse()?;
        let member = session
            .client
            .ask(Asked::<AddMember>::with(
                project.clone(),
                MemberRequest { user, role },
            ))
            .await?;
        session.out.show(&member, || {
            format!("{} is {} of {project}.\n", member.user, member.role)
        })?;
        Ok(exit::DONE)
    }
}
