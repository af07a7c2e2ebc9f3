//! A command as the user types it. The same text is printed and run.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) words: Vec<String>,
    pub(crate) stdin: Option<String>,
}

impl Line {
    /// Parses a command as a shell would, as far as the demo needs it: words separated by spaces, double quotes, a
    /// backslash at the end of a line, and one `<`.
    pub(crate) fn parse(text: &str) -> Self {
        let mut line = Line::default();
        let mut letters = text.chars().peekable();
        let mut reads = false;
        loop {
            while letters
                .next_if(|c| c.is_whitespace() || *c == '\\')
                .is_some()
            {}
            match letters.peek() {
                None => return line,
                Some('<') => {
                    letters.next();
                    reads = true;
                }
                Some(_) if reads => {
                    line.stdin = Some(word(&mut letters));
                    reads = false;
                }
                Some(_) => line.words.push(word(&mut letters)),
            }
        }
    }
}

fn word(letters: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    let mut quoted = false;
    while let Some(letter) = letters.next_if(|c| quoted || !c.is_whitespace()) {
        if letter == '"' {
            quoted = !quoted;
        } else {
            word.push(letter);
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        let line = Line::parse("prism save a b \\\n    --description \"for c\"");
        assert_eq!(
            line.words,
            ["prism", "save", "a", "b", "--description", "for c"]
        );
        assert_eq!(line.stdin, None);
        let line = Line::parse("prism exec a -- tee b < c.csv");
        assert_eq!(line.words, ["prism", "exec", "a", "--", "tee", "b"]);
        assert_eq!(line.stdin.as_deref(), Some("c.csv"));
    }
}
