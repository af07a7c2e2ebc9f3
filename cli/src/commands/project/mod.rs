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

use prism_functions::domain::{Problem, ProjectName};
use prism_functions::operations::ProjectView;

use crate::text::{joined, pairs, plain, usd, when};

commands! {
    /// Manage projects: members, templates, approvals, budget and costs
    Projects {
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
}

fn name(text: &str) -> Result<ProjectName, Problem> {
    text.parse().map_err(Problem::from)
}

fn text(view: &ProjectView) -> String {
    let project = &view.project;
    let budget = project.budget.as_ref().map(|budget| {
        let alerts = joined(budget.alerts.iter().map(|at| format!("{at} %")));
        let alerts = match alerts.as_str() {
            "" => String::new(),
            alerts => format!(", alerts at {alerts}"),
        };
        let stop = if budget.hard_stop { ", hard stop" } else { "" };
        format!("{} a month{alerts}{stop}", usd(budget.limit_usd))
    });
    let launches = if project.approved_only {
        "only approved templates"
    } else {
        "any template"
    };
    let created = format!("by {} at {}", project.created_by, when(project.created_at));
    let mut text = format!("{}\n", project.name);
    text.push_str(&pairs([
        ("purpose", plain(&project.description)),
        ("you are", view.role.to_string()),
        ("members", project.members.to_string()),
        ("launches", launches.to_owned()),
        ("budget", budget.unwrap_or_default()),
        ("created", created),
    ]));
    text
}
