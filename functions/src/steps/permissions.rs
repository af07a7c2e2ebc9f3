//! The launch permissions that follow from a template's grants.

use std::collections::BTreeSet;

use crate::domain::ec2::{LaunchPermission, Opening};
use crate::domain::grant::{Grant, GrantState, Grantee};
use crate::domain::{Code, Problem, TemplateName};
use crate::registry::Registry;
use crate::rules::{Env, PublicScope, Settings};

/// Returns the launch permission for a grantee. Grants to users of this deployment need none, because Prism launches
/// for them itself.
pub(crate) fn of(settings: &Settings, to: &Grantee) -> Result<Option<LaunchPermission>, Problem> {
    Ok(match to {
        Grantee::User(_) | Grantee::Project(_) => None,
        Grantee::Account(account) => Some(LaunchPermission::Account(account.clone())),
        Grantee::Organization(arn) => Some(LaunchPermission::Organization(arn.to_string())),
        Grantee::Public => match settings.public_scope {
            PublicScope::Deployment => None,
            PublicScope::World => Some(LaunchPermission::Everyone),
            PublicScope::Organization => {
                let arn = settings.organization.as_ref().ok_or_else(|| {
                    Problem::new(
                        Code::ConfigInvalid,
                        "In this deployment, public means the organization, but no organization is configured.",
                    )
                    .hint("Ask an administrator to configure the deployment's organization.")
                })?;
                Some(LaunchPermission::Organization(arn.to_string()))
            }
        },
    })
}

/// Returns the launch permission of a public template, if one is needed.
pub(super) fn public(env: &Env) -> Result<Option<LaunchPermission>, Problem> {
    of(&env.settings, &Grantee::Public)
}

/// Returns by what every AMI of a template is open to others. A grant that is being opened counts already and one
/// that is being closed no longer does, so that a version registered in the meantime matches the others.
pub(crate) async fn of_template(
    registry: &Registry,
    name: &TemplateName,
) -> Result<BTreeSet<Opening>, Problem> {
    Ok(openings(&registry.grants(name).await?))
}

/// Returns the same, from grants that are already read.
pub(crate) fn openings(grants: &[Grant]) -> BTreeSet<Opening> {
    let held = grants
        .iter()
        .filter(|grant| grant.state != GrantState::Closing);
    held.flat_map(of_grant).collect()
}

/// Returns by what a grant opens AMIs, whatever its state.
pub(crate) fn of_grant(grant: &Grant) -> Vec<Opening> {
    let copies = match &grant.launch {
        Some(LaunchPermission::Account(account)) if grant.with_snapshots => {
            Some(Opening::copies(account.clone()))
        }
        _ => None,
    };
    let launch = grant.launch.clone().map(Opening::Launch);
    launch.into_iter().chain(copies).collect()
}

/// Returns the launch permissions that every AMI of a template has, from its grants.
pub(crate) fn of_grants(grants: &[Grant]) -> BTreeSet<LaunchPermission> {
    let held = grants
        .iter()
        .filter(|grant| grant.state != GrantState::Closing);
    held.filter_map(|grant| grant.launch.clone()).collect()
}
