//! Properties of any text given as a template's file: it is either read and written back exactly, or refused with the
//! line and the column; nothing panics.

use std::collections::BTreeMap;

use prism_functions::domain::Code;
use prism_functions::domain::template_file::{FILE_IMAGES, TemplateFile};

/// The maximum length of a refusal, in bytes.
const TOLD: usize = 2_000;

/// Checks a text as a template's file.
pub(crate) fn check(text: &str) {
    match TemplateFile::from_yaml(text) {
        Ok(file) => comes_back(&file),
        Err(problem) => {
            assert_eq!(problem.code, Code::InvalidTemplateFile, "{problem}");
            assert!(problem.message.len() < TOLD, "{problem}");
            assert!(!problem.message.contains(char::is_control), "{problem:?}");
            let place = place(&problem.message);
            let (line, column) = place.unwrap_or_else(|| panic!("{text:?}: {problem}"));
            // The reported position is not behind the end.
            assert!((1..=lines(text) + 1).contains(&line), "{text:?}: {problem}");
            assert!(
                (1..=text.len() + 1).contains(&column),
                "{text:?}: {problem}"
            );
        }
    }
}

/// A file is the same after it was written and read again, as YAML and in a request's body.
pub(crate) fn comes_back(file: &TemplateFile) {
    let count: usize = file.ami_config.amis.values().map(BTreeMap::len).sum();
    assert!((1..=FILE_IMAGES).contains(&count), "{file:?}");
    assert!(!file.saved_from.contains(char::is_control), "{file:?}");
    let yaml = file.to_yaml().expect("a file can be written");
    let again = TemplateFile::from_yaml(&yaml);
    assert_eq!(again.as_ref().ok(), Some(file), "{yaml}");
    let twice = again.expect("it was read").to_yaml();
    assert_eq!(twice.ok(), Some(yaml));
    let json = serde_json::to_string(file).expect("a file can be written");
    let again: TemplateFile = serde_json::from_str(&json).expect("what was written can be read");
    assert_eq!(again, *file);
}

fn place(message: &str) -> Option<(usize, usize)> {
    let rest = message.strip_prefix("The file is not a valid template: line ")?;
    let (line, rest) = rest.split_once(", column ")?;
    let (column, _) = rest.split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// The maximum number of lines of a text, for any kind of line ending.
fn lines(text: &str) -> usize {
    let ends = |c: &char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    1 + text.chars().filter(ends).count()
}
