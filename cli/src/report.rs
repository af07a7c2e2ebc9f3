//! Formats the plan and the result of a save.

use std::collections::BTreeMap;
use std::fmt::Write;

use prism_functions::domain::copy::command;
use prism_functions::domain::save::{
    RegionCopy, SavePlan, SaveRecord, SaveRequest, SaveState, SavedVolume, TemplateMove,
};
use prism_functions::domain::template::{Template, TemplateRef, Visibility};
use prism_functions::domain::{ImageId, Region};
use prism_functions::operations::{SaveView, TemplateView};
use serde::Serialize;

use crate::errors::{Outcome, Told};
use crate::output::Output;
use crate::session::Session;
use crate::text::{duration, monthly_in, pairs, plain};
use crate::{exit, story};

/// Formats a plan for people.
pub(crate) fn plan(plan: &SavePlan) -> String {
    let instance = &plan.instance;
    let mut text = format!(
        "Saving {} ({}, {}) as {}@{}:\n",
        plain(&instance.name),
        instance.id,
        instance.original_state.as_str(),
        plan.request.template,
        plan.next_version
    );
    for (number, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(text, "  {}. {}", number + 1, plain(step));
    }
    let downtime = match plan.expected_downtime_s {
        0 => "none".to_owned(),
        seconds if plan.reboots() => format!(
            "about {}, for the reboot; addresses and instance store data stay",
            duration(f64::from(seconds))
        ),
        seconds => format!("about {}", duration(f64::from(seconds))),
    };
    let cost = monthly_in(plan.usd_per_month_at_most, regions(&plan.request));
    text.push_str(&pairs([
        ("downtime", downtime),
        ("volumes", volumes(&instance.captured)),
        ("left out", volumes(&instance.excluded)),
        ("cost", cost),
        ("copy keys", by_region(&plan.copy_keys)),
        ("visible to", plain(&plan.visible_to.join(", "))),
    ]));
    if let Some(moves) = &plan.moves {
        let _ = writeln!(text, "  moves: {}", moved(plan, moves));
    }
    for warning in &plan.warnings {
        let _ = writeln!(text, "  warning: {}", plain(&warning.text));
    }
    text
}

/// Volumes with their sizes.
pub(crate) fn volumes(volumes: &[SavedVolume]) -> String {
    let volumes = volumes
        .iter()
        .map(|volume| format!("{} ({} GiB)", plain(&volume.device), volume.size_gib));
    volumes.collect::<Vec<_>>().join(", ")
}

/// The Regions of the AMIs of a save.
pub(crate) fn regions(request: &SaveRequest) -> impl Iterator<Item = &Region> {
    request.copy_to.iter().chain([&request.region])
}

/// Lists the keys of copies for people.
pub(crate) fn by_region(keys: &BTreeMap<Region, String>) -> String {
    let of = |(region, key): (&Region, &String)| format!("{region}: {}", plain(key));
    keys.iter().map(of).collect::<Vec<_>>().join("\n")
}

/// Describes, in a sentence, what a save moves to another project.
pub(crate) fn moved(plan: &SavePlan, moves: &TemplateMove) -> String {
    let from = match &moves.from {
        Some(project) => format!("from the project {project}"),
        None => "from no project".to_owned(),
    };
    format!(
        "{} is moved {from} to the project {}, with its versions up to {} and their cost: {}.",
        plan.request.template,
        moves.to,
        moves.up_to_version,
        monthly_in(moves.usd_per_month, regions(&plan.request))
    )
}

/// The result of a save as JSON: its record, as the API returns it, and what follows from it.
#[derive(Debug, Serialize)]
pub(crate) struct End<'a> {
    #[serde(flatten)]
    record: &'a SaveView,
    instance: &'a str,
    template: &'a str,
    amis: BTreeMap<&'a Region, &'a ImageId>,
    failed_regions: BTreeMap<&'a Region, FailedRegion<'a>>,
    /// Who can use the template, if the save succeeded.
    visibility: Option<Visibility>,
    next_command: String,
}

#[derive(Debug, Serialize)]
struct FailedRegion<'a> {
    code: &'a str,
    cause: &'a str,
}

impl<'a> End<'a> {
    /// The result that a record describes.
    pub(crate) fn of(record: &'a SaveView) -> Self {
        let next_command = match record.state {
            SaveState::Succeeded => format!("prism launch {} NEW-NAME", launched_as(record)),
            SaveState::Running => format!("prism saves watch {}", record.save_id),
            _ => format!("prism saves show {}", record.save_id),
        };
        Self {
            record,
            instance: &record.request.instance,
            template: record.request.template.as_str(),
            amis: amis(record),
            failed_regions: failed_regions(record),
            visibility: None,
            next_command,
        }
    }
}

/// The template, or its version if the template's name refers to another one.
fn launched_as(record: &SaveRecord) -> String {
    let template = &record.request.template;
    match record.version {
        Some(version) if record.request.exclude_from_latest => format!("{template}@{version}"),
        _ => template.to_string(),
    }
}

/// The subject of a record: an instance that is saved, or a version that is copied.
pub(crate) fn subject(record: &SaveRecord) -> String {
    match &record.copy_of {
        Some(source) => format!("copy of {}@{}", record.request.template, source.version),
        None => plain(&record.request.instance),
    }
}

/// The commands that retry failed copies, one per line.
pub(crate) fn retries(record: &SaveRecord) -> String {
    let Some(version) = record.version else {
        return String::new();
    };
    let failed = failed_regions(record).into_keys();
    let lines = failed.map(|region| command(&record.request.template, version, region));
    lines.collect::<Vec<_>>().join("\n")
}

/// The AMIs that can be launched, or will be.
pub(crate) fn amis(record: &SaveRecord) -> BTreeMap<&Region, &ImageId> {
    if record.discarded_at.is_some() {
        return BTreeMap::new();
    }
    let own = record
        .image
        .iter()
        .map(|image| (&record.request.region, image));
    let copies = record
        .copies
        .iter()
        .filter_map(|(region, copy)| match copy {
            RegionCopy::Available { image } | RegionCopy::Copying { image } => {
                Some((region, image))
            }
            RegionCopy::Failed { .. } => None,
        });
    own.chain(copies).collect()
}

fn failed_regions(record: &SaveRecord) -> BTreeMap<&Region, FailedRegion<'_>> {
    let mut failed = BTreeMap::new();
    for (region, copy) in &record.copies {
        if let RegionCopy::Failed { code, cause } = copy {
            failed.insert(region, FailedRegion { code, cause });
        }
    }
    failed
}

/// Lists the AMIs, one per line.
pub(crate) fn ami_lines(record: &SaveRecord) -> String {
    let lines = amis(record)
        .into_iter()
        .map(|(region, image)| format!("{region}  {image}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Lists the Regions whose copy failed, one per line.
pub(crate) fn failed_lines(record: &SaveRecord) -> String {
    let lines = failed_regions(record)
        .into_iter()
        .map(|(region, failed)| format!("{region}  {}: {}", failed.code, plain(failed.cause)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Lists the Regions in which EC2 refused to share the AMI, one per line.
pub(crate) fn closed_lines(record: &SaveRecord) -> String {
    let lines = record.closed_in.iter();
    let lines = lines.map(|(region, whom)| format!("{region}  to {}", plain(whom)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Reports a cancelled save to the user who cancelled it.
pub(crate) fn cancelled(session: &Session, record: &SaveView) -> Outcome {
    session.out.done(&End::of(record), || {
        let left = match record.leftovers.as_deref() {
            Some(left) => format!(" Not everything could be removed: {}", plain(left)),
            // It waited for its turn, and made nothing.
            None if record.plan.is_none() && record.copy_of.is_none() => String::new(),
            None => " All its AMIs and snapshots are removed.".to_owned(),
        };
        let (id, instance) = (&record.save_id, story::instance(record));
        let by = record
            .cancelled_by
            .as_ref()
            .map(|user| format!(" by {user}"));
        let by = by.unwrap_or_default();
        format!("{id} is cancelled{by}. {instance}{left}\n")
    })
}

/// Reports how a save ended and returns the exit code.
pub(crate) async fn end(session: &Session, record: &SaveView) -> Outcome {
    let out = &session.out;
    let mut end = End::of(record);
    if record.state == SaveState::Succeeded {
        let template = template(session, record).await;
        end.visibility = template.as_ref().map(|it| it.visibility);
        return out.done(&end, || {
            success(record, template.as_ref()) + &out.next(&end.next_command)
        });
    }
    if out.for_programs() {
        out.show(&end, String::new)?;
    }
    let copy = record.copy_of.is_some();
    let mut after: Vec<String> = (!copy)
        .then(|| story::instance(record))
        .into_iter()
        .collect();
    if record.state != SaveState::Stranded && (copy || record.plan.is_some()) {
        after.push(match &record.leftovers {
            None => format!(
                "All AMIs and snapshots of the {} are removed.",
                record.kind()
            ),
            Some(left) => format!("Not everything could be removed: {left}"),
        });
    }
    if let Some(failure) = &record.failure {
        Told {
            code: &failure.code,
            message: &failure.message,
            after: &after,
            hint: &failure.hint,
            ..Told::default()
        }
        .print(out);
    }
    if let (Some(guide), false) = (&record.guide, out.for_programs()) {
        Output::complain(story::guide(guide).trim_end());
    }
    Ok(exit::FAILED)
}

/// The template that a save belongs to. The save has succeeded, so that a template that cannot be read is left out.
async fn template(session: &Session, record: &SaveRecord) -> Option<Template> {
    let reference = TemplateRef::from(record.request.template.clone());
    match session.template(&reference).await {
        Ok(TemplateView::Saved { template, .. }) => Some(*template),
        Ok(TemplateView::BuiltIn { .. }) | Err(_) => None,
    }
}

/// Who can see and launch a template, and how to change that if nobody else can.
fn seen_by(template: &Template) -> String {
    let name = &template.name;
    match (template.visibility, &template.project) {
        (Visibility::Private, Some(project)) => {
            format!("you and those who manage {project}; share it: prism template share {name}")
        }
        (Visibility::Private, None) => format!("only you; share it: prism template share {name}"),
        (Visibility::Project, Some(project)) => format!("the members of {project}"),
        (Visibility::Project, None) => "the members of its project".to_owned(),
        (Visibility::Shared, _) => format!("those it is shared with: prism template shares {name}"),
        (Visibility::Public, _) => "everyone whom the deployment's settings name".to_owned(),
    }
}

/// Which version the template's name refers to, if it is another one.
fn latest(record: &SaveRecord, of: Option<&Template>) -> String {
    let (Some(template), Some(version)) = (of, record.version) else {
        return String::new();
    };
    let (name, latest) = (&template.name, template.latest);
    if !record.request.exclude_from_latest || latest == version {
        return String::new();
    }
    format!("{name}@{latest}; change it: prism template rollback {name} {version}")
}

fn success(record: &SaveRecord, of: Option<&Template>) -> String {
    let version = record.version.unwrap_or_default();
    let template = &record.request.template;
    let mut text = match record.copy_of {
        Some(_) => format!("{template}@{version} is copied.\n"),
        None => format!("{} is saved as {template}@{version}.\n", subject(record)),
    };
    let downtime = match record.downtime_s {
        Some(seconds) => duration(seconds),
        None if record.copy_of.is_some() => String::new(),
        None => "none".to_owned(),
    };
    let (cost, left) = (record.usd_per_month, record.leftovers.as_deref());
    text.push_str(&pairs([
        ("downtime", downtime),
        ("AMIs", ami_lines(record)),
        ("failed", failed_lines(record)),
        ("closed", closed_lines(record)),
        ("copy again", retries(record)),
        (
            "cost",
            cost.map_or(String::new(), |it| monthly_in(it, regions(&record.request))),
        ),
        ("latest", latest(record, of)),
        ("visible to", of.map(seen_by).unwrap_or_default()),
        ("not removed", left.map(plain).unwrap_or_default()),
    ]));
    text
}
