//! `prism template lineage`.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::Args;
use prism_functions::domain::template::TemplateState;
use prism_functions::operations::{Asked, Lineage as Tree, LineageNode, ShowLineage, TemplateKind};

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::text::{Times, plain};

/// Show the ancestors and descendants of a template as a tree
#[derive(Debug, Args)]
pub(crate) struct Lineage {
    /// The template
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::templates())]
    template: String,
}

impl Lineage {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.template)?;
        let tree = session.client.ask(Asked::<ShowLineage>::of(name)).await?;
        let times = session.times();
        let shown = session.out.read(&tree, || drawn(&tree, times))?;
        if tree.truncated && !session.out.for_programs() {
            session.out.note("The tree is larger than shown.");
        }
        Ok(shown)
    }
}

/// Formats the tree: each node on one line, after the lines that lead to it.
fn drawn(tree: &Tree, times: Times) -> String {
    let mut left: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for node in &tree.nodes {
        *left.entry(node.parent.as_deref()).or_default() += 1;
    }
    let mut indents: BTreeMap<&str, String> = BTreeMap::new();
    let mut text = String::new();
    for node in &tree.nodes {
        let siblings = left.entry(node.parent.as_deref()).or_default();
        *siblings = siblings.saturating_sub(1);
        let last = *siblings == 0;
        let above = node.parent.as_deref().map(|parent| &indents[parent]);
        let (branch, below) = match above {
            None => (String::new(), String::new()),
            Some(above) if last => (format!("{above}└─ "), format!("{above}   ")),
            Some(above) => (format!("{above}├─ "), format!("{above}│  ")),
        };
        let _ = writeln!(text, "{branch}{}", told(node, times));
        indents.insert(&node.name, below);
    }
    text
}

fn told(node: &LineageNode, times: Times) -> String {
    if node.kind == TemplateKind::BuiltIn {
        return format!("{}  built in", node.name);
    }
    let mut text = node.name.clone();
    if node.latest {
        text.push_str("  latest");
    }
    if node.state != TemplateState::Active {
        let _ = write!(text, "  {}", node.state.as_str());
    }
    if let Some(by) = &node.imported_by {
        let _ = write!(text, "  imported by {by}; according to its file");
    }
    if let Some(from) = &node.saved_from {
        let _ = write!(text, "  from {}", plain(from));
    }
    if let (Some(by), Some(at)) = (&node.saved_by, node.saved_date) {
        let _ = write!(text, " by {by} at {}", times.exactly(at));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, parent: Option<&str>) -> LineageNode {
        LineageNode {
            name: name.to_owned(),
            parent: parent.map(str::to_owned),
            kind: TemplateKind::BuiltIn,
            saved_from: None,
            saved_from_id: None,
            saved_by: None,
            saved_date: None,
            imported_by: None,
            state: TemplateState::Active,
            latest: false,
        }
    }

    #[test]
    fn a_tree_is_drawn_with_its_branches() {
        let tree = Tree {
            template: "one".parse().unwrap(),
            nodes: vec![
                node("root", None),
                node("a@1", Some("root")),
                node("a@2", Some("a@1")),
                node("b@1", Some("a@2")),
                node("c@1", Some("root")),
                node("d@1", Some("c@1")),
            ],
            truncated: false,
        };
        let expected = "\
root  built in
├─ a@1  built in
│  └─ a@2  built in
│     └─ b@1  built in
└─ c@1  built in
   └─ d@1  built in
";
        assert_eq!(drawn(&tree, Times(None)), expected);
    }
}
