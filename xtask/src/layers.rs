//! Which module names which: the layers of the core.

use std::collections::{BTreeMap, BTreeSet};

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::tidy::Source;

/// The layers of `functions/src`. A module names its own layer and those before it.
const LAYERS: [&str; 7] = [
    "domain",
    "ports",
    "registry",
    "rules",
    "steps",
    "operations",
    "api",
];
/// Where they are.
const CORE: &str = "functions/src/";
/// The path of a module from the root of its crate, or of something in it.
type ModulePath = Vec<String>;

/// A file of a crate and what it names.
struct File {
    /// Its path from the root of the repository.
    path: String,
    module: ModulePath,
    named: Vec<Named>,
}

/// A path that a file names, from the root of its crate.
struct Named {
    path: ModulePath,
    line: usize,
}

/// What is wrong with who names whom, a sentence for each.
pub(crate) fn problems(sources: &[Source]) -> Result<Vec<String>, String> {
    Ok(files(CORE, sources)?.iter().flat_map(upward).collect())
}

/// The files of a crate. The crate's own root is none: it only lists its modules.
fn files(of: &str, sources: &[Source]) -> Result<Vec<File>, String> {
    let of_crate = sources.iter().filter_map(|source| {
        let rest = source.path.strip_prefix(of)?.strip_suffix(".rs")?;
        // Another crate may lie in the same folder.
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
            named: Vec::new(),
        };
        reader.visit_file(&parsed);
        Ok(File {
            path: source.path.clone(),
            module,
            named: reader.named,
        })
    };
    modules.into_iter().map(read).collect()
}

/// Collects what a file names.
struct Reader<'a> {
    module: ModulePath,
    /// How many modules within the file are around what is read.
    depth: usize,
    known: &'a BTreeSet<ModulePath>,
    named: Vec<Named>,
}

impl Reader<'_> {
    fn note(&mut self, segments: &[String], line: usize) {
        let Some(first) = segments.first() else {
            return;
        };
        let ups = segments.iter().take_while(|it| *it == "super").count();
        let path = match first.as_str() {
            "crate" => segments[1..].to_vec(),
            "super" => {
                let own = self.module.len() + self.depth;
                let kept = own.saturating_sub(ups).min(self.module.len());
                let mut path = self.module[..kept].to_vec();
                path.extend_from_slice(&segments[ups..]);
                path
            }
            "self" => self.within(&segments[1..]),
            _ => {
                let path = self.within(segments);
                if !self.known.contains(&path[..=self.module.len()]) {
                    return;
                }
                path
            }
        };
        self.named.push(Named { path, line });
    }

    fn within(&self, segments: &[String]) -> ModulePath {
        let mut path = self.module.clone();
        path.extend_from_slice(segments);
        path
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |ident: &syn::Ident| {
            let mut path = before.to_vec();
            if ident != "self" || before.is_empty() {
                path.push(ident.to_string());
            }
            path
        };
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => {
                self.note(&with(&name.ident), name.span().start().line);
            }
            syn::UseTree::Rename(rename) => {
                self.note(&with(&rename.ident), rename.span().start().line);
            }
            syn::UseTree::Glob(glob) => self.note(before, glob.span().start().line),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(before, tree);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() {
            self.depth += 1;
            visit::visit_item_mod(self, item);
            self.depth -= 1;
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let segments = path.segments.iter().map(|it| it.ident.to_string());
            let segments: Vec<String> = segments.collect();
            self.note(&segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }
}

/// Where a file names a layer above its own.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_layer_names_none_above_it() {
        let sources = [
            source("functions/src/rules/a.rs", "use crate::domain::Problem;"),
            source(
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
}
