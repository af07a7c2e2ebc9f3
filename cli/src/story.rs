//! Describes a save for people: its steps, progress and timeline.

use std::fmt::Write;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::guide::Guide;
use prism_functions::domain::save::{Finding, SaveRecord, seconds_between};
use prism_functions::domain::{StepName, Timestamp};

use crate::text::{Times, duration, plain};

/// Describes a step of a save.
pub(crate) fn words<'a>(record: &SaveRecord, step: &'a str) -> &'a str {
    let Ok(name) = step.parse() else { return step };
    match name {
        StepName::CreateImage if record.reboots() => "Rebooting the instance",
        StepName::AwaitSnapshots if record.reboots() => {
            "Waiting until the snapshots have started, while the instance reboots"
        }
        StepName::AwaitRunning if record.reboots() && record.start_requested_at.is_none() => {
            "Checking that the instance is running"
        }
        StepName::WaitForTurn => "Waiting for its turn",
        StepName::PlanSave | StepName::PlanCopy => "Checking",
        StepName::StopInstance | StepName::AwaitStopped => "Stopping the instance",
        StepName::CreateImage => "Creating the AMI",
        StepName::AwaitSnapshots => "Waiting until the snapshots have started",
        StepName::RestartInstance | StepName::AwaitRunning => "Starting the instance again",
        StepName::AwaitImage => "Completing the AMI; you can use the instance again",
        StepName::CopyImage | StepName::AwaitCopy | StepName::FailCopy => {
            "Copying the AMI to other Regions"
        }
        StepName::RegisterTemplate => "Registering the template",
        StepName::CompleteSave => "Finishing",
        StepName::RestoreInstance => "Restoring the instance",
        StepName::DiscardImage => "Removing AMIs and snapshots",
        StepName::FailSave => "Ending the save",
        StepName::Stranded => "Giving up: the instance cannot be restored",
        StepName::AwaitEvent => step,
    }
}

/// The progress of a save.
pub(crate) struct Shown {
    /// The step, which changes rarely.
    pub(crate) step: String,
    /// Details, which change continuously.
    pub(crate) details: String,
}

/// How long a save still waits for its turn, if it waits.
pub(crate) fn until_turn(record: &SaveRecord, now: Timestamp) -> Option<String> {
    let turn = record.awaited_turn()?;
    let minutes = ((turn.at - now).num_seconds().max(0) + 59) / 60;
    Some(match minutes {
        0 | 1 => "less than a minute".to_owned(),
        minutes => format!("about {minutes} min"),
    })
}

/// The state of a save, in a few words.
pub(crate) fn state(record: &SaveRecord, now: Timestamp) -> String {
    match until_turn(record, now) {
        Some(wait) => format!("waiting for its turn, {wait}"),
        None => record.state.as_str().to_owned(),
    }
}

/// The progress of a save.
pub(crate) fn progress(record: &SaveRecord, now: Timestamp) -> Shown {
    let mut details = Vec::new();
    if let Some(wait) = until_turn(record, now) {
        details.push(format!("starts in {wait}"));
    }
    if let (true, Some(percent)) = (
        *record.step == StepName::AwaitImage,
        record.progress_percent,
    ) {
        details.push(format!("{percent} %"));
    }
    if let Some(down) = record.down_for_s(now).filter(|_| was_running(record)) {
        details.push(format!("down for {}", duration(down)));
    }
    details.push(format!(
        "{} so far",
        duration(seconds_between(record.started_at, now))
    ));
    Shown {
        step: words(record, &record.step).to_owned(),
        details: details.join(" · "),
    }
}

fn was_running(record: &SaveRecord) -> bool {
    let instance = record.plan.as_ref().map(|plan| &plan.instance);
    instance.is_some_and(|instance| instance.original_state == InstanceState::Running)
}

/// What happened to the instance, in a sentence.
pub(crate) fn instance(record: &SaveRecord) -> String {
    let name = plain(&record.request.instance);
    if record.copy_of.is_some() {
        return "A copy does not affect any instance.".to_owned();
    }
    if record.awaited_turn().is_some() {
        return format!("{name} is not affected before the save's turn.");
    }
    if record.plan.is_none() {
        return format!("{name} was not affected.");
    }
    if !was_running(record) {
        return format!("{name} was already stopped.");
    }
    match record.finding {
        Some(Finding::Gone) => return format!("{name} was terminated by someone else."),
        Some(Finding::ChangedByOthers) => {
            return format!("{name} was left as it is, because someone else changed its state.");
        }
        Some(Finding::Original) | None => {}
    }
    let rebooted = record.reboots();
    if record.down_since().is_none() {
        let what = if rebooted { "rebooted" } else { "stopped" };
        return format!("{name} was never {what}.");
    }
    match (record.running_at, record.downtime_s) {
        (Some(_), Some(down)) if rebooted && record.start_requested_at.is_none() => {
            format!(
                "{name} was rebooted; it was down for {}, and then booted.",
                duration(down)
            )
        }
        (Some(_), Some(down)) => {
            format!(
                "{name} is running again; it was down for {}.",
                duration(down)
            )
        }
        (Some(_), None) => format!("{name} is running again."),
        (None, _) if record.state.is_final() => {
            format!("{name} may not be running again; check it with \"prism list\".")
        }
        (None, _) if rebooted => format!("{name} is being rebooted."),
        (None, _) => format!("{name} is currently down."),
    }
}

/// What to do about an instance that does not come back.
pub(crate) fn guide(guide: &Guide) -> String {
    let mut text = format!("What happened: {}\nWhat to try:\n", plain(&guide.happened));
    for (number, step) in guide.steps.iter().enumerate() {
        let (what, command) = (plain(&step.text), plain(&step.command));
        let _ = writeln!(text, "  {}. {what}\n     {command}", number + 1);
    }
    text
}

/// The steps of a save so far, each with its time and its duration in seconds. Consecutive steps with the same
/// description, such as a request and the wait for its effect, are one.
pub(crate) fn steps(record: &SaveRecord, now: Timestamp) -> Vec<(Timestamp, &str, f64)> {
    let mut moments: Vec<(Timestamp, &str)> = Vec::new();
    for moment in &record.moments {
        let what = words(record, &moment.step);
        if moments.last().is_none_or(|(_, last)| *last != what) {
            moments.push((moment.at, what));
        }
    }
    let end = record.ended_at.unwrap_or(now);
    let ends = moments.iter().skip(1).map(|(at, _)| *at);
    let spans: Vec<Timestamp> = ends.chain([end]).collect();
    let steps = moments.into_iter().zip(spans);
    let steps = steps.map(|((at, what), until)| (at, what, seconds_between(at, until)));
    steps.collect()
}

/// The timeline of a save, one step per line.
pub(crate) fn timeline(record: &SaveRecord, now: Timestamp, times: Times) -> String {
    let mut text = String::new();
    for (at, what, took) in steps(record, now) {
        let took = duration(took);
        let _ = writeln!(text, "  {}  {took:>12}  {what}", times.time(at));
    }
    if let Some(ended) = record.ended_at {
        let (at, how) = (times.time(ended), record.state.as_str());
        let _ = writeln!(text, "  {at}  {:>12}  {how}", "");
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use prism_functions::domain::guide;

    use crate::args::Cli;

    #[test]
    fn every_command_of_a_guide_can_be_typed() {
        let ours = guide::commands().filter(|command| command.starts_with("prism "));
        let mut count = 0;
        for command in ours {
            let typed = command.replace("{size}", "L").replace("{version}", "1");
            let typed = typed
                .replace("{elsewhere}", "eu-west-1")
                .replace("{save}", "save-00000000");
            let words = typed.split(' ').map(|word| word.trim_matches(['{', '}']));
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{command}: {error}");
            }
            count += 1;
        }
        assert!(count > 10, "{count}");
    }
}
