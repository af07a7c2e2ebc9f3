//! Checks that this machine's clock is close enough to AWS's.

use chrono::{DateTime, TimeDelta};
use http::HeaderMap;
use http::header::DATE;
use prism_functions::domain::{Code, Problem, Timestamp};

use super::Check;

const NAME: &str = "clock";
/// The largest clock difference at which AWS accepts a signature.
const MOST: TimeDelta = TimeDelta::minutes(5);
/// The clock difference from which the check warns.
const MUCH: TimeDelta = TimeDelta::minutes(1);

/// Compares this machine's time with the date of a response.
pub(super) fn check(headers: &HeaderMap, now: Timestamp) -> Check {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let server_time = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let Some(server_time) = server_time else {
        let message = "The response has no date to compare the clock with.";
        return Check::warn(NAME, Problem::new(Code::ApiUnavailable, message));
    };
    let off = now.signed_duration_since(server_time);
    let by = format!("{} s", off.num_seconds().abs());
    let ahead = if off < TimeDelta::zero() {
        "behind"
    } else {
        "ahead"
    };
    let problem = || {
        Problem::new(
            Code::ClockWrong,
            format!("This machine's clock is {by} {ahead}."),
        )
    };
    match off.abs() {
        off if off > MOST => Check::fail(NAME, problem()),
        off if off > MUCH => Check::warn(NAME, problem()),
        _ => Check::ok(NAME, format!("{by} {ahead}")),
    }
}

#[cfg(test)]
mod tests {
    use http::header::HeaderValue;

    use super::super::Verdict;
    use super::*;

    fn checked(date: &'static str) -> Check {
        let now = DateTime::parse_from_rfc3339("2026-11-24T12:00:00Z").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_static(date));
        check(&headers, now.to_utc())
    }

    #[test]
    fn five_minutes_are_too_far_and_one_is_worth_knowing() {
        for (date, verdict, detail) in [
            ("Tue, 24 Nov 2026 12:00:30 GMT", Verdict::Ok, "30 s behind"),
            (
                "Tue, 24 Nov 2026 11:58:00 GMT",
                Verdict::Warn,
                "120 s ahead",
            ),
            (
                "Tue, 24 Nov 2026 12:05:01 GMT",
                Verdict::Fail,
                "301 s behind",
            ),
            (
                "Tue, 24 Nov 2026 11:54:59 GMT",
                Verdict::Fail,
                "301 s ahead",
            ),
            ("yesterday", Verdict::Warn, "no date"),
        ] {
            let check = checked(date);
            assert_eq!(check.verdict, verdict, "{date}");
            assert!(check.detail.contains(detail), "{}", check.detail);
        }
    }
}
