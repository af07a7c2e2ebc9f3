//! `prism template unshare`.

use clap::Args;
use prism_functions::domain::grant::Grantee;
use prism_functions::domain::{Code, Problem, TemplateName};
use prism_functions::operations::{Asked, ListShares, SharedWith, UnshareTemplate};
use serde_json::json;

use super::share::To;
use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::several::Done;

const EXAMPLES: &str = "\
Instances that were already launched are kept.

Examples:
  prism template unshare my-custom-ml-env --user bob
  prism template unshare my-custom-ml-env --public";

/// Stop sharing a template: all of its versions, in every Region
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Unshare {
    /// The template
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::templates())]
    template: String,
    #[command(flatten)]
    to: To,
}

impl Unshare {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.template)?;
        let all = self.to.grantees();
        if all.len() > 1 {
            shared(session, &name, &all).await?;
        }
        let mut done = Done::default();
        for to in &all {
            let with = SharedWith { to: to.clone() };
            let asked = Asked::<UnshareTemplate>::by(name.clone(), with);
            match session.client.call(asked).await {
                Ok(_) => done.add((
                    json!({ "template": name, "unshared": to }),
                    format!("{name} is no longer shared with {to}.\n"),
                )),
                Err(problem) => done.fail(to, problem),
            }
        }
        let what = "shares could not be ended";
        done.report(&session.out, all.len(), "unshared", what)
    }
}

/// Refuses those with whom the template is not shared, before any share is ended.
async fn shared(session: &Session, name: &TemplateName, all: &[String]) -> Result<(), Problem> {
    let all = all.iter().map(|to| to.parse::<Grantee>());
    let all: Vec<Grantee> = all.collect::<Result<_, _>>()?;
    let page = |page| Asked::<ListShares>::of(name.clone()).query(page);
    let grants = session.client.all(page).await?;
    let is_shared = |to: &&Grantee| {
        grants
            .iter()
            .any(|grant| grant.template == *name && grant.to == **to)
    };
    let Some(missing) = all.iter().find(|to| !is_shared(to)) else {
        return Ok(());
    };
    let message = format!("The template {name} is not shared with {missing}. No share was ended.");
    Err(Problem::new(Code::ShareNotFound, message))
}
