//! Plans of saves: everything is checked, and nothing is changed (promise P2).

use super::preflight::{self, Subject};
use super::rights::Target;
use super::{label, packages, rights, scheduled, ties};
use crate::domain::ec2::InstanceState;
use crate::domain::grant::Grant;
use crate::domain::pricing::snapshot_usd_per_month;
use crate::domain::save::{SavePlan, SaveRequest, SavedInstance, SavedVolume, TemplateMove};
use crate::domain::schedule::Schedule;
use crate::domain::tags::{LOGIN_TAG, PORTS_TAG, TEMPLATE_TAG};
use crate::domain::template::Template;
use crate::domain::{Code, How, InstanceId, Problem, Region, SaveId};
use crate::ports::Volume;
use crate::registry::Admission;
use crate::rules::access::Caller;
use crate::rules::publication::{self, Consent, Shown, Told};
use crate::rules::{Env, budget};

/// The usual time of a stop, the initiation of the snapshots, and a start together on a Linux instance, in seconds; a
/// reboot takes about as long. Plans report it as the expected downtime. It is an assumption, because AWS gives no figure.
const USUAL_DOWNTIME_S: u32 = 60;

/// Checks everything and returns what the save would do, without changing anything.
pub(crate) async fn plan(
    env: &Env,
    caller: &Caller,
    save_id: SaveId,
    request: SaveRequest,
) -> Result<SavePlan, Problem> {
    let admitted = admitted(env, caller, save_id, request, None).await?;
    Ok(admitted.plan)
}

/// Does the same for a save that a schedule requests.
pub(crate) async fn plan_scheduled(
    env: &Env,
    caller: &Caller,
    save_id: SaveId,
    schedule: &Schedule,
) -> Result<SavePlan, Problem> {
    let meant = scheduled::instance_of(env, schedule).await?;
    let request = schedule.request.clone();
    let schedule = Some((schedule, &meant));
    let admitted = admitted(env, caller, save_id, request, schedule).await?;
    Ok(admitted.plan)
}

pub(super) struct Admitted {
    pub(super) plan: SavePlan,
    /// The admission by the project that pays, if there is one.
    pub(super) admission: Option<Admission>,
    /// What the instance has reported, if it was inspected.
    pub(super) told: Told,
    /// Whether the consent covers all files that it would show.
    pub(super) consented: bool,
}

/// Checks everything. A schedule's save is checked for the instance that the schedule was made for, and against its
/// owner's consent.
pub(super) async fn admitted(
    env: &Env,
    caller: &Caller,
    save_id: SaveId,
    request: SaveRequest,
    schedule: Option<(&Schedule, &InstanceId)>,
) -> Result<Admitted, Problem> {
    let meant = schedule.map(|(_, meant)| meant);
    let subject = preflight::check(env, caller, &save_id, &request, meant).await?;
    let instance = saved_instance(&subject)?;
    let running = instance.original_state == InstanceState::Running;
    let how = running.then_some(request.how);
    let bytes = instance
        .volumes
        .values()
        .map(|gib| u64::from(*gib) << 30)
        .sum();
    let usd_per_month = snapshot_usd_per_month(bytes, 1 + request.copy_to.len());
    let template = subject.template.as_ref();
    let paid_by = rights::payer(&request, template).cloned();
    let moves = moved(env, &request, template).await?;
    let admission = match &paid_by {
        Some(project) => {
            let brought = moves.as_ref().map_or(0.0, |moves| moves.usd_per_month);
            let added = usd_per_month + brought;
            Some(budget::admit(env, caller, project, added).await?)
        }
        None => None,
    };
    let consent = match schedule {
        Some((schedule, _)) => schedule.consent(),
        None => Consent::asked(request.publish_sensitive),
    };
    let seen = (template, subject.grants.as_slice());
    let (shown, told) = shown(env, caller, &request, seen, &instance.id, consent).await?;
    let visible_to = match schedule {
        None => shown.to.names(),
        // Nobody reads the plan of a run.
        Some(_) => Vec::new(),
    };
    let mut warnings = subject.warnings;
    warnings.extend(shown.warnings);
    let plan = SavePlan {
        visible_to,
        shows: shown.files,
        steps: steps(&request, subject.target, how),
        expected_downtime_s: match how {
            None => 0,
            Some(How::Stop) => USUAL_DOWNTIME_S + ties::extra_downtime_s(&subject.instance),
            Some(How::Reboot) => USUAL_DOWNTIME_S,
        },
        copy_keys: subject.copy_keys,
        usd_per_month_at_most: usd_per_month,
        next_version: subject.target.number(),
        adds_to: match subject.target {
            Target::AddsTo(number) => Some(number),
            Target::Next(_) => None,
        },
        warnings,
        saved_by: caller.user.clone(),
        save_id,
        request,
        instance,
        paid_by,
        moves,
    };
    Ok(Admitted {
        // If the instance was not inspected now, it may have more files than the schedule consents to.
        consented: match consent {
            Consent::None => false,
            Consent::To(_) => matches!(told, Told::Answer(_)),
            Consent::All => true,
        },
        plan,
        admission,
        told,
    })
}

/// Returns what a save shows and to whom, by the template and its grants. Refuses it if the required consent is
/// missing. The instance is inspected only if anyone else will see the template.
pub(crate) async fn shown(
    env: &Env,
    caller: &Caller,
    request: &SaveRequest,
    (template, grants): (Option<&Template>, &[Grant]),
    instance: &InstanceId,
    consent: Consent<'_>,
) -> Result<(Shown, Told), Problem> {
    let look = async || packages::look(env, &request.region, instance).await;
    let registry = &env.registry;
    let shown = publication::of_save(registry, caller, request, template, grants, look);
    let (showings, told) = shown.await?;
    let doing = publication::saving(request);
    let shown = publication::decide(&env.settings, &doing, &showings, consent)?;
    Ok((shown, told))
}

/// Returns what moves to another project together with a template.
async fn moved(
    env: &Env,
    request: &SaveRequest,
    template: Option<&Template>,
) -> Result<Option<TemplateMove>, Problem> {
    let Some(template) = template else {
        return Ok(None);
    };
    let Some(to) = rights::moves(request, template) else {
        return Ok(None);
    };
    Ok(Some(TemplateMove {
        from: template.project.clone(),
        to: to.clone(),
        up_to_version: template.newest(),
        usd_per_month: env.registry.template_costs(template).await?.usd(),
    }))
}

fn saved_instance(subject: &Subject) -> Result<SavedInstance, Problem> {
    let instance = &subject.instance;
    let root = instance
        .volumes
        .iter()
        .find(|attached| attached.device == instance.root_device);
    let size = |id| {
        subject
            .volumes
            .iter()
            .find(|volume| volume.id == id)
            .map(|volume| volume.size_gib)
    };
    let root_size_gib = root
        .and_then(|root| size(root.volume.clone()))
        .ok_or_else(|| {
            Problem::new(
                Code::AwsRefused,
                format!("EC2 does not list the root volume of {}.", instance.id),
            )
        })?;
    let ports = instance
        .tags
        .get(PORTS_TAG)
        .map(String::as_str)
        .unwrap_or_default();
    Ok(SavedInstance {
        id: instance.id.clone(),
        name: label::name(instance).to_owned(),
        original_state: instance.state,
        instance_type: instance.instance_type.clone(),
        architecture: instance.architecture,
        root_device: instance.root_device.clone(),
        volumes: subject
            .volumes
            .iter()
            .map(|volume| (volume.id.clone(), volume.size_gib))
            .collect(),
        root_size_gib,
        captured: saved_volumes(subject, &subject.volumes),
        excluded: saved_volumes(subject, &subject.excluded),
        launched_from: instance.tags.get(TEMPLATE_TAG).cloned(),
        login: instance.tags.get(LOGIN_TAG).cloned(),
        ports: ports
            .split(' ')
            .filter_map(|port| port.parse().ok())
            .collect(),
    })
}

/// Returns volumes with their device names.
fn saved_volumes(subject: &Subject, volumes: &[Volume]) -> Vec<SavedVolume> {
    let attached = subject.instance.volumes.iter();
    let sized = attached.filter_map(|attached| {
        let volume = volumes.iter().find(|it| it.id == attached.volume)?;
        Some(SavedVolume {
            id: volume.id.clone(),
            device: attached.device.clone(),
            size_gib: volume.size_gib,
        })
    });
    sized.collect()
}

/// Returns the steps as sentences. `how` is how the instance is captured, if it is running.
fn steps(request: &SaveRequest, target: Target, how: Option<How>) -> Vec<String> {
    let captures: &[&str] = match how {
        None => &["start creating an AMI and wait until the snapshots of all volumes have begun"],
        Some(How::Stop) => &[
            "stop the instance",
            "start creating an AMI and wait until the snapshots of all volumes have begun",
            "start the instance again",
        ],
        Some(How::Reboot) => &[
            "start creating an AMI: EC2 reboots the instance, and begins the snapshots of all volumes while its operating system is down",
            "check that the instance has not powered itself off; otherwise start it again",
        ],
    };
    let mut steps: Vec<String> = captures.iter().map(ToString::to_string).collect();
    steps.push("wait until the AMI is available, while the instance is in use".to_owned());
    if !request.copy_to.is_empty() {
        let regions: Vec<&str> = request.copy_to.iter().map(Region::as_str).collect();
        steps.push(format!("copy the AMI to {}", regions.join(", ")));
    }
    let whom = if request.public {
        "for everybody"
    } else {
        "for you"
    };
    steps.push(match target {
        Target::Next(_) => format!("register the template {} {whom}", request.template),
        Target::AddsTo(number) => {
            format!("add the architecture to {}@{number}", request.template)
        }
    });
    steps
}
