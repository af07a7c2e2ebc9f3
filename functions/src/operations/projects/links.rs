//! Join links: a manager of a project creates a code, with which users add themselves.

use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ProjectView, of_project, view};
use crate::domain::audit::AuditAction;
use crate::domain::join_link::{HashedLink, JoinCode, JoinLink, LINK_DAYS};
use crate::domain::limits::Limits;
use crate::domain::project::{MEMBERS, Member, Project, ProjectRole};
use crate::domain::{Code, GroupName, LinkId, Problem, ProjectName, Timestamp, UserId};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{
    Created, DryRun, Either, Found, Json, NoContent, Page, Paging, Trial,
};
use crate::operations::{Asked, Service};
use crate::registry::Stored;
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};

/// How often joining is tried while others join the same project.
const TRIES: u32 = 60;
/// The longest pause between two tries, in milliseconds. Everybody draws another one, so that they do not meet again.
const PAUSE_MS: u64 = 250;

/// A join link to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkRequest {
    /// How many users can join with it.
    #[schema(minimum = 1, maximum = 500)]
    pub uses: u32,
    /// Until when it is valid, at most 366 days from now.
    pub until: Timestamp,
    /// The role that they get: `member`, which is the default, or `viewer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ProjectRole>,
    /// A group of the project that they are added to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
}

/// A join link that was created.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkCreated {
    /// The link.
    pub link: JoinLink,
    /// The code to give to the users. It is a secret, is not stored, and is not shown again.
    pub code: String,
}

impl fmt::Debug for LinkCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkCreated")
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

/// A code to join a project with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// The code.
    #[schema(min_length = 1, max_length = 100)]
    pub code: String,
}

impl fmt::Debug for JoinRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinRequest").finish_non_exhaustive()
    }
}

operation! {
    /// Lists the join links of a project, by ID
    ///
    /// The codes are not stored, and so cannot be shown.
    ListLinks by list_links: Get "/v1/projects/{name}/links" of "projects",
    path: ProjectName, query: Paging,
    output: Found<Page<JoinLink>>,
    rights: [Invite Project],
}

async fn list_links(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListLinks>,
) -> Answered<ListLinks> {
    let (name, paging) = (asked.path, asked.query);
    paging.limit()?;
    service.project_for(caller, &name, Action::Invite).await?;
    let links = service.env.registry.links(&name).await?;
    let key = |link: &JoinLink| [link.id.to_string(), String::new()];
    let page = paging.of(&format!("links of {name}"), links, key);
    page.map(Found::new)
}

operation! {
    /// Creates a join link, and returns its code once
    ///
    /// Whoever has the code can join the project, until the link has expired, was used up or is revoked. It gives the roles
    /// `member` or `viewer` only, and is valid only as long as you manage the project.
    CreateLink by create_link: Post "/v1/projects/{name}/links" of "projects",
    path: ProjectName, body: Json<LinkRequest>,
    output: Created<LinkCreated>,
    rights: [Invite Project],
}

async fn create_link(
    service: &Service,
    caller: &Caller,
    asked: Asked<CreateLink>,
) -> Answered<CreateLink> {
    let (name, Json(request)) = (asked.path, asked.body);
    service.project_for(caller, &name, Action::Invite).await?;
    let now = service.env.clock.now();
    let role = request.check(now)?;
    let random = || service.entropy.next();
    let code = JoinCode::new(random(), [random(), random()]);
    let link = JoinLink {
        id: code.id.clone(),
        project: name.clone(),
        role,
        group: request.group,
        uses: request.uses,
        used: 0,
        until: request.until,
        created_by: caller.user.clone(),
        created_at: now,
    };
    let event = of_project(service, caller, AuditAction::ProjectLink, &name)
        .with("link", &link.id)
        .with("role", link.role)
        .with("uses", link.uses)
        .with("until", link.until)
        .with("group", &link.group);
    let hashed = HashedLink {
        hash: code.hash(),
        link: link.clone(),
    };
    service.env.registry.add_link(&hashed, &event).await?;
    let code = code.text();
    Ok(Created::new(LinkCreated { link, code }))
}

impl LinkRequest {
    /// Checks the request, and returns the role.
    fn check(&self, now: Timestamp) -> Result<ProjectRole, Problem> {
        let refused = |message: String| Err(Problem::new(Code::InvalidInput, message));
        let most = u32::try_from(MEMBERS).unwrap_or(u32::MAX);
        if !(1..=most).contains(&self.uses) {
            return refused(format!(
                "The number of uses is {}: it must be 1 to {MEMBERS}.",
                self.uses
            ));
        }
        if self.until <= now || self.until > now + TimeDelta::days(LINK_DAYS) {
            return refused(format!(
                "The time until which the link is valid must be in the future, and at most {LINK_DAYS} days from now."
            ));
        }
        match self.role.unwrap_or(ProjectRole::Member) {
            role if role.manages() => refused(format!(
                "The role {role} cannot be given by a link: it must be member or viewer."
            )),
            role => Ok(role),
        }
    }
}

operation! {
    /// Revokes a join link
    ///
    /// Who has joined with it stays in the project.
    RevokeLink by revoke_link: Delete "/v1/projects/{name}/links/{link}" of "projects",
    path: (ProjectName, LinkId),
    output: NoContent,
    rights: [Invite Project],
}

async fn revoke_link(
    service: &Service,
    caller: &Caller,
    asked: Asked<RevokeLink>,
) -> Answered<RevokeLink> {
    let (name, id) = asked.path;
    service.project_for(caller, &name, Action::Invite).await?;
    let event = of_project(service, caller, AuditAction::ProjectLinkRevoked, &name);
    let event = event.with("link", &id);
    if service.env.registry.remove_link(&name, &id, &event).await? {
        return Ok(NoContent);
    }
    let message = format!("The project {name} has no join link {id}.");
    Err(Problem::new(Code::LinkNotFound, message))
}

/// What joining a project would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JoinPlan {
    /// The project.
    pub project: ProjectName,
    /// The purpose of the project.
    pub description: String,
    /// The user who created the project.
    pub created_by: UserId,
    /// The user who created the link.
    pub invited_by: UserId,
    /// Whether you are in the project already, so that nothing would change.
    pub joined: bool,
    /// The role that you would get, or that you have.
    pub role: ProjectRole,
    /// The group that you would be added to.
    pub group: Option<GroupName>,
    /// Until when the link is valid.
    pub until: Timestamp,
    /// What each member may launch for the project.
    pub limits: Limits,
}

operation! {
    /// Adds you to a project, by the code of a join link
    ///
    /// Who is in the project already stays as they are, and does not use up the link. Any code that does not admit you has
    /// the same problem, whatever the reason. With `dry_run`, the plan is returned, and the link is not used.
    JoinProject by join_project: Post "/v1/join" of "projects",
    query: DryRun, body: Json<JoinRequest>,
    output: Trial<JoinPlan, Created<ProjectView>>,
    rights: [Invite Project, SeeCosts Project],
    // Who is a member already does not join again.
    repeatable: |_| true,
}

async fn join_project(
    service: &Service,
    caller: &Caller,
    asked: Asked<JoinProject>,
) -> Answered<JoinProject> {
    let Json(JoinRequest { code }) = asked.body;
    let code = JoinCode::read(&code).ok_or_else(not_admitted)?;
    if asked.query.dry_run {
        return Ok(Trial::plan(service.plan_to_join(caller, &code).await?));
    }
    for _ in 0..TRIES {
        if let Some(joined) = service.try_to_join(caller, &code).await? {
            return Ok(Either::Other(Created::new(joined)));
        }
        let pause = Duration::from_millis(service.entropy.next() % PAUSE_MS);
        service.env.clock.sleep(pause).await;
    }
    let message = "Too many users are joining at the same time. You were not added.";
    Err(Problem::new(Code::RegistryConflict, message))
}

/// The problem of a code that does not admit the caller. It is always the same, so that nothing can be found out by trying.
fn not_admitted() -> Problem {
    let message = "The join code is not valid. You were not added to any project.";
    Problem::new(Code::JoinCodeInvalid, message)
}

/// What a code that admits the caller leads to.
struct Admission {
    link: Stored<HashedLink>,
    project: Stored<Project>,
    /// The caller as a member, if the caller is one already.
    known: Option<Member>,
}

impl Admission {
    fn link(&self) -> &JoinLink {
        &self.link.value.link
    }

    /// The caller as a new member.
    fn member(&self, caller: &Caller, now: Timestamp) -> Member {
        let link = self.link();
        Member {
            user: caller.user.clone(),
            role: link.role,
            added_by: link.created_by.clone(),
            added_at: now,
            groups: link.group.iter().cloned().collect(),
        }
    }
}

impl Service {
    /// Finds what a code leads to, or refuses it.
    async fn admission(&self, caller: &Caller, code: &JoinCode) -> Result<Admission, Problem> {
        let registry = &self.env.registry;
        let now = self.env.clock.now();
        let stored = registry.link(&code.id).await?;
        let stored = stored.filter(|stored| stored.value.admits(code, now));
        let stored: Stored<HashedLink> = stored.ok_or_else(not_admitted)?;
        let link = &stored.value.link;
        let project = registry.project(&link.project).await?;
        let project = project.ok_or_else(not_admitted)?;
        let known = registry.member(&link.project, &caller.user).await?;
        if known.is_none() {
            let creator = registry.member(&link.project, &link.created_by).await?;
            let creator = creator.map(|member| Relation::of_role(member.role));
            if !creator.is_some_and(|role| allowed(role, Action::Invite, Resource::Project)) {
                return Err(not_admitted());
            }
        }
        Ok(Admission {
            link: stored,
            project,
            known,
        })
    }

    /// Returns what joining would do.
    async fn plan_to_join(&self, caller: &Caller, code: &JoinCode) -> Result<JoinPlan, Problem> {
        let admission = self.admission(caller, code).await?;
        let project = &admission.project.value;
        if admission.known.is_none() {
            let member = admission.member(caller, self.env.clock.now());
            self.env.registry.joining(project, &member).await?;
        }
        let (link, known) = (admission.link(), admission.known.as_ref());
        Ok(JoinPlan {
            project: project.name.clone(),
            description: project.description.clone(),
            created_by: project.created_by.clone(),
            invited_by: link.created_by.clone(),
            joined: known.is_some(),
            role: known.map_or(link.role, |member| member.role),
            group: link.group.clone().filter(|_| known.is_none()),
            until: link.until,
            limits: project.limits.clone(),
        })
    }

    /// Joins once. Returns `None` if others have changed the records meanwhile.
    async fn try_to_join(
        &self,
        caller: &Caller,
        code: &JoinCode,
    ) -> Result<Option<ProjectView>, Problem> {
        let admission = self.admission(caller, code).await?;
        if let Some(known) = &admission.known {
            return Ok(Some(view(admission.project.value, known.role)));
        }
        let member = admission.member(caller, self.env.clock.now());
        let link = admission.link();
        let event = of_project(self, caller, AuditAction::ProjectJoin, &link.project)
            .with("link", &link.id)
            .with("role", link.role);
        let registry = &self.env.registry;
        let Admission { link, project, .. } = &admission;
        let joined = registry.join(link, project, &member, &event).await?;
        let mut project = admission.project.value;
        project.members += 1;
        Ok(joined.then(|| view(project, member.role)))
    }
}
