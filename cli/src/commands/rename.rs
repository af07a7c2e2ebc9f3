//! `prism rename`.

use clap::Args;
use prism_functions::operations::parts::{self, InstanceName, Json, Nothing};
use prism_functions::operations::{Asked, NewName, RenameInstance};

use crate::args::InRegion;
use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::text::plain;

/// Rename an instance; your schedules that save it by its name follow it
#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// The instance, by its name or ID
    #[arg(value_name = "NAME", add = candidates::instances())]
    name: String,
    /// The new name
    #[arg(value_name = "NEW_NAME")]
    new: String,
    #[command(flatten)]
    region: InRegion,
}

impl Rename {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.region)?;
        let name = session.whole_id(&region, &self.name).await?;
        let asked = Asked::<RenameInstance> {
            path: InstanceName(name),
            query: parts::InRegion { region },
            head: Nothing {},
            body: Json(NewName { name: self.new }),
        };
        let view = session.client.ask(asked).await?;
        session.out.done(&view, || {
            format!("{} is now named {}.\n", view.id, plain(&view.name))
        })
    }
}
