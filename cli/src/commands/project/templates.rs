//! `prism project templates`.

use clap::Args;
use prism_functions::operations::{Asked, ListProjectTemplates, ProjectTemplateView};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::or_dash;

/// List the templates of a project: those that belong to it, and those shared with it
#[derive(Debug, Args)]
pub(crate) struct Templates {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    name: String,
    /// The maximum number to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

impl Templates {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let page = |page| Asked::<ListProjectTemplates>::of(name.clone()).query(page);
        let limit = usize::from(self.limit);
        let (templates, more) = session.client.list(limit, page).await?;
        let none = format!(
            "No templates yet. Save one: prism save my-research my-custom-ml-env --project {name}"
        );
        let value = json!({ "templates": templates, "more": more });
        let rows = templates.iter().map(row);
        table::list(&session.out, &value, &HEADS, rows, &none)
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
    vec![
        template.name.clone(),
        or_dash(template.latest),
        or_dash(template.owner.as_ref()),
        template.visibility.as_str().to_owned(),
        if view.belongs { "project" } else { "owner" }.to_owned(),
        if view.approved { "yes" } else { "-" }.to_owned(),
        template.description.clone(),
    ]
}
