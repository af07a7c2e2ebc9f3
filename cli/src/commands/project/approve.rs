//! `prism project approve`.

use clap::Args;
use prism_functions::domain::project::Approval;
use prism_functions::domain::{Problem, ProjectName, TemplateName};
use prism_functions::operations::{ApproveTemplate, Asked, DisapproveTemplate, ListApprovals};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::Times;

const EXAMPLES: &str = "\
Approvals take effect when the project only allows launches from approved templates:
\"prism project edit PROJECT --approved-only on\".

Examples:
  prism project approve brain-imaging my-custom-ml-env
  prism project approve brain-imaging my-custom-ml-env --withdraw
  prism project approve brain-imaging                   list the approved templates";

/// Approve a template for a project, or list the approved templates
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Approve {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    name: String,
    /// The template, with all of its versions
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::templates())]
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
        let path = (name.clone(), template.clone());
        if self.withdraw {
            client.call(Asked::<DisapproveTemplate>::of(path)).await?;
            let value = json!({ "project": name, "withdrawn": template });
            return out.done(&value, || {
                format!("{template} is no longer approved for {name}.\n")
            });
        }
        let approval = client.ask(Asked::<ApproveTemplate>::of(path)).await?;
        out.done(&approval, || {
            format!("{template} is approved for {name}.\n")
        })
    }
}

async fn list(session: &Session, name: &ProjectName) -> Outcome {
    let page = |page| Asked::<ListApprovals>::of(name.clone()).query(page);
    let (approvals, more) = session.client.list(usize::MAX, page).await?;
    let times = session.times();
    let heads = ["TEMPLATE", "APPROVED BY", "SINCE"];
    let value = json!({ "approvals": approvals, "more": more });
    let rows = approvals.iter().map(|approval| row(approval, times));
    table::list(
        &session.out,
        &value,
        &heads,
        rows,
        "No template is approved.",
    )
}

fn row(approval: &Approval, times: Times) -> Vec<String> {
    vec![
        approval.template.to_string(),
        approval.by.to_string(),
        times.when(approval.at),
    ]
}
