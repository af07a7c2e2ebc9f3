//! Whatever text is given as a name, a reference or a rule: it is taken for what it says and nothing
//! else, or refused in a short sentence; nothing panics. Made up at random near what is right, and read
//! from `tests/corpus/names.txt`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Display;
use std::str::FromStr;

use prism_functions::domain::audit::Subject;
use prism_functions::domain::grant::{Grantee, OrganizationArn};
use prism_functions::domain::schedule::{Cadence, TimeZone};
use prism_functions::domain::sizes::Size;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{
    AccountId, ImageId, InstanceId, ProjectName, Region, SaveId, ScheduleName, SnapshotId,
    TemplateName, UserId, VolumeId,
};
use proptest::prelude::*;

const CORPUS: &str = include_str!("../corpus/names.txt");

/// The longest refusal, in characters.
const TOLD: usize = 1000;

/// The texts of the corpus.
fn corpus() -> Vec<String> {
    let lines = CORPUS.lines().filter(|line| !line.starts_with('#'));
    lines.map(unescaped).collect()
}

fn unescaped(line: &str) -> String {
    let mut parts = line.split("\\u{");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (digits, rest) = part.split_once('}').unwrap();
        let number = u32::from_str_radix(digits, 16).unwrap();
        text.push(char::from_u32(number).unwrap());
        text.push_str(rest);
    }
    text
}

/// Reads a text as one kind of thing. What is taken reads back from what it says of itself.
fn read<T>(text: &str) -> Option<T>
where
    T: FromStr + Display + PartialEq + std::fmt::Debug,
    T::Err: Display,
{
    match text.parse::<T>() {
        Ok(value) => {
            let said = value.to_string();
            let again = said.parse::<T>();
            assert!(again.is_ok_and(|again| again == value), "{text:?} {said:?}");
            Some(value)
        }
        Err(refused) => {
            let told = refused.to_string();
            assert!(!told.is_empty() && told.chars().count() <= TOLD, "{told}");
            assert!(!told.contains(char::is_control), "{text:?} {told:?}");
            None
        }
    }
}

/// The same for a name, which is taken as it is written, and may stand in keys, paths and commands.
fn name<T>(text: &str, also: &str)
where
    T: FromStr + Display + PartialEq + std::fmt::Debug,
    T::Err: Display,
{
    if let Some(value) = read::<T>(text) {
        assert_eq!(value.to_string(), text);
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c) || also.contains(c);
        assert!(text.chars().all(plain), "{text:?}");
    }
}

fn check(text: &str) {
    name::<TemplateName>(text, "");
    name::<ProjectName>(text, "");
    name::<ScheduleName>(text, "");
    name::<UserId>(text, "@+=:/");
    name::<Region>(text, "");
    name::<InstanceId>(text, "");
    name::<ImageId>(text, "");
    name::<SnapshotId>(text, "");
    name::<VolumeId>(text, "");
    name::<SaveId>(text, "");
    name::<AccountId>(text, "");
    name::<OrganizationArn>(text, ":/");
    read::<Grantee>(text);
    read::<Subject>(text);
    read::<Cadence>(text);
    read::<TimeZone>(text);
    read::<Size>(text);
    if let Some(reference) = read::<TemplateRef>(text) {
        let (begin, version) = text.split_once('@').unwrap_or((text, "latest"));
        assert_eq!(reference.name.as_str(), begin);
        assert!(reference.version.is_some() || version == "latest", "{text}");
    }
}

#[test]
fn every_text_of_the_corpus_is_read_or_refused() {
    let all = corpus();
    assert!(all.len() > 80 && all.contains(&"kept\n".to_owned()));
    for text in &all {
        check(text);
    }
    let taken = |text: &&String| text.parse::<TemplateRef>().is_ok();
    let taken: Vec<&String> = all.iter().filter(taken).collect();
    assert!(taken.contains(&&"kept@3".to_owned()), "{taken:?}");
    for odd in ["kept@0", "kept\n", "../../etc/passwd", "a#b"] {
        assert!(!taken.contains(&&odd.to_owned()), "{odd}");
    }
}

/// A text of the corpus with characters changed here and there.
fn near() -> impl Strategy<Value = String> {
    let change = (any::<usize>(), any::<char>(), 0..4_u8);
    let changes = proptest::collection::vec(change, 0..6);
    (proptest::sample::select(corpus()), changes).prop_map(|(text, changes)| {
        let mut text: Vec<char> = text.chars().collect();
        for (at, by, how) in changes {
            let at = at % (text.len() + 1);
            match how {
                0 => text.insert(at, by),
                1 if at < text.len() => text[at] = by,
                2 if at < text.len() => drop(text.remove(at)),
                _ => text.extend_from_within(at..),
            }
        }
        text.into_iter().collect()
    })
}

/// Two texts of the corpus, one behind the other.
fn joined() -> impl Strategy<Value = String> {
    let part = || proptest::sample::select(corpus());
    (part(), "[@#:/ (),*?-]{0,2}", part()).prop_map(|(a, between, b)| format!("{a}{between}{b}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn a_text_near_a_right_one_is_read_or_refused(text in near()) {
        check(&text);
    }

    #[test]
    fn texts_in_a_row_are_read_or_refused(text in joined()) {
        check(&text);
    }

    #[test]
    fn long_texts_are_refused_shortly(part in near(), times in 50..200_usize) {
        check(&part.repeat(times));
    }
}
