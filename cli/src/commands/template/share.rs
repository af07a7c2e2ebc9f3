//! `prism template share`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::{ImageId, Region};
use prism_functions::operations::{Asked, SharePlan, ShareRequest, ShareTemplate, Shared};

use crate::client::Place;
use crate::errors::Outcome;
use crate::session::Session;
use crate::text::{joined, plain};
use crate::{exit, prompt};

const EXAMPLES: &str = "\
If you name nobody, the template is shared with your colleagues: the members of its project or, if \
it is in no project, the users of this deployment. Users and projects are those of this deployment. \
Accounts and organizations can launch the AMIs of all present and future versions directly in EC2, \
in every Region. The deployment's settings say who --public means: its users, an organization, or \
the world.

Everyone who launches a template can read everything on its disks. Known sensitive files, such as \
keys, credentials and shell histories, are listed, and the template is not shared until you consent \
with --publish-sensitive. The option --yes does not give this consent.

Examples:
  prism template share my-custom-ml-env
  prism template share my-custom-ml-env --user bob
  prism template share my-custom-ml-env --project brain-imaging
  prism template share my-custom-ml-env --account 123456789012 --with-snapshots
  prism template share my-custom-ml-env --public --dry-run";

/// Share a template with a user, a project, an account, an organization, or everyone
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Share {
    /// The template, with all of its versions
    #[arg(value_name = "TEMPLATE")]
    template: String,
    #[command(flatten)]
    to: To,
    /// Let the account copy the AMIs too, by sharing their snapshots
    #[arg(long, requires = "account")]
    with_snapshots: bool,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(crate) struct How {
    /// Show what would be shared and the warnings, but change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
    /// Consent to share files that are known to be sensitive, or that could not be checked
    #[arg(long)]
    publish_sensitive: bool,
}

/// With whom; with colleagues if nobody is named.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct To {
    /// A user of this deployment
    // The ID "user" belongs to the global option --as.
    #[arg(id = "with_user", long = "user", value_name = "USER")]
    user: Option<String>,
    /// The members of a project
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Another AWS account, by its 12-digit ID
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// An organization, by its ARN, or by its ID if it is the deployment's own
    #[arg(long, value_name = "ORGANIZATION")]
    organization: Option<String>,
    /// Everyone; the deployment's settings say who that is
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
            with_snapshots: false,
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
        Self {
            template,
            to,
            with_snapshots: false,
            how,
        }
    }

    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let (client, out) = (&session.client, &session.out);
        let name = super::name(&self.template)?;
        let mut request = self.to.request(self.how.publish_sensitive);
        request.with_snapshots = self.with_snapshots;
        let asked = Asked::<ShareTemplate>::with(name.clone(), request);
        let plan = client.plan(asked.clone()).await?;
        if self.how.dry_run {
            return out.done(&plan, || text_of_plan(&plan));
        }
        for warning in &plan.warnings {
            out.warn(&plain(&warning.text));
        }
        let yes = self.how.yes || plan.repeated || plan.warnings.is_empty();
        if !prompt::confirm(out, yes, &format!("Share {name} with {}?", plan.to))? {
            return Ok(exit::FAILED);
        }
        let shared = client.begin(Place::Detached, asked).await?;
        out.done(&shared, || text_of(&shared))
    }
}

fn text_of_plan(plan: &SharePlan) -> String {
    let shared = if plan.repeated {
        "is already shared"
    } else {
        "would be shared"
    };
    let mut text = format!("{} {shared} with {}.\n", plan.template, plan.to);
    text.push_str(&listed("opens", &plan.images));
    text.push_str(limits(plan.launch_only));
    for warning in &plan.warnings {
        let _ = writeln!(text, "  warning: {}", plain(&warning.text));
    }
    text
}

fn text_of(shared: &Shared) -> String {
    let (grant, already) = (&shared.grant, if shared.repeated { "already " } else { "" });
    let mut text = format!("{} is {already}shared with {}.\n", grant.template, grant.to);
    text.push_str(&listed("open", &shared.images));
    text.push_str(limits(shared.launch_only));
    text
}

/// What a share outside of the deployment does not include.
fn limits(launch_only: bool) -> &'static str {
    if launch_only {
        "  These AMIs can be launched, but not copied: that needs their snapshots too (for an account: --with-snapshots).\n"
    } else {
        ""
    }
}

fn listed(what: &str, images: &BTreeMap<Region, Vec<ImageId>>) -> String {
    let mut text = String::new();
    for (region, images) in images {
        let _ = writeln!(text, "  {what} in {region}: {}", joined(images));
    }
    text
}
