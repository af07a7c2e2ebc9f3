//! Templates: list, show, export.

use serde::{Deserialize, Serialize};

use super::Service;
use super::access::{Action, Caller};
use crate::domain::catalogue::{self, BuiltIn};
use crate::domain::template::{
    Template, TemplateFile, TemplateRef, TemplateState, Version, Visibility,
};
use crate::domain::{Code, Problem, TemplateName};
use crate::ports::Inventory;
use crate::registry::{Listed, Listing};

/// The most templates of each kind that one list shows.
const LIST: usize = 1000;

/// Where a template comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TemplateKind {
    /// It comes with Prism.
    BuiltIn,
    /// It was saved from an instance.
    Saved,
}

/// A template in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct TemplateSummary {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub kind: TemplateKind,
    /// What it is for.
    pub description: String,
    /// Its owner; nobody owns a built-in one.
    pub owner: Option<String>,
    /// Who may use it.
    pub visibility: Visibility,
    /// Its newest version.
    pub latest: Option<u32>,
    /// The project it belongs to.
    pub project: Option<String>,
    /// How often it was launched.
    pub launches: u64,
}

/// A template with one of its versions, or a built-in one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TemplateView {
    /// It comes with Prism.
    BuiltIn {
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
        /// The packages that it installs.
        packages: Vec<String>,
        /// The size of its root volume in GiB.
        root_size_gib: u32,
        /// The TCP ports that it opens.
        ports: Vec<u16>,
    },
    /// It was saved from an instance.
    Saved {
        /// The template.
        template: Box<Template>,
        /// The version.
        version: Box<Version>,
    },
}

impl Service {
    /// The templates that the caller can launch: built-in, public and own ones, by name.
    pub async fn templates(&self, caller: &Caller) -> Result<Vec<TemplateSummary>, Problem> {
        let registry = &self.env.registry;
        let own = registry
            .templates(&Listing::OwnedBy(caller.user.clone()), LIST, None)
            .await?
            .items;
        let public = registry
            .templates(&Listing::Public, LIST, None)
            .await?
            .items;
        let mut list: Vec<TemplateSummary> = catalogue::ALL.iter().map(built_in_summary).collect();
        list.extend(own.iter().map(summary));
        list.extend(
            public
                .iter()
                .filter(|template| template.owner != caller.user)
                .map(summary),
        );
        list.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(list)
    }

    /// A template and the version that the reference names.
    pub async fn template(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
    ) -> Result<TemplateView, Problem> {
        if let Some(built_in) = catalogue::find(reference.name.as_str()) {
            if let Some(number) = reference.version {
                return Err(version_not_found(
                    &reference.name,
                    number,
                    "is built in and has no versions",
                ));
            }
            return Ok(built_in_view(built_in));
        }
        let (template, mut version) = self.saved_template(caller, reference, Action::See).await?;
        self.hide_parents(caller, [&mut version]).await?;
        Ok(TemplateView::Saved {
            template: Box::new(template),
            version: Box::new(version),
        })
    }

    /// The versions of a saved template, the newest first; `limit` is 1 to 1,000.
    pub async fn versions(
        &self,
        caller: &Caller,
        name: &TemplateName,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Version>, Problem> {
        self.own_template(caller, name, Action::See).await?;
        let mut listed = self.env.registry.versions(name, limit, cursor).await?;
        self.hide_parents(caller, &mut listed.items).await?;
        Ok(listed)
    }

    /// The packages of a saved template's version, as its instance had them when its save began;
    /// `None` where nobody told.
    pub async fn packages(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
    ) -> Result<Option<Inventory>, Problem> {
        let (template, version) = self.saved_template(caller, reference, Action::See).await?;
        let registry = &self.env.registry;
        registry.packages(&template.name, version.number).await
    }

    /// A saved template and a version of it, for somebody who may do `action` to it.
    pub(super) async fn saved_template(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
        action: Action,
    ) -> Result<(Template, Version), Problem> {
        let stored = self.own_template(caller, &reference.name, action).await?;
        let template = stored.value;
        let number = reference.version.unwrap_or(template.latest);
        match self.env.registry.version(&reference.name, number).await? {
            Some(version) if action != Action::See && version.state == TemplateState::Deleted => {
                let why = "had it once: it was deleted";
                Err(version_not_found(&template.name, number, why))
            }
            Some(version) => Ok((template, version)),
            None => Err(version_not_found(
                &template.name,
                number,
                &format!("has the versions 1 to {}", template.newest()),
            )),
        }
    }

    /// The YAML file of a saved template's version.
    pub async fn export_template(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
    ) -> Result<String, Problem> {
        if catalogue::find(reference.name.as_str()).is_some() {
            let message = format!(
                "The template {} is built in: it is the same everywhere and has no file.",
                reference.name
            );
            return Err(Problem::new(Code::TemplateNotFound, message)
                .hint("Export a template that was saved from an instance."));
        }
        let (template, version) = self.saved_template(caller, reference, Action::See).await?;
        TemplateFile::of(&template, &version).to_yaml()
    }
}

pub(super) fn version_not_found(name: &TemplateName, number: u32, why: &str) -> Problem {
    Problem::new(
        Code::VersionNotFound,
        format!("There is no version {number}: {name} {why}."),
    )
}

fn built_in_summary(built_in: &BuiltIn) -> TemplateSummary {
    TemplateSummary {
        name: built_in.name.to_owned(),
        kind: TemplateKind::BuiltIn,
        description: built_in.description.to_owned(),
        owner: None,
        visibility: Visibility::Public,
        latest: None,
        project: None,
        launches: 0,
    }
}

fn summary(template: &Template) -> TemplateSummary {
    TemplateSummary {
        name: template.name.to_string(),
        kind: TemplateKind::Saved,
        description: template.description.clone(),
        owner: Some(template.owner.to_string()),
        visibility: template.visibility,
        latest: Some(template.latest),
        project: template.project.as_ref().map(ToString::to_string),
        launches: template.launches,
    }
}

fn built_in_view(built_in: &'static BuiltIn) -> TemplateView {
    let packages = built_in.apt.iter().chain(built_in.pip);
    TemplateView::BuiltIn {
        name: built_in.name.to_owned(),
        description: built_in.description.to_owned(),
        packages: packages.map(|name| (*name).to_owned()).collect(),
        root_size_gib: built_in.root_size_gib,
        ports: built_in.ports.to_vec(),
    }
}
