//! `prism template share`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::grant::Grantee;
use prism_functions::domain::{ImageId, Problem, Region};
use prism_functions::operations::{Asked, SharePlan, ShareRequest, ShareTemplate, Shared};
use serde::Serialize;
use serde_json::json;

use crate::candidates;
use crate::client::Place;
use crate::errors::Outcome;
use crate::output::Output;
use crate::session::Session;
use crate::several::Done;
use crate::text::{joined, plain};
use crate::{exit, prompt};

const EXAMPLES: &str = "\
If you name nobody, the template is shared with your colleagues: the members of its project or, if \
it is in no project, the users of this deployment. That is confirmed at the terminal, or by --yes. \
Users and projects are those of this deployment. \
Accounts and organizations can launch the AMIs of all present and future versions directly in EC2, \
in every Region. The deployment's settings say who --public means: its users, an organization, or \
the world.

Everyone who launches a template can read everything on its disks. Known sensitive files, such as \
keys, credentials and shell histories, are listed, and the template is not shared until you consent \
with --publish-sensitive. The option --yes does not give this consent.

Examples:
  prism template share my-custom-ml-env
  prism template share my-custom-ml-env --user bob,carol
  prism template share my-custom-ml-env --project brain-imaging
  prism template share my-custom-ml-env --with-class statistics
  prism template share my-custom-ml-env --account 123456789012 --with-snapshots
  prism template share my-custom-ml-env --public --dry-run";

/// Share a template with a user, a project, an account, an organization, or everyone
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Share {
    /// The template, with all of its versions
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::templates())]
    template: String,
    #[command(flatten)]
    to: To,
    /// Share it with the members of a project that you manage, and approve it for the project
    #[arg(long, value_name = "PROJECT", conflicts_with_all = ["with_user", "project", "account", "organization", "public"])]
    #[arg(add = candidates::projects())]
    with_class: Option<String>,
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
    /// A user of this deployment; can be repeated, or a list separated by commas
    // The ID "user" belongs to the global option --as.
    #[arg(
        id = "with_user",
        long = "user",
        value_name = "USER",
        value_delimiter = ','
    )]
    users: Vec<String>,
    /// The members of a project
    #[arg(long, value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
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
    /// With whom, one after the other.
    pub(super) fn grantees(&self) -> Vec<String> {
        let users = self.users.iter().map(|user| format!("user:{user}"));
        let others = [
            ("project", &self.project),
            ("account", &self.account),
            ("organization", &self.organization),
        ];
        let others = others.into_iter().filter_map(|(kind, name)| {
            let name = name.as_deref()?;
            Some(format!("{kind}:{name}"))
        });
        let named: Vec<String> = users.chain(others).collect();
        if !named.is_empty() {
            return named;
        }
        let unnamed = if self.public { "public" } else { "colleagues" };
        vec![unnamed.to_owned()]
    }
}

impl Share {
    /// A share with the members of a project.
    pub(crate) fn with_project(template: String, name: String, how: How) -> Self {
        let to = To {
            users: Vec::new(),
            project: Some(name),
            account: None,
            organization: None,
            public: false,
        };
        Self {
            template,
            to,
            with_class: None,
            with_snapshots: false,
            how,
        }
    }

    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let out = &session.out;
        let name = super::name(&self.template)?;
        let requests = self.requests();
        let mut plans = Vec::new();
        for request in &requests {
            let asked = Asked::<ShareTemplate>::with(name.clone(), request.clone());
            plans.push(session.client.plan(asked).await?);
        }
        if self.how.dry_run {
            let text = || plans.iter().map(text_of_plan).collect();
            return several(out, &plans, "plans", text);
        }
        if !self.agreed(session, &plans)? {
            return Ok(exit::FAILED);
        }
        let mut done = Done::default();
        for request in &requests {
            let asked = Asked::<ShareTemplate>::with(name.clone(), request.clone());
            match session.client.begin(Place::Detached, asked).await {
                Ok(shared) => done.add((json!(shared), text_of(&shared))),
                Err(problem) => done.fail(&request.to, problem),
            }
        }
        done.report(out, requests.len(), "shared", "shares could not be made")
    }

    fn requests(&self) -> Vec<ShareRequest> {
        let request = |to| ShareRequest {
            to,
            publish_sensitive: self.how.publish_sensitive,
            with_snapshots: self.with_snapshots,
            approve: self.with_class.is_some(),
        };
        let class = self
            .with_class
            .iter()
            .map(|class| format!("project:{class}"));
        let class: Vec<String> = class.collect();
        if !class.is_empty() {
            return class.into_iter().map(request).collect();
        }
        self.to.grantees().into_iter().map(request).collect()
    }

    /// Says what there is to know, and asks for confirmation of warnings. A share that reaches everyone although nobody
    /// was named is also asked for: a script that means everyone says so.
    fn agreed(&self, session: &Session, plans: &[SharePlan]) -> Result<bool, Problem> {
        let out = &session.out;
        let mut asks = false;
        for plan in plans.iter().filter(|plan| !plan.repeated) {
            for warning in &plan.warnings {
                out.warn(&plain(&warning.text));
            }
            asks |= !plan.warnings.is_empty();
            match &plan.to {
                Grantee::Public if !self.to.public => {
                    let template = &plan.template;
                    out.note(&format!(
                        "note: {template} is in no project, so this shares it with everyone whom the deployment's \
                         settings name"
                    ));
                    asks = true;
                }
                Grantee::User(user) => out.note(&format!(
                    "note: names of users are not checked: the share is for whoever signs in as {user}"
                )),
                _ => {}
            }
        }
        let to = joined(plans.iter().map(|plan| &plan.to));
        let name = &self.template;
        prompt::confirm(
            out,
            self.how.yes || !asks,
            &format!("Share {name} with {to}?"),
        )
    }
}

/// Prints one result, or a list of several.
pub(crate) fn several<T: Serialize>(
    out: &Output,
    values: &[T],
    list: &str,
    text: impl FnOnce() -> String,
) -> Outcome {
    match values {
        [one] => out.show(one, text)?,
        _ => out.show_each(&json!({ list: values }), text)?,
    }
    Ok(exit::DONE)
}

fn text_of_plan(plan: &SharePlan) -> String {
    let shared = if plan.repeated {
        "is already shared"
    } else {
        "would be shared"
    };
    let mut text = format!("{} {shared} with {}.\n", plan.template, plan.to);
    if plan.approves {
        text.push_str("  It would be approved for the project too.\n");
    }
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
    if shared.approved {
        text.push_str("  It is approved for the project too.\n");
    }
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
