//! `prism template copy`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::copy::{CopyPlan, CopyRequest};
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Code, Problem, Region};
use prism_functions::operations::parts::VersionRef;
use prism_functions::operations::{Asked, Copies, CopyVersion, TemplateView};
use serde_json::json;

use crate::app::Session;
use crate::client::{Client, Place};
use crate::errors::Outcome;
use crate::exit;
use crate::text::{bytes, pairs, usd};
use crate::watch::{self, Duty};

const EXAMPLES: &str = "\
Copies the AMI of a version to Regions that it lacks, such as one whose copy failed when it was
saved. Nothing is saved again, and what the version has stays as it is. Of a version with AMIs for
two architectures the first is copied, and the other where the Regions have that. A copy that fails
leaves nothing. It is listed among your saves, and can be watched and cancelled as one of them.

Examples:
  prism template copy my-custom-ml-env --region eu-west-1
  prism template copy my-custom-ml-env@3 --region eu-west-1 --region us-west-2 --no-wait";

/// Copy a version of a template to further Regions, without saving again
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Copy {
    /// The template: NAME for the newest version, NAME@3 for the third
    #[arg(value_name = "TEMPLATE")]
    template: String,
    /// A Region to copy to; may be repeated, or several separated by commas
    #[arg(long, value_name = "REGION", value_delimiter = ',', required = true)]
    region: Vec<String>,
    /// Consent to show others files that are known to be sensitive, or that nobody has looked for
    #[arg(long)]
    publish_sensitive: bool,
    /// Copy only once for this id, however often the command runs
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Check everything and show the plan, and begin nothing
    #[arg(long)]
    dry_run: bool,
    /// Return once the copy has begun; it goes on in the background
    #[arg(long)]
    no_wait: bool,
}

impl Copy {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let request = self.request(session).await?;
        let out = &session.out;
        let path = VersionRef {
            template: request.template.clone(),
            number: request.version,
        };
        let body = Copies {
            regions: request.regions.clone(),
            publish_sensitive: request.publish_sensitive,
        };
        let asked = Asked::<CopyVersion>::with(path, body);
        if self.dry_run {
            let plan = session.client.plan(asked).await?;
            let value = json!({ "dry_run": true, "plan": plan });
            out.show(&value, || text(&plan))?;
            return Ok(exit::DONE);
        }
        let place = if self.no_wait {
            Place::Detached
        } else {
            Place::Here
        };
        let asked = asked.head(Client::key(self.request_id.as_deref()));
        let started = session.client.begin(place, asked).await?;
        let id = &started.save_id;
        session.client.note_begun(id);
        if started.repeated {
            out.note(&format!("note: this was asked for before, as {id}"));
        }
        if self.no_wait {
            let next = format!("prism saves watch {id}");
            let value = json!({ "save_id": id, "next_command": next });
            let reference = request.reference();
            out.show(&value, || {
                format!("{id}: {reference} is being copied in the background.\nNext: {next}\n")
            })?;
            return Ok(exit::DONE);
        }
        let duty = if started.repeated {
            Duty::Watches
        } else {
            Duty::Carries
        };
        watch::follow(session, id, duty).await
    }

    /// The request, with the number of the newest version if none is named.
    async fn request(&self, session: &Session) -> Result<CopyRequest, Problem> {
        let reference: TemplateRef = self.template.parse()?;
        let regions = self.region.iter().map(|region| region.trim().parse());
        let regions: BTreeSet<Region> = regions.collect::<Result<_, _>>()?;
        let version = match reference.version {
            Some(version) => version,
            None => newest(session, &reference).await?,
        };
        let request = CopyRequest {
            template: reference.name,
            version,
            regions,
            publish_sensitive: self.publish_sensitive,
        };
        request.check()?;
        Ok(request)
    }
}

async fn newest(session: &Session, reference: &TemplateRef) -> Result<u32, Problem> {
    match session.template(reference).await? {
        TemplateView::Saved { template, .. } => Ok(template.latest),
        TemplateView::BuiltIn { name, .. } => {
            let message = format!("The template {name} is built in: it is there in every Region.");
            Err(Problem::new(Code::CopyExists, message))
        }
    }
}

fn text(plan: &CopyPlan) -> String {
    let source = &plan.source;
    let mut text = format!("Copying {}@{}:\n", plan.template, source.version);
    let regions: Vec<&str> = plan.regions.iter().map(Region::as_str).collect();
    let cost = usd(plan.usd_per_month_at_most);
    let mut from = format!("{}  {}", source.region, source.image);
    if let Some(architecture) = source.architecture {
        let _ = write!(from, "  {}", architecture.as_str());
    }
    text.push_str(&pairs([
        ("from", from),
        ("to", regions.join(", ")),
        ("size", format!("at most {} each", bytes(plan.bytes))),
        (
            "cost",
            format!("at most {cost} a month, and the transfer once"),
        ),
    ]));
    for warning in &plan.warnings {
        let _ = writeln!(text, "warning: {}: {}", warning.code, warning.text);
    }
    let _ = writeln!(text, "Nothing was begun.");
    text
}
