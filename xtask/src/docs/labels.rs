//! The labels of the arrows in the diagram.

use serde_json::Value;

pub(super) const ANY_ERROR: &str = "any error";

pub(super) fn pace(wait: &Value) -> String {
    let comment = wait["Comment"].as_str().map(sentence);
    format!("every {}", comment.unwrap_or_else(|| seconds(wait)))
}

pub(super) fn wait(wait: &Value) -> String {
    match wait["Comment"].as_str() {
        Some(comment) if wait["Seconds"].is_u64() => {
            format!("{}, {}", sentence(comment), seconds(wait))
        }
        Some(comment) => sentence(comment),
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

pub(super) fn errors<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.contains(&"States.ALL") {
        return ANY_ERROR.to_owned();
    }
    names.join(", ")
}

pub(super) fn fan_out(name: &str, state: &Value) -> String {
    match state["MaxConcurrency"].as_u64() {
        Some(most) => format!("{name}: {most} items at once"),
        None => format!("{name}: each item separately"),
    }
}

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
    fn waits_have_their_duration() {
        let why = json!({"Comment": "It fell back: ask again. Later.", "Seconds": 15});
        assert_eq!(wait(&why), "it fell back, 15 s");
        let paced = json!({"Comment": "1 s, up to 5 minutes.", "Seconds": "{% $n %}"});
        assert_eq!(wait(&paced), "1 s, up to 5 minutes");
        assert_eq!(wait(&json!({"Seconds": "{% $n %}"})), "after a while");
        assert_eq!(
            pace(&json!({"Comment": "2 s, up to 5 minutes."})),
            "every 2 s, up to 5 minutes"
        );
    }

    #[test]
    fn a_way_out_has_only_its_own_condition() {
        assert_eq!(way_out("{% $done %}", true), None);
        assert_eq!(way_out("{% $done %}", false), None);
        assert_eq!(way_out("{% $done and $warm %}", false), Some("warm".into()));
        assert_eq!(way_out("{% $down %}", false), Some("down".into()));
    }
}
