//! `prism project`.

mod approve;
mod budget;
mod costs;
mod create;
mod delete;
mod edit;
mod end;
mod group;
mod history;
pub(crate) mod instances;
mod join;
mod launch;
mod link;
mod list;
mod member;
mod share_template;
mod show;
mod templates;

use prism_functions::domain::limits::Limits;
use prism_functions::domain::{Problem, ProjectName, counted};
use prism_functions::operations::ProjectView;

use crate::text::{Times, joined, pairs, plain, usd};

commands! {
    /// Manage projects: members, templates, approvals, budget and costs
    Projects {
        Create(create::Create),
        #[command(visible_alias = "ls")]
        List(list::List),
        #[command(alias = "info")]
        Show(show::Show),
        Edit(edit::Edit),
        Delete(delete::Delete),
        #[command(subcommand)]
        Member(member::Members),
        #[command(subcommand)]
        Group(group::Groups),
        Launch(launch::Launch),
        #[command(subcommand)]
        Link(link::Links),
        Join(join::Join),
        Templates(templates::Templates),
        ShareTemplate(share_template::ShareTemplate),
        Approve(approve::Approve),
        Budget(budget::Budget),
        End(end::End),
        Costs(costs::Costs),
    }
}

fn name(text: &str) -> Result<ProjectName, Problem> {
    text.parse().map_err(Problem::from)
}

fn text(view: &ProjectView, times: Times) -> String {
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
    let end = project.end.as_ref().map(|end| {
        let what = if end.last_save {
            "its instances are saved and then terminated"
        } else {
            "its instances are stopped"
        };
        let over = match end.ended_at {
            Some(at) => format!(", completed at {}", times.exactly(at)),
            None => String::new(),
        };
        format!("at {}: {what}{over}", times.exactly(end.at))
    });
    let created = times.exactly(project.created_at);
    let created = format!("by {} at {created}", project.created_by);
    let mut text = format!("{}\n", project.name);
    text.push_str(&pairs([
        ("purpose", plain(&project.description)),
        ("you are", view.role.to_string()),
        ("members", project.members.to_string()),
        ("launches", launches.to_owned()),
        ("limits", limits(&project.limits)),
        ("budget", budget.unwrap_or_default()),
        ("ends", end.unwrap_or_default()),
        ("created", created),
    ]));
    text
}

fn limits(limits: &Limits) -> String {
    let size = limits.largest_size;
    let size = size.map(|size| format!("instances up to size {size}"));
    let instances = limits.instances_per_member;
    let instances = instances.map(|most| format!("{most} at once for each member"));
    let hours = limits.hours_per_month;
    let hours = hours.map(|most| format!("{} a month for each member", counted(most, "hour")));
    joined([size, instances, hours].into_iter().flatten())
}
