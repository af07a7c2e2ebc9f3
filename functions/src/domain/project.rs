//! Projects: who works on them, which templates they use, what they may cost.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use strum::VariantArray;

use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::ids::shown;
use super::{Code, Problem, ProjectName, TemplateName, Timestamp, UserId};

/// The most projects that somebody is in.
pub const PROJECTS: usize = 100;
/// The most members of a project.
pub const MEMBERS: usize = 500;

/// What somebody is in a project, from the most rights to the fewest.
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
    /// Whose project it is.
    Owner,
    /// Manages members, templates and the budget.
    Admin,
    /// Works in it.
    Member,
    /// Looks on.
    Viewer,
}

impl ProjectRole {
    /// All roles.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ProjectRole::Owner => "owner",
            ProjectRole::Admin => "admin",
            ProjectRole::Member => "member",
            ProjectRole::Viewer => "viewer",
        }
    }

    /// Whether it manages the project.
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
                "The role {} is not valid: it is owner, admin, member or viewer.",
                shown(text)
            );
            Problem::new(Code::InvalidInput, message)
        })
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Project {
    /// Its name, unique in the deployment.
    pub name: ProjectName,
    /// What it is for.
    pub description: String,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Whether launches for it are from approved templates alone.
    #[serde(default)]
    pub approved_only: bool,
    /// What it may cost.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// How many members it has.
    pub members: u32,
    /// How many of them are owners.
    pub owners: u32,
    /// When it was deleted. What is left of it keeps its name from ever being another's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

/// Somebody in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: ProjectRole,
    /// Who added them.
    pub added_by: UserId,
    /// When.
    pub added_at: Timestamp,
}

/// The projects that somebody is in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memberships {
    /// As what, by project.
    pub roles: BTreeMap<ProjectName, ProjectRole>,
}

/// A template that a project has approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Approval {
    /// The template: all of its versions, or a built-in one.
    pub template: TemplateName,
    /// Who approved it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}
