//! What a deletion removes, and what speaks against it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::parts::{Found, IfMatch, VersionRef};
use super::removal::is_foreign;
use super::templates::whole;
use super::{Asked, Service};
use crate::domain::grant::Grantee;
use crate::domain::template::{Stuck, TemplateRef, Version};
use crate::domain::{
    Code, ImageId, InstanceId, LaunchTemplateId, Problem, Region, ScheduleName, TemplateName,
};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::{Action, Caller};
use crate::rules::uses::Uses;

/// What a deletion removes, and what speaks against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeletionPlan {
    /// The template.
    pub template: TemplateName,
    /// The versions that are deleted.
    pub versions: Vec<u32>,
    /// Whether nothing is left of the template then.
    pub whole: bool,
    /// The version that the name stands for afterwards.
    pub latest: Option<u32>,
    /// The AMIs that are removed with their snapshots, by Region.
    pub images: BTreeMap<Region, BTreeSet<ImageId>>,
    /// The AMIs that stay, because other versions have them too or they were not made here.
    pub kept: BTreeMap<Region, BTreeSet<ImageId>>,
    /// The caller's instances that run from it, with their Regions.
    pub instances: BTreeMap<Region, BTreeSet<InstanceId>>,
    /// How many instances of others run from it.
    pub instances_of_others: usize,
    /// The launch templates of this account that name its AMIs.
    #[serde(default)]
    pub launch_templates: BTreeMap<Region, BTreeSet<LaunchTemplateId>>,
    /// Why it is not known of all of its AMIs whether launch templates name them, where EC2 refuses to say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_templates_unknown: Option<String>,
    /// The caller's schedules that save to it.
    pub schedules: Vec<ScheduleName>,
    /// How many schedules of others save to it.
    pub schedules_of_others: usize,
    /// With whom it is shared who may count on it, as far as the caller may see.
    #[serde(default)]
    pub shares: Vec<Grantee>,
    /// With how many more.
    #[serde(default)]
    pub shares_of_others: usize,
    /// The AMIs among those to be removed that EC2 keeps, because somebody has protected them against
    /// deregistration.
    #[serde(default)]
    pub protected: BTreeMap<Region, BTreeSet<ImageId>>,
    /// At most what it will cost less a month, in USD.
    pub usd_per_month: f64,
}

/// A deletion, and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Deletion {
    /// What it removes.
    pub plan: DeletionPlan,
    /// Whether it was begun, and not only asked for.
    pub begun: bool,
    /// Whether everything is removed by now; otherwise it goes on by itself.
    pub finished: bool,
    /// What keeps it from being finished, where somebody has to do something about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
}

/// How to delete.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Deleting {
    /// Tell what would be removed and what speaks against it, and remove nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Delete it although instances run from it, it is shared with others, or a schedule saves to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

operation! {
    /// Delete a template with all of its versions, their AMIs and their snapshots
    ///
    /// It is deleted at once, and its AMIs are removed by and by. What others have too stays.
    DeleteTemplate by delete_template: Delete "/v1/templates/{name}" of "templates",
    path: TemplateName, query: Deleting, head: IfMatch,
    output: Found<Deletion>,
    // What was deleted is not there to be deleted again.
    repeatable: |asked| asked.query.dry_run,
}

async fn delete_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<DeleteTemplate>,
) -> Answered<DeleteTemplate> {
    let reference = whole(asked.path);
    deleted(service, caller, &reference, asked.query, &asked.head).await
}

operation! {
    /// Delete a version, its AMIs and its snapshots
    ///
    /// Its number and its record stay. What others have too stays.
    DeleteVersion by delete_version: Delete "/v1/templates/{name}/versions/{version}" of "templates",
    path: VersionRef, query: Deleting, head: IfMatch,
    output: Found<Deletion>,
    // What was deleted is not there to be deleted again.
    repeatable: |asked| asked.query.dry_run,
}

async fn delete_version(
    service: &Service,
    caller: &Caller,
    asked: Asked<DeleteVersion>,
) -> Answered<DeleteVersion> {
    let reference = asked.path.reference();
    deleted(service, caller, &reference, asked.query, &asked.head).await
}

async fn deleted(
    service: &Service,
    caller: &Caller,
    reference: &TemplateRef,
    how: Deleting,
    IfMatch(expected): &IfMatch,
) -> Result<Found<Deletion>, Problem> {
    let expected = expected.as_ref();
    let deletion = if how.dry_run {
        let plan = service.plan_deletion(caller, reference, expected);
        plan.await?.undone()
    } else {
        let deletion = service.delete_template(caller, reference, how.force, expected);
        deletion.await?
    };
    Ok(Found::new(deletion))
}

impl DeletionPlan {
    /// A plan that says no more than which versions go.
    pub(super) fn of(template: &TemplateName, doomed: &[Version]) -> Self {
        Self {
            template: template.clone(),
            versions: doomed.iter().map(|version| version.number).collect(),
            whole: false,
            latest: None,
            images: BTreeMap::new(),
            kept: BTreeMap::new(),
            instances: BTreeMap::new(),
            instances_of_others: 0,
            launch_templates: BTreeMap::new(),
            launch_templates_unknown: None,
            schedules: Vec::new(),
            schedules_of_others: 0,
            shares: Vec::new(),
            shares_of_others: 0,
            protected: BTreeMap::new(),
            usd_per_month: 0.0,
        }
    }

    /// Tells the AMIs that go with a version from those that stay. Answers whether any goes.
    pub(super) fn sort_images(&mut self, version: &Version, uses: &Uses) -> bool {
        let mut goes = false;
        for (region, image) in version.images() {
            let stays = is_foreign(version, region) || uses.is_shared(region, image);
            goes |= !stays;
            let place = if stays {
                &mut self.kept
            } else {
                &mut self.images
            };
            let here = place.entry(region.clone()).or_default();
            here.insert(image.clone());
        }
        goes
    }

    /// Names the caller's instances, and counts those of others.
    pub(super) fn find_instances(&mut self, caller: &Caller, uses: &Uses) {
        for (region, instance) in uses.instances() {
            if caller.may(Action::See, instance) {
                let here = self.instances.entry(region.clone()).or_default();
                here.insert(instance.id.clone());
            } else {
                // Whoever launched it, whether or not by Prism.
                self.instances_of_others += 1;
            }
        }
    }

    /// Names the launch templates that name its AMIs, or says why that is not known.
    pub(super) fn find_launch_templates(&mut self, uses: &Uses) {
        for (region, template) in uses.launch_templates.all() {
            let here = self.launch_templates.entry(region.clone()).or_default();
            here.insert(template.clone());
        }
        let unseen = uses.launch_templates.unseen.as_ref();
        if let Some(problem) = unseen {
            // The plan goes on without it, and has no sentence of AWS's.
            let (code, chain) = (problem.code, problem.chain());
            tracing::warn!(template = %self.template, %code, problem = chain, "launch templates could not be looked at");
        }
        self.launch_templates_unknown = unseen.map(|problem| problem.message.clone());
    }

    /// The deletion that was not begun.
    pub fn undone(self) -> Deletion {
        Deletion {
            plan: self,
            begun: false,
            finished: false,
            stuck: None,
        }
    }

    /// A launch template that names its AMI, in words.
    fn launch_template(&self) -> Option<String> {
        let mut all = (self.launch_templates.iter())
            .flat_map(|(region, here)| here.iter().map(move |it| (region, it)));
        let (region, first) = all.next()?;
        let more = match all.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "the launch template {first} in {region}{more}, by its AMI"
        ))
    }

    /// Refuses what is in use.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let own: usize = self.instances.values().map(BTreeSet::len).sum();
        let mut users = Vec::new();
        let names = self.instances.values().flatten().take(5);
        let names: Vec<&str> = names.map(InstanceId::as_str).collect();
        match own {
            0 => {}
            1 => users.push(format!("the instance {}", names.join(", "))),
            own => users.push(format!("{own} instances of yours ({})", names.join(", "))),
        }
        if self.instances_of_others > 0 {
            let count = self.instances_of_others;
            users.push(format!("{count} instances of others"));
        }
        users.extend(self.launch_template());
        if let Some(name) = self.schedules.first() {
            users.push(format!("the schedule {name}, which saves to it"));
        } else if self.schedules_of_others > 0 {
            users.push("a schedule of somebody else's, which saves to it".to_owned());
        }
        if let Some(first) = self.shares.first() {
            let more = match self.shares.len() + self.shares_of_others {
                1 => String::new(),
                all => format!(" and {} more", all - 1),
            };
            users.push(format!("it is shared with {first}{more}"));
        } else if self.shares_of_others > 0 {
            users.push(format!(
                "it is shared with {} others",
                self.shares_of_others
            ));
        }
        if users.is_empty() {
            return Ok(());
        }
        let what = match self.versions.as_slice() {
            [number] if !self.whole => format!("{}@{number}", self.template),
            _ => self.template.to_string(),
        };
        let message = format!("{what} is in use: {}.", users.join("; "));
        Err(Problem::new(Code::TemplateInUse, message))
    }
}
