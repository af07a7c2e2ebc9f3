//! `prism templates`.

use clap::Args;
use prism_functions::domain::{Problem, ProjectName};
use prism_functions::service::TemplateSummary;
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::{exit, table};

/// List the templates that you can launch
#[derive(Debug, Args)]
pub(crate) struct Templates {
    /// Only those of a project
    #[arg(long)]
    project: Option<String>,
    /// Only your own
    #[arg(long)]
    mine: bool,
}

impl Templates {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = self.project.as_deref().map(str::parse::<ProjectName>);
        let project = project.transpose().map_err(Problem::from)?;
        let user = if self.mine {
            Some(session.backend.user().await?.to_string())
        } else {
            None
        };
        let mut templates = session.backend.templates().await?;
        templates.retain(|template| {
            let mine = user.is_none() || template.owner == user;
            let wanted = project.as_ref().map(ProjectName::as_str);
            mine && (wanted.is_none() || template.project.as_deref() == wanted)
        });
        let out = &session.out;
        if templates.is_empty() && !out.json {
            out.note("No such templates. Make one: prism save my-research my-custom-ml-env");
            return Ok(exit::DONE);
        }
        out.show(&json!({ "templates": templates }), || {
            table::render(out, &HEADS, templates.iter().map(row))
        })?;
        Ok(exit::DONE)
    }
}

const HEADS: [&str; 7] = [
    "NAME",
    "VERSION",
    "OWNER",
    "VISIBILITY",
    "PROJECT",
    "LAUNCHES",
    "DESCRIPTION",
];

fn row(template: &TemplateSummary) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let owner = template.owner.clone();
    vec![
        template.name.clone(),
        or_dash(template.latest.map(|number| number.to_string())),
        owner.unwrap_or_else(|| "built in".to_owned()),
        template.visibility.as_str().to_owned(),
        or_dash(template.project.clone()),
        match template.owner {
            Some(_) => template.launches.to_string(),
            None => "-".to_owned(),
        },
        template.description.clone(),
    ]
}
