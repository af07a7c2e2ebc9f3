//! Many members of a project at once, such as those of a course.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::members::check;
use super::of_project;
use crate::domain::audit::AuditAction;
use crate::domain::object::objects;
use crate::domain::project::{GROUPS, MEMBERS, Member, Project, ProjectRole};
use crate::domain::{Code, GroupName, Problem, ProjectName, UserId};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Created, DryRun, Either, Json, Trial};
use crate::operations::{Asked, Service};
use crate::registry::{Interrupted, check_projects};
use crate::rules::access::{Action, Caller};

/// How many users' projects are read side by side.
const AT_ONCE: usize = 32;
/// How many refused users a message names.
const NAMED: usize = 10;

/// Users to add to a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MembersRequest {
    /// The users. Entries of the same user are combined.
    #[serde(deserialize_with = "objects")]
    #[schema(min_items = 1, max_items = 500)]
    pub members: Vec<NewMember>,
}

/// A user to add to a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// The user.
    pub user: UserId,
    /// The role of the user. By default, a new member gets the role `member`, and everybody else keeps theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ProjectRole>,
    /// A group of the project to which the user is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
}

/// What is done with a user in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlannedChange {
    /// The user becomes a member.
    Add,
    /// The role or the groups of the member change.
    Change,
    /// The member is already as requested.
    None,
}

/// A member as the request would leave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedMember {
    /// The user.
    pub user: UserId,
    /// The role.
    pub role: ProjectRole,
    /// The groups.
    pub groups: BTreeSet<GroupName>,
    /// What is done.
    pub change: PlannedChange,
}

/// An entry of the request that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedMember {
    /// The index of the entry in the request, from 0.
    pub index: usize,
    /// The user.
    pub user: UserId,
    /// The code of the problem.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

/// What adding users would do. If any is refused, nobody is added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembersPlan {
    /// The members that the request names, in its order.
    pub members: Vec<PlannedMember>,
    /// The entries that are refused, in the order of the request.
    pub refused: Vec<RefusedMember>,
}

/// The members that a request has named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembersAdded {
    /// The members, owners first.
    pub members: Vec<Member>,
    /// How many of them are new or were changed.
    pub changed: usize,
}

operation! {
    /// Adds users to a project, up to 500
    ///
    /// All entries are checked first: if one is refused, nobody is added. Who is a member already keeps the role, unless
    /// the request has another. The members are written 33 at a time; should that be interrupted, the problem says how
    /// many are done, and repeating the request does the rest. With `dry_run`, the plan is returned, with every entry that
    /// would be refused.
    AddMembers by add_members: Post "/v1/projects/{name}/members/batch" of "projects",
    path: ProjectName, query: DryRun, body: Json<MembersRequest>,
    output: Trial<MembersPlan, Created<MembersAdded>>,
    rights: [See Project, Invite Project, Appoint Project],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn add_members(
    service: &Service,
    caller: &Caller,
    asked: Asked<AddMembers>,
) -> Answered<AddMembers> {
    let (name, Json(request)) = (asked.path, asked.body);
    let (stored, own) = service.project_for(caller, &name, Action::See).await?;
    check(&name, own, None)?;
    let roster = Roster::of(&request)?;
    let plan = roster.plan(service, &stored.value, own).await?;
    if asked.query.dry_run {
        return Ok(Trial::plan(plan));
    }
    refuse_any(&plan)?;
    let now = service.env.clock.now();
    let event = |member: &Member| {
        of_project(service, caller, AuditAction::ProjectMember, &name)
            .with("user", &member.user)
            .with("role", member.role)
            .with("groups", &member.groups)
    };
    let change = |_: &Project, user: &UserId, before: Option<&Member>| {
        let wanted = &roster.wanted[user];
        wanted.check(&name, own, before)?;
        let new = || Member {
            user: user.clone(),
            role: wanted.role.unwrap_or(ProjectRole::Member),
            added_by: caller.user.clone(),
            added_at: now,
            groups: BTreeSet::new(),
        };
        let mut after = before.cloned().unwrap_or_else(new);
        wanted.apply(&mut after);
        Ok((before != Some(&after)).then_some(after))
    };
    let mut users = roster.users.clone();
    // New owners come first, so that there always is one.
    users.sort_by_key(|user| roster.wanted[user].role != Some(ProjectRole::Owner));
    let registry = &service.env.registry;
    let changed = registry.change_members(&name, &users, event, change);
    let members = changed.await.map_err(|it| interrupted(it, &users))?;
    let changed = plan.members.iter();
    let changed = changed.filter(|it| it.change != PlannedChange::None);
    Ok(Either::Other(Created::new(MembersAdded {
        changed: changed.count(),
        members: members.into_iter().flatten().collect(),
    })))
}

/// The users of a request, each once, in its order.
struct Roster {
    users: Vec<UserId>,
    wanted: BTreeMap<UserId, Wanted>,
    refused: Vec<RefusedMember>,
}

/// What a request wants for a user.
struct Wanted {
    /// The first entry of the user.
    index: usize,
    role: Option<ProjectRole>,
    groups: BTreeSet<GroupName>,
}

impl Wanted {
    /// Checks that a member with the role `own` may do this to a member.
    fn check(
        &self,
        name: &ProjectName,
        own: ProjectRole,
        before: Option<&Member>,
    ) -> Result<(), Problem> {
        let had = before.map(|member| member.role);
        let role = self.role.filter(|role| had != Some(*role));
        check(name, own, role)?;
        if role.is_some() && had.is_some() {
            check(name, own, had)?;
        }
        let mut groups = before
            .map(|member| member.groups.clone())
            .unwrap_or_default();
        groups.extend(self.groups.iter().cloned());
        check_groups(&groups)
    }

    fn apply(&self, member: &mut Member) {
        member.role = self.role.unwrap_or(member.role);
        member.groups.extend(self.groups.iter().cloned());
    }
}

impl Roster {
    fn of(request: &MembersRequest) -> Result<Self, Problem> {
        let count = request.members.len();
        if !(1..=MEMBERS).contains(&count) {
            let message =
                format!("The list members has {count} entries: it must have 1 to {MEMBERS}.");
            return Err(Problem::new(Code::InvalidInput, message));
        }
        let mut roster = Self {
            users: Vec::new(),
            wanted: BTreeMap::new(),
            refused: Vec::new(),
        };
        for (index, entry) in request.members.iter().enumerate() {
            roster.add(index, entry);
        }
        Ok(roster)
    }

    fn add(&mut self, index: usize, entry: &NewMember) {
        let wanted = self.wanted.entry(entry.user.clone()).or_insert_with(|| {
            self.users.push(entry.user.clone());
            Wanted {
                index,
                role: None,
                groups: BTreeSet::new(),
            }
        });
        wanted.groups.extend(entry.group.clone());
        match (wanted.role, entry.role) {
            (Some(first), Some(second)) if first != second => {
                let message = format!("The user has the role {first} in an earlier entry.");
                let problem = Problem::new(Code::InvalidInput, message);
                self.refused.push(refused(index, &entry.user, &problem));
            }
            (None, role) => wanted.role = role,
            _ => {}
        }
    }

    async fn plan(
        &self,
        service: &Service,
        project: &Project,
        own: ProjectRole,
    ) -> Result<MembersPlan, Problem> {
        let registry = &service.env.registry;
        let there = registry.all_members(&project.name).await?.into_iter();
        let there: BTreeMap<UserId, Member> =
            there.map(|member| (member.user.clone(), member)).collect();
        let is_new = |user: &&UserId| !there.contains_key(*user);
        let new: Vec<&UserId> = self.users.iter().filter(is_new).collect();
        check_room(project, new.len())?;
        let mut plan = MembersPlan {
            members: Vec::new(),
            refused: self.refused.clone(),
        };
        for some in new.chunks(AT_ONCE) {
            let read = some.iter().map(|user| registry.memberships(user));
            for (user, memberships) in some.iter().zip(try_join_all(read).await?) {
                let mut roles = memberships.value;
                roles
                    .roles
                    .insert(project.name.clone(), ProjectRole::Member);
                if let Err(problem) = check_projects(user, &roles) {
                    let index = self.wanted[*user].index;
                    plan.refused.push(refused(index, user, &problem));
                }
            }
        }
        for user in &self.users {
            let (before, wanted) = (there.get(user), &self.wanted[user]);
            match wanted.check(&project.name, own, before) {
                Ok(()) => plan.members.push(wanted.planned(user, before)),
                Err(problem) => plan.refused.push(refused(wanted.index, user, &problem)),
            }
        }
        plan.refused.sort_by_key(|refused| refused.index);
        check_owners(&there, &plan, &project.name)?;
        Ok(plan)
    }
}

impl Wanted {
    fn planned(&self, user: &UserId, before: Option<&Member>) -> PlannedMember {
        let had = before.map(|member| (member.role, member.groups.clone()));
        let role = self.role.or(had.as_ref().map(|had| had.0));
        let role = role.unwrap_or(ProjectRole::Member);
        let mut groups = had.as_ref().map(|had| had.1.clone()).unwrap_or_default();
        groups.extend(self.groups.iter().cloned());
        let change = match &had {
            None => PlannedChange::Add,
            Some(had) if *had == (role, groups.clone()) => PlannedChange::None,
            Some(_) => PlannedChange::Change,
        };
        PlannedMember {
            user: user.clone(),
            role,
            groups,
            change,
        }
    }
}

fn refused(index: usize, user: &UserId, problem: &Problem) -> RefusedMember {
    RefusedMember {
        index,
        user: user.clone(),
        code: problem.code.as_str().to_owned(),
        message: problem.message.clone(),
    }
}

/// Refuses more new members than the project has room for.
fn check_room(project: &Project, new: usize) -> Result<(), Problem> {
    let has = usize::try_from(project.members).unwrap_or(usize::MAX);
    if has.saturating_add(new) <= MEMBERS {
        return Ok(());
    }
    let message = format!(
        "The project {} has {has} members, and the list has {new} more: the maximum is {MEMBERS}. Nobody was added.",
        project.name
    );
    Err(Problem::new(Code::LimitReached, message))
}

/// Refuses a list after which nobody would own the project.
fn check_owners(
    there: &BTreeMap<UserId, Member>,
    plan: &MembersPlan,
    name: &ProjectName,
) -> Result<(), Problem> {
    let is_owner = |role: ProjectRole| role == ProjectRole::Owner;
    let planned = |user: &UserId| plan.members.iter().any(|it| it.user == *user);
    let stays = there
        .values()
        .any(|it| is_owner(it.role) && !planned(&it.user));
    if stays || plan.members.iter().any(|it| is_owner(it.role)) {
        return Ok(());
    }
    let message = format!("The project {name} would have no owner. Nobody was changed.");
    Err(Problem::new(Code::OwnerNeeded, message))
}

pub(super) fn check_groups(groups: &BTreeSet<GroupName>) -> Result<(), Problem> {
    if groups.len() <= GROUPS {
        return Ok(());
    }
    let message = format!("A member can be in at most {GROUPS} groups.");
    Err(Problem::new(Code::LimitReached, message))
}

/// Refuses a list with entries that are refused, and names these.
fn refuse_any(plan: &MembersPlan) -> Result<(), Problem> {
    let Some(first) = plan.refused.first() else {
        return Ok(());
    };
    let mut message = format!(
        "{} of the entries cannot be carried out, so nobody was added.",
        plan.refused.len()
    );
    for refused in plan.refused.iter().take(NAMED) {
        let _ = write!(
            message,
            " members[{}] ({}): {}",
            refused.index, refused.user, refused.message
        );
    }
    if plan.refused.len() > NAMED {
        message.push_str(" …");
    }
    let codes = Code::ALL.iter().copied();
    let mut codes = codes.filter(|code| code.as_str() == first.code);
    let code = codes.next().unwrap_or(Code::InvalidInput);
    Err(Problem::new(code, message)
        .hint("Correct these entries; the plan (dry_run) lists all of them."))
}

/// The problem of a list that was written in part.
pub(super) fn interrupted(interrupted: Interrupted, users: &[UserId]) -> Problem {
    let Interrupted { done, mut problem } = interrupted;
    let last = done.checked_sub(1).and_then(|last| users.get(last));
    let until = match last {
        None => "None of the members was changed.".to_owned(),
        Some(last) => format!(
            "The first {done} of {} members are as requested, up to {last}; the others were not changed. Repeat the request for the rest.",
            users.len()
        ),
    };
    problem.message = format!("{} {until}", problem.message);
    problem
}
