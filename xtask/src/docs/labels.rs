//! The labels of the arrows in the diagram.

use serde_json::Value;

/// The label of a catcher of all errors.
pub(super) const ANY_ERROR: &str = "any error";

/// How often a task is polled.
pub(super) fn pace(wait: &Value) -> String {
    let comment = wait["Comment"].as_str().map(sentence);
    format!("every {}", comment.unwrap_or_else(|| seconds(wait)))
}

/// The label of a wait: why, and how long.
pub(super) fn wait(wait: &Value) -> String {
    match wait["Comment"].as_str() {
        Some(comment) => format!("{}, {}", sentence(comment), seconds(wait)),
        None => format!("after {}", seconds(wait)),
    }
}

fn seconds(wait: &Value) -> String {
    match wait["Seconds"].as_u64() {
        Some(seconds) => format!("{seconds} s"),
        None => "a while".to_owned(),
    }
}

/// The first sentence of a comment, up to a colon, as the end of a label.
fn sentence(comment: &str) -> String {
    let first = comment.split(". ").next().unwrap_or(comment);
    let first = first.split(": ").next().unwrap_or(first);
    let mut letters = first.trim_end_matches('.').chars();
    let begin = letters.next().map(|letter| letter.to_ascii_lowercase());
    plain(&begin.into_iter().chain(letters).collect::<String>())
}

/// Describes a JSONata condition in words.
pub(super) fn condition(condition: &str) -> String {
    let bare = condition.trim_start_matches("{%").trim_end_matches("%}");
    let mut words = bare.trim().to_owned();
    for (function, word) in [("$exists(", ""), ("$not(", "not ")] {
        while let Some(at) = words.find(function) {
            let end = words[at..].find(')').map_or(words.len(), |end| at + end);
            let argument = words[at + function.len()..end].to_owned();
            let rest = words.get(end + 1..).unwrap_or_default().to_owned();
            words = format!("{}{word}{argument}{rest}", &words[..at]);
        }
    }
    plain(
        &words
            .replace("$states.input.", "")
            .replace('$', "")
            .replace('_', " "),
    )
}

/// The condition for leaving a loop, without the part that all its exits share: that it is done. A single exit needs no
/// label.
pub(super) fn way_out(text: &str, only: bool) -> Option<String> {
    if only {
        return None;
    }
    let words = condition(text);
    let rest = words.strip_prefix("done").map(|rest| {
        let rest = rest.trim_start();
        rest.strip_prefix("and ").unwrap_or(rest).to_owned()
    });
    Some(rest.unwrap_or(words)).filter(|words| !words.is_empty())
}

/// The errors of a catcher.
pub(super) fn errors<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.contains(&"States.ALL") {
        return ANY_ERROR.to_owned();
    }
    names.join(", ")
}

/// The title of a fan-out: its name, and its maximum concurrency.
pub(super) fn fan_out(name: &str, state: &Value) -> String {
    match state["MaxConcurrency"].as_u64() {
        Some(most) => format!("{name}: each item by itself, {most} at once"),
        None => format!("{name}: each item by itself"),
    }
}

/// Escapes text for Mermaid.
fn plain(text: &str) -> String {
    text.replace('"', "'")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_read_as_words() {
        assert_eq!(condition("{% $exists($states.input.recover) %}"), "recover");
        assert_eq!(condition("{% $a_b and $not($c) %}"), "a b and not c");
        assert_eq!(condition("{% $n < 3 %}"), "n &lt; 3");
    }

    #[test]
    fn waits_say_how_long() {
        let why = json!({"Comment": "It fell back: ask again. Later.", "Seconds": 15});
        assert_eq!(wait(&why), "it fell back, 15 s");
        assert_eq!(wait(&json!({"Seconds": "{% $n %}"})), "after a while");
        assert_eq!(
            pace(&json!({"Comment": "2 s, up to 5 minutes."})),
            "every 2 s, up to 5 minutes"
        );
    }

    #[test]
    fn a_way_out_says_only_what_sets_it_apart() {
        assert_eq!(way_out("{% $done %}", true), None);
        assert_eq!(way_out("{% $done %}", false), None);
        assert_eq!(way_out("{% $done and $warm %}", false), Some("warm".into()));
        assert_eq!(way_out("{% $down %}", false), Some("down".into()));
    }
}
