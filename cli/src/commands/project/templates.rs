//! `prism project templates`.

use clap::Args;
use prism_functions::operations::{Asked, ListProjectTemplates, ProjectTemplateView};
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::{exit, table};

/// List the templates of a project: those that belong to it, and those shared with it
#[derive(Debug, Args)]
pub(crate) struct Templates {
    /// The project
    #[arg(value_name = "PROJECT")]
    name: String,
    /// How many to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

impl Templates {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let limit = usize::from(self.limit);
        let (templates, more) = session
            .client
            .list(limit, |page| {
                Asked::<ListProjectTemplates>::of(name.clone()).query(page)
            })
            .await?;
        let out = &session.out;
        if templates.is_empty() && !out.json {
            out.note(&format!(
                "No templates yet. Save one: prism save my-research my-custom-ml-env --project {name}"
            ));
            return Ok(exit::DONE);
        }
        out.show(&json!({ "templates": templates, "more": more }), || {
            table::render(out, &HEADS, templates.iter().map(row))
        })?;
        if more && !out.json {
            out.note("There are more: see them with --limit.");
        }
        Ok(exit::DONE)
    }
}

const HEADS: [&str; 7] = [
    "NAME",
    "VERSION",
    "OWNER",
    "VISIBILITY",
    "PAID BY",
    "APPROVED",
    "DESCRIPTION",
];

fn row(view: &ProjectTemplateView) -> Vec<String> {
    let template = &view.template;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        template.name.clone(),
        or_dash(template.latest.map(|number| number.to_string())),
        or_dash(template.owner.clone()),
        template.visibility.as_str().to_owned(),
        if view.belongs { "project" } else { "owner" }.to_owned(),
        if view.approved { "yes" } else { "-" }.to_owned(),
        template.description.clone(),
    ]
}
