//! Launches from built-in and saved templates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::instance_edits::check_new_name;
use super::launch_plan::{disk, plan_saved};
use super::launches_for::kind;
use super::operation::{Answered, operation};
use super::parts::{Accepted, DryRun, Either, IdempotencyKey, Json, Trial};
use super::placing::{Placed, Places, Placing, RefusedPlace};
use super::{Asked, InstanceView, LaunchPlan, LaunchRequest, Service, launch_volumes};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::catalogue::{self, BuiltIn};
use crate::domain::ec2::Architecture;
use crate::domain::first_boot;
use crate::domain::sizes::Size;
use crate::domain::tags::{
    DEPLOYMENT_TAG, LAUNCHER_TAG, LOGIN_TAG, OWNER_TAG, PORTS_TAG, PROJECT_TAG, TEMPLATE_TAG,
};
use crate::domain::template::TemplateRef;
use crate::domain::{Code, Problem, Region, Timestamp};
use crate::ports::{Image, ImageState, NewInstance, Subnet, Tags, from_ec2};
use crate::registry::Launch;
use crate::rules::access::{Action, Caller};
use crate::rules::holdings::{self, Wanted};
use crate::rules::lookup::check_regions;
use crate::rules::starting::{self, Beginning};
use crate::rules::{Env, ImageFault, budget, compute, images, lending, limits};
use crate::steps::{keys, pacing};

/// An instance that was launched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Launched {
    /// The instance, which is pending.
    pub instance: InstanceView,
    /// The resolved plan of the launch.
    pub plan: LaunchPlan,
    /// Where EC2 refused the launch before, in the order in which it was tried.
    #[serde(default)]
    pub refused_in: Vec<RefusedPlace>,
}

operation! {
    /// Launches an instance
    ///
    /// Repeating a request with the same `Idempotency-Key` returns the same instance and launches no other.
    LaunchInstance by launch_instance: Post "/v1/instances" of "instances",
    query: DryRun, head: IdempotencyKey, body: Json<LaunchRequest>,
    output: Trial<LaunchPlan, Accepted<Launched>>,
    rights: [Launch Template, Contribute Project, SaveVersion Template, LaunchFor Project],
    repeatable: |asked| asked.query.dry_run || asked.head.0.is_some(),
}

async fn launch_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<LaunchInstance>,
) -> Answered<LaunchInstance> {
    let began = service.env.clock.now();
    let (Json(request), IdempotencyKey(key)) = (asked.body, asked.head);
    let owner = &service.owner_of_launch(caller, &request).await?;
    let plan = service.plan_launch(owner, &request).await?;
    let (env, user, key) = (&service.env, &owner.user, key.as_deref());
    let repeats = !asked.query.dry_run && service.repeats(caller, &request, key).await?;
    if let Some(project) = plan.of_project.as_ref().filter(|_| !repeats) {
        budget::check_used(env, project, user, plan.usd_per_hour).await?;
    }
    let wanted = Wanted {
        region: &request.region,
        name: &request.name,
        project: request.project.as_ref(),
        most: plan
            .of_project
            .as_ref()
            .and_then(|it| it.limits.instances_per_member),
    };
    let told = |problem| {
        if caller.user == *user {
            return problem;
        }
        holdings::told_to_others(problem, user)
    };
    if asked.query.dry_run {
        holdings::check(env, user, &wanted).await.map_err(told)?;
        return Ok(Trial::plan(plan));
    }
    let token = service.digits(&kind(&request), &caller.user, key)?;
    let held = holdings::take(env, user, &wanted, &token).await;
    held.map_err(told)?;
    let launch = service.launch([caller, owner], &request, &plan, (&token, began));
    let project = request.project.as_ref().filter(|_| !repeats);
    let token_here = in_region(&token, &request.region);
    let hour = project.map(|project| Beginning {
        project,
        key: &token_here,
        usd_per_hour: plan.usd_per_hour,
    });
    let launched = starting::counted(env, hour, launch).await;
    let Placed {
        instance,
        refused_in,
    } = match launched {
        Ok(placed) => placed,
        Err(problem) => {
            // Without a response, the instance may have been launched.
            if problem.code != Code::AwsUnavailable {
                holdings::give_back(env, user, &request.region, &token).await;
            }
            return Err(problem);
        }
    };
    holdings::launched(env, user, &request.region, &token, &instance.id).await;
    let instance = InstanceView {
        end: plan.end.clone(),
        ..InstanceView::of(&instance, &request.region, None)
    };
    let place = format!("/v1/instances/{}?region={}", instance.id, instance.region);
    let launched = Accepted::new(Launched {
        instance,
        plan,
        refused_in,
    });
    Ok(Either::Other(launched.at(place)))
}

/// What identifies a launch beyond its Region: an idempotency key can be used once in each.
fn in_region(token: &str, region: &Region) -> String {
    format!("{token}/{region}")
}

impl Service {
    /// Resolves a launch and checks it, without changing anything. Not checked is what depends on what the user has already:
    /// the name, the number of instances, and the hours of the month; nor is what the project has: its budget.
    pub(super) async fn plan_launch(
        &self,
        caller: &Caller,
        request: &LaunchRequest,
    ) -> Result<LaunchPlan, Problem> {
        check_new_name(&request.name)?;
        check_regions(&self.env, [&request.region]).await?;
        let settings = &self.env.settings;
        settings.allowed_regions.check([&request.region])?;
        let (mut plan, image) = self.resolve(caller, request).await?;
        settings.allowed_types.check(&plan.instance_type)?;
        plan.instance_profile.clone_from(&settings.launch_profile);
        let keys = self.launch_keys(caller, &request.public_keys).await?;
        let saved = catalogue::find(request.template.name.as_str()).is_none();
        plan.user_data = first_boot::user_data(plan.user_data.take(), saved, keys.values())?;
        plan.public_keys = keys.into_keys().collect();
        plan.end = self.plan_end(caller, request).await?;
        if let Some(project) = &request.project {
            let name = &request.template.name;
            let of = budget::check_launch(&self.env, caller, project, name).await?;
            let (name, limits) = (&of.name, &of.limits);
            limits::check_type(name, limits, &plan.instance_type, plan.architecture)?;
            plan.of_project = Some(of);
        }
        plan.volumes = launch_volumes::planned(&image, plan.root_size_gib, request.keep_volumes);
        plan.new_volumes = launch_volumes::requested(&image, &plan.volumes);
        plan.places = Places::find(&self.env, &plan.region, &plan.instance_type).await?;
        plan.zones = plan.places.zones();
        if let Some(key) = settings.kms_keys.of(&request.region) {
            let of_key = keys::check_own(&self.env, &request.region, key).await?;
            plan.warnings.extend(of_key);
            plan.kms_key = Some(key.to_owned());
        }
        Ok(plan)
    }

    /// Whether the request repeats one that has succeeded. What that one has used of the budget and the limits must not
    /// refuse the repetition.
    async fn repeats(
        &self,
        caller: &Caller,
        request: &LaunchRequest,
        key: Option<&str>,
    ) -> Result<bool, Problem> {
        if key.is_none() {
            return Ok(false);
        }
        let token = self.digits(&kind(request), &caller.user, key)?;
        holdings::has_launched(&self.env, &request.region, &token).await
    }

    /// Resolves what is launched, by the kind of the template, and returns it with its AMI.
    async fn resolve(
        &self,
        caller: &Caller,
        request: &LaunchRequest,
    ) -> Result<(LaunchPlan, Image), Problem> {
        match catalogue::find(request.template.name.as_str()) {
            Some(built_in) if request.template.version.is_none() => {
                let plan = self.plan_built_in(request, built_in).await?;
                let image = self.launchable(&request.template, &plan).await?;
                Ok((plan, image))
            }
            Some(built_in) => Err(Problem::new(
                Code::VersionNotFound,
                format!(
                    "The template {} is built in and has no versions.",
                    built_in.name
                ),
            )),
            None => {
                let (template, version) = self
                    .saved_template(caller, &request.template, Action::Launch)
                    .await?;
                let mut plan =
                    plan_saved(request, &template, version.clone(), self.env.clock.now())?;
                let (registry, region) = (&self.env.registry, &plan.region);
                lending::check_lent(registry, caller, &version, region, &plan.image).await?;
                let image = self.launchable(&version.reference(), &plan).await?;
                let snapshots = version.snapshots.get(region).cloned();
                let snapshots = snapshots.unwrap_or_default();
                let of_keys =
                    keys::check_launch(&self.env, region, &snapshots, &plan.template).await?;
                plan.warnings.extend(of_keys);
                Ok((plan, image))
            }
        }
    }

    /// Returns the AMI. Refuses one that has been deregistered or disabled since it was saved.
    async fn launchable(&self, of: &TemplateRef, plan: &LaunchPlan) -> Result<Image, Problem> {
        let (region, id) = (&plan.region, &plan.image);
        let known = images::known(&*self.env.ec2, region, std::slice::from_ref(id)).await?;
        let image = known.into_values().next();
        let image = image.ok_or_else(|| ImageFault::Gone.problem(of, region, id))?;
        match image.state {
            ImageState::Disabled => Err(ImageFault::Disabled.problem(of, region, id)),
            _ => Ok(image),
        }
    }

    /// Launches an instance. The same request ID of the same caller identifies the same instance.
    ///
    /// # Errors
    /// [`Code::Throttled`], with the number of seconds after which to try again, if more instances are launched in the
    /// Region than EC2 accepts at once. Nothing was launched in that case.
    async fn launch(
        &self,
        [caller, owner]: [&Caller; 2],
        request: &LaunchRequest,
        plan: &LaunchPlan,
        (token, began): (&str, Timestamp),
    ) -> Result<Placed, Problem> {
        // A launch that is refused takes no turn.
        match &request.for_member {
            None => pacing::of_launch(&self.env, &request.region).await?,
            Some(_) => self.begin_for(request).await?,
        }
        let event = self
            .event(
                caller,
                AuditAction::TemplateLaunch,
                Subject::Template(request.template.name.clone()),
            )
            .of_project(request.project.as_ref())
            .with("launched", &plan.template)
            .with("name", &request.name)
            .with("region", &request.region)
            .with("instance_type", &plan.instance_type)
            .with("public_keys", &plan.public_keys)
            .with("end", plan.end.as_ref().map(|end| end.at));
        let event = match &request.for_member {
            None => event,
            Some(member) => event.with("for", member),
        };
        self.audit(&event).await?;
        let tags = tags(&self.env, [caller, owner], request, plan).await?;
        let new = |subnet: Subnet, client_token: String| NewInstance {
            image: plan.image.clone(),
            instance_type: plan.instance_type.clone(),
            volumes: plan.new_volumes.clone(),
            kms_key: plan.kms_key.clone(),
            ports: plan.ports.clone(),
            user_data: plan.user_data.clone(),
            profile: plan.instance_profile.clone(),
            client_token,
            tags: tags.clone(),
            subnet,
        };
        let placing = Placing {
            env: &self.env,
            region: &request.region,
            began,
            token,
            places: &plan.places,
            instance_type: &plan.instance_type,
            request: &new,
        };
        let end = self.note_end(owner, request, plan, token).await?;
        let placed = placing.launch().await?;
        let instance = &placed.instance;
        self.settle_end(end, &instance.id).await;
        compute::note(&self.env, &request.region, instance).await;
        if let Ok(of) = plan.template.parse::<TemplateRef>()
            && of.version.is_some()
        {
            let launch = Launch {
                token: &in_region(token, &request.region),
                of: &of,
                by: &owner.user,
                instance: &instance.id,
                at: self.env.clock.now(),
            };
            // The instance runs and belongs to its owner even if counting the launch failed.
            if let Err(problem) = self.env.registry.count_launch(&launch).await {
                tracing::warn!(template = %of, instance = %instance.id, code = %problem.code, problem = problem.chain(), "a launch was not counted");
            }
        }
        Ok(placed)
    }

    async fn plan_built_in(
        &self,
        request: &LaunchRequest,
        built_in: &BuiltIn,
    ) -> Result<LaunchPlan, Problem> {
        let architecture = request.architecture.unwrap_or(Architecture::X86_64);
        let machine = request.size.unwrap_or(Size::M).machine(architecture);
        let image = self
            .parameters
            .image(&request.region, &built_in.parameter(architecture))
            .await
            .map_err(from_ec2)?;
        Ok(LaunchPlan {
            name: request.name.clone(),
            region: request.region.clone(),
            template: built_in.name.to_owned(),
            image,
            architecture,
            instance_type: machine.instance_type.to_owned(),
            root_size_gib: disk(request, built_in.root_size_gib)?,
            tags: BTreeMap::new(),
            warnings: Vec::new(),
            kms_key: None,
            login: Some(catalogue::LOGIN.to_owned()),
            public_keys: Vec::new(),
            instance_profile: None,
            ports: catalogue::PORTS.to_vec(),
            usd_per_hour: Some(machine.usd_per_hour),
            volumes: Vec::new(),
            zones: Vec::new(),
            end: None,
            places: Places::default(),
            new_volumes: Vec::new(),
            of_project: None,
            user_data: built_in.user_data(),
        })
    }
}

async fn tags(
    env: &Env,
    [caller, owner]: [&Caller; 2],
    request: &LaunchRequest,
    plan: &LaunchPlan,
) -> Result<Tags, Problem> {
    let ports: Vec<String> = plan.ports.iter().map(ToString::to_string).collect();
    let mut tags: Tags = plan.tags.clone();
    tags.extend(env.settings.resource_tags.all().clone());
    tags.extend([
        ("Name".to_owned(), request.name.clone()),
        (
            DEPLOYMENT_TAG.to_owned(),
            env.deployment().await?.to_string(),
        ),
        (OWNER_TAG.to_owned(), owner.user.to_string()),
        (TEMPLATE_TAG.to_owned(), plan.template.clone()),
        (PORTS_TAG.to_owned(), ports.join(" ")),
    ]);
    if let Some(login) = &plan.login {
        tags.insert(LOGIN_TAG.to_owned(), login.clone());
    }
    if caller.user != owner.user {
        tags.insert(LAUNCHER_TAG.to_owned(), caller.user.to_string());
    }
    if let Some(project) = &request.project {
        tags.insert(PROJECT_TAG.to_owned(), project.to_string());
    }
    Ok(tags)
}
