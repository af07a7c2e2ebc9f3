//! PlanSave: takes a turn and, in that turn, resolves the instance, checks everything that can be checked, and begins
//! the save by writing lock, duty and record in one transaction; then it lists the packages. Nothing in EC2 is changed
//! (promise P2).
//!
//! If the turn is later, the save gets a record that says so, and the definition waits. If EC2 throttles the save in
//! its turn, the save takes another one.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::planning::{Admitted, admitted};
use super::{Step, pacing, packages, preflight, runs, scheduled, turns};
use crate::domain::audit::{Channel, Origin};
use crate::domain::save::{Duty, SavePlan, SaveRecord, SaveRequest, SaveState, Turn};
use crate::domain::schedule::{Schedule, ScheduleState};
use crate::domain::{Code, Problem, Region, SaveId, ScheduleName, StepName, Timestamp};
use crate::ports::Call;
use crate::registry::{self, Begun, Stored};
use crate::rules::access::Caller;
use crate::rules::publication::Told;
use crate::rules::{Env, audit};

/// The number of seconds between two checks of an instance: if its events arrive, if they do not, and if they do not
/// and many saves run at once.
const LOOK_S: u32 = 6;
const LOOK_UNTOLD_S: u32 = 2;
const LOOK_UNTOLD_OF_MANY_S: u32 = 3;

pub(super) struct PlanSave;

/// The request, its caller, and the ID and execution of the save; the schedule, if it requested the save. With
/// `dry_run`, nothing is written.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    save_id: SaveId,
    execution: String,
    caller: Caller,
    request: SaveRequest,
    #[serde(default)]
    schedule: Option<ScheduleName>,
    /// Whether the schedule's owner has requested this run, regardless of the schedule's times.
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

/// What the definition needs to know of the plan; or, if it is not the save's turn, how long it has to wait, in
/// seconds.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    save_id: SaveId,
    epoch: u32,
    dry_run: bool,
    /// Whether the instance is stopped and started again, or rebooted; neither if it was not running.
    stops: bool,
    reboots: bool,
    copy_to: Vec<Region>,
    plan: Option<SavePlan>,
    wait_s: i64,
    /// The number of seconds after which to check the instance if no event has arrived.
    look_s: u32,
}

impl Step for PlanSave {
    const NAME: StepName = StepName::PlanSave;
    const CALLS: &'static [Call] = &[
        Call::Notice,
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
        let stored = env.registry.save(&input.save_id).await?;
        let queued = match stored {
            Some(stored) if stored.value.awaited_turn().is_none() => {
                return begun(env, &input, &stored.value).await;
            }
            queued => queued,
        };
        if let Some(turn) = turn(env, &input, queued.as_ref()).await? {
            return Ok(turn);
        }
        // A save that somebody waits for had its turn at once.
        if queued.is_some() {
            turns::yield_to_restarts(env, &input.request.region).await?;
        }
        match planned(env, &input, queued.as_ref()).await {
            // That the table throttles says nothing about EC2: the execution tries again.
            Err(problem) if is_of_ec2(&problem) && !input.dry_run => {
                throttled(env, &input, queued.as_ref(), problem).await
            }
            other => other,
        }
    }
}

/// Whether EC2 throttled the save.
fn is_of_ec2(problem: &Problem) -> bool {
    problem.code == Code::Throttled && !registry::is_throttled(problem)
}

/// Returns the output for a save that has already begun. An earlier attempt may have ended before it could store the
/// inventory, so it is requested again unless the save has ended.
async fn begun(env: &Env, input: &Input, record: &SaveRecord) -> Result<Output, Problem> {
    let output = again(env, record, input)?;
    let (registry, id) = (&env.registry, &input.save_id);
    let goes_on = record.state == SaveState::Running;
    if goes_on && registry.packages_of_save(id).await?.is_none() {
        packages::note(env, id, &input.request, &record.plan()?.instance).await?;
    }
    Ok(output)
}

/// Returns the wait before the save's turn; `None` if the turn is now. A dry run takes no turn.
async fn turn(
    env: &Env,
    input: &Input,
    queued: Option<&Stored<SaveRecord>>,
) -> Result<Option<Output>, Problem> {
    if input.dry_run {
        return Ok(None);
    }
    if let Some(queued) = queued {
        check_asked(&queued.value, input)?;
        let Some(turn) = &queued.value.turn else {
            return Ok(None);
        };
        let ahead = turn.at - env.clock.now();
        if ahead >= TimeDelta::seconds(1) {
            return Ok(Some(waiting(env, input, turn.at)));
        }
        // The definition waits for whole seconds. Turns that are rounded to them would come in step with restarts.
        pacing::sleep(env, ahead).await;
        return Ok(None);
    }
    let (region, user) = (&input.request.region, &input.caller.user);
    let by_itself = input.caller.origin.channel == Channel::End;
    let awaited = input.by_hand || (input.schedule.is_none() && !by_itself);
    let at = turns::of_save(env, region, user, awaited).await?;
    if at <= env.clock.now() {
        return Ok(None);
    }
    enqueue(env, input, None, Turn { at, taken: 1 }).await?;
    Ok(Some(waiting(env, input, at)))
}

/// Takes another turn after EC2 has throttled the save in its turn, before anything was changed.
async fn throttled(
    env: &Env,
    input: &Input,
    queued: Option<&Stored<SaveRecord>>,
    problem: Problem,
) -> Result<Output, Problem> {
    let record = queued.map(|queued| &queued.value);
    let taken = record
        .and_then(|it| it.turn.as_ref())
        .map_or(1, |it| it.taken);
    let began = record.map_or_else(|| env.clock.now(), |it| it.started_at);
    tracing::info!(save.id = %input.save_id, taken, problem = problem.chain(), "EC2 throttled a save in its turn");
    let (region, id) = (&input.request.region, &input.save_id);
    let at = turns::after_throttle(env, region, id, taken, began).await?;
    let turn = Turn {
        at,
        taken: taken + 1,
    };
    enqueue(env, input, queued, turn).await?;
    Ok(waiting(env, input, at))
}

/// Records until when the save waits.
async fn enqueue(
    env: &Env,
    input: &Input,
    queued: Option<&Stored<SaveRecord>>,
    turn: Turn,
) -> Result<(), Problem> {
    let now = env.clock.now();
    let mut record = match queued {
        Some(queued) => queued.value.clone(),
        None => fresh(input, now),
    };
    record.reach(StepName::WaitForTurn, now);
    record.updated_at = now;
    record.turn = Some(turn);
    env.registry.put_queued(&record, queued).await?;
    runs::note(env, &record).await;
    Ok(())
}

async fn planned(
    env: &Env,
    input: &Input,
    queued: Option<&Stored<SaveRecord>>,
) -> Result<Output, Problem> {
    let stored = match &input.schedule {
        Some(name) => Some(still_scheduled(env, input, name).await?),
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
        return Ok(output(env, admitted.plan, 1, true, false));
    }
    admitted.plan.check_agreed()?;
    if let Some(stored) = &stored {
        scheduled::adopt(env, stored, &admitted.plan.instance.id).await?;
    }
    begin(env, input, queued, admitted).await
}

/// Checks that the schedule still asks for this save. A run may come late: EventBridge Scheduler tries to start it for
/// half an hour, even if the schedule changes in the meantime. If the schedule has been deleted, paused or changed to
/// something else, nothing is saved.
async fn still_scheduled(
    env: &Env,
    input: &Input,
    name: &ScheduleName,
) -> Result<Stored<Schedule>, Problem> {
    let owner = &input.caller.user;
    let stored = env.registry.schedule(owner, name).await?;
    let message = match stored.as_ref().map(|stored| &stored.value) {
        None => format!("The schedule {name} of {owner} no longer exists: its run saves nothing."),
        Some(it) if it.state == ScheduleState::Deleting => {
            format!("The schedule {name} of {owner} is being deleted: its run saves nothing.")
        }
        Some(it) if it.request != input.request => {
            format!(
                "The schedule {name} of {owner} has been changed and now requests a different save."
            )
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

/// Returns the output for a save that has already begun: the step is retried, or a second execution continues the save.
fn again(env: &Env, record: &SaveRecord, input: &Input) -> Result<Output, Problem> {
    check_asked(record, input)?;
    if record.plan.is_none() && record.state.is_final() {
        let user = record.cancelled_by.as_ref().unwrap_or(&record.saved_by);
        let message = format!("{user} cancelled the save while it was waiting.");
        return Err(Problem::new(Code::SaveCancelled, message));
    }
    let (plan, of_many) = (record.plan()?.clone(), record.turn.is_some());
    Ok(output(env, plan, record.epoch, false, of_many))
}

/// Refuses a different request under the same ID, and an execution that no longer works on the save.
fn check_asked(record: &SaveRecord, input: &Input) -> Result<(), Problem> {
    if record.request != input.request || record.saved_by != input.caller.user {
        let message = format!(
            "The save {} was requested before with different parameters.",
            record.save_id
        );
        return Err(Problem::new(Code::RequestIdReused, message));
    }
    if record.epoch != input.epoch {
        let message = format!(
            "The save {} belongs to the execution {}.",
            record.save_id, record.execution
        );
        return Err(Problem::new(Code::Superseded, message));
    }
    Ok(())
}

/// Creates the record of a save that has just been requested.
fn fresh(input: &Input, now: Timestamp) -> SaveRecord {
    let mut record = SaveRecord::new(
        input.save_id.clone(),
        input.request.clone(),
        input.caller.user.clone(),
        input.execution.clone(),
        now,
    );
    record.epoch = input.epoch;
    record.schedule.clone_from(&input.schedule);
    record.origin = match &input.schedule {
        Some(_) if !input.by_hand => Origin::by(Channel::Schedule),
        _ => input.caller.origin.clone(),
    };
    record
}

async fn begin(
    env: &Env,
    input: &Input,
    queued: Option<&Stored<SaveRecord>>,
    admitted: Admitted,
) -> Result<Output, Problem> {
    let Admitted {
        mut plan,
        admission,
        told,
        consented,
    } = admitted;
    // The files and their viewers are for the caller, and the lists may be long.
    plan.shows.clear();
    plan.visible_to.clear();
    let now = env.clock.now();
    let duty = Duty {
        save_id: plan.save_id.clone(),
        region: plan.request.region.clone(),
        instance: plan.instance.id.clone(),
        original_state: plan.instance.original_state,
        since: now,
        discharged: None,
    };
    let mut record = match queued {
        Some(queued) => SaveRecord {
            planned_at: Some(now),
            updated_at: now,
            ..queued.value.clone()
        },
        None => fresh(input, now),
    };
    record.reach(PlanSave::NAME, now);
    record.consented = consented;
    record.plan = Some(plan.clone());
    let event = audit::of_save(&record, &plan);
    let admission = admission.as_ref();
    let begun = env
        .registry
        .begin_save(&record, queued, &duty, &event, admission);
    match begun.await? {
        Begun::Now => {
            runs::note(env, &record).await;
            match told {
                Told::Answer(told) => packages::keep(env, &plan.save_id, told.as_ref()).await?,
                Told::Unasked => {
                    packages::note(env, &plan.save_id, &plan.request, &plan.instance).await?;
                }
            }
            Ok(output(env, plan, record.epoch, false, queued.is_some()))
        }
        Begun::Before(record) => again(env, &record, input),
        Begun::HeldBy(holder) => Err(preflight::in_progress(&plan.instance.name, &holder)),
    }
}

/// Returns the output for a plan; `of_many` says whether the save had to wait for its turn.
fn output(env: &Env, plan: SavePlan, epoch: u32, dry_run: bool, of_many: bool) -> Output {
    let told = env.settings.events_from.as_ref();
    let told = told.is_none_or(|regions| regions.contains(&plan.request.region));
    Output {
        look_s: match (told, of_many) {
            (true, _) => LOOK_S,
            (false, false) => LOOK_UNTOLD_S,
            (false, true) => LOOK_UNTOLD_OF_MANY_S,
        },
        save_id: plan.save_id.clone(),
        epoch,
        dry_run,
        stops: plan.stops(),
        reboots: plan.reboots(),
        copy_to: plan.request.copy_to.iter().cloned().collect(),
        plan: Some(plan),
        wait_s: 0,
    }
}

/// Returns the output for a save that waits for its turn.
fn waiting(env: &Env, input: &Input, at: Timestamp) -> Output {
    Output {
        save_id: input.save_id.clone(),
        epoch: input.epoch,
        dry_run: false,
        stops: false,
        reboots: false,
        copy_to: Vec::new(),
        plan: None,
        // At least one second, because the definition takes zero for "now". The step sleeps for the rest of a second.
        wait_s: (at - env.clock.now()).num_seconds().max(1),
        look_s: LOOK_S,
    }
}

#[cfg(test)]
repeated!(PlanSave: Succeeds, IsRefused);
