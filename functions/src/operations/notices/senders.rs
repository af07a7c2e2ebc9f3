//! Notices that operations send.

use std::collections::BTreeSet;

use crate::domain::grant::Grantee;
use crate::domain::{NoticeEvent, Problem, UserId};
use crate::operations::{Service, Shared};
use crate::ports::Notice;
use crate::rules::access::Caller;

impl Service {
    /// Tells the users with whom a template was shared, by name or as members of a project. The template is shared, even
    /// if this fails.
    pub(in crate::operations) async fn tell_shared(&self, caller: &Caller, shared: &Shared) {
        let grant = &shared.grant;
        let name = &grant.template;
        let mut to = match self.grantees(&grant.to).await {
            Ok(to) => to,
            Err(problem) => {
                tracing::warn!(template = %name, code = %problem.code, problem = problem.chain(), "nobody was notified of a share");
                return;
            }
        };
        to.remove(&caller.user);
        if to.is_empty() {
            return;
        }
        let by = &caller.user;
        let text = match &grant.to {
            Grantee::Project(project) => format!(
                "{by} shared the template {name} with the project {project}. You can launch it: prism launch {name}"
            ),
            _ => format!(
                "{by} shared the template {name} with you. You can launch it: prism launch {name}"
            ),
        };
        let project = match &grant.to {
            Grantee::Project(project) => Some(project.clone()),
            _ => None,
        };
        let notice = Notice {
            to,
            project,
            template: Some(name.clone()),
            ..Notice::new(NoticeEvent::ShareReceived, grant.at, text)
        };
        self.env.tell(&notice).await;
    }

    /// The users of this deployment that a grantee names, as far as they are known.
    async fn grantees(&self, to: &Grantee) -> Result<BTreeSet<UserId>, Problem> {
        match to {
            Grantee::User(user) => Ok(BTreeSet::from([user.clone()])),
            Grantee::Project(project) => {
                let members = self.env.registry.all_members(project).await?;
                Ok(members.into_iter().map(|member| member.user).collect())
            }
            Grantee::Public | Grantee::Account(_) | Grantee::Organization(_) => Ok(BTreeSet::new()),
        }
    }
}
