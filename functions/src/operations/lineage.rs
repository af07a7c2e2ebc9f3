//! Lineage: what a template was derived from, and what was derived from it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::parts::Found;
use super::{Asked, Service, TemplateKind};
use crate::domain::template::{Template, TemplateRef, TemplateState, Version};
use crate::domain::{InstanceId, Problem, TemplateName, Timestamp, UserId, catalogue};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::{Action, Caller};

/// The maximum number of the template's own versions that its lineage begins with, newest first.
const OWN: usize = 50;
/// The maximum number of nodes in a lineage.
const NODES: usize = 300;
/// The maximum number of children of one version that are read.
const CHILDREN: usize = 50;
/// The maximum number of generations of ancestors that are read.
const ANCESTORS: usize = 50;

/// The tree of a template, as far as the caller may see it. Templates that the caller may not see are omitted, with
/// everything that was derived only from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Lineage {
    /// The template.
    pub template: TemplateName,
    /// The nodes of the tree in depth-first order: each node follows its parent.
    pub nodes: Vec<LineageNode>,
    /// Whether the tree has more nodes than are shown.
    pub truncated: bool,
}

/// A node of a lineage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineageNode {
    /// `name` for a built-in template, `name@3` for a version.
    pub name: String,
    /// The parent node: the nearest ancestor that is shown. A root has none.
    pub parent: Option<String>,
    /// The kind of the template.
    pub kind: TemplateKind,
    /// The name of the instance that it was saved from.
    pub saved_from: Option<String>,
    /// The ID of that instance, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_from_id: Option<InstanceId>,
    /// The user who saved it.
    pub saved_by: Option<UserId>,
    /// When it was saved.
    pub saved_date: Option<Timestamp>,
    /// The user who imported it from a file. In that case, the file is the only source for what it was saved from, by
    /// whom and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_by: Option<UserId>,
    /// Whether it is active or deprecated.
    pub state: TemplateState,
    /// Whether it is its template's latest version.
    pub latest: bool,
}

/// The position of a node among its siblings: built-in templates first, then by name and number.
type Place = (String, u32);

/// A walk through the lineage, for one caller.
struct Walk<'a> {
    service: &'a Service,
    caller: &'a Caller,
    /// The templates that were read; `None` for those that the caller may not see.
    templates: BTreeMap<TemplateName, Option<Template>>,
    nodes: BTreeMap<Place, LineageNode>,
    parents: BTreeMap<Place, Place>,
    truncated: bool,
}

operation! {
    /// Returns what a template was derived from, and what was derived from it
    ///
    /// The result is a tree of versions across templates, with the built-in template at its root. Templates that you
    /// may not see are omitted.
    ShowLineage by show_lineage: Get "/v1/templates/{name}/lineage" of "templates",
    path: TemplateName,
    output: Found<Lineage>,
    rights: [See Template],
}

async fn show_lineage(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowLineage>,
) -> Answered<ShowLineage> {
    let mut walk = Walk::new(service, caller);
    let (name, mut begin) = (asked.path, VecDeque::new());
    if let Some(built_in) = catalogue::find(name.as_str()) {
        walk.add_built_in(built_in.name);
        begin.push_back(name.clone().into());
    } else {
        let stored = service.own_template(caller, &name, Action::See).await?;
        walk.templates.insert(name.clone(), Some(stored.value));
        let versions = service.env.registry.versions(&name, OWN, None).await?;
        walk.truncated = versions.cursor.is_some();
        for version in versions.items {
            walk.add(&version);
            begin.push_back(version.reference());
            walk.climb(version).await?;
        }
    }
    walk.descend(begin).await?;
    Ok(Found::new(walk.finish(name)))
}

impl Service {
    /// Removes the names of parents that the caller may not see from versions.
    pub(super) async fn hide_parents<'a>(
        &self,
        caller: &Caller,
        versions: impl IntoIterator<Item = &'a mut Version>,
    ) -> Result<(), Problem> {
        let mut walk = Walk::new(self, caller);
        for version in versions {
            let shown = match version.parent() {
                None => version.parent.is_none(),
                Some(parent) if parent.name == version.template => true,
                Some(parent) if catalogue::find(parent.name.as_str()).is_some() => true,
                Some(parent) => walk.sees(&parent.name).await?,
            };
            if !shown {
                version.parent = None;
            }
        }
        Ok(())
    }
}

fn place(reference: &TemplateRef) -> Place {
    (reference.name.to_string(), reference.version.unwrap_or(0))
}

impl<'a> Walk<'a> {
    fn new(service: &'a Service, caller: &'a Caller) -> Self {
        Self {
            service,
            caller,
            templates: BTreeMap::new(),
            nodes: BTreeMap::new(),
            parents: BTreeMap::new(),
            truncated: false,
        }
    }

    fn full(&mut self) -> bool {
        let full = self.nodes.len() >= NODES;
        self.truncated |= full;
        full
    }

    fn add_built_in(&mut self, name: &str) {
        let node = LineageNode {
            name: name.to_owned(),
            parent: None,
            kind: TemplateKind::BuiltIn,
            saved_from: None,
            saved_from_id: None,
            saved_by: None,
            saved_date: None,
            imported_by: None,
            state: TemplateState::Active,
            latest: false,
        };
        self.nodes.entry((name.to_owned(), 0)).or_insert(node);
    }

    fn add(&mut self, version: &Version) {
        let template = self.templates.get(&version.template);
        let latest = template.and_then(Option::as_ref).map(|it| it.latest);
        let node = LineageNode {
            name: version.reference().to_string(),
            parent: None,
            kind: TemplateKind::Saved,
            saved_from: Some(version.saved_from.clone()),
            saved_from_id: version.saved_from_id.clone(),
            saved_by: Some(version.saved_by.clone()),
            saved_date: Some(version.saved_date),
            imported_by: version.imported_by.clone(),
            state: version.state,
            latest: latest == Some(version.number),
        };
        self.nodes.insert(place(&version.reference()), node);
    }

    /// Returns whether the caller may see a template.
    async fn sees(&mut self, name: &TemplateName) -> Result<bool, Problem> {
        if let Some(known) = self.templates.get(name) {
            return Ok(known.is_some());
        }
        let registry = &self.service.env.registry;
        let stored = registry.template(name).await?;
        let template = stored.map(|stored| stored.value);
        let template = template.filter(|it| it.state != TemplateState::Deleted);
        let sees = match &template {
            Some(it) => self.caller.may_template(registry, Action::See, it).await?,
            None => false,
        };
        self.templates
            .insert(name.clone(), template.filter(|_| sees));
        Ok(sees)
    }

    /// Walks from a node up to its root, skipping ancestors that the caller may not see.
    async fn climb(&mut self, from: Version) -> Result<(), Problem> {
        let mut node = place(&from.reference());
        let mut seen = BTreeSet::from([node.clone()]);
        let mut at = from;
        for _ in 0..ANCESTORS {
            let Some(parent) = at.parent() else {
                return Ok(());
            };
            let up = place(&parent);
            if !seen.insert(up.clone()) {
                return Ok(());
            }
            if let Some(built_in) = catalogue::find(parent.name.as_str()) {
                self.add_built_in(built_in.name);
                self.parents.insert(node, (built_in.name.to_owned(), 0));
                return Ok(());
            }
            let (name, number) = (&parent.name, parent.version.unwrap_or(0));
            let Some(version) = self.service.env.registry.version(name, number).await? else {
                return Ok(());
            };
            if self.sees(name).await? {
                let known = self.nodes.contains_key(&up);
                if !known && self.full() {
                    return Ok(());
                }
                self.add(&version);
                self.parents.insert(node, up.clone());
                if known {
                    return Ok(());
                }
                node = up;
            }
            at = version;
        }
        self.truncated = true;
        Ok(())
    }

    /// Walks from nodes down to everything that was derived from them.
    async fn descend(&mut self, mut open: VecDeque<TemplateRef>) -> Result<(), Problem> {
        while let Some(parent) = open.pop_front() {
            let registry = &self.service.env.registry;
            let children = registry.children(&parent, CHILDREN).await?;
            self.truncated |= children.cursor.is_some();
            for child in children.items {
                if !self.sees(&child.template).await? {
                    continue;
                }
                let node = place(&child.reference());
                if !self.nodes.contains_key(&node) {
                    if self.full() {
                        return Ok(());
                    }
                    self.add(&child);
                    open.push_back(child.reference());
                }
                self.parents.insert(node, place(&parent));
            }
        }
        Ok(())
    }

    /// Returns the nodes in the order of the tree.
    fn finish(mut self, template: TemplateName) -> Lineage {
        let mut children: BTreeMap<Option<Place>, Vec<Place>> = BTreeMap::new();
        for node in self.nodes.keys() {
            let parent = self.parents.get(node);
            let parent = parent.filter(|parent| self.nodes.contains_key(*parent));
            let siblings = children.entry(parent.cloned()).or_default();
            siblings.push(node.clone());
        }
        let mut open = children.remove(&None).unwrap_or_default();
        open.reverse();
        let mut nodes = Vec::new();
        while let Some(at) = open.pop() {
            let Some(mut node) = self.nodes.remove(&at) else {
                continue;
            };
            let parent = self.parents.get(&at);
            node.parent = parent.map(|(name, number)| match number {
                0 => name.clone(),
                number => format!("{name}@{number}"),
            });
            nodes.push(node);
            let mut below = children.remove(&Some(at)).unwrap_or_default();
            below.reverse();
            open.append(&mut below);
        }
        Lineage {
            template,
            nodes,
            truncated: self.truncated,
        }
    }
}
