//! Which launch permissions a template's grants come to.

use std::collections::BTreeSet;

use crate::domain::ec2::LaunchPermission;
use crate::domain::grant::{Grant, GrantState, Grantee};
use crate::domain::{Code, Problem, TemplateName};
use crate::registry::Registry;
use crate::rules::{Env, PublicScope, Settings};

/// What a grant lets others do in EC2: nothing where it is about users of this deployment, whose
/// launches Prism makes itself.
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
                        "Public means the organisation here, and no organisation is set.",
                    )
                    .hint("Have an administrator set the deployment's organisation.")
                })?;
                Some(LaunchPermission::Organization(arn.to_string()))
            }
        },
    })
}

/// What EC2 is told where everybody may use a template.
pub(super) fn public(env: &Env) -> Result<Option<LaunchPermission>, Problem> {
    of(&env.settings, &Grantee::Public)
}

/// The launch permissions that every AMI of a template has. A grant that is being opened counts
/// already, one that is being closed no more: a version that is registered meanwhile is as its others.
pub(crate) async fn of_template(
    registry: &Registry,
    name: &TemplateName,
) -> Result<BTreeSet<LaunchPermission>, Problem> {
    Ok(of_grants(&registry.grants(name).await?))
}

/// The same by grants that were read already.
pub(crate) fn of_grants(grants: &[Grant]) -> BTreeSet<LaunchPermission> {
    let held = grants
        .iter()
        .filter(|grant| grant.state != GrantState::Closing);
    held.filter_map(|grant| grant.launch.clone()).collect()
}
