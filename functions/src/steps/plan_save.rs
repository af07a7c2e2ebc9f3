//! PlanSave: resolves the instance, checks everything that can be checked, and begins the save:
//! lock, duty and record in one transaction; then notes the packages. Nothing in EC2 is touched (promise P2).

use serde::{Deserialize, Serialize};

use super::preflight::{self, Subject, Target};
use super::{
    Env, LOGIN_TAG, PORTS_TAG, Step, TEMPLATE_TAG, packages, rights, runs, scheduled, ties,
};
use crate::domain::audit::{Channel, Origin};
use crate::domain::grant::Grant;
use crate::domain::pricing::snapshot_usd_per_month;
use crate::domain::save::{
    Duty, SavePlan, SaveRecord, SaveRequest, SaveState, SavedInstance, TemplateMove,
};
use crate::domain::schedule::{Schedule, ScheduleState};
use crate::domain::template::Template;
use crate::domain::{Code, InstanceId, Problem, Region, SaveId, ScheduleName};
use crate::ports::{Call, InstanceState};
use crate::registry::{Admission, Begun, Stored};
use crate::service::access::Caller;
use crate::service::publication::{self, Consent, Shown, Told};
use crate::service::{audit, projects};

/// How long a stop, the initiation of the snapshots, and a start take together on a Linux instance,
/// in seconds: what a plan tells its reader to expect. Assumed: AWS gives no figure.
const USUAL_DOWNTIME_S: u32 = 60;

/// See the module.
pub(super) struct PlanSave;

/// What is asked, by whom, and under which id and execution; by which schedule, if it was one. With `dry_run`, nothing is written.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    save_id: SaveId,
    execution: String,
    caller: Caller,
    request: SaveRequest,
    #[serde(default)]
    schedule: Option<ScheduleName>,
    /// Whether the schedule's owner wants this very run, whatever its time.
    #[serde(default)]
    by_hand: bool,
    #[serde(default)]
    dry_run: bool,
    #[serde(default = "first")]
    epoch: u32,
}

fn first() -> u32 {
    1
}

/// What the definition needs to know of the plan.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    save_id: SaveId,
    epoch: u32,
    dry_run: bool,
    was_running: bool,
    copy_to: Vec<Region>,
    plan: SavePlan,
}

impl Step for PlanSave {
    const NAME: &'static str = "PlanSave";
    const CALLS: &'static [Call] = &[
        Call::Regions,
        Call::Instances,
        Call::InstanceType,
        Call::StopProtection,
        Call::Volumes,
        Call::Snapshots,
        Call::Reservation,
        Call::Fleet,
        Call::PublicImagesBlocked,
        Call::EbsDefaults,
        Call::Images,
        Call::ProbeStop,
        Call::ProbeStart,
        Call::ProbeCreateImage,
        Call::KeyState,
        Call::ProbeGrant,
        Call::StatusChecks,
        Call::Packages,
        Call::Get,
        Call::Query,
        Call::Put,
        Call::Update,
        Call::Check,
    ];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        if let Some(stored) = env.registry.save(&input.save_id).await? {
            let output = again(&stored.value, &input)?;
            // An earlier attempt may have ended before it could keep what the instance told. Nobody needs it once the
            // save has ended.
            let (registry, id) = (&env.registry, &input.save_id);
            let goes_on = stored.value.state == SaveState::Running;
            if goes_on && registry.packages_of_save(id).await?.is_none() {
                packages::note(env, id, &input.request, &output.plan.instance).await?;
            }
            return Ok(output);
        }
        let stored = match &input.schedule {
            Some(name) => Some(still_scheduled(env, &input, name).await?),
            None => None,
        };
        let meant = match &stored {
            Some(stored) => Some(scheduled::instance_of(env, &stored.value).await?),
            None => None,
        };
        let (id, request) = (input.save_id.clone(), input.request.clone());
        let schedule = stored.as_ref().map(|stored| &stored.value);
        let schedule = schedule.zip(meant.as_ref());
        let admitted = admitted(env, &input.caller, id, request, schedule).await?;
        if input.dry_run {
            return Ok(output(admitted.plan, 1, true));
        }
        admitted.plan.check_agreed()?;
        if let Some(stored) = &stored {
            scheduled::adopt(env, stored, &admitted.plan.instance.id).await?;
        }
        begin(env, &input, admitted).await
    }
}

/// A run may come late: EventBridge Scheduler tries for half an hour to start it, whatever becomes of
/// its schedule meanwhile. One that is gone by now, holds still, or asks for something else saves
/// nothing any more.
async fn still_scheduled(
    env: &Env,
    input: &Input,
    name: &ScheduleName,
) -> Result<Stored<Schedule>, Problem> {
    let owner = &input.caller.user;
    let stored = env.registry.schedule(owner, name).await?;
    let message = match stored.as_ref().map(|stored| &stored.value) {
        None => format!("The schedule {name} of {owner} is gone: its run saves nothing."),
        Some(it) if it.state == ScheduleState::Deleting => {
            format!("The schedule {name} of {owner} is being deleted: its run saves nothing.")
        }
        Some(it) if it.request != input.request => {
            format!("The schedule {name} of {owner} asks for another save by now.")
        }
        Some(it) if it.paused && !input.by_hand => {
            format!("The schedule {name} of {owner} is paused: its run saves nothing.")
        }
        Some(_) => String::new(),
    };
    stored
        .filter(|_| message.is_empty())
        .ok_or_else(|| Problem::new(Code::ScheduleNotFound, message))
}

/// The save has begun already: a retried step, or a second execution that goes on with it.
fn again(record: &SaveRecord, input: &Input) -> Result<Output, Problem> {
    if record.request != input.request || record.saved_by != input.caller.user {
        let message = format!(
            "The save {} was asked for differently before.",
            record.save_id
        );
        return Err(Problem::new(Code::RequestIdReused, message));
    }
    if record.epoch != input.epoch {
        let message = format!(
            "The save {} is worked on by the execution {}.",
            record.save_id, record.execution
        );
        return Err(Problem::new(Code::Superseded, message));
    }
    Ok(output(record.plan()?.clone(), record.epoch, false))
}

async fn begin(env: &Env, input: &Input, admitted: Admitted) -> Result<Output, Problem> {
    let Admitted {
        mut plan,
        admission,
        told,
        consented,
    } = admitted;
    // It is for whoever asks, and may be long.
    plan.shows.clear();
    let now = env.clock.now();
    let duty = Duty {
        save_id: plan.save_id.clone(),
        region: plan.request.region.clone(),
        instance: plan.instance.id.clone(),
        original_state: plan.instance.original_state,
        since: now,
        discharged: None,
    };
    let request = plan.request.clone();
    let mut record = SaveRecord::new(
        plan.save_id.clone(),
        request,
        plan.saved_by.clone(),
        input.execution.clone(),
        now,
    );
    record.consented = consented;
    record.plan = Some(plan.clone());
    record.schedule.clone_from(&input.schedule);
    record.origin = match &input.schedule {
        Some(_) if !input.by_hand => Origin::by(Channel::Schedule),
        _ => input.caller.origin.clone(),
    };
    let event = audit::of_save(&record, &plan);
    let admission = admission.as_ref();
    let begun = env.registry.begin_save(&record, &duty, &event, admission);
    match begun.await? {
        Begun::Now => {
            runs::note(env, &record).await;
            match told {
                Told::Answer(told) => packages::keep(env, &plan.save_id, told.as_ref()).await?,
                Told::Unasked => {
                    packages::note(env, &plan.save_id, &plan.request, &plan.instance).await?;
                }
            }
            Ok(output(plan, record.epoch, false))
        }
        Begun::Before(record) => again(&record, input),
        Begun::HeldBy(holder) => Err(preflight::in_progress(&plan.instance.name, &holder)),
    }
}

fn output(plan: SavePlan, epoch: u32, dry_run: bool) -> Output {
    Output {
        save_id: plan.save_id.clone(),
        epoch,
        dry_run,
        was_running: plan.instance.original_state == InstanceState::Running,
        copy_to: plan.request.copy_to.iter().cloned().collect(),
        plan,
    }
}

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
struct Admitted {
    plan: SavePlan,
    /// The leave of the project that pays for it, where one does.
    admission: Option<Admission>,
    /// What the instance has told, where it was asked.
    told: Told,
    /// Whether all that it would show is consented to.
    consented: bool,
}

/// Checks everything; of a schedule's save, of the instance that it means and by what its owner consents to.
async fn admitted(
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
            Some(projects::admit(env, caller, project, added).await?)
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
        name: preflight::name(instance).to_owned(),
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
