//! What EC2 may say about an instance, late, outdated, or without a time.

use super::*;
use crate::domain::ec2::InstanceState::{Pending, Running, Stopped, Stopping, Terminated};

const PRICE: i64 = 83_200;

fn at(text: &str) -> Timestamp {
    format!("2026-{text}:00Z").parse().unwrap()
}

fn seen(state: InstanceState, launched: &str, transitioned: Option<&str>) -> Seen {
    Seen {
        name: Some("work".to_owned()),
        state,
        launched_at: at(launched),
        transitioned_at: transitioned.map(at),
        instance_type: "t3.large".to_owned(),
        usd_per_hour: Some(MicroUsd::new(PRICE)),
        charged: Charged {
            owner: Some("ada".parse().unwrap()),
            ..Charged::default()
        },
    }
}

/// A meter after EC2 has said this, each at a time.
fn after(all: &[(Seen, &str)]) -> Meter {
    let region = "us-east-1".parse().unwrap();
    let id = "i-0123456789abcdef0".parse().unwrap();
    let mut meter = Meter::new(region, id, &all[0].0);
    for (seen, when) in all {
        settle(&mut meter, |meter| meter.observe(seen, at(when)));
    }
    meter
}

fn settle(meter: &mut Meter, change: impl Fn(&mut Meter)) {
    for _ in 0..20 {
        let before = meter.clone();
        change(meter);
        if *meter == before {
            return;
        }
    }
    panic!("it never settles: {meter:#?}");
}

/// The hours for which it ran in January and February.
fn hours(meter: &Meter, now: &str) -> [f64; 2] {
    ["2026-01", "2026-02"].map(|month| meter.used(month.parse().unwrap(), at(now)).hours())
}

#[track_caller]
fn same(is: [f64; 2], should: [f64; 2]) {
    let near = is.iter().zip(should).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(near, "{is:?}, not {should:?}");
}

#[test]
fn a_stop_without_a_time_counts_until_it_is_noticed() {
    let start = (seen(Pending, "01-10T08:00", None), "01-10T08:00");
    let down = (seen(Stopped, "01-10T08:00", None), "01-10T12:05");
    let meter = after(&[start.clone(), down.clone()]);
    same(hours(&meter, "01-20T00:00"), [4.0 + 5.0 / 60.0, 0.0]);
    // If the time is known later, nothing more is counted.
    let known = seen(Stopped, "01-10T08:00", Some("01-10T12:00"));
    let meter = after(&[start, down, (known, "01-10T12:10")]);
    assert!(!meter.current().unwrap().running);
}

#[test]
fn an_outdated_response_changes_nothing() {
    let first = (seen(Running, "01-10T08:00", None), "01-10T08:05");
    let down = (
        seen(Stopped, "01-10T08:00", Some("01-10T10:00")),
        "01-10T10:05",
    );
    let again = (seen(Pending, "01-10T12:00", None), "01-10T12:00");
    let meter = after(&[first.clone(), down.clone(), again.clone(), down.clone()]);
    assert!(meter.current().unwrap().running);
    same(hours(&meter, "01-10T14:00"), [4.0, 0.0]);
    // The response from before the stop, after the stop: the next one puts it right.
    let meter = after(&[first.clone(), down.clone(), first, down]);
    same(hours(&meter, "01-10T14:00"), [2.0, 0.0]);
    assert_eq!(meter.periods.len(), 2, "{meter:#?}");
}

#[test]
fn what_nobody_saw_is_found_by_its_times() {
    let stopped = (
        seen(Stopped, "01-10T08:00", Some("01-10T09:00")),
        "01-10T09:05",
    );
    // It was started and stopped again.
    let later = (
        seen(Stopping, "01-11T08:00", Some("01-11T11:00")),
        "01-12T00:00",
    );
    let meter = after(&[stopped.clone(), later]);
    same(hours(&meter, "01-20T00:00"), [1.0 + 3.0, 0.0]);
    // It was started and terminated.
    let gone = (
        seen(Terminated, "01-11T08:00", Some("01-11T10:00")),
        "01-11T10:30",
    );
    let meter = after(&[stopped, gone]);
    same(hours(&meter, "01-20T00:00"), [1.0 + 2.0, 0.0]);
    assert_eq!(meter.current(), None);
}

#[test]
fn an_instance_that_was_taken_for_terminated_goes_on() {
    let running = (seen(Running, "01-10T08:00", None), "01-10T08:05");
    let mut meter = after(std::slice::from_ref(&running));
    settle(&mut meter, |meter| meter.end(at("01-10T09:00")));
    assert_eq!(meter.current(), None);
    let later = at("01-10T10:00");
    settle(&mut meter, |meter| meter.observe(&running.0, later));
    same(hours(&meter, "01-10T12:00"), [4.0, 0.0]);
}

#[test]
fn a_month_turns_at_its_turn_and_not_when_it_is_noticed() {
    let running = (seen(Running, "01-31T20:00", None), "01-31T20:05");
    let stopped = (
        seen(Stopped, "01-31T20:00", Some("01-31T23:00")),
        "02-01T01:00",
    );
    let meter = after(&[running.clone(), stopped]);
    same(hours(&meter, "02-01T02:00"), [3.0, 0.0]);
    let meter = after(&[running.clone(), (running.0, "02-01T02:00")]);
    same(hours(&meter, "02-01T02:00"), [4.0, 2.0]);
    let months: Vec<String> = meter
        .contributions()
        .keys()
        .map(|(month, _)| month.to_string())
        .collect();
    assert_eq!(months, ["2026-01", "2026-02"]);
}

#[test]
fn what_ran_before_there_were_meters_is_counted_for_two_months() {
    let old = Seen {
        launched_at: "2020-01-01T00:00:00Z".parse().unwrap(),
        ..seen(Running, "01-01T00:00", None)
    };
    let meter = after(&[(old, "02-10T00:00")]);
    same(hours(&meter, "02-10T00:00"), [31.0 * 24.0, 9.0 * 24.0]);
}

#[test]
fn one_change_goes_on_by_a_few_months_only() {
    let running = seen(Running, "01-10T08:00", None);
    let mut meter = after(&[(running.clone(), "01-10T08:05")]);
    let before = meter.contributions().len();
    meter.observe(&running, "2029-01-01T00:00:00Z".parse().unwrap());
    let months = meter.contributions().len() - before;
    assert!((1..=4).contains(&months), "{months}");
    let now = "2029-01-01T01:00:00Z".parse().unwrap();
    settle(&mut meter, |meter| meter.observe(&running, now));
    let used = meter.used(Month::of(now), now).hours();
    assert!((used - 1.0).abs() < 1e-9, "{used}");
}

#[test]
fn volumes_cost_from_the_beginning_once_they_are_known() {
    let running = (seen(Running, "01-10T00:00", None), "01-10T00:05");
    let stopped = (
        seen(Stopped, "01-10T00:00", Some("01-11T00:00")),
        "01-11T00:05",
    );
    let mut meter = after(&[running, stopped]);
    let january: Month = "2026-01".parse().unwrap();
    let now = at("01-12T00:00");
    assert!((meter.used(january, now).unmeasured_hours() - 48.0).abs() < 1e-9);
    let volume = |digit: &str| format!("vol-0123456789abcde{digit}0").parse().unwrap();
    let one = BTreeSet::from([volume("a")]);
    meter.set_volumes(one, Some(MicroUsd::new(1000)), now);
    let used = meter.used(january, now);
    assert!((used.volumes_usd() - 0.048).abs() < 1e-9 && used.unmeasured_hours() < 1e-9);
    // Another one is attached.
    let two = BTreeSet::from([volume("a"), volume("b")]);
    meter.set_volumes(two, Some(MicroUsd::new(3000)), now);
    let used = meter.used(january, at("01-13T00:00"));
    assert!((used.volumes_usd() - 0.120).abs() < 1e-9);
}

#[test]
fn old_periods_are_summed_up() {
    let mut all = Vec::new();
    let texts: Vec<[String; 2]> = (0..60)
        .map(|at| {
            let (day, hour) = (10 + at / 12, 2 * (at % 12));
            [
                format!("01-{day}T{hour:02}:00"),
                format!("01-{day}T{:02}:00", hour + 1),
            ]
        })
        .collect();
    for [start, stop] in &texts {
        all.push((seen(Pending, start, None), start.as_str()));
        all.push((seen(Stopped, start, Some(stop)), stop.as_str()));
    }
    let mut meter = after(&all);
    let now = at("01-20T00:00");
    let before = meter.used("2026-01".parse().unwrap(), now);
    assert!((before.hours() - 60.0).abs() < 1e-9);
    meter.fold(now);
    assert!(meter.periods.len() <= PERIODS);
    assert_eq!(meter.used("2026-01".parse().unwrap(), now), before);
}
