//! Any text given as a name, a reference or a rule is either parsed exactly as it says, or refused in a short sentence;
//! nothing panics. The texts are generated randomly from valid ones, and read from `tests/corpus/names.txt`.

#[path = "../properties/corpus.rs"]
mod corpus;
#[path = "../properties/names.rs"]
mod names;

use names::check;
use prism_functions::domain::template::TemplateRef;
use proptest::prelude::*;

const CORPUS: &str = include_str!("../corpus/names.txt");

fn corpus() -> Vec<String> {
    corpus::texts(CORPUS)
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
