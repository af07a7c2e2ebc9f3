//! Describes a whole save as readable text: the states that it went through and when, how it ended, and what is left of
//! it.

use std::fmt::Write as _;

use chrono::TimeDelta;
use prism_asl::{Event, HistoryEvent, StateKind};
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::{SaveRecord, SaveRequest, SaveState};
use prism_functions::domain::{SaveId, Timestamp};
use prism_functions::ports::Executions;

use crate::clean;
use crate::world::{Setup, World, begun, launched};

pub fn tell(world: &World, id: &SaveId) -> String {
    let mut text = String::new();
    let first = world.executions.history(id.as_str());
    let events = first.map(|history| history.events()).unwrap_or_default();
    let Some(begin) = events.first().map(|event| event.timestamp) else {
        return "no execution\n".to_owned();
    };
    tell_execution(&mut text, world, id.as_str(), &events, begin);
    let mut text = shortened(&text);
    let mut last = String::new();
    for epoch in 2.. {
        let name = format!("{id}-{epoch}");
        let Some(history) = world.executions.history(&name) else {
            break;
        };
        let mut told = String::new();
        tell_execution(&mut told, world, &name, &history.events(), begin);
        let _ = write!(text, "-- recovery {}", epoch - 1);
        if course(&told) == course(&last) {
            let times = told
                .lines()
                .filter_map(|line| line.split_whitespace().next());
            let times: Vec<&str> = times.collect();
            let _ = writeln!(text, " alike, at {}", times.join(" "));
        } else {
            let _ = writeln!(text);
            text.push_str(&told);
        }
        last = told;
    }
    if let Ok(record) = world.record(id) {
        tell_end(&mut text, world, &record);
    }
    text
}

/// Describes a save once everything has ended, and checks that it left a clean state.
pub fn to_the_end(world: &World, id: &SaveId) -> String {
    world
        .clock
        .run_until_idle()
        .expect("nothing waits for ever");
    world.pass(300);
    clean::check(world, &world.record(id).expect("the save has a record"));
    tell(world, id)
}

/// The story of Ada's save during which something happens after some seconds.
pub fn story_with(request: SaveRequest, after_s: u64, act: impl FnOnce(&World)) -> String {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, request);
    world.pass(after_s);
    act(&world);
    to_the_end(&world, &id)
}

/// How the save of a running instance usually begins. A story tells as much of it as happened in one line.
const USUAL: [&str; 8] = [
    "0s  PlanSave",
    "0s  StopInstance",
    "6s  AwaitStopped x4",
    "20.5s  CreateImage",
    "21.5s  AwaitSnapshots x3",
    "23.5s  RestartInstance",
    "29.5s  AwaitRunning x3",
    "44s  AwaitImage x2",
];

/// Tells the usual beginning of a story in one line.
fn shortened(story: &str) -> String {
    let same = |(line, usual): &(&str, &str)| line.trim_start() == *usual;
    let count = story.lines().zip(USUAL).take_while(same).count();
    if count < 2 {
        return story.to_owned();
    }
    let rest: String = story.split_inclusive('\n').skip(count).collect();
    format!("as usual to {}\n{rest}", USUAL[count - 1])
}

/// What happened, without the times.
fn course(told: &str) -> Vec<&str> {
    let parts = told.lines().map(|line| line.trim_start().split_once(' '));
    parts
        .map(|parts| parts.map_or("", |(_, what)| what))
        .collect()
}

/// A state that was passed, and how often in a row.
struct Passage {
    at: Timestamp,
    name: String,
    times: u32,
    failures: Vec<(String, u32)>,
}

fn tell_execution(
    text: &mut String,
    world: &World,
    name: &str,
    events: &[HistoryEvent],
    begin: Timestamp,
) {
    for passage in folded(&passages(events)) {
        let _ = write!(text, "{:>9}  {}", since(begin, passage.at), passage.name);
        if passage.times > 1 {
            let _ = write!(text, " x{}", passage.times);
        }
        for (error, times) in &passage.failures {
            let _ = match times {
                1 => write!(text, " !{error}"),
                _ => write!(text, " !{error} x{times}"),
            };
        }
        text.push('\n');
    }
    let execution = world.run(world.executions.describe(name));
    let Ok(execution) = execution else { return };
    let ended = execution.stopped_at.map(|at| since(begin, at));
    let _ = write!(
        text,
        "{:>9}  {:?}",
        ended.unwrap_or_default(),
        execution.status
    );
    let _ = match &execution.error {
        Some(error) => writeln!(text, " {error}"),
        None => writeln!(text),
    };
}

/// The states that wait for an event. Each is part of the poll that follows.
const EVENT_WAITS: [&str; 3] = ["AwaitStopEvent", "AwaitStartEvent", "AwaitImageEvent"];

/// The Tasks in the order in which they were entered, without waits. A failure is assigned to the Task that was entered
/// last; in the order of time this is exact outside the Map over Regions.
fn passages(events: &[HistoryEvent]) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut waits = false;
    for event in events {
        if let Event::StateEntered { name, .. } = &event.event {
            waits = EVENT_WAITS.contains(&&**name);
        }
        match &event.event {
            _ if waits => {}
            Event::StateEntered {
                kind: StateKind::Task,
                name,
                ..
            } => match passages.last_mut() {
                Some(last) if last.name == **name => last.times += 1,
                _ => passages.push(Passage {
                    at: event.timestamp,
                    name: name.to_string(),
                    times: 1,
                    failures: Vec::new(),
                }),
            },
            Event::TaskFailed { error, .. } | Event::TaskTimedOut { error, .. } => {
                if let Some(last) = passages.last_mut() {
                    count(&mut last.failures, error);
                }
            }
            _ => {}
        }
    }
    passages
}

/// Combines two alternating Tasks that repeat three or more times without a failure.
fn folded(passages: &[Passage]) -> Vec<Passage> {
    let mut told: Vec<Passage> = Vec::new();
    let mut rest = passages;
    while let Some(first) = rest.first() {
        let same = |pair: &&[Passage]| {
            let names = pair.iter().map(|p| &p.name);
            names.eq(rest[..2].iter().map(|p| &p.name))
                && pair.iter().all(|p| p.failures.is_empty())
        };
        let turns = if rest.len() < 2 {
            0
        } else {
            rest.chunks_exact(2).take_while(same).count()
        };
        let (taken, name, times, failures) = if turns < 3 {
            (1, first.name.clone(), first.times, first.failures.clone())
        } else {
            let both = format!("({}, {})", first.name, rest[1].name);
            let turns_told = u32::try_from(turns).unwrap_or(u32::MAX);
            (2 * turns, both, turns_told, Vec::new())
        };
        told.push(Passage {
            at: first.at,
            name,
            times,
            failures,
        });
        rest = &rest[taken..];
    }
    told
}

fn count(failures: &mut Vec<(String, u32)>, error: &str) {
    match failures.last_mut() {
        Some((last, times)) if last == error => *times += 1,
        _ => failures.push((error.to_owned(), 1)),
    }
}

fn tell_end(text: &mut String, world: &World, record: &SaveRecord) {
    let _ = write!(text, "save: {}", record.state.as_str());
    if let Some(version) = record.version {
        let _ = write!(text, " as {}@{version}", record.request.template);
    }
    if let Some(failure) = &record.failure {
        let _ = write!(text, ", {} in {}", failure.code, failure.step);
    }
    if record.state == SaveState::Succeeded {
        for (region, version) in &record.copies {
            let state = serde_json::to_value(version).unwrap_or_default();
            let _ = write!(text, ", {region} {}", state["state"].as_str().unwrap_or(""));
        }
    }
    text.push('\n');
    if let Ok(saved) = record.instance() {
        let state = world.instance(saved.id.as_str()).state.as_str();
        let _ = write!(text, "instance: {state}");
        if saved.original_state == InstanceState::Running {
            let until = record.updated_at;
            let down = world.cloud.down(&saved.id, record.started_at, until);
            let down = down.expect("the cloud answers").as_secs_f64();
            let noted = record.downtime_s;
            let noted = noted.map_or_else(|| "nothing".to_owned(), |s| format!("{s} s"));
            let _ = write!(text, ", down for {down} s, and {noted} by the record");
        }
        text.push('\n');
    }
    let inventory = world.admin.inventory().expect("the cloud answers");
    let ours = |tags: &prism_functions::ports::Tags| {
        tags.get(prism_functions::domain::tags::SAVE_TAG)
            .is_some_and(|id| id == record.save_id.as_str())
    };
    let images = inventory.images.iter().filter(|(_, i)| ours(&i.tags));
    let snapshots = inventory.snapshots.iter().filter(|(_, s)| ours(&s.tags));
    let _ = writeln!(
        text,
        "left: AMIs {}, snapshots {}",
        images.count(),
        snapshots.count()
    );
    let notices = world
        .notices
        .0
        .lock()
        .expect("no test panics while it holds them");
    let of_save = notices
        .iter()
        .filter(|n| n.save_id.as_ref() == Some(&record.save_id));
    let mut events: Vec<(String, u32)> = Vec::new();
    for notice in of_save {
        let alarm = if notice.alarm { " (alarm)" } else { "" };
        count(&mut events, &format!("{}{alarm}", notice.event));
    }
    let events: Vec<String> = events
        .into_iter()
        .map(|(event, times)| match times {
            1 => event,
            _ => format!("{event} x{times}"),
        })
        .collect();
    let _ = writeln!(text, "notices: {}", events.join(", "));
}

/// The time since the beginning, with milliseconds if they matter.
fn since(begin: Timestamp, at: Timestamp) -> String {
    let span: TimeDelta = at - begin;
    let ms = span.num_milliseconds();
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    let seconds = f64::from(i32::try_from(ms % 60_000).unwrap_or(0)) / 1000.0;
    if hours > 0 {
        format!("{hours}h{minutes:02}m{seconds:02}s")
    } else if minutes > 0 {
        format!("{minutes}m{seconds:02}s")
    } else {
        format!("{seconds}s")
    }
}
