//! `prism list`.

use clap::Args;
use prism_functions::operations::parts::{Nothing, Paging};
use prism_functions::operations::{Asked, InstanceView, InstancesPage, ListInstances};
use serde_json::json;

use crate::args::InRegion;
use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::{or_dash, when};

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
        let none =
            format!("No instances in {region}. Launch one: prism launch python-ml my-research");
        let (value, rows) = (json!({ "instances": instances }), instances.iter().map(row));
        table::list(&session.out, &value, &HEADS, rows, &none)
    }
}

const HEADS: [&str; 9] = [
    "NAME", "STATE", "TYPE", "ZONE", "TEMPLATE", "ADDRESS", "SINCE", "ID", "SAVE",
];

fn row(instance: &InstanceView) -> Vec<String> {
    vec![
        instance.name.clone(),
        instance.state.as_str().to_owned(),
        instance.instance_type.clone(),
        or_dash(instance.zone.as_ref()),
        or_dash(instance.template.as_ref()),
        or_dash(instance.public_ip.as_ref()),
        when(instance.launched_at),
        instance.id.clone(),
        or_dash(instance.save_id.as_ref()),
    ]
}
