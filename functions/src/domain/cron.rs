//! Cron expressions in the syntax of EventBridge Scheduler. The fields are: minutes, hours, day of month, month, day
//! of week, year.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDateTime;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::ids::shown;
use super::problem::{Code, Problem};

/// The maximum length of an expression, in characters.
const LENGTH: usize = 200;
/// The years that EventBridge Scheduler supports.
const YEARS: std::ops::RangeInclusive<u32> = 1970..=2199;

/// A valid cron expression that is due at most once per hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronExpression {
    text: String,
    parsed: Box<Cron>,
}

impl CronExpression {
    /// The six fields as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The shortest time between two hours of the expression, in minutes, if it lists several hours; otherwise
    /// consecutive runs are at least one day apart by local time.
    pub(super) fn least_minutes(&self) -> Option<u32> {
        let hours = self.parsed.pattern.hours.values();
        let overnight = 24 + hours.first()? - hours.last()?;
        let within = hours.windows(2).map(|pair| pair[1] - pair[0]);
        Some(u32::from(within.min()?.min(overnight)) * 60)
    }

    /// The next local time at which the expression is due; `None` if it is never due again.
    pub(super) fn next_after(&self, local: &NaiveDateTime) -> Option<NaiveDateTime> {
        self.parsed.find_next_occurrence(local, false).ok()
    }
}

impl FromStr for CronExpression {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| {
            let message = format!("The cron expression {} is not valid: {why}.", shown(text));
            Problem::new(Code::InvalidCadence, message)
        };
        let upper = text.to_ascii_uppercase();
        let fields: Vec<&str> = upper.split_whitespace().collect();
        let &[minutes, hours, day, month, weekday, year] = fields.as_slice() else {
            return Err(wrong(
                "it must have six fields: minutes, hours, day of the month, month, day of the week, year",
            ));
        };
        check(text, &fields).map_err(wrong)?;
        // In the day-of-week field, "L" alone means the last day of the week, which is Saturday.
        let last = if weekday == "L" { "SAT" } else { weekday };
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Required)
            .alternative_weekdays(true)
            .sloppy_ranges(true)
            .build();
        let seven = format!("0 {minutes} {hours} {day} {month} {last} {year}");
        let parsed = parser
            .parse(&seven)
            .map_err(|error| wrong("a field cannot be parsed").because(error))?;
        // With a single minute, two runs are at least one hour apart.
        if parsed.pattern.minutes.values().len() != 1 {
            return Err(wrong(
                "it must have exactly one minute, because each save stops the instance: at most once an hour",
            ));
        }
        let text = fields.join(" ");
        Ok(Self {
            text,
            parsed: Box::new(parsed),
        })
    }
}

/// Checks the rules that are specific to EventBridge Scheduler.
fn check(text: &str, fields: &[&str]) -> Result<(), &'static str> {
    if text.len() > LENGTH {
        return Err("it is too long");
    }
    let known = |c: char| c.is_ascii_alphanumeric() || ",-*?/#".contains(c);
    if !fields.iter().all(|field| field.chars().all(known)) {
        return Err("it can have only letters, digits and , - * ? / #");
    }
    if fields.iter().any(|f| f.split(',').any(str::is_empty)) {
        return Err("a list has an empty element");
    }
    if (fields[2] == "?") == (fields[4] == "?") {
        return Err("either the day of the month or the day of the week must be \"?\"");
    }
    let stray = |(index, field): (usize, &&str)| {
        field.contains('?') && (**field != *"?" || !matches!(index, 2 | 4))
    };
    if fields.iter().enumerate().any(stray) {
        return Err("\"?\" can only be used alone, for a day");
    }
    if fields[4].contains('#') && fields[4].contains(',') {
        return Err("\"#\" cannot be used in a list");
    }
    let years = fields[5].split([',', '-']);
    let mut years = years.map(|year| year.split('/').next().unwrap_or(year));
    if !years.all(|year| year == "*" || year.parse().is_ok_and(|year| YEARS.contains(&year))) {
        return Err("its years must be 1970 to 2199");
    }
    Ok(())
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, after: &str) -> String {
        let parsed: CronExpression = expression.parse().unwrap();
        let next = parsed.next_after(&after.parse().unwrap());
        next.map_or("never".to_owned(), |at| at.format("%a %F %R").to_string())
    }

    #[test]
    fn expressions_mean_what_eventbridge_says() {
        let after = "2026-01-05T09:00:00";
        for (expression, expected) in [
            ("0 3 ? * MON-FRI *", "Tue 2026-01-06 03:00"),
            ("0 3 ? * 2-6 *", "Tue 2026-01-06 03:00"),
            ("15 10 ? * 1 *", "Sun 2026-01-11 10:15"),
            ("0 3 ? * 7 *", "Sat 2026-01-10 03:00"),
            ("0 3 ? * L *", "Sat 2026-01-10 03:00"),
            ("0 10 * * ? *", "Mon 2026-01-05 10:00"),
            ("0 3 L * ? *", "Sat 2026-01-31 03:00"),
            ("0 3 31W JAN ? *", "Fri 2026-01-30 03:00"),
            ("0 3 LW * ? *", "Fri 2026-01-30 03:00"),
            ("15 10 ? * 6L 2026-2030", "Fri 2026-01-30 10:15"),
            ("0 3 ? * 3#2 *", "Tue 2026-01-13 03:00"),
            ("0 3 ? * MON#1 *", "Mon 2026-02-02 03:00"),
            ("30 0/6 1,15 feb ? *", "Sun 2026-02-01 00:30"),
            ("0 3 29 2 ? *", "Tue 2028-02-29 03:00"),
            ("0 9 5 1 ? *", "Tue 2027-01-05 09:00"),
            ("0 3 30 2 ? *", "never"),
            ("0 3 1 1 ? 2025", "never"),
        ] {
            assert_eq!(next(expression, after), expected, "{expression}");
        }
    }

    #[test]
    fn the_least_time_between_two_hours_is_known() {
        for (hours, least) in [
            ("3", None),
            ("*", Some(60)),
            ("0/6", Some(360)),
            ("8,20", Some(720)),
            ("1,23", Some(120)),
            ("9-17", Some(60)),
        ] {
            let expression = format!("0 {hours} * * ? *");
            let parsed: CronExpression = expression.parse().unwrap();
            assert_eq!(parsed.least_minutes(), least, "{hours}");
        }
    }

    #[test]
    fn what_eventbridge_would_refuse_is_refused_with_its_reason() {
        for (expression, why) in [
            ("0 3 * * *", "six fields"),
            ("0 0 3 ? * MON *", "six fields"),
            ("", "six fields"),
            ("0 3 * * * *", "\"?\""),
            ("0 3 ? * ? *", "\"?\""),
            ("0 3 1 * MON *", "\"?\""),
            ("? 3 1 * ? *", "used alone"),
            ("0 3 ?/2 * MON *", "\"?\""),
            ("0 3 1 * ?,? *", "\"?\""),
            ("60 3 * * ? *", "cannot be parsed"),
            ("0 24 * * ? *", "cannot be parsed"),
            ("0 3 32 * ? *", "cannot be parsed"),
            ("0 3 * 13 ? *", "cannot be parsed"),
            ("0 3 ? * 8 *", "cannot be parsed"),
            ("0 3 ? * 0 *", "cannot be parsed"),
            ("0 3 ? * MOON *", "cannot be parsed"),
            ("0 3 +1 * ? *", "can have only"),
            ("0 @3 1 * ? *", "can have only"),
            ("0 3 1,,2 * ? *", "empty element"),
            ("0 3 ? * 3#1,6#3 *", "in a list"),
            ("0 3 1 * ? 1969", "1970"),
            ("0 3 1 * ? 2026-2200", "1970"),
            ("0/30 3 * * ? *", "once an hour"),
            ("* 3 * * ? *", "once an hour"),
            ("0,30 3 * * ? *", "once an hour"),
        ] {
            let problem = expression.parse::<CronExpression>().unwrap_err();
            assert_eq!(problem.code, Code::InvalidCadence);
            assert!(
                problem.message.contains(why),
                "{expression}: {}",
                problem.message
            );
        }
        let long = format!("0 3 {} * ? *", "1,".repeat(200));
        assert!(long.parse::<CronExpression>().is_err());
    }
}
