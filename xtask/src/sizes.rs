//! Checks that functions are short.

use syn::visit::{self, Visit};

use crate::layers;
use crate::tidy::{self, Source};

/// The folders without tests.
const PRODUCTION: [&str; 5] = [
    "functions/src/",
    "cli/src/",
    "local/src/",
    "local/asl/src/",
    "xtask/src/",
];
/// Numbers of lines, and what percentage of the functions may have more.
const LIMITS: [(usize, usize); 2] = [(10, 50), (37, 5)];

pub(crate) fn problems(sources: &[Source]) -> Result<Vec<String>, String> {
    let mut functions = Functions::default();
    for source in sources.iter().filter(|it| is_production(it)) {
        let file = syn::parse_file(&source.text)
            .map_err(|error| format!("{} cannot be parsed: {error}", source.path))?;
        functions.visit_file(&file);
    }
    let limits = LIMITS.into_iter();
    Ok(limits
        .filter_map(|(lines, percent)| functions.beyond(lines, percent))
        .collect())
}

fn is_production(source: &Source) -> bool {
    let mut parts = source.path.split('/');
    PRODUCTION.iter().any(|it| source.path.starts_with(it))
        && tidy::is_rust(source)
        && !parts.any(|part| matches!(part, "tests" | "tests.rs"))
}

#[derive(Default)]
struct Functions {
    lines: Vec<usize>,
}

impl Functions {
    fn beyond(&self, lines: usize, percent: usize) -> Option<String> {
        let all = self.lines.len();
        let longer = self.lines.iter().filter(|it| **it > lines).count();
        (longer * 100 > all * percent).then(|| {
            format!("{longer} of {all} functions have more than {lines} lines, and {percent} % is the most")
        })
    }

    fn note(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let last = body.brace_token.span.close().end().line;
        self.lines.push(last + 1 - first);
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !item.attrs.iter().any(layers::is_test) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.note(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The problems of a hundred functions, some of which are long.
    fn told(path: &str, long: usize, lines: usize) -> Vec<String> {
        let function = |lines: usize| format!("fn f() {{{}}}\n", "\n".repeat(lines - 1));
        let text = function(lines).repeat(long) + &function(10).repeat(100 - long);
        problems(&[Source::new(path, text)]).unwrap()
    }

    #[test]
    fn long_functions_are_few() {
        assert_eq!(told("cli/src/a.rs", 50, 11), [""; 0]);
        let half = "51 of 100 functions have more than 10 lines, and 50 % is the most";
        assert_eq!(told("cli/src/a.rs", 51, 11), [half]);
        assert_eq!(told("cli/src/a.rs", 5, 38), [""; 0]);
        let few = "6 of 100 functions have more than 37 lines, and 5 % is the most";
        assert_eq!(told("cli/src/a.rs", 6, 38), [few]);
        assert_eq!(told("cli/src/a/tests.rs", 51, 11), [""; 0]);
        let tests = "#[cfg(test)]\nmod tests {\n    fn f() {\n\n\n\n\n\n\n\n\n\n\n\n    }\n}\n";
        let tests = Source::new("cli/src/a.rs", tests);
        assert_eq!(problems(&[tests]).unwrap(), [""; 0]);
    }
}
