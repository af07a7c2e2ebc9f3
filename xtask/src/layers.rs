//! Checks which modules refer to which others: the layers of the core, and cycles of files in all crates.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::tidy::Source;

/// The layers of `functions/src`. A module may refer to its own layer and those before it.
const LAYERS: [&str; 7] = [
    "domain",
    "ports",
    "registry",
    "rules",
    "steps",
    "operations",
    "api",
];
const CORE: &str = "functions/src/";
const CRATES: [&str; 6] = [
    CORE,
    "cli/src/",
    "local/src/",
    "local/asl/src/",
    "tests/src/",
    "xtask/src/",
];

type ModulePath = Vec<String>;

struct File {
    path: String,
    module: ModulePath,
    named: Vec<Named>,
    /// The names that the file imports, with what they stand for. For `x::*`, the name is empty.
    uses: Vec<(String, ModulePath)>,
    /// The names of its own items.
    items: Vec<String>,
}

struct Named {
    path: ModulePath,
    line: usize,
    by_tests: bool,
}

pub(crate) fn problems(sources: &[Source]) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for of in CRATES {
        let files = files(of, sources)?;
        if of == CORE {
            problems.extend(files.iter().flat_map(upward));
        }
        problems.extend(circles(&files));
    }
    Ok(problems)
}

/// The files of a crate, without its root, which only lists its modules.
fn files(of: &str, sources: &[Source]) -> Result<Vec<File>, String> {
    let of_crate = sources.iter().filter_map(|source| {
        let rest = source.path.strip_prefix(of)?.strip_suffix(".rs")?;
        // Another crate may be in the same folder.
        Some((source, rest))
    });
    let mut modules: BTreeMap<ModulePath, &Source> = BTreeMap::new();
    for (source, rest) in of_crate {
        let mut module: ModulePath = rest.split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        if module != ["lib"] && module != ["main"] {
            modules.insert(module, source);
        }
    }
    let known: BTreeSet<ModulePath> = modules.keys().cloned().collect();
    let read = |(module, source): (ModulePath, &Source)| {
        let parsed = syn::parse_file(&source.text)
            .map_err(|error| format!("{} cannot be parsed: {error}", source.path))?;
        let mut reader = Reader {
            module: module.clone(),
            depth: 0,
            known: &known,
            imported: BTreeMap::new(),
            in_tests: false,
            named: Vec::new(),
        };
        let uses = reader.import(&parsed);
        reader.visit_file(&parsed);
        Ok(File {
            path: source.path.clone(),
            module,
            named: reader.named,
            uses,
            items: parsed.items.iter().filter_map(item_name).collect(),
        })
    };
    modules.into_iter().map(read).collect()
}

struct Reader<'a> {
    module: ModulePath,
    depth: usize,
    known: &'a BTreeSet<ModulePath>,
    /// The modules that the file imports, by the names that it has for them.
    imported: BTreeMap<String, ModulePath>,
    in_tests: bool,
    named: Vec<Named>,
}

/// One item of a `use`.
struct Leaf {
    path: Vec<String>,
    /// The item's name in the file; empty for `*`.
    name: String,
    line: usize,
}

impl Reader<'_> {
    /// Reads what the file imports from its own crate.
    fn import(&mut self, file: &syn::File) -> Vec<(String, ModulePath)> {
        let mut uses = Vec::new();
        for item in &file.items {
            let syn::Item::Use(item) = item else { continue };
            for leaf in leaves(&[], &item.tree) {
                let Some(path) = self.resolved(&leaf.path) else {
                    continue;
                };
                if self.known.contains(&path) {
                    self.imported.insert(leaf.name.clone(), path.clone());
                }
                uses.push((leaf.name, path));
            }
        }
        uses
    }

    fn note(&mut self, segments: &[String], line: usize) {
        if let Some(path) = self.resolved(segments) {
            self.named.push(Named {
                path,
                line,
                by_tests: self.in_tests,
            });
        }
    }

    /// The path from the crate's root; `None` if it leads to another crate.
    fn resolved(&self, segments: &[String]) -> Option<ModulePath> {
        let first = segments.first()?;
        let ups = segments.iter().take_while(|it| *it == "super").count();
        Some(match first.as_str() {
            "crate" => segments[1..].to_vec(),
            "super" => {
                let own = self.module.len() + self.depth;
                let kept = own.saturating_sub(ups).min(self.module.len());
                joined(&self.module[..kept], &segments[ups..])
            }
            "self" => joined(&self.module, &segments[1..]),
            _ if self.known.contains(&joined(&self.module, &segments[..1])) => {
                joined(&self.module, segments)
            }
            _ => joined(self.imported.get(first)?, &segments[1..]),
        })
    }

    /// Notes the paths in a macro, whose tokens are not parsed.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut colons, mut line) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.long(&path, line);
                        path.clear();
                    }
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            self.long(&path, line);
            path.clear();
            colons = 0;
        }
        self.long(&path, line);
    }

    /// Notes a path, unless it is a single name.
    fn long(&mut self, path: &[String], line: usize) {
        if path.len() > 1 {
            self.note(path, line);
        }
    }
}

fn joined(path: &[String], rest: &[String]) -> ModulePath {
    [path, rest].concat()
}

fn leaves(before: &[String], tree: &syn::UseTree) -> Vec<Leaf> {
    let with = |ident: &syn::Ident| {
        let mut path = before.to_vec();
        if ident != "self" || before.is_empty() {
            path.push(ident.to_string());
        }
        path
    };
    let line = tree.span().start().line;
    let leaf = |path: Vec<String>, name: String| vec![Leaf { path, name, line }];
    match tree {
        syn::UseTree::Path(path) => leaves(&with(&path.ident), &path.tree),
        syn::UseTree::Name(name) => {
            let path = with(&name.ident);
            let name = path.last().cloned().unwrap_or_default();
            leaf(path, name)
        }
        syn::UseTree::Rename(rename) => leaf(with(&rename.ident), rename.rename.to_string()),
        syn::UseTree::Glob(_) => leaf(before.to_vec(), String::new()),
        syn::UseTree::Group(group) => {
            let trees = group.items.iter();
            trees.flat_map(|tree| leaves(before, tree)).collect()
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for leaf in leaves(&[], &item.tree) {
            self.note(&leaf.path, leaf.line);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let before = self.in_tests;
        self.in_tests |= item.attrs.iter().any(is_test);
        if item.content.is_some() {
            self.depth += 1;
            visit::visit_item_mod(self, item);
            self.depth -= 1;
        }
        self.in_tests = before;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|it| it.ident.to_string());
        let segments: Vec<String> = segments.collect();
        self.long(&segments, path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        self.tokens(of.tokens.clone());
        visit::visit_macro(self, of);
    }
}

pub(crate) fn is_test(attribute: &syn::Attribute) -> bool {
    let is_cfg = attribute.path().is_ident("cfg");
    is_cfg
        && attribute
            .parse_args::<syn::Ident>()
            .is_ok_and(|it| it == "test")
}

fn item_name(item: &syn::Item) -> Option<String> {
    Some(match item {
        syn::Item::Const(item) => item.ident.to_string(),
        syn::Item::Enum(item) => item.ident.to_string(),
        syn::Item::Fn(item) => item.sig.ident.to_string(),
        syn::Item::Static(item) => item.ident.to_string(),
        syn::Item::Struct(item) => item.ident.to_string(),
        syn::Item::Trait(item) => item.ident.to_string(),
        syn::Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

/// Where the names are from that files import, and may export again.
fn origins(files: &[File]) -> BTreeMap<ModulePath, ModulePath> {
    let mut origins = BTreeMap::new();
    for file in files {
        for (name, path) in &file.uses {
            let mut names = vec![name];
            if name.is_empty() {
                let from = files.iter().filter(|it| it.module == *path);
                names = from.flat_map(|it| &it.items).collect();
            }
            for own in names {
                let to = if name.is_empty() {
                    joined(path, std::slice::from_ref(own))
                } else {
                    path.clone()
                };
                origins.insert(joined(&file.module, std::slice::from_ref(own)), to);
            }
        }
    }
    origins
}

/// Follows a path to where its item is from.
fn followed(origins: &BTreeMap<ModulePath, ModulePath>, path: &ModulePath) -> ModulePath {
    /// More than any name is exported again.
    const STEPS: usize = 8;
    let mut path = path.clone();
    for _ in 0..STEPS {
        let next = (1..=path.len()).find_map(|length| {
            let origin = origins.get(&path[..length])?;
            Some(joined(origin, &path[length..])).filter(|next| *next != path)
        });
        match next {
            Some(next) => path = next,
            None => break,
        }
    }
    path
}

fn upward(file: &File) -> Vec<String> {
    let place = |path: &ModulePath| {
        let layer = path.first()?;
        LAYERS.iter().position(|it| it == layer)
    };
    let Some(own) = place(&file.module) else {
        return Vec::new();
    };
    let above = |named: &&Named| place(&named.path).is_some_and(|other| other > own);
    let named = file.named.iter().filter(above);
    let told = |named: &Named| {
        format!(
            "{}:{} names crate::{}, which is of a layer above {}",
            file.path,
            named.line,
            named.path.join("::"),
            LAYERS[own]
        )
    };
    named.map(told).collect()
}

/// The cycles of files that refer to each other, each once. A module and its own submodules may do so.
fn circles(files: &[File]) -> Vec<String> {
    let place: BTreeMap<&ModulePath, usize> = files
        .iter()
        .enumerate()
        .map(|(at, file)| (&file.module, at))
        .collect();
    let origins = origins(files);
    let file_of = |path: &ModulePath| {
        let path = followed(&origins, path);
        let lengths = (1..=path.len()).rev();
        lengths
            .map(|length| path[..length].to_vec())
            .find_map(|module| place.get(&module).copied())
    };
    let next: Vec<BTreeSet<usize>> = files
        .iter()
        .map(|file| {
            let named = file.named.iter().filter(|named| !named.by_tests);
            let others = named.filter_map(|named| file_of(&named.path));
            others
                .filter(|other| !related(&file.module, &files[*other].module))
                .collect()
        })
        .collect();
    let reached: Vec<BTreeSet<usize>> = (0..files.len()).map(|from| reach(&next, from)).collect();
    let mut told = BTreeSet::new();
    let mut problems = Vec::new();
    for from in 0..files.len() {
        let circle = reached[from]
            .iter()
            .filter(|to| reached[**to].contains(&from));
        let circle: Vec<usize> = circle.copied().collect();
        if circle.contains(&from) && told.insert(circle.clone()) {
            let paths: Vec<&str> = circle.iter().map(|at| files[*at].path.as_str()).collect();
            problems.push(format!(
                "these files name one another: {}",
                paths.join(", ")
            ));
        }
    }
    problems
}

fn related(one: &ModulePath, other: &ModulePath) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn reach(next: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        open.extend(next[at].iter().filter(|to| reached.insert(**to)));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_names_none_above_it() {
        let sources = [
            Source::new("functions/src/rules/a.rs", "use crate::domain::Problem;"),
            Source::new(
                "functions/src/rules/b.rs",
                "fn f() {\n    crate::steps::plan();\n}\nuse super::super::operations::{x, Service as S};",
            ),
        ];
        let found = problems(&sources).unwrap();
        let expected = [
            "functions/src/rules/b.rs:2 names crate::steps::plan, which is of a layer above rules",
            "functions/src/rules/b.rs:4 names crate::operations::x, which is of a layer above rules",
            "functions/src/rules/b.rs:4 names crate::operations::Service, which is of a layer above rules",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn files_refer_to_each_other_in_no_cycle() {
        let sources = [
            Source::new("cli/src/a/mod.rs", "mod b;\nuse b::X;"),
            Source::new("cli/src/a/b.rs", "use super::Y;\nuse crate::c::Z;"),
            Source::new(
                "cli/src/c.rs",
                "use crate::d;\n#[cfg(test)]\nmod tests {\n    use crate::a::b::X;\n}",
            ),
            Source::new("cli/src/d.rs", ""),
        ];
        assert_eq!(problems(&sources).unwrap(), Vec::<String>::new());
        let mut sources = sources;
        sources[3].text = "fn f(_: crate::a::b::X) {}".to_owned();
        let told = "these files name one another: cli/src/a/b.rs, cli/src/c.rs, cli/src/d.rs";
        assert_eq!(problems(&sources).unwrap(), [told]);
    }

    #[test]
    fn cycles_through_names_that_a_module_exports_again_are_found() {
        let told = ["these files name one another: cli/src/a/b.rs, cli/src/a/c.rs"];
        for list in [
            "pub use b::X as Y;",
            "pub use b::X; use self::X as Y;",
            "pub use b::*;",
        ] {
            let sources = [
                Source::new("cli/src/a/mod.rs", format!("mod b; mod c; {list}")),
                Source::new("cli/src/a/b.rs", "use super::c::Z; struct X; struct Y;"),
                Source::new("cli/src/a/c.rs", "use crate::a::Y; struct Z;"),
            ];
            assert_eq!(problems(&sources).unwrap(), told, "{list}");
        }
    }

    #[test]
    fn cycles_through_imported_modules_and_macros_are_found() {
        let told = ["these files name one another: cli/src/a/b.rs, cli/src/c.rs"];
        for text in [
            "use crate::a::{self};\nstruct C(a::b::X);",
            "use crate::a as all;\nfn f() { all::b::x() }",
            "macro_rules! m { ($x:ty) => { impl $crate::a::b::X for $x {} }; }",
            "use crate::a;\nfn f() { assert!(g(1, a::b::X)); }",
        ] {
            let sources = [
                Source::new("cli/src/a/mod.rs", "mod b;"),
                Source::new("cli/src/a/b.rs", "use crate::c::Z;"),
                Source::new("cli/src/c.rs", text),
            ];
            assert_eq!(problems(&sources).unwrap(), told, "{text}");
        }
    }
}
