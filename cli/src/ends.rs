//! When instances and projects end, as typed and as shown.

use chrono::{Local, NaiveDate, NaiveDateTime, TimeZone as _};
use clap::{Args, ValueEnum};
use prism_functions::domain::end::{End, EndRequest, EndState, Then};
use prism_functions::domain::ids::shown;
use prism_functions::domain::{Code, Problem, Timestamp};

use crate::candidates;
use crate::text::{Times, plain};

/// When an instance ends.
#[derive(Debug, Args)]
pub(crate) struct When {
    /// End it after this time, such as 90m, 4h or 3d
    #[arg(long = "for", value_name = "TIME", group = "end")]
    after: Option<String>,
    /// End it at this time, such as "2026-01-05 18:00" in your time zone, or 2026-01-05T18:00:00Z
    #[arg(long, value_name = "DATE", group = "end")]
    until: Option<String>,
}

/// What happens to an instance at its end.
#[derive(Debug, Args)]
pub(crate) struct What {
    #[command(flatten)]
    then: WithoutSave,
    /// Save it to this template first; if the save fails, it is stopped and not terminated
    #[arg(long, value_name = "TEMPLATE", add = candidates::templates())]
    last_save: Option<String>,
}

/// What happens to instances of several owners at their end.
#[derive(Debug, Args)]
pub(crate) struct WithoutSave {
    /// What happens at the end [default: stop]
    #[arg(long, value_enum, requires = "end")]
    then: Option<Typed>,
    /// Warn this long before the end [default: 15m]
    #[arg(long, value_name = "TIME", requires = "end")]
    warn_before: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Typed {
    Stop,
    Terminate,
}

impl When {
    /// The end with everything but its time as usual; `None` if no end was given.
    fn request(&self) -> Result<Option<EndRequest>, Problem> {
        let mut request = EndRequest::default();
        match (&self.after, &self.until) {
            (Some(after), _) => request.for_minutes = Some(minutes(after)?),
            (None, Some(until)) => request.at = Some(instant(until)?),
            (None, None) => return Ok(None),
        }
        Ok(Some(request))
    }
}

impl WithoutSave {
    /// The end of instances that have none yet; `None` if no end was given.
    pub(crate) fn request(&self, when: &When) -> Result<Option<EndRequest>, Problem> {
        let request = when.request()?;
        request.map(|request| self.added_to(request)).transpose()
    }

    fn added_to(&self, mut request: EndRequest) -> Result<EndRequest, Problem> {
        if let Some(then) = self.then {
            request.then = match then {
                Typed::Stop => Then::Stop,
                Typed::Terminate => Then::Terminate,
            };
        }
        if let Some(before) = &self.warn_before {
            request.warn_minutes = Some(minutes(before)?);
        }
        Ok(request)
    }
}

impl What {
    /// The end of an instance that has none yet; `None` if no end was given.
    pub(crate) fn request(&self, when: &When) -> Result<Option<EndRequest>, Problem> {
        let request = when.request()?;
        request.map(|request| self.added_to(request)).transpose()
    }

    /// The end of an instance whose end so far is `known`; `None` if no end and no last save was given. A time that is added
    /// counts from that end if it lies ahead. What is not given stays as it is.
    pub(crate) fn extended(
        &self,
        when: &When,
        known: Option<&End>,
        now: Timestamp,
    ) -> Result<Option<EndRequest>, Problem> {
        let known = known.filter(|end| end.state == EndState::Ahead && end.at > now);
        let mut request = match (when.request()?, known) {
            (Some(request), _) => request,
            (None, _) if self.last_save.is_none() => return Ok(None),
            (None, Some(known)) => EndRequest {
                at: Some(known.at),
                ..EndRequest::default()
            },
            (None, None) => return Err(endless()),
        };
        if let Some(known) = known {
            if let Some(minutes) = request.for_minutes.take() {
                request.at = Some(known.at + chrono::TimeDelta::minutes(minutes.into()));
            }
            request.then = known.then;
            request.last_save.clone_from(&known.last_save);
            request.warn_minutes = Some(known.warn_minutes);
        }
        self.added_to(request).map(Some)
    }

    fn added_to(&self, request: EndRequest) -> Result<EndRequest, Problem> {
        let mut request = self.then.added_to(request)?;
        if let Some(template) = &self.last_save {
            request.last_save = Some(template.parse()?);
        }
        Ok(request)
    }
}

/// The problem of a last save of an instance that has no end.
fn endless() -> Problem {
    let message = "The instance has no end ahead, so it has no last save.";
    Problem::new(Code::InvalidInput, message)
        .hint("Say when it ends, too: with --for TIME or --until DATE.")
}

/// A number of minutes, hours, days or weeks, in minutes.
fn minutes(text: &str) -> Result<u32, Problem> {
    let wrong = || {
        let message = format!("The time {} is not valid.", shown(text));
        Problem::new(Code::InvalidInput, message)
            .hint("Write a number of minutes, hours, days or weeks: 90m, 4h, 3d or 2w.")
    };
    let unit = text.chars().last().ok_or_else(wrong)?;
    let each = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return Err(wrong()),
    };
    let digits = &text[..text.len() - 1];
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(each).ok_or_else(wrong)
}

/// An instant: with its offset from UTC, or in the time zone of this machine. A day without a time begins at midnight.
pub(crate) fn instant(text: &str) -> Result<Timestamp, Problem> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let formats = [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
    ];
    let mut read = formats
        .iter()
        .filter_map(|it| NaiveDateTime::parse_from_str(text, it).ok());
    // An hour that occurs twice, when the clocks are set back, is the first one.
    let at = |local: NaiveDateTime| Local.from_local_datetime(&local).earliest();
    // In some time zones the clocks are set forward at midnight: that day begins later.
    let day = || {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        (0..24).find_map(|hour| at(day.and_hms_opt(hour, 0, 0)?))
    };
    let at = read.next().map_or_else(day, at);
    at.map(|at| at.to_utc()).ok_or_else(|| {
        let message = format!("The time {} is not valid.", shown(text));
        Problem::new(Code::InvalidInput, message).hint(
            "Write it in your time zone, \"2026-01-05 18:00\", or with its offset from UTC: 2026-01-05T18:00:00Z",
        )
    })
}

/// When an instance ends, unless it has ended.
pub(crate) fn ahead(end: Option<&End>) -> Option<Timestamp> {
    let ahead = end.filter(|end| end.state != EndState::Ended);
    ahead.map(|end| end.at)
}

/// The end of an instance in a few words.
pub(crate) fn text(end: &End, times: Times) -> String {
    let at = times.exactly(end.at);
    let first = match &end.last_save {
        Some(template) => format!(" after a save to {template}"),
        None => String::new(),
    };
    let by = if end.of_project {
        ", with its project"
    } else {
        ""
    };
    let mut text = match (end.state, end.ended_at) {
        (EndState::Ahead, _) => format!("{at}: it is then {}{first}{by}", end.then.done()),
        (EndState::Saving, _) => match &end.save_id {
            Some(id) => format!("{at}: its last save is in progress ({id})"),
            None => at,
        },
        (_, Some(ended)) => format!("{} at its end, {}", end.then.done(), times.exactly(ended)),
        (_, None) => format!("{at}: it is being {}", end.then.done()),
    };
    for why in [&end.save_failure, &end.refusal].into_iter().flatten() {
        text.push('\n');
        text.push_str(&plain(why));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let read = |text| minutes(text).ok();
        assert_eq!(read("90m"), Some(90));
        assert_eq!(read("4h"), Some(240));
        assert_eq!(read("3d"), Some(3 * 1440));
        assert_eq!(read("2w"), Some(14 * 1440));
        for wrong in ["", "4", "h", "-4h", "+4h", "1.5h", "4 h", "99999999d", "4é"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_instant_has_an_offset_or_is_local() {
        let utc: Timestamp = "2026-01-05T18:00:00Z".parse().unwrap();
        assert_eq!(instant("2026-01-05T18:00:00Z").unwrap(), utc);
        assert_eq!(instant("2026-01-05T19:00:00+01:00").unwrap(), utc);
        let local = Local
            .with_ymd_and_hms(2026, 1, 5, 18, 0, 0)
            .unwrap()
            .to_utc();
        for text in [
            "2026-01-05 18:00",
            "2026-01-05T18:00",
            "2026-01-05 18:00:00",
        ] {
            assert_eq!(instant(text).unwrap(), local, "{text}");
        }
        let midnight = Local.with_ymd_and_hms(2026, 1, 5, 0, 0, 0).unwrap();
        assert_eq!(instant("2026-01-05").unwrap(), midnight.to_utc());
        for wrong in ["", "tomorrow", "2026-02-30", "18:00"] {
            assert_eq!(
                instant(wrong).unwrap_err().code,
                Code::InvalidInput,
                "{wrong}"
            );
        }
    }

    #[test]
    fn time_is_added_to_an_end_ahead_and_what_is_not_given_stays() {
        let now: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        let hours = chrono::TimeDelta::hours;
        let ada = "ada".parse().unwrap();
        let request = EndRequest {
            at: Some(now + hours(4)),
            then: Then::Terminate,
            last_save: Some("kept".parse().unwrap()),
            ..EndRequest::default()
        };
        let mut known = request.check(&ada, now).unwrap();
        let when = When {
            after: Some("2h".to_owned()),
            until: None,
        };
        let what = What {
            then: WithoutSave {
                then: None,
                warn_before: None,
            },
            last_save: None,
        };
        let extended = what.extended(&when, Some(&known), now).unwrap().unwrap();
        assert_eq!(
            (extended.at, extended.for_minutes),
            (Some(now + hours(6)), None)
        );
        assert_eq!(
            (extended.then, extended.last_save),
            (request.then, request.last_save)
        );
        let from_now = EndRequest {
            for_minutes: Some(120),
            ..EndRequest::default()
        };
        known.state = EndState::Ended;
        for known in [None, Some(&known)] {
            let extended = what.extended(&when, known, now).unwrap();
            assert_eq!(extended.as_ref(), Some(&from_now));
        }
    }
}
