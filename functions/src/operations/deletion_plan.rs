//! Plans of deletions: what they remove, and what prevents them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::removal::is_foreign;
use crate::domain::grant::Grantee;
use crate::domain::template::{Stuck, Version};
use crate::domain::{
    Code, ImageId, InstanceId, LaunchTemplateId, Problem, Region, ScheduleName, TemplateName,
};
use crate::rules::access::{Action, Caller};
use crate::rules::uses::Uses;

/// What a deletion removes, and what prevents it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeletionPlan {
    /// The template.
    pub template: TemplateName,
    /// The versions to delete.
    pub versions: Vec<u32>,
    /// Whether the whole template is deleted.
    pub whole: bool,
    /// The latest version after the deletion.
    pub latest: Option<u32>,
    /// The AMIs to remove with their snapshots, by Region.
    pub images: BTreeMap<Region, BTreeSet<ImageId>>,
    /// The AMIs to keep, because other versions have them too or because they were not created by this deployment.
    pub kept: BTreeMap<Region, BTreeSet<ImageId>>,
    /// The caller's instances that were launched from the AMIs, by Region.
    pub instances: BTreeMap<Region, BTreeSet<InstanceId>>,
    /// The number of instances of others that were launched from the AMIs.
    pub instances_of_others: usize,
    /// The launch templates of this account that refer to the AMIs.
    #[serde(default)]
    pub launch_templates: BTreeMap<Region, BTreeSet<LaunchTemplateId>>,
    /// Why it is unknown for some AMIs whether launch templates refer to them, if EC2 refuses to report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_templates_unknown: Option<String>,
    /// The caller's schedules that save to the template.
    pub schedules: Vec<ScheduleName>,
    /// The number of schedules of others that save to the template.
    pub schedules_of_others: usize,
    /// The grantees who may rely on it, as far as the caller may see them.
    #[serde(default)]
    pub shares: Vec<Grantee>,
    /// The number of further grantees.
    #[serde(default)]
    pub shares_of_others: usize,
    /// Those of the AMIs to remove that EC2 keeps, because they are protected against deregistration.
    #[serde(default)]
    pub protected: BTreeMap<Region, BTreeSet<ImageId>>,
    /// The most that the deletion can reduce the monthly cost by, in USD at the prices of us-east-1.
    pub usd_per_month: f64,
}

/// A deletion and its progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Deletion {
    /// What it removes.
    pub plan: DeletionPlan,
    /// Whether the deletion has begun; false for a dry run.
    pub begun: bool,
    /// Whether everything has been removed. If not, the deletion continues automatically.
    pub finished: bool,
    /// What blocks the deletion, if it requires somebody's action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
}

impl DeletionPlan {
    /// Creates a plan that contains only the versions to delete.
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

    /// Adds the AMIs of a version to those that are removed or kept. Returns whether any is removed.
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

    /// Adds the caller's instances by ID, and the number of instances of others.
    pub(super) fn find_instances(&mut self, caller: &Caller, uses: &Uses) {
        for (region, instance) in uses.instances() {
            if caller.may(Action::See, instance) {
                let here = self.instances.entry(region.clone()).or_default();
                here.insert(instance.id.clone());
            } else {
                // All other instances count, whether or not Prism launched them.
                self.instances_of_others += 1;
            }
        }
    }

    /// Adds the launch templates that refer to the AMIs, or the reason why they are unknown.
    pub(super) fn find_launch_templates(&mut self, uses: &Uses) {
        for (region, template) in uses.launch_templates.all() {
            let here = self.launch_templates.entry(region.clone()).or_default();
            here.insert(template.clone());
        }
        let unseen = uses.launch_templates.unseen.as_ref();
        if let Some(problem) = unseen {
            // The plan continues without them, and contains no message of AWS's.
            let (code, chain) = (problem.code, problem.chain());
            tracing::warn!(template = %self.template, %code, problem = chain, "the launch templates could not be read");
        }
        self.launch_templates_unknown = unseen.map(|problem| problem.message.clone());
    }

    /// Returns the deletion for a dry run.
    pub(super) fn undone(self) -> Deletion {
        Deletion {
            plan: self,
            begun: false,
            finished: false,
            stuck: None,
        }
    }

    /// Describes a launch template that refers to one of the AMIs.
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

    /// Refuses the deletion if anything is in use.
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
            users.push("another user's schedule, which saves to it".to_owned());
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
