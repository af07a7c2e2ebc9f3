//! The identity of this deployment. Every resource that it creates in EC2 carries the identity as a tag, and it changes
//! no resource that carries another identity (promise P9, ADR 16).

use std::sync::{Arc, OnceLock};

use crate::domain::tags::DEPLOYMENT_TAG;
use crate::domain::{Code, DeploymentId, Problem};
use crate::ports::Tags;
use crate::registry::Registry;

/// The identity as a process knows it: the configured one, confirmed once by the registry.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    configured: Option<DeploymentId>,
    confirmed: Arc<OnceLock<DeploymentId>>,
}

impl Identity {
    /// Creates the identity from the configured ID. If there is none, only the registry knows the identity.
    pub fn configured(id: Option<DeploymentId>) -> Self {
        Self {
            configured: id,
            confirmed: Arc::default(),
        }
    }

    pub fn known(id: DeploymentId) -> Self {
        Self {
            configured: None,
            confirmed: Arc::new(OnceLock::from(id)),
        }
    }

    /// Returns the identity, which the registry confirms once.
    pub(super) async fn confirm(&self, registry: &Registry) -> Result<&DeploymentId, Problem> {
        if let Some(id) = self.confirmed.get() {
            return Ok(id);
        }
        let kept = if let Some(configured) = &self.configured {
            let kept = registry.claim(configured).await?;
            if kept != *configured {
                return Err(mismatch(&kept, configured));
            }
            kept
        } else {
            let kept = registry.deployment().await?;
            kept.ok_or_else(unknown)?
        };
        Ok(self.confirmed.get_or_init(|| kept))
    }
}

fn mismatch(kept: &DeploymentId, configured: &DeploymentId) -> Problem {
    let message = format!(
        "The registry belongs to the deployment {kept}, but this deployment is configured as {configured}. Nothing was changed."
    );
    Problem::new(Code::DeploymentMismatch, message).hint(format!(
        "If you restored or took over the table on purpose, update the stack with DeploymentId={kept}. Otherwise, configure the correct table."
    ))
}

fn unknown() -> Problem {
    let message = "The registry does not contain the ID of its deployment yet.";
    Problem::new(Code::DeploymentMismatch, message).hint(
        "The deployment's functions write it within five minutes of a stack update. Then configure the profile again: prism configure --stack NAME --force",
    )
}

/// Which deployment created a resource in EC2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    This,
    /// Another deployment; this one must not change the resource.
    Another,
    /// Unknown, because the resource carries no identity: a person created it, or a version of Prism from before
    /// identities were introduced.
    Unknown,
}

impl Maker {
    pub fn of(tags: &Tags, deployment: &DeploymentId) -> Self {
        match tags.get(DEPLOYMENT_TAG) {
            Some(id) if id == deployment.as_str() => Maker::This,
            Some(_) => Maker::Another,
            None => Maker::Unknown,
        }
    }

    pub fn is_another(tags: &Tags, deployment: &DeploymentId) -> bool {
        Self::of(tags, deployment) == Maker::Another
    }
}
