//! Projects: their members, the templates they use, and their budgets.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::budget::Budget;
use super::end::ProjectEnd;
use super::ids::shown;
use super::limits::Limits;
use super::{Code, GroupName, Problem, ProjectName, TemplateName, Timestamp, UserId};

/// The maximum number of projects that a user can be a member of.
pub const PROJECTS: usize = 100;
/// The maximum number of members of a project.
pub const MEMBERS: usize = 500;
/// The maximum number of groups that a member of a project can be in.
pub const GROUPS: usize = 20;

/// The role of a member in a project, from the most permissions to the fewest.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    VariantArray,
    Display,
    IntoStaticStr,
)]
#[strum(const_into_str, serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ProjectRole {
    /// Owns the project.
    Owner,
    /// Manages the members, templates and budget.
    Admin,
    /// Works in the project but does not manage it.
    Member,
    /// Has read-only access.
    Viewer,
}

impl ProjectRole {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The role's name in JSON.
    pub fn as_str(self) -> &'static str {
        self.into_str()
    }

    pub fn manages(self) -> bool {
        matches!(self, ProjectRole::Owner | ProjectRole::Admin)
    }
}

impl FromStr for ProjectRole {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let role = Self::ALL.iter().copied().find(|role| role.as_str() == text);
        role.ok_or_else(|| {
            let message = format!(
                "The role {} is not valid: it must be owner, admin, member or viewer.",
                shown(text)
            );
            Problem::new(Code::InvalidInput, message)
        })
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// The name of the project, unique in the deployment.
    pub name: ProjectName,
    /// The purpose of the project.
    pub description: String,
    /// The user who created the project.
    pub created_by: UserId,
    /// When the project was created.
    pub created_at: Timestamp,
    /// When the project was last changed.
    pub updated_at: Timestamp,
    /// Whether launches for the project must use approved templates.
    #[serde(default)]
    pub approved_only: bool,
    /// What each member may launch for the project.
    #[serde(default)]
    pub limits: Limits,
    /// The monthly budget.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// When the project ends, and what happens to its instances.
    #[serde(default)]
    pub end: Option<ProjectEnd>,
    /// The number of members.
    pub members: u32,
    /// The number of members who are owners.
    pub owners: u32,
    /// When the project was deleted. The record remains so that the name is never reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

/// A member of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The user.
    pub user: UserId,
    /// The user's role in the project.
    pub role: ProjectRole,
    /// The user who added the member.
    pub added_by: UserId,
    /// When the member was added.
    pub added_at: Timestamp,
    /// The groups of the project that the member is in.
    #[serde(default)]
    pub groups: BTreeSet<GroupName>,
}

/// The projects that a user is a member of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memberships {
    /// The user's role in each project.
    pub roles: BTreeMap<ProjectName, ProjectRole>,
}

/// An approval of a template by a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// The template: either a saved template with all of its versions, or a built-in template.
    pub template: TemplateName,
    /// The user who approved the template.
    pub by: UserId,
    /// When the template was approved.
    pub at: Timestamp,
}
