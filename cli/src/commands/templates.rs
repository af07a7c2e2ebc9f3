//! `prism templates`.

use clap::Args;
use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::template::TemplateState;
use prism_functions::domain::{Problem, ProjectName};
use prism_functions::operations::parts::{Nothing, PAGE_MOST};
use prism_functions::operations::{Asked, ListTemplates, TemplateSummary, TemplatesPage};
use serde_json::json;

use crate::app::Session;
use crate::args::Arch;
use crate::errors::Outcome;
use crate::{exit, table};

const EXAMPLES: &str = "\
Examples:
  prism templates --mine
  prism templates --search genom            words of the name or description that begin like this
  prism templates --public --arch arm64 --all";

/// List the templates that you can launch
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Templates {
    /// Only your own
    #[arg(long)]
    mine: bool,
    /// Only those of a project
    #[arg(long)]
    project: Option<String>,
    /// Only those that everybody may use
    #[arg(long)]
    public: bool,
    /// Only those with words that begin like these, two letters at least
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those that can be launched on this architecture
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// How many to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Go on where a list ended, by the cursor that it told
    #[arg(long)]
    cursor: Option<String>,
    /// Show all of them
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    all: bool,
}

impl Templates {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = self.project.as_deref().map(str::parse::<ProjectName>);
        let mut query = TemplatesPage {
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
        let mut templates = Vec::new();
        // A page may have fewer entries than requested although there are more.
        let cursor = loop {
            let wanted = (limit - templates.len()).min(PAGE_MOST);
            query.limit = u32::try_from(wanted).ok();
            let asked = Asked::<ListTemplates>::of(Nothing {}).query(query.clone());
            let page = session.client.ask(asked).await?;
            templates.extend(page.items);
            if page.cursor.is_none() || templates.len() >= limit {
                break page.cursor;
            }
            query.cursor = page.cursor;
        };
        let out = &session.out;
        if templates.is_empty() && !out.json {
            out.note("No such templates. Make one: prism save my-research my-custom-ml-env");
            return Ok(exit::DONE);
        }
        let value = json!({ "templates": templates, "cursor": cursor });
        out.show(&value, || {
            table::render(out, &HEADS, templates.iter().map(row))
        })?;
        if !out.json {
            for template in &templates {
                if let Some(stuck) = &template.stuck {
                    out.note(&format!(
                        "{} is being deleted: {} {}",
                        template.name, stuck.message, stuck.hint
                    ));
                }
            }
        }
        if let Some(cursor) = cursor.filter(|_| !out.json) {
            out.note(&format!(
                "There are more: see them with --all, or go on with --cursor {cursor}"
            ));
        }
        Ok(exit::DONE)
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

fn row(template: &TemplateSummary) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let owner = template.owner.clone();
    let version = template.latest.map(|number| match template.state {
        TemplateState::Active => number.to_string(),
        TemplateState::Deleted => "being deleted".to_owned(),
        TemplateState::Deprecated => format!("{number} (deprecated)"),
    });
    let architectures = template.architectures.iter().map(|it| it.as_str());
    let architectures: Vec<&str> = architectures.collect();
    let updated = template
        .updated_at
        .map(|at| at.format("%Y-%m-%d").to_string());
    vec![
        template.name.clone(),
        or_dash(version),
        owner.unwrap_or_else(|| "built in".to_owned()),
        template.visibility.as_str().to_owned(),
        or_dash(template.project.clone()),
        architectures.join(","),
        or_dash(updated),
        match template.owner {
            Some(_) => template.launches.to_string(),
            None => "-".to_owned(),
        },
        template.description.clone(),
    ]
}
