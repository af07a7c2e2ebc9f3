//! `prism key remove`.

use clap::Args;
use prism_functions::operations::parts::KeyId;
use prism_functions::operations::{Asked, RemoveKey};
use serde_json::json;

use crate::errors::Outcome;
use crate::session::Session;

/// Remove a public SSH key; instances that have it keep it
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The fingerprint, as "prism key list" shows it
    #[arg(value_name = "FINGERPRINT")]
    fingerprint: String,
}

impl Remove {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let id: KeyId = self.fingerprint.parse()?;
        let asked = Asked::<RemoveKey>::of(id.clone());
        session.client.call(asked).await?;
        let KeyId(fingerprint) = id;
        session.out.done(&json!({ "removed": fingerprint }), || {
            format!("{fingerprint} is removed. Instances that were launched with it keep it.\n")
        })
    }
}
