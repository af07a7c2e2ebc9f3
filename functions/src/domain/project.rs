//! Projects: their members, the templates they use, and their budgets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use strum::VariantArray;

use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::ids::shown;
use super::{Code, Problem, ProjectName, TemplateName, Timestamp, UserId};

/// The maximum number of projects that a user can be a member of.
pub const PROJECTS: usize = 100;
/// The maximum number of members of a project.
pub const MEMBERS: usize = 500;

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
    utoipa::ToSchema,
    VariantArray,
)]
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
    /// All roles.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The role's name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            ProjectRole::Owner => "owner",
            ProjectRole::Admin => "admin",
            ProjectRole::Member => "member",
            ProjectRole::Viewer => "viewer",
        }
    }

    /// Whether the role can manage the project.
    pub fn manages(self) -> bool {
        matches!(self, ProjectRole::Owner | ProjectRole::Admin)
    }
}

impl fmt::Display for ProjectRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// The monthly budget.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// The number of members.
    pub members: u32,
    /// The number of members who are owners.
    pub owners: u32,
    /// When the project was deleted. The record remains so that the name is never reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

/// A member of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Member {
    /// The user.
    pub user: UserId,
    /// The user's role in the project.
    pub role: ProjectRole,
    /// The user who added the member.
    pub added_by: UserId,
    /// When the member was added.
    pub added_at: Timestamp,
}

/// The projects that a user is a member of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memberships {
    /// The user's role in each project.
    pub roles: BTreeMap<ProjectName, ProjectRole>,
}

/// An approval of a template by a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Approval {
    /// The template: either a saved template with all of its versions, or a built-in template.
    pub template: TemplateName,
    /// The user who approved the template.
    pub by: UserId,
    /// When the template was approved.
    pub at: Timestamp,
}
