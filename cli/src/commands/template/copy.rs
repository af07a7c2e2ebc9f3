//! `prism template copy`.

use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::copy::{CopyPlan, CopyRequest};
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::VersionRef;
use prism_functions::operations::{Asked, Copies, CopyVersion, TemplateView};
use serde_json::json;

use crate::candidates;
use crate::client::{Client, Place};
use crate::commands::save::{go_on, regions_of};
use crate::errors::Outcome;
use crate::report::by_region;
use crate::session::Session;
use crate::text::{bytes, joined, monthly_in, pairs};

const EXAMPLES: &str = "\
This copies the AMI of a version to Regions that do not have it, for example after a copy failed \
during the save. Nothing is saved again, and the existing AMIs do not change. If the version has \
AMIs for two architectures, the one of the first save is copied; repeat the command to copy the \
other. A copy that fails leaves nothing behind. A copy is listed among your saves, and can be \
watched and cancelled.

Examples:
  prism template copy my-custom-ml-env --copy-to eu-west-1
  prism template copy my-custom-ml-env@3 --copy-to eu-west-1 --copy-to us-west-2 --no-wait";

/// Copy a version of a template to more Regions, without saving it again
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Copy {
    /// The template: NAME for the latest version, or NAME@3 for version 3
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::versions())]
    template: String,
    /// A Region to copy to; can be repeated, or a list separated by commas
    #[arg(
        long = "copy-to",
        alias = "region",
        value_name = "REGION",
        value_delimiter = ',',
        required = true
    )]
    #[arg(add = candidates::regions())]
    regions: Vec<String>,
    /// Consent to share files that are known to be sensitive, or that could not be checked
    #[arg(long)]
    publish_sensitive: bool,
    /// Copy only once for this ID, even if the command is repeated
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Check everything and show the plan, but start nothing
    #[arg(long)]
    dry_run: bool,
    /// Return when the copy has started; it continues in the background
    #[arg(long)]
    no_wait: bool,
}

impl Copy {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let request = self.request(session).await?;
        let path = VersionRef {
            template: request.template,
            number: request.version,
        };
        let body = Copies {
            regions: request.regions,
            publish_sensitive: request.publish_sensitive,
        };
        let asked = Asked::<CopyVersion>::with(path, body);
        if self.dry_run {
            let plan = session.client.plan(asked).await?;
            let value = json!({ "dry_run": true, "plan": plan });
            return session.out.done(&value, || text(&plan));
        }
        let asked = asked.head(Client::key(self.request_id.as_deref()));
        let place = Place::unless(self.no_wait);
        let started = session.client.begin(place, asked).await?;
        go_on(session, &started, self.no_wait).await
    }

    /// The request, with the number of the newest version if none is named.
    async fn request(&self, session: &Session) -> Result<CopyRequest, Problem> {
        let reference: TemplateRef = self.template.parse()?;
        let regions = regions_of(&self.regions)?;
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
            let message =
                format!("The template {name} is built in, and available in every Region.");
            Err(Problem::new(Code::CopyExists, message))
        }
    }
}

fn text(plan: &CopyPlan) -> String {
    let source = &plan.source;
    let mut text = format!("Copying {}@{}:\n", plan.template, source.version);
    let cost = monthly_in(plan.usd_per_month_at_most, &plan.regions);
    let mut from = format!("{}  {}", source.region, source.image);
    if let Some(architecture) = source.architecture {
        let _ = write!(from, "  {}", architecture.as_str());
    }
    text.push_str(&pairs([
        ("from", from),
        ("to", joined(&plan.regions)),
        ("size", format!("at most {} each", bytes(plan.bytes))),
        ("cost", format!("{cost}, plus the data transfer")),
        ("copy keys", by_region(&plan.copy_keys)),
    ]));
    for warning in &plan.warnings {
        let _ = writeln!(text, "warning: {}: {}", warning.code, warning.text);
    }
    let _ = writeln!(text, "Nothing was started.");
    text
}
