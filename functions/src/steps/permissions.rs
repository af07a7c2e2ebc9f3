//! The launch permissions that follow from a template's grants.

use std::collections::BTreeSet;

use crate::domain::ec2::LaunchPermission;
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

/// Returns the launch permissions that every AMI of a template has. A grant that is being opened counts already and one
/// that is being closed no longer does, so that a version registered in the meantime matches the others.
pub(crate) async fn of_template(
    registry: &Registry,
    name: &TemplateName,
) -> Result<BTreeSet<LaunchPermission>, Problem> {
    Ok(of_grants(&registry.grants(name).await?))
}

/// Returns the same, from grants that are already read.
pub(crate) fn of_grants(grants: &[Grant]) -> BTreeSet<LaunchPermission> {
    let held = grants
        .iter()
        .filter(|grant| grant.state != GrantState::Closing);
    held.filter_map(|grant| grant.launch.clone()).collect()
}
