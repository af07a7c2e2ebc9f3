//! Users whom the caller knows, for sharing with them. There is no list of all users of a deployment.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parts::Found;
use super::{Asked, Service};
use crate::domain::grant::{GrantState, Grantee};
use crate::domain::ids::shown;
use crate::domain::project::ProjectRole;
use crate::domain::{Code, Problem, ProjectName, UserId};
use crate::operations::operation::{Answered, operation};
use crate::registry::Listing;
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};

/// The least number of characters to look for.
const LEAST: usize = 2;
/// The most characters to look for: those of the longest user name.
const MOST: usize = 128;
/// The maximum number of users that are returned.
const USERS: usize = 20;
/// How many of the caller's own templates are searched, by name.
const TEMPLATES: usize = 100;
/// How many projects or templates are read side by side.
const AT_ONCE: usize = 16;

/// The query of a look-up of users.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// What the user names begin with.
    #[param(min_length = 2, max_length = 128)]
    pub prefix: String,
}

/// The users that were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownUsers {
    /// The users, by name, at most 20.
    pub users: Vec<UserId>,
    /// Whether there may be more.
    pub more: bool,
}

operation! {
    /// Looks up users whom you know, by the beginning of their names
    ///
    /// These are the members of your projects, and the users whom one of your own templates is shared with, of which the
    /// first 100 are searched. You can share with any other user too, but have to know the whole name.
    FindUsers by find_users: Get "/v1/users" of "users",
    query: UsersQuery,
    output: Found<KnownUsers>,
    rights: [See Project, SeeShares Template],
}

async fn find_users(
    service: &Service,
    caller: &Caller,
    asked: Asked<FindUsers>,
) -> Answered<FindUsers> {
    let prefix = &asked.query.prefix;
    check(prefix)?;
    let mut found = service.members_like(caller, prefix).await?;
    found.extend(service.shared_with_like(caller, prefix).await?);
    found.remove(&caller.user);
    let more = found.len() > USERS;
    Ok(Found::new(KnownUsers {
        users: found.into_iter().take(USERS).collect(),
        more,
    }))
}

fn check(prefix: &str) -> Result<(), Problem> {
    let refused = |rule: &str| {
        let message = format!("The prefix {} is not valid: {rule}.", shown(prefix));
        Err(Problem::new(Code::InvalidInput, message))
    };
    if !(LEAST..=MOST).contains(&prefix.chars().count()) {
        return refused("it must have 2 to 128 characters");
    }
    // The beginning of a name consists of the characters of names.
    if prefix.parse::<UserId>().is_err() {
        return refused("no user name begins with it");
    }
    Ok(())
}

impl Service {
    /// Returns the members of the caller's projects whose names begin with a text. Of each project, one more than is
    /// returned, so that it is known whether there are more.
    async fn members_like(
        &self,
        caller: &Caller,
        prefix: &str,
    ) -> Result<BTreeSet<UserId>, Problem> {
        let registry = &self.env.registry;
        let memberships = registry.memberships(&caller.user).await?.value;
        let sees =
            |role: ProjectRole| allowed(Relation::of_role(role), Action::See, Resource::Project);
        let roles = memberships.roles.into_iter();
        let projects: Vec<ProjectName> = roles
            .filter(|(_, role)| sees(*role))
            .map(|(name, _)| name)
            .collect();
        let mut found = BTreeSet::new();
        for some in projects.chunks(AT_ONCE) {
            // The caller is left out of the result.
            let read = some
                .iter()
                .map(|name| registry.members_like(name, prefix, USERS + 2));
            for members in try_join_all(read).await? {
                found.extend(members.items.into_iter().map(|member| member.user));
            }
        }
        Ok(found)
    }

    /// Returns the users whose names begin with a text, and whom a template of the caller is shared with.
    async fn shared_with_like(
        &self,
        caller: &Caller,
        prefix: &str,
    ) -> Result<BTreeSet<UserId>, Problem> {
        let mut found = BTreeSet::new();
        if !allowed(Relation::Owner, Action::SeeShares, Resource::Template) {
            return Ok(found);
        }
        let registry = &self.env.registry;
        let own = Listing::OwnedBy(caller.user.clone());
        let own = registry.entries(&own, None, TEMPLATES).await?.entries;
        for some in own.chunks(AT_ONCE) {
            let read = some
                .iter()
                .map(|entry| registry.grants_to_users_like(&entry.template.name, prefix));
            for grant in try_join_all(read).await?.into_iter().flatten() {
                if let (Grantee::User(user), GrantState::Open) = (grant.to, grant.state) {
                    found.insert(user);
                }
            }
        }
        Ok(found)
    }
}
