//! What a save would do: everything is checked, and nothing changed (promise P2).

use super::preflight::{self, Subject};
use super::rights::Target;
use super::{label, packages, rights, scheduled, ties};
use crate::domain::ec2::InstanceState;
use crate::domain::grant::Grant;
use crate::domain::pricing::snapshot_usd_per_month;
use crate::domain::save::{SavePlan, SaveRequest, SavedInstance, TemplateMove};
use crate::domain::schedule::Schedule;
use crate::domain::tags::{LOGIN_TAG, PORTS_TAG, TEMPLATE_TAG};
use crate::domain::template::Template;
use crate::domain::{Code, InstanceId, Problem, Region, SaveId};
use crate::registry::Admission;
use crate::rules::access::Caller;
use crate::rules::publication::{self, Consent, Shown, Told};
use crate::rules::{Env, budget};

/// How long a stop, the initiation of the snapshots, and a start take together on a Linux instance,
/// in seconds: what a plan tells its reader to expect. Assumed: AWS gives no figure.
const USUAL_DOWNTIME_S: u32 = 60;

/// Checks everything and says what the save would do. Changes nothing.
pub(crate) async fn plan(
    env: &Env,
    caller: &Caller,
    save_id: SaveId,
    request: SaveRequest,
) -> Result<SavePlan, Problem> {
    let admitted = admitted(env, caller, save_id, request, None).await?;
    Ok(admitted.plan)
}

/// The same for the save that a schedule asks for.
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

/// A save that may begin.
pub(super) struct Admitted {
    pub(super) plan: SavePlan,
    /// The leave of the project that pays for it, where one does.
    pub(super) admission: Option<Admission>,
    /// What the instance has told, where it was asked.
    pub(super) told: Told,
    /// Whether all that it would show is consented to.
    pub(super) consented: bool,
}

/// Checks everything; of a schedule's save, of the instance that it means and by what its owner consents to.
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
    let was_running = instance.original_state == InstanceState::Running;
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
    let mut warnings = subject.warnings;
    warnings.extend(shown.warnings);
    let plan = SavePlan {
        shows: shown.files,
        steps: steps(&request, subject.target, was_running),
        expected_downtime_s: if was_running {
            USUAL_DOWNTIME_S + ties::extra_downtime_s(&subject.instance)
        } else {
            0
        },
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
        // What a schedule was not asked about now may be more than it consents to.
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

/// What a save shows to whom, by the template and its grants: refused, where nobody consents to it. It is asked of
/// the instance only where anybody else will see the template.
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

/// What a template brings along into another project.
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
        launched_from: instance.tags.get(TEMPLATE_TAG).cloned(),
        login: instance.tags.get(LOGIN_TAG).cloned(),
        ports: ports
            .split(' ')
            .filter_map(|port| port.parse().ok())
            .collect(),
    })
}

/// What will happen, for people.
fn steps(request: &SaveRequest, target: Target, was_running: bool) -> Vec<String> {
    let mut steps = Vec::new();
    if was_running {
        steps.push("stop the instance".to_owned());
    }
    steps.push("begin an AMI and wait until every volume's snapshot has begun".to_owned());
    if was_running {
        steps.push("start the instance again".to_owned());
    }
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
