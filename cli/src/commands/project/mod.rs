//! `prism project`.

mod approve;
mod budget;
mod costs;
mod create;
mod delete;
mod edit;
mod list;
mod member;
mod share_template;
mod show;
mod templates;

use clap::Subcommand;
use prism_functions::domain::{Problem, ProjectName};
use prism_functions::operations::ProjectView;

use crate::app::Session;
use crate::errors::Outcome;
use crate::text::{pairs, plain, usd, when};

/// Work together: members, templates, approvals, budget and costs of a project
#[derive(Debug, Subcommand)]
pub(crate) enum Projects {
    Create(create::Create),
    List(list::List),
    Show(show::Show),
    Edit(edit::Edit),
    Delete(delete::Delete),
    #[command(subcommand)]
    Member(member::Members),
    Templates(templates::Templates),
    ShareTemplate(share_template::ShareTemplate),
    Approve(approve::Approve),
    Budget(budget::Budget),
    Costs(costs::Costs),
}

impl Projects {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Create(args) => args.run(session).await,
            Self::List(args) => args.run(session).await,
            Self::Show(args) => args.run(session).await,
            Self::Edit(args) => args.run(session).await,
            Self::Delete(args) => args.run(session).await,
            Self::Member(args) => args.run(session).await,
            Self::Templates(args) => args.run(session).await,
            Self::ShareTemplate(args) => args.run(session).await,
            Self::Approve(args) => args.run(session).await,
            Self::Budget(args) => args.run(session).await,
            Self::Costs(args) => args.run(session).await,
        }
    }
}

fn name(text: &str) -> Result<ProjectName, Problem> {
    text.parse().map_err(Problem::from)
}

/// Formats a project for people.
fn text(view: &ProjectView) -> String {
    let project = &view.project;
    let budget = project.budget.as_ref().map(|budget| {
        let alerts: Vec<String> = budget.alerts.iter().map(|at| format!("{at} %")).collect();
        let alerts = match alerts.as_slice() {
            [] => String::new(),
            alerts => format!(", told at {}", alerts.join(", ")),
        };
        let stop = if budget.hard_stop {
            ", nothing beyond"
        } else {
            ""
        };
        format!("{} a month{alerts}{stop}", usd(budget.limit_usd))
    });
    let launches = if project.approved_only {
        "approved templates alone"
    } else {
        "any template"
    };
    let mut text = format!("{}\n", project.name);
    text.push_str(&pairs([
        ("for", plain(&project.description)),
        ("you are", view.role.to_string()),
        ("members", project.members.to_string()),
        ("launches", launches.to_owned()),
        ("budget", budget.unwrap_or_default()),
        (
            "made",
            format!("by {} at {}", project.created_by, when(project.created_at)),
        ),
    ]));
    text
}
