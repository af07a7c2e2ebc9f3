//! Reads a corpus as texts.

/// The texts of a corpus: one per line. `\u{..}` is a character, and lines that begin with `#` are comments.
pub(crate) fn texts(corpus: &str) -> Vec<String> {
    let lines = corpus.lines().filter(|line| !line.starts_with('#'));
    lines.map(unescaped).collect()
}

fn unescaped(line: &str) -> String {
    let mut parts = line.split("\\u{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let character = part.split_once('}').and_then(|(digits, rest)| {
            let number = u32::from_str_radix(digits, 16).ok()?;
            Some((char::from_u32(number)?, rest))
        });
        let (character, rest) = character.expect("an escape in the corpus is a character");
        text.push(character);
        text.push_str(rest);
    }
    text
}
