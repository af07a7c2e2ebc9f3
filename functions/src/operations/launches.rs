//! Launches from built-in and saved templates.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::operation::{Answered, operation};
use super::parts::{Accepted, DryRun, Either, IdempotencyKey, Json, Trial};
use super::placing::{Places, Placing};
use super::{Asked, InstanceView, LaunchVolume, Service, launch_volumes};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::catalogue::{self, BuiltIn};
use crate::domain::ec2::Architecture;
use crate::domain::first_boot;
use crate::domain::public_key::PublicKey;
use crate::domain::save::{Warning, check_name};
use crate::domain::sizes::{Size, usd_per_hour};
use crate::domain::tags::{
    DEPLOYMENT_TAG, LOGIN_TAG, OWNER_TAG, PORTS_TAG, PROJECT_TAG, TEMPLATE_TAG,
};
use crate::domain::template::{Template, TemplateRef, TemplateState, Version};
use crate::domain::{Code, ImageId, InstanceId, KeyFingerprint, Problem, ProjectName, Region};
use crate::ports::{Image, ImageState, NewInstance, NewVolume, Subnet, Tags, from_ec2};
use crate::registry::Launch;
use crate::rules::access::{Action, Caller};
use crate::rules::lookup::{check_regions, own_instances};
use crate::rules::{Env, ImageFault, budget, images, lending};
use crate::steps::{keys, pacing};

/// The maximum size of the root volume, in GiB: the maximum of gp3 volumes in EBS.
const LARGEST_DISK_GIB: u32 = 16_384;

/// A request to launch an instance from a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchRequest {
    /// The template, optionally with a version.
    pub template: TemplateRef,
    /// The name of the new instance.
    #[schema(min_length = 1, max_length = 128)]
    pub name: String,
    /// The Region to launch in.
    pub region: Region,
    /// The size. By default, a saved template uses the instance type that it was saved from, and a built-in one uses M.
    #[serde(default)]
    pub size: Option<Size>,
    /// The architecture. By default, a saved template uses its own, and a built-in one uses x86_64.
    #[serde(default)]
    pub architecture: Option<Architecture>,
    /// The project that the instance is for.
    #[serde(default)]
    pub project: Option<ProjectName>,
    /// The size of the root volume in GiB. It must be at least the template's size, which is the default.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 16384)]
    pub disk_gib: Option<u32>,
    /// Whether the volumes other than the root volume are kept when the instance is terminated. By default, all volumes
    /// are deleted with it.
    #[serde(default)]
    pub keep_volumes: bool,
    /// Public SSH keys to install for this launch, besides your own.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub public_keys: Vec<PublicKey>,
}

/// What a launch does, with all defaults resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LaunchPlan {
    /// The name of the new instance.
    pub name: String,
    /// The Region to launch in.
    pub region: Region,
    /// The template: `name` for a built-in one, `name@version` for a saved one.
    pub template: String,
    /// The AMI to launch.
    pub image: ImageId,
    /// The architecture of the instance.
    pub architecture: Architecture,
    /// The instance type.
    pub instance_type: String,
    /// The size of the root volume in GiB.
    pub root_size_gib: u32,
    /// The volumes.
    #[serde(default)]
    pub volumes: Vec<LaunchVolume>,
    /// The ARN of the KMS key that encrypts the volumes, if the deployment has one for the Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// The user name to log in with.
    pub login: Option<String>,
    /// The public SSH keys with which one can log in.
    #[serde(default)]
    pub public_keys: Vec<KeyFingerprint>,
    /// The instance profile with which Session Manager reaches the instance.
    #[serde(default)]
    pub instance_profile: Option<String>,
    /// The TCP ports to open.
    pub ports: Vec<u16>,
    /// The price per hour in USD in us-east-1, if the price table contains the type. Other Regions differ.
    pub usd_per_hour: Option<f64>,
    /// The tags that the instance gets from the template.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// What to know before the launch.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// The Availability Zones that offer the instance type and that the launch is tried in, in this order.
    #[serde(default)]
    pub zones: Vec<String>,
    #[serde(skip)]
    places: Places,
    #[serde(skip)]
    new_volumes: Vec<NewVolume>,
    #[serde(skip)]
    user_data: Option<String>,
}

/// An instance that was launched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Launched {
    /// The instance, which is pending.
    pub instance: InstanceView,
    /// The resolved plan of the launch.
    pub plan: LaunchPlan,
}

operation! {
    /// Launches an instance
    ///
    /// Repeating a request with the same `Idempotency-Key` returns the same instance and launches no other.
    LaunchInstance by launch_instance: Post "/v1/instances" of "instances",
    query: DryRun, head: IdempotencyKey, body: Json<LaunchRequest>,
    output: Trial<LaunchPlan, Accepted<Launched>>,
    rights: [Launch Template, Contribute Project],
    repeatable: |asked| asked.query.dry_run || asked.head.0.is_some(),
}

async fn launch_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<LaunchInstance>,
) -> Answered<LaunchInstance> {
    let (Json(request), IdempotencyKey(key)) = (asked.body, asked.head);
    let plan = service.plan_launch(caller, &request, key.is_none()).await?;
    if asked.query.dry_run {
        return Ok(Trial::plan(plan));
    }
    let token = service.digits("launch", &caller.user, key.as_deref())?;
    let instance = service.launch(caller, &request, &plan, &token).await?;
    let place = format!("/v1/instances/{}?region={}", instance.id, instance.region);
    let launched = Accepted::new(Launched { instance, plan });
    Ok(Either::Other(launched.at(place)))
}

impl Service {
    /// Resolves a launch and checks it, without changing anything. With a request ID, it is not `new`: the existing
    /// instance of that name may be the result of the same request.
    async fn plan_launch(
        &self,
        caller: &Caller,
        request: &LaunchRequest,
        new: bool,
    ) -> Result<LaunchPlan, Problem> {
        check_name("instance name", &request.name)?;
        if request.name.parse::<InstanceId>().is_ok() {
            let message = format!(
                "An instance cannot be named {}, because that looks like an instance ID.",
                request.name
            );
            return Err(Problem::new(Code::InvalidName, message));
        }
        check_regions(&self.env, [&request.region]).await?;
        if new {
            self.check_name_free(caller, request).await?;
        }
        let settings = &self.env.settings;
        settings.allowed_regions.check([&request.region])?;
        let (mut plan, image) = self.resolve(caller, request).await?;
        settings.allowed_types.check(&plan.instance_type)?;
        plan.instance_profile.clone_from(&settings.launch_profile);
        let keys = self.launch_keys(caller, &request.public_keys).await?;
        let saved = catalogue::find(request.template.name.as_str()).is_none();
        plan.user_data = first_boot::user_data(plan.user_data.take(), saved, keys.values())?;
        plan.public_keys = keys.into_keys().collect();
        if let Some(project) = &request.project {
            let name = &request.template.name;
            budget::check_launch(&self.env, caller, project, name).await?;
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
                let mut plan = plan_saved(request, &template, version.clone())?;
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
        caller: &Caller,
        request: &LaunchRequest,
        plan: &LaunchPlan,
        token: &str,
    ) -> Result<InstanceView, Problem> {
        // A launch that is refused takes no turn.
        pacing::of_launch(&self.env, &request.region).await?;
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
            .with("public_keys", &plan.public_keys);
        self.audit(&event).await?;
        let tags = tags(&self.env, caller, request, plan).await?;
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
            token,
            places: &plan.places,
            instance_type: &plan.instance_type,
            request: &new,
        };
        let instance = placing.launch().await?;
        if let Ok(of) = plan.template.parse::<TemplateRef>()
            && of.version.is_some()
        {
            let launch = Launch {
                token,
                of: &of,
                by: &caller.user,
                instance: &instance.id,
                at: self.env.clock.now(),
            };
            // The instance runs and belongs to its owner even if counting the launch failed.
            if let Err(problem) = self.env.registry.count_launch(&launch).await {
                tracing::warn!(template = %of, instance = %instance.id, code = %problem.code, problem = problem.chain(), "a launch was not counted");
            }
        }
        Ok(InstanceView::of(&instance, &request.region, None))
    }

    async fn check_name_free(
        &self,
        caller: &Caller,
        request: &LaunchRequest,
    ) -> Result<(), Problem> {
        let found = own_instances(&self.env, caller, &request.region, &request.name).await?;
        match found.iter().find(|instance| !instance.state.is_gone()) {
            None => Ok(()),
            Some(holder) => {
                let message = format!(
                    "The instance {} in {} is already named {}.",
                    holder.id, request.region, request.name
                );
                Err(Problem::new(Code::InstanceNameTaken, message))
            }
        }
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
            places: Places::default(),
            new_volumes: Vec::new(),
            user_data: built_in.user_data(),
        })
    }
}

/// Resolves the AMI of the version for the Region and the architecture.
fn plan_saved(
    request: &LaunchRequest,
    template: &Template,
    version: Version,
) -> Result<LaunchPlan, Problem> {
    let architecture = request.architecture.unwrap_or(version.architecture);
    let here = version
        .amis
        .get(&request.region)
        .and_then(|amis| amis.get(&architecture));
    let Some(image) = here.cloned() else {
        return Err(not_here(request, &version, architecture));
    };
    let (saved_type, root_size_gib) = saved_as(&version, architecture);
    let instance_type = match request.size {
        Some(size) => size.machine(architecture).instance_type.to_owned(),
        None => saved_type,
    };
    Ok(LaunchPlan {
        name: request.name.clone(),
        region: request.region.clone(),
        template: format!("{}@{}", version.template, version.number),
        image,
        architecture,
        usd_per_hour: usd_per_hour(&instance_type),
        instance_type,
        root_size_gib: disk(request, root_size_gib)?,
        warnings: warnings(template, &version),
        kms_key: None,
        login: version.login,
        public_keys: Vec::new(),
        instance_profile: None,
        ports: version.ports,
        tags: version.tags,
        volumes: Vec::new(),
        zones: Vec::new(),
        places: Places::default(),
        new_volumes: Vec::new(),
        user_data: None,
    })
}

/// Returns the size of the root volume, which cannot be smaller than its snapshot.
fn disk(request: &LaunchRequest, least: u32) -> Result<u32, Problem> {
    let Some(wanted) = request.disk_gib else {
        return Ok(least);
    };
    if (least..=LARGEST_DISK_GIB).contains(&wanted) {
        return Ok(wanted);
    }
    let message = format!(
        "A disk of {wanted} GiB is not possible: the template needs at least {least} GiB, and the maximum is \
             {LARGEST_DISK_GIB} GiB."
    );
    Err(Problem::new(Code::InvalidInput, message).hint("Specify a size in this range, or none."))
}

/// Returns warnings about the deprecation of the template or the version.
fn warnings(template: &Template, version: &Version) -> Vec<Warning> {
    let (what, notes) = if version.state == TemplateState::Deprecated {
        (version.reference().to_string(), &version.notes)
    } else if template.state == TemplateState::Deprecated {
        (template.name.to_string(), &template.notes)
    } else {
        return Vec::new();
    };
    let mut text = format!("{what} is deprecated: its owner says to use something else.");
    if let Some(first) = notes.lines().next() {
        let _ = write!(text, " \"{first}\"");
    }
    vec![Warning {
        code: "TemplateDeprecated".to_owned(),
        text,
    }]
}

/// Returns the instance type and the root volume size that the version was saved with for that architecture. A version
/// that was not saved from an instance uses the default size M.
fn saved_as(version: &Version, architecture: Architecture) -> (String, u32) {
    let added = version.added.iter();
    let mut added = added.filter(|it| it.architecture == architecture);
    if let Some(added) = added.next() {
        return (added.instance_type.clone(), added.root_size_gib);
    }
    if version.architecture == architecture {
        return (version.instance_type.clone(), version.root_size_gib);
    }
    let usual = Size::M.machine(architecture).instance_type;
    (usual.to_owned(), version.root_size_gib)
}

fn not_here(request: &LaunchRequest, version: &Version, architecture: Architecture) -> Problem {
    let has = |amis: &BTreeMap<Architecture, ImageId>| {
        amis.keys()
            .map(|a| a.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let places: Vec<String> = version
        .amis
        .iter()
        .map(|(region, amis)| format!("{region} ({})", has(amis)))
        .collect();
    let message = format!(
        "{}@{} has no AMI for {} in {}.",
        version.template,
        version.number,
        architecture.as_str(),
        request.region
    );
    let places = places.join(", ");
    let hint = if version.architectures().contains(&architecture) {
        format!(
            "It is in {places}. Launch it there, or copy it first or ask its owner to copy it: prism template copy {}@{} --region {}",
            version.template, version.number, request.region
        )
    } else {
        format!(
            "It is in {places}. Save an instance of that architecture with --add-arch, or launch it as it is."
        )
    };
    Problem::new(Code::TemplateNotInRegion, message).hint(hint)
}

async fn tags(
    env: &Env,
    caller: &Caller,
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
        (OWNER_TAG.to_owned(), caller.user.to_string()),
        (TEMPLATE_TAG.to_owned(), plan.template.clone()),
        (PORTS_TAG.to_owned(), ports.join(" ")),
    ]);
    if let Some(login) = &plan.login {
        tags.insert(LOGIN_TAG.to_owned(), login.clone());
    }
    if let Some(project) = &request.project {
        tags.insert(PROJECT_TAG.to_owned(), project.to_string());
    }
    Ok(tags)
}
