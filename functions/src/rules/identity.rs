//! Which deployment this is. Everything that it makes in EC2 carries the identity as a tag, and it touches nothing that
//! carries another one (promise P9, ADR 16).

use std::sync::{Arc, OnceLock};

use super::Env;
use crate::domain::tags::DEPLOYMENT_TAG;
use crate::domain::{Code, DeploymentId, Problem};
use crate::ports::Tags;

/// The identity as a process knows it: what it is configured with, confirmed once by the registry.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    configured: Option<DeploymentId>,
    confirmed: Arc<OnceLock<DeploymentId>>,
}

impl Identity {
    /// The identity that a deployment is configured with. Where there is none, the registry alone knows it.
    pub fn configured(id: Option<DeploymentId>) -> Self {
        Self {
            configured: id,
            confirmed: Arc::default(),
        }
    }

    /// An identity that the registry is known to keep.
    pub fn known(id: DeploymentId) -> Self {
        Self {
            configured: None,
            confirmed: Arc::new(OnceLock::from(id)),
        }
    }
}

impl Env {
    /// Which deployment this is. The registry is asked once in the life of the process, and keeps what the deployment
    /// is configured with where it keeps none yet. A registry of another deployment is refused: what is in it
    /// explains nothing that this one may touch.
    pub async fn deployment(&self) -> Result<&DeploymentId, Problem> {
        let identity = &self.identity;
        if let Some(id) = identity.confirmed.get() {
            return Ok(id);
        }
        let kept = if let Some(configured) = &identity.configured {
            let kept = self.registry.claim(configured).await?;
            if kept != *configured {
                return Err(mismatch(&kept, configured));
            }
            kept
        } else {
            let kept = self.registry.deployment().await?;
            kept.ok_or_else(unknown)?
        };
        Ok(identity.confirmed.get_or_init(|| kept))
    }
}

fn mismatch(kept: &DeploymentId, configured: &DeploymentId) -> Problem {
    let message = format!(
        "The registry is that of the deployment {kept}, and this deployment is configured as {configured}. Nothing was changed."
    );
    Problem::new(Code::DeploymentMismatch, message).hint(format!(
        "Where the table was restored or taken over on purpose, update the stack with DeploymentId={kept}; otherwise name the right table."
    ))
}

fn unknown() -> Problem {
    let message = "The registry does not say yet which deployment it is that of.";
    Problem::new(Code::DeploymentMismatch, message).hint(
        "The deployment's own functions write it within five minutes of an update of the stack; then configure the profile again: prism configure --stack NAME --force",
    )
}

/// Who made something in EC2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// This deployment.
    This,
    /// Another deployment: it is none of this one's business.
    Another,
    /// It carries no identity: people made it, or a version of Prism from before there were identities.
    Unknown,
}

impl Maker {
    /// The maker of what has these tags, as the deployment of that identity sees it.
    pub fn of(tags: &Tags, deployment: &DeploymentId) -> Self {
        match tags.get(DEPLOYMENT_TAG) {
            Some(id) if id == deployment.as_str() => Maker::This,
            Some(_) => Maker::Another,
            None => Maker::Unknown,
        }
    }

    /// Whether another deployment made what has these tags.
    pub fn is_another(tags: &Tags, deployment: &DeploymentId) -> bool {
        Self::of(tags, deployment) == Maker::Another
    }
}
