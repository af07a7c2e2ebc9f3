//! Any rule for a schedule results in ascending times, or in none. The rules are generated randomly, and read from
//! `tests/corpus/schedules.txt`.

#[path = "../properties/corpus.rs"]
mod corpus;
#[path = "../properties/schedules.rs"]
mod schedules;

use prism_functions::domain::schedule::{Cadence, TimeZone};
use proptest::prelude::*;
use schedules::{check, check_times};

const CORPUS: &str = include_str!("../corpus/schedules.txt");

#[test]
fn every_rule_of_the_corpus_has_its_times() {
    let rules = corpus::texts(CORPUS);
    let read = |rule: &&String| {
        rule.lines()
            .next()
            .is_some_and(|it| it.parse::<Cadence>().is_ok())
    };
    assert!(rules.iter().filter(read).count() > 12, "{rules:?}");
    for rule in rules {
        check(&rule);
    }
}

fn cadence() -> impl Strategy<Value = Cadence> {
    let rate = (60..200_000_u32).prop_map(|minutes| format!("{minutes}m"));
    let day = "([1-9]|[12][0-9]|3[01]|L|LW|1/5|15W|\\?|\\*)";
    let weekday = "([1-7]|MON-FRI|[1-7]L|[1-7]#[1-5]|\\?|\\*)";
    let date = (day, "([1-9]|1[0-2]|FEB|\\*)", weekday);
    let cron = (
        "[1-5]?[0-9]",
        "(1?[0-9]|\\*|0/6)",
        date,
        "(\\*|20[2-9][0-9])",
    );
    let cron = cron.prop_map(|(minute, hour, (day, month, weekday), year)| {
        format!("cron({minute} {hour} {day} {month} {weekday} {year})")
    });
    let text = prop_oneof![1 => rate, 4 => cron];
    text.prop_filter_map("no cadence", |text| text.parse().ok())
}

fn zone() -> impl Strategy<Value = TimeZone> {
    let names = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Casablanca",
        "America/Santiago",
        "Asia/Kathmandu",
    ];
    proptest::sample::select(names.to_vec()).prop_filter_map("no zone", |name| name.parse().ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_times_of_a_rule_are_ascending(
        cadence in cadence(),
        zone in zone(),
        hours in 400_000..600_000_u32,
    ) {
        check_times(cadence, zone, hours);
    }
}
