//! `prism project join`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, JoinPlan, JoinProject, JoinRequest};
use serde_json::json;

use super::limits;
use crate::client::Place;
use crate::errors::Outcome;
use crate::session::Session;
use crate::text::{Times, pairs, plain};

/// Join a project, with the code of a join link
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The code
    #[arg(value_name = "CODE")]
    code: String,
    /// Show what the code gives, but do not join
    #[arg(long)]
    dry_run: bool,
}

impl Join {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let asked = Asked::<JoinProject>::with(Nothing {}, JoinRequest { code: self.code });
        if self.dry_run {
            let plan = session.client.plan(asked).await?;
            let value = json!({ "dry_run": true, "plan": plan });
            return session.out.done(&value, || would(&plan, session.times()));
        }
        let joined = session.client.begin(Place::Detached, asked).await?;
        session.out.done(&joined, || {
            format!(
                "You are in {}, with the role {}.\n",
                joined.project.name, joined.role
            )
        })
    }
}

fn would(plan: &JoinPlan, times: Times) -> String {
    let (project, role) = (&plan.project, plan.role);
    let mut text = if plan.joined {
        format!("You are in {project} already, with the role {role}. Nothing would change.\n")
    } else {
        format!("You would join {project}, with the role {role}.\n")
    };
    let group = plan.group.as_ref();
    text.push_str(&pairs([
        ("purpose", plain(&plan.description)),
        ("group", group.map_or_else(String::new, ToString::to_string)),
        ("limits", limits(&plan.limits)),
        ("created by", plan.created_by.to_string()),
        ("invited by", plan.invited_by.to_string()),
        ("valid until", times.exactly(plan.until)),
    ]));
    text
}
