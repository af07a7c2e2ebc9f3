//! Formats values for people.

use std::error::Error;
use std::fmt::Write;

use chrono::{DateTime, FixedOffset, Local};
pub(crate) use prism_functions::domain::money::{usd, usd_per_hour};
use prism_functions::domain::pricing::REGION;
use prism_functions::domain::{Region, Timestamp};
use unicode_width::UnicodeWidthStr as _;

/// Makes user-supplied text safe to print on a terminal: escapes control characters, and characters that change the
/// direction of writing, which could make the text look different from what it is.
pub(crate) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Quotes a name for a command that is suggested, if a shell would not take it as one word. A name that cannot be quoted
/// is shown as it is, because it can only be typed by hand.
pub(crate) fn quoted(name: &str) -> String {
    let shown = plain(name);
    shlex::try_quote(&shown).map_or_else(|_| shown.clone(), std::borrow::Cow::into_owned)
}

/// Breaks lines that are longer than this width between words, and indents what follows to the column of the value. A
/// word is never broken, so that it can be copied.
pub(crate) fn fitted(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let mut all = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.trim_end_matches('\n').width() <= width {
            all.push_str(line);
        } else {
            fit(&mut all, line, width);
        }
    }
    all
}

fn fit(all: &mut String, line: &str, width: usize) {
    let (text, end) = match line.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (line, ""),
    };
    let hang = hanging(text, width);
    // The indentation and the label are not broken.
    let (mut head, rest) = text.split_at(hang.start);
    let mut column = head.width();
    all.push_str(head);
    head = "";
    for word in rest.split(' ') {
        let size = word.width();
        if !head.is_empty() && column + 1 + size > width {
            let kept = all.trim_end_matches(' ').len();
            all.truncate(kept);
            all.push('\n');
            all.push_str(&" ".repeat(hang.column));
            column = hang.column;
        } else if !head.is_empty() {
            all.push(' ');
            column += 1;
        }
        all.push_str(word);
        column += size;
        head = " ";
    }
    all.push_str(end);
}

struct Hanging {
    /// The byte at which the value begins.
    start: usize,
    /// The column at which it continues on the next line.
    column: usize,
}

/// Where the value of a line begins: after its indentation, and after a label that two spaces follow.
fn hanging(text: &str, width: usize) -> Hanging {
    let indent = text.len() - text.trim_start_matches(' ').len();
    let rest = &text[indent..];
    let label = rest.find("  ").map(|at| {
        let gap = &rest[at..];
        indent + at + gap.len() - gap.trim_start_matches(' ').len()
    });
    match label {
        Some(start) if indent > 0 && text[..start].width() <= width / 2 => Hanging {
            start,
            column: text[..start].width(),
        },
        _ => Hanging {
            start: indent,
            column: indent + 2,
        },
    }
}

/// Formats a duration in seconds.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float that does not fit becomes the largest number, which is as good"
    )]
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 if whole.is_multiple_of(60) => format!("{} min", whole / 60),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// Formats a cost per month in these Regions.
pub(crate) fn monthly_in<'a>(
    usd_at_most: f64,
    regions: impl IntoIterator<Item = &'a Region>,
) -> String {
    format!("at most {} a month{}", usd(usd_at_most), prices(regions))
}

/// Whose prices estimates use.
pub(crate) const PRICES: &str = " (prices of us-east-1)";

/// Says whose prices an estimate uses, if it is for another Region.
pub(crate) fn prices<'a>(regions: impl IntoIterator<Item = &'a Region>) -> &'static str {
    let mut regions = regions.into_iter();
    if regions.any(|region| region.as_str() != REGION) {
        PRICES
    } else {
        ""
    }
}

/// Formats a value, or a dash if there is none.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Formats items on one line, separated by commas.
pub(crate) fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(", ")
}

/// The causes of an error, the most direct first.
pub(crate) fn causes(error: &dyn Error) -> Vec<String> {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.map(ToString::to_string).collect()
}

/// Formats a price per hour in a Region.
pub(crate) fn usd_per_hour_in(price: Option<f64>, region: &Region) -> String {
    match price {
        Some(price) => usd_per_hour(price) + prices([region]),
        None => "price not known".to_owned(),
    }
}

/// How instants are shown: on a terminal, where people read them, relative to the present and in the time zone of this
/// machine, as they are typed; elsewhere in UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times(pub(crate) Option<Timestamp>);

impl Times {
    /// An instant in a table.
    pub(crate) fn when(self, at: Timestamp) -> String {
        match self.0 {
            Some(now) => relative(at, now).unwrap_or_else(|| date(self.zoned(at))),
            None => self.exact(at),
        }
    }

    /// A day in a table. Days are named in UTC, as they are typed.
    pub(crate) fn day(self, at: Timestamp) -> String {
        let relative = self.0.and_then(|now| relative(at, now));
        relative.unwrap_or_else(|| date(at.fixed_offset()))
    }

    /// An instant in a sentence, with its exact time.
    pub(crate) fn exactly(self, at: Timestamp) -> String {
        let exact = self.exact(at);
        match self.0.and_then(|now| relative(at, now)) {
            Some(relative) => format!("{exact} ({relative})"),
            None => exact,
        }
    }

    /// The exact time of an instant.
    pub(crate) fn exact(self, at: Timestamp) -> String {
        exact(self.zoned(at))
    }

    /// The time of day of an instant.
    pub(crate) fn time(self, at: Timestamp) -> String {
        self.zoned(at).format("%H:%M:%S").to_string()
    }

    fn zoned(self, at: Timestamp) -> DateTime<FixedOffset> {
        match self.0 {
            Some(_) => at.with_timezone(&Local).fixed_offset(),
            None => at.fixed_offset(),
        }
    }
}

/// An instant with its offset from UTC.
fn exact(at: DateTime<FixedOffset>) -> String {
    let zone = match at.offset().local_minus_utc() {
        0 => "UTC",
        _ => "%:z",
    };
    at.format(&format!("%Y-%m-%d %H:%M:%S {zone}")).to_string()
}

fn date(at: DateTime<FixedOffset>) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// How long ago an instant was, or in how long it will be. Beyond a month, the date says more.
fn relative(at: Timestamp, now: Timestamp) -> Option<String> {
    let seconds = (now - at).num_seconds();
    let span = match seconds.unsigned_abs() {
        0..60 => return Some("now".to_owned()),
        span @ 60..3600 => format!("{} min", span / 60),
        span @ 3600..86_400 => format!("{} h", span / 3600),
        span @ 86_400..2_678_400 => format!("{} d", span / 86_400),
        _ => return None,
    };
    Some(if seconds < 0 {
        format!("in {span}")
    } else {
        format!("{span} ago")
    })
}

pub(crate) fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
    let gib = count as f64 / f64::from(1_u32 << 30);
    format!("{gib:.1} GiB")
}

/// Formats names and values, one pair per line with aligned values. A value of several lines stays in its column; a
/// pair without a value is omitted.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        let mut label = name;
        for line in value.lines() {
            let _ = writeln!(text, "  {label:<12}{line}");
            label = "";
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_for_another_region_says_whose_prices_it_uses() {
        let [home, west]: [Region; 2] = [REGION, "us-west-2"].map(|name| name.parse().unwrap());
        assert_eq!(monthly_in(2.0, [&home]), "at most $2.00 a month");
        let elsewhere = monthly_in(2.0, [&home, &west]);
        assert_eq!(elsewhere, "at most $2.00 a month (prices of us-east-1)");
        assert!(elsewhere.contains(REGION));
        let hourly = [&home, &west].map(|region| usd_per_hour_in(Some(0.5), region));
        assert_eq!(
            hourly,
            ["$0.5000 per hour", "$0.5000 per hour (prices of us-east-1)"]
        );
        assert_eq!(usd_per_hour_in(None, &west), "price not known");
    }

    #[test]
    fn nothing_that_moves_the_cursor_survives() {
        assert_eq!(
            plain("a\u{1b}[2Jb\r\n\u{202e}c"),
            "a\\u{1b}[2Jb\\r\\n\\u{202e}c"
        );
        assert_eq!(plain("ünïcödé 数据 'q' \"d\""), "ünïcödé 数据 'q' \"d\"");
    }

    #[test]
    fn durations_are_as_exact_as_matters() {
        let shown = [-1.0, 0.04, 9.94, 9.96, 59.4, 59.6, 3599.0, 7300.0].map(duration);
        assert_eq!(
            shown,
            [
                "0.0 s",
                "0.0 s",
                "9.9 s",
                "10 s",
                "59 s",
                "1 min",
                "59 min 59 s",
                "2 h 01 min"
            ]
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_broken_between_words_only() {
        let line = "  warning: Its public address 198.18.0.12 changes at the restart.\n";
        assert_eq!(
            fitted(line, Some(40)),
            "  warning: Its public address\n    198.18.0.12 changes at the restart.\n"
        );
        let pair = "  volumes     /dev/sda1 (30 GiB), /dev/sdf (100 GiB)\n  next\n";
        assert_eq!(
            fitted(pair, Some(36)),
            "  volumes     /dev/sda1 (30 GiB),\n              /dev/sdf (100 GiB)\n  next\n"
        );
        let word = "ami-0123456789abcdef0";
        assert_eq!(fitted(word, Some(8)), word);
        assert_eq!(fitted(line, None), line);
    }

    #[test]
    fn a_suggested_command_has_a_name_as_one_word() {
        assert_eq!(quoted("my-research"), "my-research");
        assert_eq!(quoted("a;rm -rf /"), "'a;rm -rf /'");
        assert_eq!(quoted("it's"), "\"it's\"");
    }

    #[test]
    fn times_are_relative_where_people_read_them() {
        let at =
            |seconds: i64| chrono::DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap();
        let people = Times(Some(at(0)));
        let shown = [0, -59, -60, -7200, 90_000].map(|by| people.when(at(by)));
        assert_eq!(shown, ["now", "now", "1 min ago", "2 h ago", "in 1 d"]);
        let long_ago = at(-86_400 * 40);
        assert_eq!(people.day(long_ago), "2023-10-05");
        assert_eq!(people.when(long_ago).len(), "2023-10-05".len());
        assert_eq!(Times(None).when(at(0)), "2023-11-14 22:13:20 UTC");
        assert_eq!(Times(None).exactly(at(-60)), "2023-11-14 22:12:20 UTC");
        assert_eq!(Times(None).time(at(0)), "22:13:20");
        let exact = people.exactly(at(-60));
        assert_eq!(exact, format!("{} (1 min ago)", people.exact(at(-60))));
        // The date says no more than the exact time.
        assert_eq!(people.exactly(long_ago), people.exact(long_ago));
    }

    #[test]
    fn an_exact_time_has_its_offset() {
        let exact = |text: &str| exact(DateTime::parse_from_rfc3339(text).unwrap());
        assert_eq!(
            exact("2026-01-05T18:00:00+05:30"),
            "2026-01-05 18:00:00 +05:30"
        );
        assert_eq!(exact("2026-01-05T18:00:00Z"), "2026-01-05 18:00:00 UTC");
    }
}
