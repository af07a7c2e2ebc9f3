//! `prism list`.

use clap::Args;
use prism_functions::operations::parts::{Nothing, Paging};
use prism_functions::operations::{Asked, InstanceView, InstancesPage, ListInstances};
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::regions::InRegion;
use crate::{exit, table, text};

/// List your instances
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
pub(crate) struct List {
    #[command(flatten)]
    region: InRegion,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.region)?;
        let page = |page: Paging| {
            let query = InstancesPage {
                region: region.clone(),
                limit: page.limit,
                cursor: page.cursor,
            };
            Asked::<ListInstances>::by(Nothing {}, query)
        };
        let instances = session.client.all(page).await?;
        let out = &session.out;
        if instances.is_empty() && !out.json {
            out.note(&format!(
                "No instances in {region}. Launch one: prism launch python-ml my-research"
            ));
            return Ok(exit::DONE);
        }
        out.show(&json!({ "instances": instances }), || {
            table::render(out, &HEADS, instances.iter().map(row))
        })?;
        Ok(exit::DONE)
    }
}

const HEADS: [&str; 8] = [
    "NAME", "STATE", "TYPE", "TEMPLATE", "ADDRESS", "SINCE", "ID", "SAVE",
];

fn row(instance: &InstanceView) -> Vec<String> {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    vec![
        instance.name.clone(),
        instance.state.as_str().to_owned(),
        instance.instance_type.clone(),
        or_dash(instance.template.as_deref()),
        or_dash(instance.public_ip.as_deref()),
        text::when(instance.launched_at),
        instance.id.clone(),
        or_dash(
            instance
                .save_id
                .as_ref()
                .map(prism_functions::domain::SaveId::as_str),
        ),
    ]
}
