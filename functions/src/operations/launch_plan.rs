//! The request and the plan of a launch, and the AMI of a saved template.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::LaunchVolume;
use super::placing::Places;
use crate::domain::deprecation::Deprecation;
use crate::domain::ec2::Architecture;
use crate::domain::end::{End, EndRequest};
use crate::domain::project::Project;
use crate::domain::public_key::PublicKey;
use crate::domain::save::Warning;
use crate::domain::sizes::{Size, usd_per_hour};
use crate::domain::template::{Template, TemplateRef, TemplateState, Version};
use crate::domain::{
    Code, ImageId, KeyFingerprint, Problem, ProjectName, Region, Timestamp, UserId,
};
use crate::ports::NewVolume;

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
    /// When the instance ends by itself. By default, it runs until somebody stops it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<EndRequest>,
    /// The member of the project to whom the instance belongs, instead of you. You must manage the project. The member's own
    /// keys are installed, and none else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_member: Option<UserId>,
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
    /// When the instance ends, and what happens then; null if it runs until somebody stops it.
    #[serde(default)]
    pub end: Option<End>,
    #[serde(skip)]
    pub(super) places: Places,
    #[serde(skip)]
    pub(super) new_volumes: Vec<NewVolume>,
    /// The project that the instance is for.
    #[serde(skip)]
    pub(super) of_project: Option<Project>,
    #[serde(skip)]
    pub(super) user_data: Option<String>,
}

/// Resolves the AMI of the version for the Region and the architecture.
pub(super) fn plan_saved(
    request: &LaunchRequest,
    template: &Template,
    version: Version,
    now: Timestamp,
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
        warnings: warnings(template, &version, now),
        kms_key: None,
        login: version.login,
        public_keys: Vec::new(),
        instance_profile: None,
        ports: version.ports,
        tags: version.tags,
        volumes: Vec::new(),
        zones: Vec::new(),
        end: None,
        places: Places::default(),
        new_volumes: Vec::new(),
        of_project: None,
        user_data: None,
    })
}

/// Returns the size of the root volume, which cannot be smaller than its snapshot.
pub(super) fn disk(request: &LaunchRequest, least: u32) -> Result<u32, Problem> {
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

/// Returns warnings about the deprecation of the template or the version, and about an end of life that is to come.
fn warnings(template: &Template, version: &Version, now: Timestamp) -> Vec<Warning> {
    let of_version = (
        version.reference().to_string(),
        version.state,
        &version.deprecation,
        &version.notes,
    );
    let of_template = (
        template.name.to_string(),
        template.state,
        &template.deprecation,
        &template.notes,
    );
    let mut told =
        [of_version, of_template]
            .into_iter()
            .filter_map(|(what, state, deprecation, notes)| {
                let deprecation = deprecation.clone().unwrap_or_default();
                warning(&what, state, &deprecation, notes, now)
            });
    told.next().into_iter().collect()
}

fn warning(
    what: &str,
    state: TemplateState,
    deprecation: &Deprecation,
    notes: &str,
    now: Timestamp,
) -> Option<Warning> {
    let use_instead = match &deprecation.replaced_by {
        Some(other) => format!("use {other} instead"),
        None => "its owner says to use something else".to_owned(),
    };
    let (code, mut text) = match deprecation.end_of_life {
        _ if state == TemplateState::Deprecated || deprecation.has_come(now) => {
            let text = format!("{what} is deprecated: {use_instead}.");
            ("TemplateDeprecated", text)
        }
        Some(end) => {
            let day = end.format("%-d %B %Y");
            let text = format!("{what} reaches its end of life on {day} (UTC): {use_instead}.");
            ("TemplateEndOfLife", text)
        }
        None => return None,
    };
    if let Some(first) = notes.lines().next() {
        let _ = write!(text, " \"{first}\"");
    }
    Some(Warning {
        code: code.to_owned(),
        text,
    })
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
