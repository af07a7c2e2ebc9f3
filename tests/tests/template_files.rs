//! Any text given as a template's file is either read and written back exactly, or refused with the position of the
//! error. The texts are generated randomly from valid ones, and read from `tests/corpus/template_files`.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "../properties/template_file.rs"]
mod template_file;

use std::fs;
use std::path::Path;

use prism_functions::domain::template_file::TemplateFile;
use proptest::prelude::*;
use template_file::{check, comes_back};

const GOOD: &str = include_str!("../corpus/template_files/requirements.yaml");

fn good() -> TemplateFile {
    TemplateFile::from_yaml(GOOD).unwrap()
}

#[test]
fn every_file_of_the_corpus_is_read_or_refused_with_its_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/template_files");
    let mut read = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        check(&text);
        read += usize::from(TemplateFile::from_yaml(&text).is_ok());
    }
    assert!(read > 1, "{read} files of the corpus are read");
}

/// The valid file with some bytes changed.
fn damaged() -> impl Strategy<Value = String> {
    let change = (0..GOOD.len(), any::<u8>(), 0..3_u8);
    proptest::collection::vec(change, 1..12).prop_map(|changes| {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, byte, how) in changes {
            let at = at % bytes.len();
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

const PARTS: [&str; 31] = [
    "name: ",
    "ami_config:\n",
    "  amis:\n",
    "    us-east-1:\n",
    "- ",
    "? ",
    ": ",
    "&a ",
    "*a ",
    "!!str ",
    "|\n",
    ">-\n",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "\"",
    "'",
    "#",
    "\n",
    "\t",
    "  ",
    "<<: ",
    "%YAML 1.2\n",
    "---\n",
    "...\n",
    "\u{0}",
    "\u{85}",
    "\u{feff}",
    "ü",
];

fn odd() -> impl Strategy<Value = String> {
    let part = proptest::sample::select(PARTS.to_vec());
    proptest::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_text_is_read_or_refused_with_its_place(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn a_damaged_file_is_read_or_refused_with_its_place(text in damaged()) {
        check(&text);
    }

    #[test]
    fn an_odd_file_is_read_or_refused_with_its_place(text in odd()) {
        check(&text);
    }

    #[test]
    fn texts_of_people_survive(description in "\\PC{0,200}", saved_from in "\\PC{1,200}") {
        comes_back(&TemplateFile { description, saved_from, ..good() });
    }
}
