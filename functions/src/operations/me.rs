//! The caller's own identity, and what the deployment lets its users do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::Found;
use super::{Asked, Service};
use crate::domain::project::ProjectRole;
use crate::domain::{ProjectName, Region, UserId};
use crate::operations::operation::{Answered, operation};
use crate::rules::PublicScope;
use crate::rules::access::Caller;

/// The caller's identity, and what the deployment lets its users do. All users have the same rights; only the roles in
/// projects differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The user.
    pub user: UserId,
    /// The projects that the user is in, by name.
    #[serde(default)]
    pub projects: Vec<MyProject>,
    /// Who a public template is open to.
    #[serde(default)]
    pub public_scope: PublicScope,
    /// The only Regions in which instances may be launched and saved, and to which versions may be copied. If the list
    /// is empty, all Regions of the account are allowed.
    #[serde(default)]
    pub allowed_regions: Vec<Region>,
    /// The only instance types that may be launched, such as `m7i.large`, or `t3.*` for a family. If the list is empty,
    /// all types are allowed.
    #[serde(default)]
    pub allowed_instance_types: Vec<String>,
    /// Whether launched instances have an instance profile, which sessions need.
    #[serde(default)]
    pub has_sessions: bool,
}

/// A project of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MyProject {
    /// The project.
    pub name: ProjectName,
    /// The caller's role in it.
    pub role: ProjectRole,
}

operation! {
    /// Returns your user name, your projects, and what the deployment allows
    ShowMe by me: Get "/v1/me" of "me",
    output: Found<Me>,
    rights: [],
}

async fn me(service: &Service, caller: &Caller, _: Asked<ShowMe>) -> Answered<ShowMe> {
    let memberships = service.env.registry.memberships(&caller.user).await?;
    let settings = &service.env.settings;
    let roles = memberships.value.roles.into_iter();
    let types = settings.allowed_types.list().into_iter();
    Ok(Found::new(Me {
        user: caller.user.clone(),
        projects: roles.map(|(name, role)| MyProject { name, role }).collect(),
        public_scope: settings.public_scope,
        allowed_regions: settings.allowed_regions.0.iter().cloned().collect(),
        allowed_instance_types: types.map(str::to_owned).collect(),
        has_sessions: settings.launch_profile.is_some(),
    }))
}
