//! `prism key list`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ListKeys};
use serde_json::json;

use crate::errors::Outcome;
use crate::session::Session;
use crate::table;

/// List your public SSH keys
#[derive(Debug, Args)]
pub(crate) struct List {}

const HEADS: [&str; 4] = ["FINGERPRINT", "TYPE", "COMMENT", "ADDED"];

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let page = |page| Asked::<ListKeys>::of(Nothing {}).query(page);
        let keys = session.client.all(page).await?;
        let value = json!({ "keys": keys });
        let times = session.times();
        let rows = keys.into_iter().map(|key| {
            vec![
                key.fingerprint.to_string(),
                key.r#type,
                key.comment,
                times.when(key.added_at),
            ]
        });
        let none = "No public keys yet. Add one: prism key add";
        table::list(&session.out, &value, &HEADS, rows, none)
    }
}
