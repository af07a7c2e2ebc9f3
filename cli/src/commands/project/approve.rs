//! `prism project approve`.

use clap::Args;
use prism_functions::domain::project::Approval;
use prism_functions::domain::{Problem, ProjectName, TemplateName};
use prism_functions::operations::{ApproveTemplate, Asked, DisapproveTemplate, ListApprovals};
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::text::when;
use crate::{exit, table};

/// The maximum number of approvals to list.
const MOST: usize = 1000;

const EXAMPLES: &str = "\
Approvals matter where launches for the project are from approved templates alone, which is
\"prism project edit PROJECT --approved-only on\".

Examples:
  prism project approve brain-imaging my-custom-ml-env
  prism project approve brain-imaging my-custom-ml-env --withdraw
  prism project approve brain-imaging                   lists what is approved";

/// Approve a template for a project, or list what is approved
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Approve {
    /// The project
    #[arg(value_name = "PROJECT")]
    name: String,
    /// The template, with all of its versions
    #[arg(value_name = "TEMPLATE")]
    template: Option<String>,
    /// Withdraw the approval
    #[arg(long, requires = "template")]
    withdraw: bool,
}

impl Approve {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let Some(template) = &self.template else {
            return list(session, &name).await;
        };
        let template: TemplateName = template.parse().map_err(Problem::from)?;
        let (client, out) = (&session.client, &session.out);
        if self.withdraw {
            let asked = Asked::<DisapproveTemplate>::of((name.clone(), template.clone()));
            client.call(asked).await?;
            out.show(&json!({ "project": name, "withdrawn": template }), || {
                format!("{template} is not approved for {name}.\n")
            })?;
        } else {
            let approval = client
                .ask(Asked::<ApproveTemplate>::of((
                    name.clone(),
                    template.clone(),
                )))
                .await?;
            out.show(&approval, || {
                format!("{template} is approved for {name}.\n")
            })?;
        }
        Ok(exit::DONE)
    }
}

async fn list(session: &Session, name: &ProjectName) -> Outcome {
    let (approvals, more) = session
        .client
        .list(MOST, |page| {
            Asked::<ListApprovals>::of(name.clone()).query(page)
        })
        .await?;
    let out = &session.out;
    if approvals.is_empty() && !out.json {
        out.note("Nothing is approved.");
        return Ok(exit::DONE);
    }
    out.show(&json!({ "approvals": approvals, "more": more }), || {
        table::render(out, &HEADS, approvals.iter().map(row))
    })?;
    if more && !out.json {
        out.note(&format!("These are the first {MOST}; there are more."));
    }
    Ok(exit::DONE)
}

const HEADS: [&str; 3] = ["TEMPLATE", "APPROVED BY", "SINCE"];

fn row(approval: &Approval) -> Vec<String> {
    vec![
        approval.template.to_string(),
        approval.by.to_string(),
        when(approval.at),
    ]
}
