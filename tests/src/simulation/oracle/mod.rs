//! What must hold after every run, whatever went wrong: the promises, checked against what really happened in the
//! simulated cloud rather than against the records.

pub(super) mod again;
mod executions;
mod protected;
mod record;
mod sentences;
mod shares;
mod truth;

use std::collections::{BTreeMap, BTreeSet};

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::{Finding, RegionCopy, SaveRecord, SaveState};
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::template::TemplateState;
use prism_functions::domain::{InstanceId, Region};
use prism_functions::ports::ImageState;
use prism_functions::registry::Registry;

use super::fault::Kind;
use super::neighbour;
use super::run::Run;
use super::wanted::Subject;
use crate::sums;
use truth::Truth;

type Findings = Vec<String>;

/// Adds a finding if a condition does not hold.
macro_rules! must {
    ($findings:expr, $holds:expr, $($sentence:tt)+) => {
        let holds: bool = $holds;
        if !holds {
            $findings.push(format!($($sentence)+));
        }
    };
}
use must;

pub(crate) fn violations(run: &Run) -> Findings {
    let mut findings = Findings::new();
    let hands = run.conductor.hands().expect("the run has its hands");
    let subjects = hands.subjects();
    drop(hands);
    executions::check(run, &mut findings);
    let mut records = Vec::new();
    for subject in &subjects {
        match record_of(run, subject) {
            Some(record) => {
                records.push(record);
            }
            None => check_never_begun(run, subject, &mut findings),
        }
    }
    for record in &records {
        check_save(run, record, &mut findings);
        findings.extend(sums::wrong(&run.world, record));
        let later = |other: &&SaveRecord| {
            let same = other.instance().ok().zip(record.instance().ok());
            same.is_some_and(|(one, other)| one.id == other.id)
                && other.started_at > record.started_at
        };
        // The last save of an instance determines its final state.
        if records.iter().find(later).is_none() {
            check_back(run, record, &mut findings);
        }
    }
    check_reboots(run, &records, &mut findings);
    check_left(run, &records, &mut findings);
    check_once(run, &records, &mut findings);
    check_versions(run, &records, &mut findings);
    sentences::check(run, &records, &mut findings);
    shares::check(run, &records, &mut findings);
    protected::check(run, &records, &mut findings);
    let neighbours = neighbour::belongings(&run.world);
    findings.extend(run.neighbours.differences(&neighbours));
    findings.extend(unbound(run));
    findings
}

/// The calls that changed an instance too early. No later moment shows them.
pub(crate) fn unbound(run: &Run) -> impl Iterator<Item = String> {
    let points = run.conductor.unbound().into_iter();
    points.map(|point| format!("P1: {point} comes before the duty is written"))
}

fn registry(run: &Run) -> &Registry {
    &run.world.service.env.registry
}

pub(crate) fn record_of(run: &Run, subject: &Subject) -> Option<SaveRecord> {
    Some(run.world.must(registry(run).save(&subject.id))?.value)
}

/// A save without a record has changed nothing, and either it was ended before it could write one, or its requester was
/// not told that it has begun.
fn check_never_begun(run: &Run, subject: &Subject, findings: &mut Findings) {
    let id = subject.id.as_str();
    let touched = run.conductor.made().keys().any(|(save, _)| save == id);
    must!(findings, !touched, "P5: {id} made an AMI and has no record");
    let interfered = run
        .conductor
        .trace()
        .iter()
        .any(|visit| visit.kind.is_some());
    let asked = subject.begun && !interfered;
    must!(findings, !asked, "{id} was begun and has no record");
}

fn check_save(run: &Run, record: &SaveRecord, findings: &mut Findings) {
    let id = &record.save_id;
    let ended = record.state.is_final() && record.state != SaveState::Stranded;
    must!(
        findings,
        ended,
        "{id} has not ended: it is {}",
        record.state.as_str()
    );
    record::check(run, record, findings);
    if let Some(source) = &record.copy_of {
        let name = &record.request.template;
        for region in &record.request.copy_to {
            let holder = registry(run).copy_holder(name, source.version, region);
            let holder = run.world.must(holder);
            let held = holder.as_ref() == Some(id);
            must!(
                findings,
                !held,
                "P5: {id} holds the copy to {region} for ever"
            );
        }
    }
    let Ok(saved) = record.instance() else { return };
    let region = &record.request.region;
    let lock = run.world.must(registry(run).lock_holder(region, &saved.id));
    must!(
        findings,
        lock.as_ref() != Some(id),
        "P5: {id} holds its lock for ever"
    );
    let truth = Truth::of(run, &saved.id);
    let duty = run.world.must(registry(run).duty(region, &saved.id));
    match duty.map(|duty| duty.value) {
        None => findings.push(format!("P1: {id} never had a duty")),
        Some(duty) if duty.save_id != *id => {}
        Some(duty) => match duty.discharged {
            None => findings.push(format!("P1: the duty of {id} is open")),
            Some(discharge) => {
                if !run.is_skewed() {
                    check_finding(&truth, record, discharge.finding, discharge.at, findings);
                }
            }
        },
    }
    if record.version.is_some() {
        check_captured(run, record, &truth, findings);
    }
}

/// The instance is in its original state, or was changed from outside (promise P1).
fn check_back(run: &Run, record: &SaveRecord, findings: &mut Findings) {
    let Ok(saved) = record.instance() else { return };
    let (id, truth) = (&record.save_id, Truth::of(run, &saved.id));
    let state = truth.end();
    let back = state == Some(saved.original_state) || state.is_none_or(InstanceState::is_gone);
    must!(
        findings,
        back || truth.is_theirs(),
        "P1: {} was {} before {id} and is {} now, although nobody else changed it",
        saved.id,
        saved.original_state.as_str(),
        state.map_or("gone", InstanceState::as_str)
    );
}

/// An instance whose saves only reboot it never leaves the state `running`, except by others or by itself (promise P1).
fn check_reboots(run: &Run, records: &[SaveRecord], findings: &mut Findings) {
    for record in records.iter().filter(|record| record.reboots()) {
        let Ok(saved) = record.instance() else {
            continue;
        };
        let same = |other: &&SaveRecord| other.instance().is_ok_and(|it| it.id == saved.id);
        let moved = Truth::of(run, &saved.id).was_moved();
        must!(
            findings,
            !moved || records.iter().filter(same).any(|other| !other.reboots()),
            "P1: {} was stopped or started for {}, which only reboots it",
            saved.id,
            record.save_id
        );
    }
}

/// The finding that ended the duty is true, or was true until a moment before.
fn check_finding(
    truth: &Truth,
    record: &SaveRecord,
    finding: Finding,
    at: prism_functions::domain::Timestamp,
    findings: &mut Findings,
) {
    let Ok(saved) = record.instance() else { return };
    let states = truth.lately(at);
    let seen = |state: InstanceState| states.contains(&state);
    let holds = match finding {
        _ if states.is_empty() => true,
        Finding::Original => seen(saved.original_state),
        Finding::Gone => states.iter().any(|state| state.is_gone()),
        Finding::ChangedByOthers => truth.touched_by_others(at),
    };
    must!(
        findings,
        holds,
        "P1: the duty of {} ended at {at} by {finding:?}, and {} was {states:?}",
        record.save_id,
        saved.id
    );
}

/// The snapshots of a version captured an instance that was stopped, or down for its reboot, so no files were half
/// written.
fn check_captured(run: &Run, record: &SaveRecord, truth: &Truth, findings: &mut Findings) {
    let inventory = run.inventory();
    let home = &record.request.region;
    let ours = |tags: &BTreeMap<String, String>| {
        tags.get(SAVE_TAG).map(String::as_str) == Some(record.save_id.as_str())
    };
    let images = inventory.images.iter();
    let images = images.filter(|(region, image)| region == home && ours(&image.tags));
    // Snapshots without an AMI remain if their AMI was deregistered from outside.
    let of_image: BTreeSet<_> = images
        .flat_map(|(_, image)| image.volumes.iter().filter_map(|it| it.snapshot.clone()))
        .collect();
    let ours = inventory.snapshots.iter().filter(|(region, snapshot)| {
        region == home && ours(&snapshot.tags) && of_image.contains(&snapshot.id)
    });
    for (_, snapshot) in ours {
        let state = truth.before_the_end_at(snapshot.started_at);
        let down = match record.instance() {
            Ok(saved) if record.reboots() => {
                let down = run
                    .world
                    .cloud
                    .was_down_for_reboot(&saved.id, snapshot.started_at);
                down.expect("the cloud answers")
            }
            _ => state == Some(InstanceState::Stopped),
        };
        must!(
            findings,
            down,
            "{} of {} was captured at {} from an instance that was {state:?}",
            snapshot.id,
            record.save_id,
            snapshot.started_at
        );
    }
}

/// The resources of a version exist and are available; nothing else is left.
fn check_left(run: &Run, records: &[SaveRecord], findings: &mut Findings) {
    let inventory = run.inventory();
    let acts = run.conductor.acts();
    let taken = |kinds: &[Kind]| acts.iter().any(|act| kinds.contains(&act.kind));
    let deregistered = taken(&[Kind::TheyDeregister]);
    // The owner of a resource, and whether it must exist; `None` for resources without an owner, and for declared
    // leftovers.
    let owed = |tags: &BTreeMap<String, String>, region: &Region| {
        let save = tags.get(SAVE_TAG)?.clone();
        let record = records.iter().find(|r| r.save_id.as_str() == save);
        let declared =
            (run.denies || run.protects()) && record.is_some_and(|r| r.leftovers.is_some());
        (!declared).then(|| (save, record.is_some_and(|r| keeps(run, r, region))))
    };
    for (region, image) in &inventory.images {
        let Some((save, kept)) = owed(&image.tags, region) else {
            continue;
        };
        must!(
            findings,
            kept,
            "P5: the AMI {} of {save} is left in {region}",
            image.id
        );
        must!(
            findings,
            !kept || image.state == ImageState::Available,
            "P5: the AMI {} of {save} is {:?}",
            image.id,
            image.state
        );
    }
    for (region, snapshot) in &inventory.snapshots {
        let Some((save, kept)) = owed(&snapshot.tags, region) else {
            continue;
        };
        must!(
            findings,
            kept,
            "P5: the snapshot {} of {save} is left in {region}",
            snapshot.id
        );
    }
    for record in records.iter().filter(|record| record.version.is_some()) {
        // The source AMI of a copy does not belong to the copy.
        let home = record.copy_of.is_none().then_some(&record.request.region);
        for region in record.request.copy_to.iter().chain(home) {
            let there = inventory.images.iter().filter(|(at, image)| {
                at == region
                    && image.tags.get(SAVE_TAG).map(String::as_str) == Some(record.save_id.as_str())
            });
            must!(
                findings,
                !keeps(run, record, region) || there.count() == 1 || deregistered,
                "P5: {} has no AMI in {region}",
                record.save_id
            );
        }
    }
}

fn keeps(run: &Run, record: &SaveRecord, region: &Region) -> bool {
    let failed = matches!(record.copies.get(region), Some(RegionCopy::Failed { .. }));
    let own = record.copy_of.is_none() || record.request.copy_to.contains(region);
    if failed || !own {
        return false;
    }
    record.version.is_some_and(|number| {
        let version = registry(run).version(&record.request.template, number);
        let version = run.world.must(version);
        // Its schedule may have stopped keeping it.
        version.is_none_or(|version| version.state != TemplateState::Deleted)
    })
}

/// There is one AMI for each save and Region, and one save of an instance at a time. A second AMI is prevented by the
/// first one's name, so one may exist if the first was deregistered from outside.
fn check_once(run: &Run, records: &[SaveRecord], findings: &mut Findings) {
    let acts = run.conductor.acts();
    for ((save, region), images) in run.conductor.made() {
        let deregistered = acts.iter().filter(|act| {
            matches!(act.kind, Kind::TheyDeregister | Kind::TheyDelete)
                && act.save.as_ref().is_some_and(|id| id.as_str() == save)
        });
        must!(
            findings,
            images.len() <= 1 + deregistered.count(),
            "P4: {save} made {} AMIs in {region}: {images:?}",
            images.len()
        );
    }
    let mut spans: BTreeMap<&InstanceId, Vec<_>> = BTreeMap::new();
    for record in records {
        if let Ok(saved) = record.instance() {
            let until = record.ended_at.unwrap_or(record.updated_at);
            // The lock is taken some time after the save began. Locks from before the run were not recorded.
            let locked = run.conductor.begun(&record.save_id);
            let from = locked.unwrap_or(record.started_at);
            let span = (from, until, &record.save_id);
            spans.entry(&saved.id).or_default().push(span);
        }
    }
    if run.is_skewed() {
        return;
    }
    for (instance, mut spans) in spans {
        spans.sort_unstable();
        for pair in spans.windows(2) {
            must!(
                findings,
                pair[0].1 <= pair[1].0,
                "P4: {} and {} saved {instance} at the same time",
                pair[0].2,
                pair[1].2
            );
        }
    }
}

/// The versions of each template are numbered without gaps, each by one save.
fn check_versions(run: &Run, records: &[SaveRecord], findings: &mut Findings) {
    let mut numbers: BTreeMap<_, Vec<u32>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.copy_of.is_none()) {
        let of_template = numbers.entry(&record.request.template).or_default();
        // A save that adds an architecture makes no version.
        let adds = record.plan.as_ref().and_then(|plan| plan.adds_to);
        of_template.extend(record.version.filter(|_| adds.is_none()));
    }
    for (name, mut versions) in numbers {
        versions.sort_unstable();
        let count = u32::try_from(versions.len()).unwrap_or(u32::MAX);
        must!(
            findings,
            versions.iter().copied().eq(1..=count),
            "P6: {name} has the versions {versions:?}"
        );
        let stored = run.world.must(registry(run).template(name));
        let latest = stored.map_or(0, |stored| stored.value.latest);
        must!(
            findings,
            latest == count,
            "P6: {name} says that its latest version is {latest} of {count}"
        );
    }
}
