//! Templates: list, show and export.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde::{Deserialize, Serialize};

use super::parts::{Found, Perhaps, Yaml};
use super::{Asked, Service};
use crate::domain::catalogue::{self, BuiltIn};
use crate::domain::ec2::Architecture;
use crate::domain::inventory::Inventory;
use crate::domain::template::{Stuck, Template, TemplateRef, TemplateState, Version, Visibility};
use crate::domain::template_file::TemplateFile;
use crate::domain::{Code, ImageId, Problem, Region, TemplateName, Timestamp};
use crate::operations::operation::{Answered, operation};
use crate::registry::Stored;
use crate::rules::access::{Action, Caller};
use crate::rules::{ImageFault, images};

/// The origin of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateKind {
    /// It is built into Prism.
    BuiltIn,
    /// It was saved from an instance.
    Saved,
}

/// A template in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateSummary {
    /// The name of the template.
    pub name: String,
    /// The origin of the template.
    pub kind: TemplateKind,
    /// What it is for.
    pub description: String,
    /// The owner; null for a built-in template.
    pub owner: Option<String>,
    /// Who may use the template.
    pub visibility: Visibility,
    /// The number of the latest version.
    pub latest: Option<u32>,
    /// The project that the template belongs to.
    pub project: Option<String>,
    /// How often the template was launched.
    pub launches: u64,
    /// Whether the template is active or deprecated. A deleted template is listed only for its owner, while it is being
    /// deleted.
    #[serde(default)]
    pub state: TemplateState,
    /// What currently blocks its deletion, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
    /// The architectures for which the latest version has an AMI.
    #[serde(default)]
    pub architectures: Vec<Architecture>,
    /// When the template last changed.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
    /// When the template was last launched.
    #[serde(default)]
    pub last_launched_at: Option<Timestamp>,
}

/// A template with one of its versions, or a built-in template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TemplateView {
    /// A built-in template.
    BuiltIn {
        /// The name of the template.
        name: String,
        /// What it is for.
        description: String,
        /// The packages that it installs.
        packages: Vec<String>,
        /// The size of the root volume in GiB.
        root_size_gib: u32,
        /// The TCP ports that it opens.
        ports: Vec<u16>,
    },
    /// A template that was saved from an instance.
    Saved {
        /// The template.
        template: Box<Template>,
        /// The version.
        version: Box<Version>,
        /// The number of changes of the template, except for launches.
        #[serde(default)]
        revision: u64,
        /// The number of changes of the version.
        #[serde(default)]
        version_revision: u64,
        /// The AMIs of the version that cannot be launched, as far as EC2 reports them.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        faults: BTreeMap<Region, BTreeMap<ImageId, ImageFault>>,
    },
}

operation! {
    /// Returns a template with its latest version
    ShowTemplate by show_template: Get "/v1/templates/{name}" of "templates",
    path: TemplateName,
    output: Found<TemplateView>,
    rights: [See Template],
}

async fn show_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowTemplate>,
) -> Answered<ShowTemplate> {
    let view = service.template(caller, &asked.path.into()).await?;
    Ok(tagged(view, false))
}

operation! {
    /// Returns a template with one of its versions
    ShowVersion by show_version: Get "/v1/templates/{name}/versions/{version}" of "templates",
    path: TemplateRef,
    output: Found<TemplateView>,
    rights: [See Template],
}

async fn show_version(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowVersion>,
) -> Answered<ShowVersion> {
    let view = service.template(caller, &asked.path).await?;
    Ok(tagged(view, true))
}

operation! {
    /// Lists the packages that were installed on the instance when a version was saved
    ///
    /// The result is null if the instance did not report its packages.
    ListPackages by list_packages: Get "/v1/templates/{name}/versions/{version}/packages" of "templates",
    path: TemplateRef,
    output: Perhaps<Inventory>,
    rights: [See Template],
}

async fn list_packages(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListPackages>,
) -> Answered<ListPackages> {
    let (template, version) = service
        .saved_template(caller, &asked.path, Action::See)
        .await?;
    let registry = &service.env.registry;
    let told = registry.packages(&template.name, version.number).await?;
    Ok(Perhaps(told.map(|told| told.with_sensitive(None, false))))
}

operation! {
    /// Returns the file of a version, which can be imported by others
    ExportVersion by export_version: Get "/v1/templates/{name}/versions/{version}/export" of "templates",
    path: TemplateRef,
    output: Yaml,
    rights: [See Template],
}

async fn export_version(
    service: &Service,
    caller: &Caller,
    asked: Asked<ExportVersion>,
) -> Answered<ExportVersion> {
    let name = &asked.path.name;
    if catalogue::find(name.as_str()).is_some() {
        let message = format!("The template {name} is built in and has no file.");
        return Err(Problem::new(Code::TemplateNotFound, message)
            .hint("Export a template that was saved from an instance."));
    }
    let (template, version) = service
        .saved_template(caller, &asked.path, Action::See)
        .await?;
    TemplateFile::of(&template, &version).to_yaml().map(Yaml)
}

/// Returns a template with the tag of its version, or with its own. A built-in template has none, because it never
/// changes.
pub(super) fn tagged(view: TemplateView, by_version: bool) -> Found<TemplateView> {
    let tag = match &view {
        TemplateView::Saved {
            version_revision, ..
        } if by_version => Some(version_revision),
        TemplateView::Saved { revision, .. } => Some(revision),
        TemplateView::BuiltIn { .. } => None,
    };
    let tag = tag.map(u64::to_string);
    Found::new(view).tagged(tag)
}

impl Service {
    /// Returns a template and the version that the reference names.
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
        let (template, mut version) = self.stored(caller, reference, Action::See).await?;
        self.hide_parents(caller, [&mut version.value]).await?;
        let faults = self.faults(&version.value).await;
        Ok(TemplateView::Saved {
            faults,
            template: Box::new(template.value),
            version: Box::new(version.value),
            revision: template.revision,
            version_revision: version.revision,
        })
    }

    /// Returns the faults of a version's AMIs. If EC2 cannot be reached, the result is empty, so that the record is
    /// still shown.
    async fn faults(&self, version: &Version) -> BTreeMap<Region, BTreeMap<ImageId, ImageFault>> {
        if version.state == TemplateState::Deleted {
            return BTreeMap::new();
        }
        let regions = version.amis.iter().map(|(region, here)| async move {
            let ids: Vec<ImageId> = here.values().cloned().collect();
            match images::faults(&*self.env.ec2, region, &ids).await {
                Ok(faults) => (!faults.is_empty()).then(|| (region.clone(), faults)),
                Err(problem) => {
                    tracing::warn!(version = %version.reference(), %region, code = %problem.code, problem = problem.chain(), "the AMIs could not be read");
                    None
                }
            }
        });
        join_all(regions).await.into_iter().flatten().collect()
    }

    /// Returns a saved template and one of its versions, if the caller may perform `action` on it.
    pub(super) async fn saved_template(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
        action: Action,
    ) -> Result<(Template, Version), Problem> {
        let (template, version) = self.stored(caller, reference, action).await?;
        Ok((template.value, version.value))
    }

    /// Returns the same with their revisions.
    async fn stored(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
        action: Action,
    ) -> Result<(Stored<Template>, Stored<Version>), Problem> {
        let template = self.own_template(caller, &reference.name, action).await?;
        let number = reference.version.unwrap_or(template.value.latest);
        let version = self.stored_version(&template.value, number, action).await?;
        Ok((template, version))
    }

    /// Returns a version of a template. A deleted version can only be seen.
    pub(super) async fn stored_version(
        &self,
        template: &Template,
        number: u32,
        action: Action,
    ) -> Result<Stored<Version>, Problem> {
        let name = &template.name;
        let gone = |it: &Version| action != Action::See && it.state == TemplateState::Deleted;
        let why = match self.env.registry.stored_version(name, number).await? {
            Some(version) if !gone(&version.value) => return Ok(version),
            Some(_) => "had this version, which was deleted".to_owned(),
            None => format!("has no version after {}", template.newest()),
        };
        Err(version_not_found(name, number, &why))
    }
}

pub(super) fn version_not_found(name: &TemplateName, number: u32, why: &str) -> Problem {
    Problem::new(
        Code::VersionNotFound,
        format!("There is no version {number}: {name} {why}."),
    )
}

pub(super) fn built_in_summary(built_in: &BuiltIn) -> TemplateSummary {
    TemplateSummary {
        name: built_in.name.to_owned(),
        kind: TemplateKind::BuiltIn,
        description: built_in.description.to_owned(),
        owner: None,
        visibility: Visibility::Public,
        latest: None,
        project: None,
        launches: 0,
        state: TemplateState::Active,
        stuck: None,
        architectures: vec![Architecture::X86_64, Architecture::Arm64],
        updated_at: None,
        last_launched_at: None,
    }
}

pub(super) fn summary(template: &Template, now: Timestamp) -> TemplateSummary {
    TemplateSummary {
        name: template.name.to_string(),
        kind: TemplateKind::Saved,
        description: template.description.clone(),
        owner: Some(template.owner.to_string()),
        visibility: template.visibility,
        latest: Some(template.latest),
        project: template.project.as_ref().map(ToString::to_string),
        launches: template.launches,
        state: template.state_at(now),
        stuck: template.stuck.clone(),
        architectures: template.architectures.clone(),
        updated_at: Some(template.updated_at),
        last_launched_at: template.last_launched_at,
    }
}

fn built_in_view(built_in: &'static BuiltIn) -> TemplateView {
    let packages = built_in.apt.iter().chain(built_in.pip);
    TemplateView::BuiltIn {
        name: built_in.name.to_owned(),
        description: built_in.description.to_owned(),
        packages: packages.map(|name| (*name).to_owned()).collect(),
        root_size_gib: built_in.root_size_gib,
        ports: catalogue::PORTS.to_vec(),
    }
}
