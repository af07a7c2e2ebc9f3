//! `prism project member add`.

use clap::Args;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::{Problem, UserId};
use prism_functions::operations::{AddMember, Asked, MemberRequest};

use crate::commands::project::name;
use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Roles:
  owner   can do everything, and can appoint owners and admins
  admin   can manage members, templates, approvals and the budget
  member  can save and launch for the project, and see its costs
  viewer  can see the project's shared templates

Examples:
  prism project member add brain-imaging bob
  prism project member add brain-imaging carol@university.edu --role admin";

/// Add a user to a project, or change their role
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See roles and examples with --help.")]
pub(crate) struct Add {
    /// The project
    #[arg(value_name = "PROJECT")]
    project: String,
    /// The user, by the name that "prism audit list" shows
    // The ID "user" belongs to the global option --as.
    #[arg(id = "member", value_name = "USER")]
    user: String,
    /// The role: owner, admin, member or viewer
    #[arg(long, default_value = "member", value_name = "ROLE")]
    role: String,
}

impl Add {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let user: UserId = self.user.parse().map_err(Problem::from)?;
        let role: ProjectRole = self.role.parse()?;
        let request = MemberRequest { user, role };
        let asked = Asked::<AddMember>::with(project.clone(), request);
        let member = session.client.ask(asked).await?;
        session.out.done(&member, || {
            format!(
                "{} now has the role {} in {project}.\n",
                member.user, member.role
            )
        })
    }
}
