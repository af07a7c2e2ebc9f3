//! The record of a save agrees with what really happened.

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::{RegionCopy, SaveRecord, SaveState, seconds_between};
use prism_functions::domain::tags::{ATTEMPT_TAG, SAVE_TAG};
use prism_functions::domain::{SaveId, StepName};
use prism_functions::ports::Call;

use super::truth::Truth;
use super::{Findings, Run, must};
use crate::simulation::conductor::CRASHES_RETRIED;
use crate::simulation::fault::{Kind, Spot};

pub(super) fn check(run: &Run, record: &SaveRecord, findings: &mut Findings) {
    check_end(run, record, findings);
    if !run.is_skewed() {
        check_moments(run, record, findings);
        check_intents(run, record, findings);
        check_times(run, record, findings);
    }
    if record.version.is_some() {
        check_version(run, record, findings);
    }
}

fn check_end(run: &Run, record: &SaveRecord, findings: &mut Findings) {
    let id = &record.save_id;
    let cancelled = record.state == SaveState::Cancelled;
    must!(
        findings,
        !cancelled || record.cancelled_by.is_some(),
        "{id} was cancelled by nobody"
    );
    let asked = run
        .conductor
        .acts()
        .iter()
        .any(|act| act.kind == Kind::Cancel);
    must!(
        findings,
        record.cancelled_by.is_none() || asked,
        "{id} says that it was cancelled, and nobody did"
    );
    must!(
        findings,
        (record.state == SaveState::Succeeded) == record.version.is_some(),
        "{id} is {} with the version {:?}",
        record.state.as_str(),
        record.version
    );
    let failed = matches!(record.state, SaveState::Failed | SaveState::Cancelled);
    must!(
        findings,
        !failed || record.failure.is_some(),
        "{id} does not say why it failed"
    );
    must!(
        findings,
        record.ended_at.is_some(),
        "{id} does not say when it ended"
    );
    if let Some(failure) = &record.failure {
        // If a function crashes more often than it is retried, nothing more is known about the cause.
        let crashed = failure.message.starts_with("Runtime.ExitError") && gave_up(run, id);
        must!(
            findings,
            failure.code != "Internal" || crashed,
            "{id} failed by a mistake of our own in {}: {}",
            failure.step,
            failure.message
        );
        must!(
            findings,
            !failure.hint.is_empty(),
            "{id} does not say what to do about {}",
            failure.code
        );
    }
}

/// Whether functions that worked on a save crashed, and met more faults than those for which a crash is retried.
fn gave_up(run: &Run, id: &SaveId) -> bool {
    let trace = run.conductor.trace();
    let of_save = trace.iter().filter(|visit| visit.save.as_ref() == Some(id));
    let faults: Vec<Kind> = of_save.filter_map(|visit| visit.kind).collect();
    let crash = |kind: &Kind| matches!(kind, Kind::Crash | Kind::CrashAfter);
    faults.len() > CRASHES_RETRIED && faults.iter().any(crash)
}

/// The steps that the record lists were reached in that order, and not before they began.
fn check_moments(run: &Run, record: &SaveRecord, findings: &mut Findings) {
    let id = &record.save_id;
    let ordered = record.moments.is_sorted_by_key(|moment| moment.at);
    must!(
        findings,
        ordered,
        "the moments of {id} are out of order: {:?}",
        record.moments
    );
    if record.started_at < run.begin {
        // The visits of this save were not recorded.
        return;
    }
    let trace = run.conductor.trace();
    for moment in &record.moments {
        let begun = trace.iter().any(|visit| {
            // For a user who follows a save, AwaitEvent is part of the wait, and PlanSave part of the wait for a turn.
            let function = visit.point.site.function.parse();
            let reaches: &[StepName] = match &function {
                Ok(StepName::AwaitEvent) => &[
                    StepName::AwaitStopped,
                    StepName::AwaitRunning,
                    StepName::AwaitImage,
                ],
                Ok(StepName::PlanSave) => &[StepName::PlanSave, StepName::WaitForTurn],
                Ok(other) => std::slice::from_ref(other),
                Err(_) => &[],
            };
            visit.save.as_ref() == Some(id)
                && reaches.iter().any(|step| *moment.step == *step)
                && visit.point.site.spot == Spot::Begin
                && visit.at <= moment.at
        });
        must!(
            findings,
            begun,
            "{id} says that it reached {} at {}, and it had not begun",
            moment.step,
            moment.at
        );
    }
}

/// The last request to EC2 was not made long after the record announced it: the time until its effect may appear is
/// counted from the announcement.
fn check_intents(run: &Run, record: &SaveRecord, findings: &mut Findings) {
    let id = &record.save_id;
    let image = record.image_requested_at.max(record.image_repeated_at);
    let stop = record.stop_requested_at.max(record.stop_repeated_at);
    let trace = run.conductor.trace();
    for (call, noted) in [
        (Call::StopInstance, stop),
        (Call::CreateImage, image),
        (Call::CopyImage, record.copy_requested_at),
    ] {
        let mut asked = trace.iter().rev().filter(|visit| {
            visit.save.as_ref() == Some(id) && visit.point.site.spot == Spot::Call(call)
        });
        let Some(last) = asked.next() else { continue };
        if call == Call::CreateImage && noted.is_none() {
            // EC2 has refused it, so the record has forgotten it.
            let home = (id.to_string(), record.request.region.clone());
            let made = run.conductor.made().get(&home).cloned();
            must!(
                findings,
                made.is_none(),
                "{id} made {made:?}, and says that it did not ask for it"
            );
            continue;
        }
        let late = noted.map(|noted| seconds_between(noted, last.at));
        must!(
            findings,
            late.is_some_and(|late| late < 10.0),
            "{id} asked for {call:?} {late:?} s after it noted that"
        );
    }
}

fn check_times(run: &Run, record: &SaveRecord, findings: &mut Findings) {
    let Ok(saved) = record.instance() else { return };
    let id = &record.save_id;
    let truth = Truth::of(run, &saved.id);
    if let Some(at) = record.stopped_at {
        let states = truth.lately(at);
        must!(
            findings,
            states.is_empty() || states.contains(&InstanceState::Stopped),
            "{id} saw the instance stopped at {at}, and it was {states:?}"
        );
    }
    if let Some(at) = record.running_at {
        let states = truth.lately(at);
        must!(
            findings,
            states.is_empty() || states.contains(&InstanceState::Running),
            "{id} saw the instance running at {at}, and it was {states:?}"
        );
    }
    let (Some(from), Some(seen)) = (record.down_since(), record.running_at) else {
        must!(
            findings,
            record.downtime_s.is_none(),
            "{id} says that the instance was down for {:?} s",
            record.downtime_s
        );
        return;
    };
    // EC2 does not show when a rebooted instance has booted: the record counts until its snapshots were seen, unless
    // the save had to start it.
    let until = if record.boots_by_itself() {
        record.snapshots_at
    } else {
        Some(seen)
    };
    let Some(until) = until else {
        must!(
            findings,
            record.downtime_s.is_none(),
            "{id} says that the instance was down for {:?} s, and saw no snapshots",
            record.downtime_s
        );
        return;
    };
    let down = run.world.cloud.down(&saved.id, from, until);
    let down = down.expect("the cloud answers").as_secs_f64();
    let noted = record.downtime_s.unwrap_or_default();
    must!(
        findings,
        (noted - seconds_between(from, until)).abs() < 0.001,
        "{id} says {noted} s of downtime from {from} to {until}"
    );
    must!(
        findings,
        noted + 0.001 >= down,
        "{id} says {noted} s of downtime, and it was {down} s"
    );
    let calm = run
        .conductor
        .trace()
        .iter()
        .all(|visit| visit.kind.is_none());
    // A long restore polls every five minutes in the end; a stranded save waits until the missing permission is
    // granted.
    let reached = |step| record.moments.iter().any(|moment| *moment.step == step);
    let late = match (
        reached(StepName::Stranded),
        reached(StepName::RestoreInstance),
    ) {
        (true, _) => f64::INFINITY,
        (false, true) => 315.0,
        // The stop is noted up to 5 s before it is requested, and the state is read every 6 s, over slow calls.
        (false, false) => 20.0,
    };
    must!(
        findings,
        !calm || noted <= down + late || saved.original_state == InstanceState::Stopped,
        "P3: {id} took {noted} s to see the end of {down} s of downtime"
    );
}

fn check_version(run: &Run, record: &SaveRecord, findings: &mut Findings) {
    let id = &record.save_id;
    let made = run.conductor.made();
    let home = &record.request.region;
    if record.started_at < run.begin {
        return;
    }
    let own = record
        .copy_of
        .is_none()
        .then(|| (home, record.image.clone()));
    let mut named: Vec<_> = own.into_iter().collect();
    for region in &record.request.copy_to {
        match record.copies.get(region) {
            Some(RegionCopy::Available { image }) => named.push((region, Some(image.clone()))),
            Some(RegionCopy::Failed { .. }) => {}
            other => findings.push(format!("{id} ended with the copy to {region} {other:?}")),
        }
    }
    for (region, image) in named {
        let images = made.get(&(id.to_string(), region.clone()));
        let ours = images
            .zip(image.as_ref())
            .is_some_and(|(made, image)| made.contains(image));
        must!(
            findings,
            ours,
            "{id} names {image:?} in {region}, and made {images:?}"
        );
    }
    if record.copy_of.is_some() {
        return;
    }
    let inventory = run.inventory();
    // Snapshots of an earlier AMI remain if that AMI was deregistered from outside.
    let attempt = record.image_attempt.map(|number| number.to_string());
    let there = inventory.snapshots.iter().filter(|(region, snapshot)| {
        region == home
            && snapshot.tags.get(SAVE_TAG).map(String::as_str) == Some(id.as_str())
            && snapshot.tags.get(ATTEMPT_TAG) == attempt.as_ref()
    });
    let mut there: Vec<_> = there.map(|(_, snapshot)| snapshot.id.clone()).collect();
    there.sort();
    // A save that strands before its AMI is available has not read the snapshots.
    let kept_by_stranding =
        record.snapshots.is_empty() && record.moments.iter().any(|m| *m.step == StepName::Stranded);
    let deleted = run
        .conductor
        .acts()
        .iter()
        .any(|act| act.kind == Kind::TheyDelete);
    must!(
        findings,
        there == record.snapshots || deleted || kept_by_stranding,
        "{id} names the snapshots {:?}, and there are {there:?}",
        record.snapshots
    );
}
