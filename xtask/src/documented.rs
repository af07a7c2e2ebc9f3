//! Checks that the libraries document their public items. Unlike rustc's `missing_docs`, it leaves out fields, variants
//! and methods, whose names often say enough.

use syn::spanned::Spanned as _;
use syn::{Attribute, Item, Visibility};

use crate::tidy::{self, Source};

const LIBRARIES: [&str; 3] = ["functions/src/", "local/src/", "local/asl/src/"];

/// Lists the public types, traits and functions that have no doc comment, one sentence each.
pub(crate) fn problems(sources: &[Source]) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|it| tidy::is_rust(it)) {
        let Source { path, text } = source;
        if !LIBRARIES.iter().any(|it| path.starts_with(it)) {
            continue;
        }
        let file =
            syn::parse_file(text).map_err(|error| format!("{path} cannot be parsed: {error}"))?;
        let lines = file.items.iter().filter_map(undocumented);
        problems.extend(lines.map(|line| format!("{path}:{line} needs a doc comment")));
    }
    Ok(problems)
}

fn undocumented(item: &Item) -> Option<usize> {
    let (visibility, attributes) = match item {
        Item::Enum(it) => (&it.vis, &it.attrs),
        Item::Fn(it) => (&it.vis, &it.attrs),
        Item::Struct(it) => (&it.vis, &it.attrs),
        Item::Trait(it) => (&it.vis, &it.attrs),
        Item::Type(it) => (&it.vis, &it.attrs),
        _ => return None,
    };
    let is_public = matches!(visibility, Visibility::Public(_));
    (is_public && !is_documented(attributes)).then(|| item.span().start().line)
}

fn is_documented(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| it.path().is_ident("doc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_items_are_documented() {
        let source = |path: &str, text: &str| Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let sources = [
            source(
                "local/src/a.rs",
                "//! A.\n/// B.\npub struct B { pub c: u8 }\nfn d() {}",
            ),
            source("local/src/b.rs", "use std::fmt;\npub fn c() {}"),
            source("tests/src/c.rs", "pub fn c() {}"),
        ];
        let told = ["local/src/b.rs:2 needs a doc comment"];
        assert_eq!(problems(&sources).unwrap(), told);
    }
}
