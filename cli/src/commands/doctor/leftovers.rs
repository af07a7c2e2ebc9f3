//! Finds and fixes what saves have left over.

use std::fmt::Write as _;

use prism_functions::domain::{Code, Problem};
use prism_functions::operations::{Fixed, Left, Leftover, Leftovers, Service, UnusedVolume};
use serde_json::{Value, json};

use super::Check;
use crate::output::Output;
use crate::prompt;
use crate::text::{plain, prices, usd};

/// The name of the leftovers check.
const NAME: &str = "leftovers";
/// The name of the check for launch permissions that no share explains.
const OPEN: &str = "launch permissions";
/// The name of the check that versions can be launched.
const VERSIONS: &str = "versions";
/// The name of the check for unfinished deletions.
const REMOVALS: &str = "deletions";
/// The name of the check of volumes that nothing uses.
const VOLUMES: &str = "volumes";
/// The name of the check of cost records.
const COSTS: &str = "costs";

/// What was found, and the results of fixing it.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) checks: Vec<Check>,
    pub(super) found: Vec<Leftover>,
    /// AMIs and snapshots without a known creator.
    pub(super) unknown: Vec<Leftover>,
    /// Volumes that nothing uses.
    pub(super) volumes: Vec<UnusedVolume>,
    pub(super) fixed: Option<Vec<(Leftover, Fixed)>>,
}

/// Finds leftovers, and fixes them if the user wants and confirms it. Those that no record explains are only fixed if
/// `unexplained` is true.
pub(super) async fn look(
    service: &Service,
    fix: Fix,
    unexplained: bool,
    out: &Output,
) -> Result<Looked, Problem> {
    let Leftovers {
        regions,
        found,
        unknown,
        volumes,
        unseen,
        scheduler,
    } = match service.leftovers().await {
        Ok(leftovers) => leftovers,
        Err(problem) => {
            let checks = vec![Check::fail(NAME, problem)];
            return Ok(Looked {
                checks,
                ..Looked::default()
            });
        }
    };
    let mut checks: Vec<Check> = unseen
        .into_iter()
        .map(|(region, problem)| {
            let message = format!("{region} could not be checked: {}", problem.chain());
            let hint = problem.advice().to_owned();
            Check::fail(NAME, Problem::new(problem.code, message).hint(hint))
        })
        .collect();
    checks.extend(scheduler.map(|problem| Check::fail(NAME, problem)));
    checks.extend(unknown_makers(&unknown));
    checks.extend(unused(&volumes));
    if found.is_empty() {
        if checks.is_empty() {
            let count = regions.len();
            checks.push(Check::ok(NAME, format!("none in {count} Regions")));
        }
        return Ok(Looked {
            checks,
            unknown,
            volumes,
            ..Looked::default()
        });
    }
    let (asked, kept): (Vec<_>, Vec<_>) = found
        .iter()
        .cloned()
        .partition(|leftover| unexplained || !leftover.unexplained);
    let agreed = match fix {
        Fix::No => false,
        _ if asked.is_empty() => false,
        fix => is_agreed(fix, &asked, out)?,
    };
    let fixed = if agreed {
        let fixed = service.fix(&asked).await?;
        let outcomes = fixed.iter();
        checks.extend(outcomes.map(|(leftover, outcome)| outcome_of(leftover, outcome)));
        checks.extend(findings(&kept));
        Some(fixed)
    } else {
        checks.extend(findings(&found));
        None
    };
    Ok(Looked {
        checks,
        found,
        unknown,
        volumes,
        fixed,
    })
}

/// Prints what is about to be fixed, even with `--quiet`, and asks for confirmation if needed.
fn is_agreed(fix: Fix, asked: &[Leftover], out: &Output) -> Result<bool, Problem> {
    let list = list(asked);
    if fix == Fix::Yes {
        out.note(list.trim_end());
        return Ok(true);
    }
    let question = format!("{list}{} of these will be fixed. Continue?", asked.len());
    prompt::confirm(out, false, &question)
}

/// The check of AMIs and snapshots whose creator is unknown.
fn unknown_makers(unknown: &[Leftover]) -> Option<Check> {
    const HOW: &str = "Prism never removes them. How to find their origin and remove them by hand: docs/operations.md";
    let count = unknown.len();
    let message = format!("AMIs and snapshots of saves that are not in this registry: {count}.");
    let problem = Problem::new(Code::LeftOver, message).hint(HOW);
    (count > 0).then(|| Check::warn(NAME, problem))
}

/// The check of volumes that nothing uses.
fn unused(volumes: &[UnusedVolume]) -> Option<Check> {
    const HOW: &str = "Prism never deletes them: they may contain data. How to look at them and delete them by hand: docs/operations.md";
    if volumes.is_empty() {
        return None;
    }
    let cost: f64 = volumes.iter().filter_map(|it| it.usd_per_month).sum();
    let listed = volumes.iter().map(|it| {
        let name = it.name.as_ref().map(|name| format!(" of {}", plain(name)));
        format!(
            "{} in {} ({} GiB{})",
            it.id,
            it.region,
            it.size_gib,
            name.unwrap_or_default()
        )
    });
    let message = format!(
        "Volumes of terminated instances, which cost {} a month{}: {}.",
        usd(cost),
        prices(volumes.iter().map(|it| &it.region)),
        listed.collect::<Vec<_>>().join(", ")
    );
    Some(Check::warn(
        VOLUMES,
        Problem::new(Code::LeftOver, message).hint(HOW),
    ))
}

/// One check per leftover. A launch permission that no share explains is a failure, not a warning.
fn findings(found: &[Leftover]) -> Vec<Check> {
    let count = |which: &dyn Fn(&Left) -> bool| found.iter().filter(|it| which(&it.what)).count();
    let open =
        count(&|what| matches!(what, Left::Permissions { open_to, .. } if !open_to.is_empty()));
    let closed =
        count(&|what| matches!(what, Left::Permissions { open_to, .. } if open_to.is_empty()));
    let sums = count(&is_sum);
    let lost = count(&|what| matches!(what, Left::Version { .. }));
    let stuck = count(&|what| matches!(what, Left::Removal { .. }));
    let unexplained = found.iter().filter(|it| it.unexplained).count();
    let rest = found.len() - open - closed - sums - lost - stuck - unexplained;
    let mut checks = Vec::new();
    if open > 0 {
        let message = format!("AMIs that are shared without a grant: {open}.");
        checks.push(Check::fail(OPEN, Problem::new(Code::NotAsGranted, message)));
    }
    if closed > 0 {
        let message = format!("AMIs that are not shared as a grant requires: {closed}.");
        checks.push(Check::warn(OPEN, Problem::new(Code::NotAsGranted, message)));
    }
    if lost > 0 {
        let message = format!("AMIs of versions that cannot be launched: {lost}.");
        checks.push(Check::fail(
            VERSIONS,
            Problem::new(Code::ImageGone, message),
        ));
    }
    if stuck > 0 {
        let message = format!("Deletions that EC2 prevents: {stuck}.");
        let hint = "\"prism doctor\" shows the cause; the deletion is retried automatically.";
        let problem = Problem::new(Code::LeftOver, message).hint(hint);
        checks.push(Check::fail(REMOVALS, problem));
    }
    if sums > 0 {
        let message = format!("Total costs that do not match their parts: {sums}.");
        checks.push(Check::warn(COSTS, Problem::new(Code::SumWrong, message)));
    }
    if unexplained > 0 {
        let message = format!("AMIs and snapshots without a record of their save: {unexplained}.");
        let problem = Problem::new(Code::LeftOver, message);
        checks.push(Check::warn(NAME, problem.hint("Check each of them. If none is needed any more: prism doctor --fix --remove-unexplained")));
    }
    if rest > 0 {
        let message = format!("Other leftovers of saves: {rest}.");
        checks.push(Check::warn(NAME, Problem::new(Code::LeftOver, message)));
    }
    checks
}

fn is_sum(what: &Left) -> bool {
    matches!(
        what,
        Left::TemplateSum { .. } | Left::ProjectSum { .. } | Left::ComputeSum { .. }
    )
}

/// Whether to fix leftovers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fix {
    /// Only report them.
    No,
    /// Ask for confirmation first.
    Ask,
    /// Fix them without asking.
    Yes,
}

fn outcome_of(leftover: &Leftover, outcome: &Fixed) -> Check {
    let what = name(&leftover.what);
    match outcome {
        Fixed::Done => Check::ok(NAME, format!("{what}: {}", what_was_done(&leftover.what))),
        Fixed::Explained => Check::ok(NAME, format!("{what}: no longer left over")),
        Fixed::Begun(how) => Check::ok(NAME, format!("{what}: {how}")),
        Fixed::Refused(problem) => {
            let hint = problem.advice().to_owned();
            let told = Problem::new(Code::NotAsGranted, problem.message.clone()).hint(hint);
            Check::warn(OPEN, told)
        }
        Fixed::Failed(problem) => {
            let message = format!("{what} could not be fixed: {}", problem.chain());
            let hint = problem.advice().to_owned();
            Check::fail(NAME, Problem::new(problem.code, message).hint(hint))
        }
    }
}

/// What was fixed, as JSON.
pub(super) fn data(fixed: &[(Leftover, Fixed)]) -> Value {
    let one = |(leftover, outcome): &(Leftover, Fixed)| {
        let (result, detail) = match outcome {
            Fixed::Done => ("done", None),
            Fixed::Explained => ("explained", None),
            Fixed::Begun(how) => ("begun", Some(how.clone())),
            Fixed::Refused(problem) => ("refused", Some(problem.chain())),
            Fixed::Failed(problem) => ("failed", Some(problem.chain())),
        };
        json!({ "leftover": leftover, "result": result, "detail": detail })
    };
    fixed.iter().map(one).collect()
}

/// Lists leftovers, one per line.
pub(super) fn list(found: &[Leftover]) -> String {
    let mut text = String::new();
    for leftover in found {
        let of = leftover.save_id.as_ref().map(|id| format!(" of {id}"));
        let (what, of) = (name(&leftover.what), of.unwrap_or_default());
        let _ = writeln!(text, "  {what}{of}: {}", plain(&leftover.why));
    }
    text
}

fn name(what: &Left) -> String {
    match what {
        Left::Image { region, id } => format!("AMI {id} in {region}"),
        Left::Snapshot { region, id } => format!("snapshot {id} in {region}"),
        Left::Permissions {
            region, id, users, ..
        }
        | Left::Version {
            region, id, users, ..
        } => {
            let users: Vec<String> = users.iter().map(ToString::to_string).collect();
            format!("AMI {id} of {} in {region}", users.join(", "))
        }
        Left::Removal { template, version } => match version {
            Some(number) => format!("deletion of {template}@{number}"),
            None => format!("deletion of {template}"),
        },
        Left::Lock { region, id } => format!("lock of {id} in {region}"),
        Left::CopyLock {
            region,
            template,
            version,
        } => format!("lock of {template}@{version} in {region}"),
        Left::Duty { region, id } => format!("duty towards {id} in {region}"),
        Left::Wait { region, id } => format!("wait for {id} in {region}"),
        Left::Save { id } => format!("open save {id}"),
        Left::Schedule { owner, id } => format!("schedule {id} of {owner}"),
        Left::TemplateSum { template } => format!("what {template} costs"),
        Left::ProjectSum { project } => format!("what project {project} costs"),
        Left::ComputeSum { project } => {
            format!("what the instances of project {project} cost")
        }
        Left::Firing {
            id,
            owner,
            schedule,
        } => format!("{id} in the scheduler, which runs {schedule} of {owner}"),
    }
}

fn what_was_done(what: &Left) -> &'static str {
    match what {
        Left::Image { .. } => "deregistered",
        Left::Snapshot { .. } | Left::Firing { .. } => "deleted",
        Left::Permissions { .. } => "set to match the grants",
        Left::Version { .. } => "restored",
        Left::Removal { .. } => "finished",
        Left::TemplateSum { .. } | Left::ProjectSum { .. } | Left::ComputeSum { .. } => "corrected",
        Left::Lock { .. } | Left::CopyLock { .. } => "released",
        Left::Duty { .. } => "done",
        Left::Wait { .. } => "removed",
        Left::Save { .. } => "rolled back",
        Left::Schedule { .. } => "paused",
    }
}
