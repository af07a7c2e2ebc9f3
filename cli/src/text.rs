//! Formats values for people.

use std::error::Error;
use std::fmt::Write;

use prism_functions::domain::pricing::REGION;
use prism_functions::domain::{Region, Timestamp};

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

/// Formats an amount in USD; small amounts keep their significant digits.
pub(crate) fn usd(sum: f64) -> String {
    if sum > 0.0 && sum < 0.01 {
        return "less than $0.01".to_owned();
    }
    format!("${sum:.2}")
}

/// Formats a cost per month.
pub(crate) fn monthly(usd_at_most: f64) -> String {
    format!("at most {} a month", usd(usd_at_most))
}

/// Formats a cost per month in these Regions.
pub(crate) fn monthly_in<'a>(
    usd_at_most: f64,
    regions: impl IntoIterator<Item = &'a Region>,
) -> String {
    monthly(usd_at_most) + prices(regions)
}

/// Says whose prices an estimate uses, if it is for another Region.
pub(crate) fn prices<'a>(regions: impl IntoIterator<Item = &'a Region>) -> &'static str {
    let mut regions = regions.into_iter();
    if regions.any(|region| region.as_str() != REGION) {
        " (prices of us-east-1)"
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

pub(crate) fn usd_per_hour(price: Option<f64>) -> String {
    price.map_or_else(
        || "price not known".to_owned(),
        |price| format!("${price:.4} per hour"),
    )
}

pub(crate) fn when(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Formats the time of day of an instant.
pub(crate) fn time(at: Timestamp) -> String {
    at.format("%H:%M:%S").to_string()
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
    fn money_is_never_rounded_to_nothing() {
        assert_eq!(
            [0.0, 0.001, 1.5].map(usd),
            ["$0.00", "less than $0.01", "$1.50"]
        );
    }
}
