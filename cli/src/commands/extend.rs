//! `prism extend`.

use clap::Args;
use prism_functions::operations::parts::{self, InstanceName, Json, Nothing};
use prism_functions::operations::{
    Asked, EndOfInstance, RemoveInstanceEnd, SetInstanceEnd, ShowInstanceEnd,
};

use crate::candidates;
use crate::ends::{What, When, text};
use crate::errors::Outcome;
use crate::options::InRegion;
use crate::session::{Session, in_region};
use crate::text::plain;

const EXAMPLES: &str = "\
The owner of an instance and the managers of its project can set its end. An instance that was stopped at its end and is \
started again keeps running until it gets a new end.

Examples:
  prism extend my-research --for 2h                       two hours after its end so far
  prism extend my-research --until \"2026-01-05 18:00\"
  prism extend my-research --for 3d --then terminate --last-save my-custom-ml-env
  prism extend my-research --last-save my-custom-ml-env   at the end that it has
  prism extend my-research --never";

/// Set or postpone the end of an instance, or remove it
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
#[command(group = clap::ArgGroup::new("new").args(["after", "until", "never", "last_save"]).required(true).multiple(true))]
pub(crate) struct Extend {
    /// The instance, by its name or ID
    #[arg(value_name = "NAME", add = candidates::instances())]
    name: String,
    #[command(flatten)]
    when: When,
    /// Remove the end, so that the instance runs until somebody stops it
    #[arg(long, conflicts_with_all = ["end", "last_save"])]
    never: bool,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    region: InRegion,
}

impl Extend {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.region)?;
        let name = session.whole_id(&region, &self.name).await?;
        let client = &session.client;
        let shown = in_region::<ShowInstanceEnd>(&region, &name);
        let known = client.ask(shown).await?;
        let id = known.id.to_string();
        let request = self
            .what
            .extended(&self.when, known.end.as_ref(), client.now())?;
        let view = if let Some(request) = request {
            let asked = Asked::<SetInstanceEnd> {
                path: InstanceName(id),
                query: parts::InRegion { region },
                head: Nothing {},
                body: Json(request),
            };
            client.ask(asked).await?
        } else {
            let asked = in_region::<RemoveInstanceEnd>(&region, &id);
            client.call(asked).await?;
            EndOfInstance { end: None, ..known }
        };
        session.out.done(&view, || {
            let name = plain(&view.name);
            match &view.end {
                Some(end) => format!("{name} ends at {}.\n", text(end, session.times())),
                None => format!("{name} has no end: it runs until somebody stops it.\n"),
            }
        })
    }
}
