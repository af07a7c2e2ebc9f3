//! The plan of launches for all members of a project, or of a group of it. Each launch is a request of its own.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::launches_for::{no_template, no_worker};
use super::operation::{Answered, operation};
use super::parts::{Found, Json};
use super::{Asked, LaunchRequest, Service};
use crate::domain::catalogue;
use crate::domain::ec2::Architecture;
use crate::domain::end::{End, EndRequest};
use crate::domain::grant::{GrantState, Grantee};
use crate::domain::project::{Member, Project, ProjectRole};
use crate::domain::save::{Warning, check_name};
use crate::domain::sizes::Size;
use crate::domain::tags::{OWNER_TAG, PROJECT_TAG, TEMPLATE_TAG};
use crate::domain::template::{Template, TemplateRef};
use crate::domain::{Code, GroupName, Problem, ProjectName, Region, UserId};
use crate::ports::{Instance, InstanceFilter};
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};
use crate::rules::holdings::{self, Wanted};
use crate::rules::{budget, limits};
use crate::steps::pacing;

/// How many members' rights are read side by side.
const AT_ONCE: usize = 16;
/// The maximum number of characters of an instance name that come from the request, and from the user's name.
const PREFIX: usize = 63;
const SHORT: usize = 63;
/// What a member's own instances refuse.
const REFUSALS: [Code; 2] = [Code::ProjectLimitReached, Code::InstanceNameTaken];

/// Instances to launch, one for each member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassLaunchRequest {
    /// The template, optionally with a version.
    pub template: TemplateRef,
    /// The Region to launch in.
    pub region: Region,
    /// The members of this group that may launch for the project. By default, all members with the role `member`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
    /// What the names of the instances begin with, before the names of their owners. By default, the template's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 63)]
    pub name: Option<String>,
    /// The size, as in a single launch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// The architecture, as in a single launch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The size of the root volume in GiB, as in a single launch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 16384)]
    pub disk_gib: Option<u32>,
    /// When each instance ends by itself, as in a single launch, but without a last save: an instance is saved as its owner,
    /// and a template has one owner. A number of minutes counts from the launch of each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<EndRequest>,
}

/// What is planned for a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlannedLaunch {
    /// An instance is launched.
    Launch,
    /// The member has an instance of the template for the project already, or one of the name.
    Present,
    /// The member may not launch it.
    Refused,
}

/// The instance of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberLaunch {
    /// The member, to whom the instance belongs.
    pub user: UserId,
    /// The name of the instance.
    pub name: String,
    /// What is planned.
    pub launch: PlannedLaunch,
    /// The ID of the instance that the member has already.
    pub instance: Option<String>,
    /// Why nothing is launched.
    pub reason: Option<String>,
}

/// What launching for all members would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClassLaunchPlan {
    /// The template: `name` for a built-in one, `name@version` for a saved one.
    pub template: String,
    /// The Region to launch in.
    pub region: Region,
    /// The instance type.
    pub instance_type: String,
    /// The architecture of the instances.
    pub architecture: Architecture,
    /// The size of each root volume in GiB.
    pub root_size_gib: u32,
    /// The members, by name.
    pub members: Vec<MemberLaunch>,
    /// How many instances are launched.
    pub count: usize,
    /// The price of these instances together per hour in USD in us-east-1, if the price table contains the type.
    pub usd_per_hour: Option<f64>,
    /// How often a launch begins, in milliseconds: EC2 limits how many instances an account may launch in a second. Request
    /// the launches at this interval.
    pub interval_ms: u64,
    /// When the last launch begins, in seconds from now. The launches of others can delay it.
    pub wait_s: u64,
    /// When an instance that is launched now ends, and what happens then; null if the instances run until somebody stops
    /// them.
    #[serde(default)]
    pub end: Option<End>,
    /// What to know before the launches.
    pub warnings: Vec<Warning>,
}

operation! {
    /// Plans an instance for each member of a project
    ///
    /// The plan says for whom an instance is launched, what all of them cost and how long it takes. Who has one already is
    /// left out, so that the plan of a run that was interrupted has the rest. Then request each launch on its own, with
    /// `for_member` and the name of the plan, and with the same `Idempotency-Key` for all.
    PlanClassLaunch by plan_class_launch: Post "/v1/projects/{name}/launch-plan" of "projects",
    path: ProjectName, body: Json<ClassLaunchRequest>,
    output: Found<ClassLaunchPlan>,
    rights: [Launch Template, Contribute Project, LaunchFor Project],
    // It changes nothing.
    repeatable: |_| true,
}

async fn plan_class_launch(
    service: &Service,
    caller: &Caller,
    asked: Asked<PlanClassLaunch>,
) -> Answered<PlanClassLaunch> {
    let (project, Json(request)) = (asked.path, asked.body);
    let registry = &service.env.registry;
    caller
        .check_project(registry, Action::LaunchFor, &project)
        .await?;
    let prefix = request.prefix()?;
    request.check_end(&project)?;
    // What is launched is the same for all, and is planned once.
    let each = request.of(&project, &prefix);
    let plan = service.plan_launch(caller, &each).await?;
    let members = service
        .members_meant(&project, request.group.as_ref())
        .await?;
    let refused = service
        .refused(
            caller,
            &project,
            plan.of_project.as_ref(),
            &request,
            &members,
        )
        .await?;
    let there = service.instances_there(&project, &request.region).await?;
    let mut launches: Vec<MemberLaunch> = Vec::new();
    for member in &members {
        let name = format!("{prefix}-{}", short(&member.user));
        launches.push(planned(member, name, &request, &refused, &there));
    }
    if let Some(project) = &plan.of_project {
        let region = &request.region;
        service
            .refuse_full(project, region, &there, &mut launches)
            .await?;
    }
    let count = launches.iter().filter(|it| it.is_new()).count();
    let together = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let price = plan.usd_per_hour.map(|usd| usd * together);
    if let Some(project) = plan.of_project.as_ref().filter(|_| count > 0) {
        budget::check_budget(&service.env, project, price).await?;
    }
    let (interval, wait) = pacing::many_launches(&service.env, &request.region, count).await?;
    Ok(Found::new(ClassLaunchPlan {
        template: plan.template,
        region: plan.region,
        instance_type: plan.instance_type,
        architecture: plan.architecture,
        root_size_gib: plan.root_size_gib,
        usd_per_hour: price,
        interval_ms: u64::try_from(interval.num_milliseconds()).unwrap_or_default(),
        wait_s: u64::try_from(wait.num_milliseconds())
            .unwrap_or_default()
            .div_ceil(1000),
        end: plan.end,
        warnings: plan.warnings,
        members: launches,
        count,
    }))
}

/// The plan for a member.
fn planned(
    member: &Member,
    name: String,
    request: &ClassLaunchRequest,
    refused: &BTreeMap<UserId, Problem>,
    there: &[Instance],
) -> MemberLaunch {
    let has = there.iter().find(|instance| {
        let tag = |key: &str| instance.tags.get(key).map(String::as_str);
        let template = tag(TEMPLATE_TAG).and_then(|text| text.split('@').next());
        let same = template == Some(request.template.name.as_str());
        tag(OWNER_TAG) == Some(member.user.as_str()) && (same || instance.name() == Some(&name))
    });
    let (launch, reason) = match (has, refused.get(&member.user)) {
        (Some(_), _) => (PlannedLaunch::Present, None),
        (None, Some(problem)) => (PlannedLaunch::Refused, Some(problem.message.clone())),
        (None, None) => (PlannedLaunch::Launch, None),
    };
    MemberLaunch {
        user: member.user.clone(),
        name: has.and_then(Instance::name).map_or(name, str::to_owned),
        launch,
        instance: has.map(|instance| instance.id.to_string()),
        reason,
    }
}

impl MemberLaunch {
    fn is_new(&self) -> bool {
        self.launch == PlannedLaunch::Launch
    }
}

impl ClassLaunchRequest {
    fn prefix(&self) -> Result<String, Problem> {
        let prefix = self.name.as_deref().unwrap_or(self.template.name.as_str());
        check_name("name", prefix)?;
        if prefix.chars().count() > PREFIX && self.name.is_some() {
            let message = format!(
                "The name is too long: it may have {PREFIX} characters, before those of the users."
            );
            return Err(Problem::new(Code::InvalidName, message));
        }
        Ok(prefix.chars().take(PREFIX).collect())
    }

    fn check_end(&self, project: &ProjectName) -> Result<(), Problem> {
        let Some(template) = self.end.as_ref().and_then(|end| end.last_save.as_ref()) else {
            return Ok(());
        };
        let message = format!(
            "The instances of several members cannot be saved to the template {template} at their end: a template has one owner."
        );
        Err(Problem::new(Code::InvalidInput, message).hint(format!(
            "Give the project an end with a last save, which saves each instance to a template of its own: prism project end {project} --on DATE --last-save"
        )))
    }

    /// The launch of one of the instances.
    fn of(&self, project: &ProjectName, name: &str) -> LaunchRequest {
        LaunchRequest {
            template: self.template.clone(),
            name: name.to_owned(),
            region: self.region.clone(),
            size: self.size,
            architecture: self.architecture,
            project: Some(project.clone()),
            disk_gib: self.disk_gib,
            keep_volumes: false,
            public_keys: Vec::new(),
            end: self.end.clone(),
            for_member: None,
        }
    }
}

/// The part of a user's name that tells people who it is: of an address, what is before the `@`; of an ARN, the last part.
fn short(user: &UserId) -> String {
    let last = user
        .as_str()
        .rsplit(['/', ':'])
        .find(|part| !part.is_empty());
    let last = last.unwrap_or(user.as_str());
    let local = last
        .split('@')
        .find(|part| !part.is_empty())
        .unwrap_or(last);
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    local.chars().map(plain).take(SHORT).collect()
}

impl Service {
    /// Returns the members for whom a request is, by name.
    async fn members_meant(
        &self,
        project: &ProjectName,
        group: Option<&GroupName>,
    ) -> Result<Vec<Member>, Problem> {
        let mut members = self.env.registry.all_members(project).await?;
        members.retain(|member| match group {
            Some(group) => member.groups.contains(group),
            None => member.role == ProjectRole::Member,
        });
        if let (Some(group), []) = (group, members.as_slice()) {
            let message = format!("The project {project} has no group {group}.");
            return Err(Problem::new(Code::MemberNotFound, message).hint(format!(
                "\"prism project group list {project}\" lists its groups."
            )));
        }
        Ok(members)
    }

    /// Returns the members for whom nothing can be launched, and why.
    async fn refused(
        &self,
        caller: &Caller,
        project: &ProjectName,
        of_project: Option<&Project>,
        request: &ClassLaunchRequest,
        members: &[Member],
    ) -> Result<BTreeMap<UserId, Problem>, Problem> {
        let mut refused = match of_project {
            Some(project) => self.used_up(project, members).await?,
            None => BTreeMap::new(),
        };
        for member in members {
            let role = Relation::of_role(member.role);
            if !allowed(role, Action::Contribute, Resource::Project) {
                let problem = no_worker(&member.user, member.role.as_str(), project);
                refused.insert(member.user.clone(), problem);
            }
        }
        let reference = &request.template;
        if catalogue::find(reference.name.as_str()).is_some() {
            return Ok(refused);
        }
        let (template, _) = self
            .saved_template(caller, reference, Action::Launch)
            .await?;
        let without = self.without(&template, project, members).await?;
        for user in without {
            let problem = no_template(&user, template.name.as_str(), project);
            refused.entry(user).or_insert(problem);
        }
        Ok(refused)
    }

    /// Returns the members who have used up their hours of the month.
    async fn used_up(
        &self,
        project: &Project,
        members: &[Member],
    ) -> Result<BTreeMap<UserId, Problem>, Problem> {
        let mut used_up = BTreeMap::new();
        for some in members.chunks(AT_ONCE) {
            let checked = some
                .iter()
                .map(|member| limits::check_hours(&self.env, project, &member.user));
            for (member, checked) in some.iter().zip(join_all(checked).await) {
                match checked {
                    Err(problem) if problem.code == Code::ProjectLimitReached => {
                        used_up.insert(member.user.clone(), problem);
                    }
                    checked => checked?,
                }
            }
        }
        Ok(used_up)
    }

    /// Refuses the launches for members who have as many instances as the project allows, or use the name for another one.
    /// `there` are the project's instances in the Region.
    async fn refuse_full(
        &self,
        project: &Project,
        region: &Region,
        there: &[Instance],
        launches: &mut [MemberLaunch],
    ) -> Result<(), Problem> {
        let mut new: Vec<&mut MemberLaunch> =
            launches.iter_mut().filter(|it| it.is_new()).collect();
        for some in new.chunks_mut(AT_ONCE) {
            let checked =
                some.iter().map(|it| {
                    let own = |instance: &&Instance| {
                        let owner = instance.tags.get(OWNER_TAG).map(String::as_str);
                        owner == Some(it.user.as_str())
                    };
                    let wanted = Wanted {
                        region,
                        name: &it.name,
                        project: Some(&project.name),
                        most: project.limits.instances_per_member,
                    };
                    let listed = there.iter().filter(own).count();
                    async move {
                        holdings::check_one_of_many(&self.env, &it.user, &wanted, listed).await
                    }
                });
            let checked = join_all(checked).await;
            for (it, checked) in some.iter_mut().zip(checked) {
                match checked {
                    Err(problem) if REFUSALS.contains(&problem.code) => {
                        it.launch = PlannedLaunch::Refused;
                        it.reason = Some(holdings::told_to_others(problem, &it.user).message);
                    }
                    checked => checked?,
                }
            }
        }
        Ok(())
    }

    /// Returns the members who may not launch a template.
    async fn without(
        &self,
        template: &Template,
        project: &ProjectName,
        members: &[Member],
    ) -> Result<BTreeSet<UserId>, Problem> {
        let registry = &self.env.registry;
        let of_project = Grantee::Project(project.clone());
        let shared = registry.grant(&template.name, &of_project).await?;
        let mut without = BTreeSet::new();
        // What is shared with the project needs no look at each of its members.
        if shared.is_some_and(|grant| grant.state == GrantState::Open) {
            return Ok(without);
        }
        for some in members.chunks(AT_ONCE) {
            let looks = some.iter().map(|member| async {
                let caller = Caller::new(member.user.clone());
                caller
                    .may_template(registry, Action::Launch, template)
                    .await
            });
            for (member, may) in some.iter().zip(try_join_all(looks).await?) {
                if !may {
                    without.insert(member.user.clone());
                }
            }
        }
        Ok(without)
    }

    /// Returns the project's instances in a Region.
    async fn instances_there(
        &self,
        project: &ProjectName,
        region: &Region,
    ) -> Result<Vec<Instance>, Problem> {
        let filter = InstanceFilter::Tag(PROJECT_TAG.to_owned(), project.to_string());
        let found = self.instances_in(region, &filter).await?.into_iter();
        let found = found.map(|(_, instance)| instance);
        Ok(found.filter(|instance| !instance.state.is_gone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_users_are_shortened_to_what_people_call_them() {
        for (user, name) in [
            ("ada", "ada"),
            ("ada.lovelace@university.edu", "ada.lovelace"),
            (
                "arn:aws:sts::111122223333:assumed-role/Students/ben@uni.edu",
                "ben",
            ),
            ("a+b=c", "a-b-c"),
            ("@", "@"),
        ] {
            let short = short(&user.parse().unwrap());
            assert_eq!(short, name.replace('@', "-"), "{user}");
        }
    }
}
