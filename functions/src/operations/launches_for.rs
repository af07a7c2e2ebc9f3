//! Launches for a member of a project: a manager requests them, and the instances belong to the member.

use chrono::TimeDelta;

use super::{LaunchRequest, Service};
use crate::domain::catalogue;
use crate::domain::{Code, Problem, ProjectName, UserId};
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};
use crate::steps::pacing;

/// How long a launch waits for its turn, in seconds. With the launch itself, the API has 29 seconds for a response.
const TURN_WITHIN_S: i64 = 10;

/// The kind of a launch, by which its request ID is told from that of others: each member has a launch of their own.
pub(super) fn kind(request: &LaunchRequest) -> String {
    match &request.for_member {
        None => "launch".to_owned(),
        Some(member) => format!("launch for {member}"),
    }
}

impl Service {
    /// Returns to whom the instance of a launch belongs: the caller, or the member of whom the request says so.
    ///
    /// The manager and the member must both have the right to launch the template: who launches for somebody else shows
    /// nobody what they could not see anyway (promise P10). The member's keys are installed and no others, because who
    /// manages a project may not log in to its members' instances.
    pub(super) async fn owner_of_launch(
        &self,
        caller: &Caller,
        request: &LaunchRequest,
    ) -> Result<Caller, Problem> {
        let Some(user) = &request.for_member else {
            return Ok(caller.clone());
        };
        let Some(project) = &request.project else {
            let message = "A launch with for_member must name the project that the member is in.";
            return Err(Problem::new(Code::InvalidInput, message));
        };
        if !request.public_keys.is_empty() {
            let message =
                "A launch for a member installs the member's keys; public_keys cannot be added.";
            return Err(Problem::new(Code::InvalidInput, message)
                .hint("The member adds keys with \"prism key add\"."));
        }
        let last_save = request.end.as_ref().and_then(|end| end.last_save.as_ref());
        if last_save.is_some() && *user != caller.user {
            let message = "A launch for a member cannot name the template of the last save: the data of the instance belongs to the member.";
            return Err(Problem::new(Code::InvalidInput, message).hint(
                "The member can set it (\"prism extend\"), or the project can end with a last save.",
            ));
        }
        let registry = &self.env.registry;
        caller
            .check_project(registry, Action::LaunchFor, project)
            .await?;
        let member = registry.member(project, user).await?;
        let Some(member) = member else {
            let message = format!("{user} is not in the project {project}.");
            return Err(Problem::new(Code::MemberNotFound, message));
        };
        let role = Relation::of_role(member.role);
        if !allowed(role, Action::Contribute, Resource::Project) {
            return Err(no_worker(user, member.role.as_str(), project));
        }
        let member = Caller {
            user: user.clone(),
            origin: caller.origin.clone(),
        };
        self.check_both(caller, &member, request, project).await?;
        Ok(member)
    }

    /// Checks that the caller and the member may launch the template.
    async fn check_both(
        &self,
        caller: &Caller,
        member: &Caller,
        request: &LaunchRequest,
        project: &ProjectName,
    ) -> Result<(), Problem> {
        let template = &request.template;
        if catalogue::find(template.name.as_str()).is_some() {
            return Ok(());
        }
        let (template, _) = self
            .saved_template(caller, template, Action::Launch)
            .await?;
        let registry = &self.env.registry;
        let may = member.may_template(registry, Action::Launch, &template);
        if may.await? {
            return Ok(());
        }
        Err(no_template(&member.user, template.name.as_str(), project))
    }

    /// Waits for the turn of a launch for a member.
    pub(super) async fn begin_for(&self, request: &LaunchRequest) -> Result<(), Problem> {
        let within = TimeDelta::seconds(TURN_WITHIN_S);
        pacing::until_launch(&self.env, &request.region, within).await
    }
}

/// The problem of a member whose role does not allow launches.
pub(super) fn no_worker(user: &UserId, role: &str, project: &ProjectName) -> Problem {
    let message = format!(
        "{user} has the role {role} in the project {project}, which may not launch for it."
    );
    Problem::new(Code::NotAllowed, message).hint(format!(
        "Make them a member: prism project member add {project} {user} --role member"
    ))
}

/// The problem of a member who may not launch the template.
pub(super) fn no_template(user: &UserId, template: &str, project: &ProjectName) -> Problem {
    let message = format!("{user} may not launch the template {template}. Nothing was launched.");
    Problem::new(Code::NotAllowed, message).hint(format!(
        "Share it with the project first: prism template share {template} --with-class {project}"
    ))
}
