//! Properties of any rule for a schedule: its next times are later and ascending, and if there are none, it is refused
//! at once.

use std::sync::LazyLock;

use chrono::{TimeDelta, Utc};
use prism_functions::domain::Timestamp;
use prism_functions::domain::schedule::{Cadence, Schedule, ScheduleRequest, TimeZone};

/// A schedule without its times.
static PLAIN: LazyLock<Schedule> = LazyLock::new(|| {
    let asked = serde_json::json!({
        "cadence": "1d",
        "request": { "instance": "work", "template": "kept", "region": "us-east-1" },
    });
    let asked: ScheduleRequest = serde_json::from_value(asked).expect("it is a request");
    let name = "nightly".parse().expect("it is a name");
    let owner = "alice".parse().expect("it is a user");
    Schedule::new(name, owner, asked, Timestamp::UNIX_EPOCH)
});

/// Checks a text whose lines are the cadence, the time zone, and the hours from 1970 to the current time.
pub(crate) fn check(text: &str) {
    let mut lines = text.splitn(3, '\n');
    let Some(Ok(cadence)) = lines.next().map(str::parse::<Cadence>) else {
        return;
    };
    let timezone = lines.next().map(str::parse::<TimeZone>);
    let timezone = timezone.and_then(Result::ok).unwrap_or_default();
    let hours = lines.next().and_then(|hours| hours.parse().ok());
    check_times(cadence, timezone, hours.unwrap_or(0));
}

/// Checks the times of a cadence in a time zone until 2150, with a current time this many hours after 1970.
pub(crate) fn check_times(cadence: Cadence, timezone: TimeZone, hours: u32) {
    let most = 180 * 366 * 24;
    let after = Timestamp::UNIX_EPOCH + TimeDelta::hours(i64::from(hours % most));
    let schedule = Schedule {
        cadence,
        timezone,
        ..PLAIN.clone()
    };
    let mut last = after;
    for due in schedule.upcoming(after, 4) {
        assert!(due > last, "{} {due} {last}", schedule.cadence);
        last = due;
    }
    if let Some(next) = schedule.next_after(after) {
        let told = schedule.upcoming(after, 1);
        assert_eq!(told, [next], "{} after {after}", schedule.cadence);
        // No run is due in between, and one is due at the next time.
        let moment = next - TimeDelta::seconds(1);
        if moment > after {
            assert_eq!(
                schedule.next_after(moment),
                Some(next),
                "{}",
                schedule.cadence
            );
        }
        assert!(next.with_timezone(&Utc) >= after);
    }
}
