//! `prism template share`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::{ImageId, Problem, Region, TemplateName};
use prism_functions::operations::{Asked, SharePlan, ShareRequest, ShareTemplate, Shared};

use crate::app::Session;
use crate::client::Place;
use crate::errors::Outcome;
use crate::text::plain;
use crate::{exit, prompt};

const EXAMPLES: &str = "\
Where nobody is named, the template is shared with colleagues: the members of its project, or, where it
is in none, the users of this deployment. Users and projects are those of this deployment. An account or an organisation may launch the AMIs
themselves, of all versions, in every Region, and of the versions that come. What --public means is a
setting of the deployment: its own users, the organisation, or the world.

Whoever launches a template gets all that is on its disk. Files that were perhaps not meant for others,
such as keys, credentials and shell histories, are refused with their list before anything is shared, as
far as they are known, until you consent with --publish-sensitive; --yes does not.

Examples:
  prism template share my-custom-ml-env
  prism template share my-custom-ml-env --user bob
  prism template share my-custom-ml-env --project brain-imaging
  prism template share my-custom-ml-env --account 123456789012
  prism template share my-custom-ml-env --public --dry-run";

/// Share a template with somebody, or with everybody
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Share {
    /// The template, with all of its versions
    #[arg(value_name = "TEMPLATE")]
    template: String,
    #[command(flatten)]
    to: To,
    #[command(flatten)]
    how: How,
}

/// How to share.
#[derive(Debug, Args)]
pub(crate) struct How {
    /// Show what to know before, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Consent to show others files that are known to be sensitive, or that nobody has looked for
    #[arg(long)]
    publish_sensitive: bool,
}

/// With whom; with colleagues where nobody is named.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct To {
    /// A user of this deployment
    // Its id is its own: "user" is that of the global --as.
    #[arg(id = "with_user", long = "user", value_name = "USER")]
    user: Option<String>,
    /// The members of a project
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Another AWS account, by its twelve digits
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// An organisation, by its ARN, or by its id where it is the deployment's own
    #[arg(long, value_name = "ORGANIZATION")]
    organization: Option<String>,
    /// Everybody, as far as the deployment's setting reaches
    #[arg(long)]
    public: bool,
}

impl To {
    /// The request for these options.
    pub(super) fn request(&self, publish_sensitive: bool) -> ShareRequest {
        let named = [
            ("user", &self.user),
            ("project", &self.project),
            ("account", &self.account),
            ("organization", &self.organization),
        ];
        let named = named.into_iter().find_map(|(kind, name)| {
            let name = name.as_deref()?;
            Some(format!("{kind}:{name}"))
        });
        let unnamed = if self.public { "public" } else { "colleagues" };
        ShareRequest {
            to: named.unwrap_or_else(|| unnamed.to_owned()),
            publish_sensitive,
        }
    }
}

impl Share {
    /// A share with the members of a project.
    pub(crate) fn with_project(template: String, name: String, how: How) -> Self {
        let to = To {
            user: None,
            project: Some(name),
            account: None,
            organization: None,
            public: false,
        };
        Self { template, to, how }
    }

    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let (client, out) = (&session.client, &session.out);
        let name: TemplateName = self.template.parse().map_err(Problem::from)?;
        let request = self.to.request(self.how.publish_sensitive);
        let asked = Asked::<ShareTemplate>::with(name.clone(), request);
        let plan = client.plan(asked.clone()).await?;
        if self.how.dry_run {
            out.show(&plan, || text_of_plan(&plan))?;
            return Ok(exit::DONE);
        }
        for warning in &plan.warnings {
            out.warn(&plain(&warning.text));
        }
        let asks = !self.how.yes && !plan.repeated && !plan.warnings.is_empty();
        if asks && !prompt::confirm(out, &format!("Share {name} with {}?", plan.to))? {
            out.note("Nothing was changed.");
            return Ok(exit::FAILED);
        }
        let shared = client.begin(Place::Detached, asked).await?;
        out.show(&shared, || text_of(&shared))?;
        Ok(exit::DONE)
    }
}

fn text_of_plan(plan: &SharePlan) -> String {
    let shared = if plan.repeated {
        "is shared already"
    } else {
        "would be shared"
    };
    let mut text = format!("{} {shared} with {}.\n", plan.template, plan.to);
    text.push_str(&listed("opens", &plan.images));
    for warning in &plan.warnings {
        let _ = writeln!(text, "  warning: {}", plain(&warning.text));
    }
    text
}

fn text_of(shared: &Shared) -> String {
    let (grant, already) = (&shared.grant, if shared.repeated { " already" } else { "" });
    let mut text = format!("{} is shared with {}{already}.\n", grant.template, grant.to);
    text.push_str(&listed("open", &shared.images));
    text
}

fn listed(what: &str, images: &BTreeMap<Region, Vec<ImageId>>) -> String {
    let mut text = String::new();
    for (region, images) in images {
        let images: Vec<&str> = images.iter().map(ImageId::as_str).collect();
        let _ = writeln!(text, "  {what} in {region}: {}", images.join(", "));
    }
    text
}
