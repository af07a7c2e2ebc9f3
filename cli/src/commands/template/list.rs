//! `prism template list`.

use std::cmp::Reverse;

use clap::{Args, ValueEnum};
use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::template::TemplateState;
use prism_functions::domain::{Problem, ProjectName};
use prism_functions::operations::parts::{Nothing, PAGE_MOST};
use prism_functions::operations::{
    Asked, ListTemplates, ShowProject, TemplateSummary, TemplatesPage,
};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::options::Arch;
use crate::session::Session;
use crate::table;
use crate::text::{Times, or_dash};

const EXAMPLES: &str = "\
Examples:
  prism template list --mine
  prism template list --search genom            words in the name or description that start with this
  prism template list --public --arch arm64 --all
  prism template list --sort use --limit 10     the ten that are launched most";

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// By name
    Name,
    /// The most launched first. All templates are read for it, because the registry has no list in this order
    Use,
}

/// List the templates that you can launch
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// Only your own templates
    #[arg(long)]
    mine: bool,
    /// Only templates of this project
    #[arg(long)]
    #[arg(add = candidates::projects())]
    project: Option<String>,
    /// Only templates that everyone can use
    #[arg(long)]
    public: bool,
    /// Only templates with words in their name or description that start with these, at least two
    /// letters each
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only templates that can be launched on this architecture
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// The order
    #[arg(long, value_enum, default_value_t = Sort::Name, conflicts_with = "cursor")]
    sort: Sort,
    /// The maximum number to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Continue a list with the cursor that was printed at its end
    #[arg(long)]
    cursor: Option<String>,
    /// Show all templates
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    all: bool,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = self.project.as_deref().map(str::parse::<ProjectName>);
        let mut query = TemplatesPage {
            kind: None,
            mine: self.mine,
            public: self.public,
            project: project.transpose().map_err(Problem::from)?,
            search: self.search.clone(),
            arch: self.arch.map(Architecture::from),
            limit: None,
            cursor: self.cursor.clone(),
        };
        let limit = if self.all {
            usize::MAX
        } else {
            usize::from(self.limit)
        };
        let by_use = self.sort == Sort::Use;
        let read = if by_use { usize::MAX } else { limit };
        let mut templates = Vec::new();
        // A page may have fewer entries than requested although there are more.
        let cursor = loop {
            let wanted = (read - templates.len()).min(PAGE_MOST);
            query.limit = u32::try_from(wanted).ok();
            let asked = Asked::<ListTemplates>::of(Nothing {}).query(query.clone());
            let page = session.client.ask(asked).await?;
            templates.extend(page.items);
            if page.cursor.is_none() || templates.len() >= read {
                break page.cursor;
            }
            query.cursor = page.cursor;
        };
        let rest = templates.len().saturating_sub(limit);
        if by_use {
            // The sort is stable: those that are launched equally often stay in the order of their names.
            templates.sort_by_key(|template| Reverse(template.launches));
            templates.truncate(limit);
        }
        let out = &session.out;
        let value = json!({ "templates": templates, "cursor": cursor });
        let times = session.times();
        let rows = templates.iter().map(|template| row(template, times));
        if templates.is_empty()
            && let Some(project) = &query.project
        {
            // A project that does not exist has no templates either.
            let asked = Asked::<ShowProject>::of(project.clone());
            session.client.ask(asked).await?;
        }
        let none = "No templates match. Create one: prism save my-research my-custom-ml-env";
        let shown = table::list(out, &value, &HEADS, rows, none)?;
        if out.for_programs() {
            return Ok(shown);
        }
        for template in &templates {
            if let Some(stuck) = &template.stuck {
                let (name, message, hint) = (&template.name, &stuck.message, &stuck.hint);
                out.note(&format!("{name} is being deleted: {message} {hint}"));
            }
        }
        if by_use && rest > 0 {
            out.note(&format!("There are {rest} more: show all with --all"));
        }
        if let Some(cursor) = cursor {
            out.note(&format!(
                "There are more: show all with --all, or continue with --cursor {cursor}"
            ));
        }
        Ok(shown)
    }
}

const HEADS: [&str; 9] = [
    "NAME",
    "VERSION",
    "OWNER",
    "VISIBILITY",
    "PROJECT",
    "ARCH",
    "UPDATED",
    "LAUNCHES",
    "DESCRIPTION",
];

fn row(template: &TemplateSummary, times: Times) -> Vec<String> {
    let owner = template.owner.clone();
    let version = template.latest.map(|number| match template.state {
        TemplateState::Active => number.to_string(),
        TemplateState::Deleted => "being deleted".to_owned(),
        TemplateState::Deprecated => format!("{number} (deprecated)"),
    });
    let architectures = template.architectures.iter().map(|it| it.as_str());
    let architectures: Vec<&str> = architectures.collect();
    let updated = template.updated_at.map(|at| times.day(at));
    vec![
        template.name.clone(),
        or_dash(version),
        owner.unwrap_or_else(|| "built in".to_owned()),
        template.visibility.as_str().to_owned(),
        or_dash(template.project.as_ref()),
        architectures.join(","),
        or_dash(updated),
        or_dash(template.owner.as_ref().map(|_| template.launches)),
        template.description.clone(),
    ]
}
