//! `prism save`.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use clap::Args;
use prism_functions::domain::save::{SavePlan, SaveRequest};
use prism_functions::domain::{Code, Problem, Region, SaveId};
use prism_functions::operations::parts::{DryRun, Either, IdempotencyKey, Nothing};
use prism_functions::operations::{Asked, BeginSave, Started};
use serde_json::json;

use crate::app::Session;
use crate::client::{Client, Place};
use crate::errors::Outcome;
use crate::text::{duration, plain};
use crate::watch::{self, Duty, Ended};
use crate::{exit, prompt, report};

const EXAMPLES: &str = "\
The instance is stopped, an AMI of all its volumes is begun, and it is started again; the AMI is
finished while you work on. If anything fails, the instance is brought back as it was and nothing
is left behind. Ctrl-C asks whether to go on in the background or to cancel.

Whoever can launch the template gets all that is on the instance's disks. Where anybody but you can, files
that were perhaps not meant for others, such as keys, credentials and shell histories, are refused with
their list, until you consent with --publish-sensitive; --yes does not.

Examples:
  prism save my-research my-custom-ml-env
  prism save my-research my-custom-ml-env --dry-run
  prism save my-genomics-work team-genomics-env --public \\
    --description \"Genomics pipeline with BWA, GATK, and R Bioconductor\"
  prism save my-research my-custom-ml-env --region us-west-2 --region eu-west-1
  prism save my-arm-research my-custom-ml-env --add-arch";

/// Save an instance as a template that can be launched again
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Save {
    /// The instance, by its name or its id
    instance: String,
    /// The template: a new one, or one of yours, which gets its next version
    template: String,
    /// What the template is for
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
    /// A further Region to copy the AMI to; may be repeated, or several separated by commas
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    region: Vec<String>,
    /// Let everybody see and launch the template
    #[arg(long)]
    public: bool,
    /// The project that the template belongs to
    #[arg(long)]
    project: Option<String>,
    /// A tag for the AMIs and their snapshots; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// Accept that the data in the instance store is lost: the instance's name again
    #[arg(long, value_name = "NAME")]
    accept_instance_store_loss: Option<String>,
    /// Consent to show others files that are known to be sensitive, or that nobody has looked for
    #[arg(long)]
    publish_sensitive: bool,
    /// Add the AMI to a version of the template that has none for this architecture: the latest, or
    /// the one that is named, as in --add-arch=3. Nothing else of the version changes
    #[arg(long, value_name = "VERSION", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "latest", conflicts_with_all = ["public", "project", "description"])]
    add_arch: Option<AddTo>,
    /// The Region of the instance [default: $PRISM_REGION, the profile's, $AWS_REGION or us-east-1]
    #[arg(long, value_name = "REGION")]
    from_region: Option<String>,
    /// Save only once for this id, however often the command runs
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Check everything and show the plan, and touch nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before the instance is stopped, or the template goes to another project
    #[arg(short, long)]
    yes: bool,
    /// Wait until the template is there; this is so anyway
    #[arg(long, conflicts_with = "no_wait")]
    wait: bool,
    /// Return once the save has begun; it goes on in the background
    #[arg(long)]
    no_wait: bool,
}

/// The version to add an architecture to; `None` is the latest.
#[derive(Debug, Clone, Copy)]
struct AddTo(Option<u32>);

impl FromStr for AddTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "latest" => Ok(Self(None)),
            number => match number.parse() {
                Ok(number) if number > 0 => Ok(Self(Some(number))),
                _ => Err("it is a number from 1, or \"latest\"".to_owned()),
            },
        }
    }
}

impl Save {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let mut request = self.request(session)?;
        let asked = Asked::<BeginSave>::with(Nothing {}, request.clone());
        if self.dry_run {
            let plan = session.client.plan(asked).await?;
            let value = json!({ "dry_run": true, "plan": plan });
            session.out.show(&value, || report::plan(&plan))?;
            return Ok(exit::DONE);
        }
        let known = IdempotencyKey(self.request_id.clone());
        let asked = asked.head(known).query(DryRun { dry_run: true });
        let plan = match session.client.call(asked).await? {
            Either::One(planned) => planned.value.plan,
            // A save with this request ID has been started already.
            Either::Other(started) => return go_on(session, &started.value, self.no_wait).await,
        };
        if !self.agreed(session, &plan)? {
            return Ok(exit::FAILED);
        }
        request.move_template = plan.moves.is_some();
        let place = if self.no_wait {
            Place::Detached
        } else {
            Place::Here
        };
        let key = Client::key(self.request_id.as_deref());
        let asked = Asked::<BeginSave>::with(Nothing {}, request).head(key);
        let started = session.client.begin(place, asked).await?;
        go_on(session, &started, self.no_wait).await
    }

    /// Prints the plan and asks for confirmation if stdin is a terminal. Returns whether to continue.
    fn agreed(&self, session: &Session, plan: &SavePlan) -> Result<bool, Problem> {
        let out = &session.out;
        out.note(report::plan(plan).trim_end());
        if !self.agreed_to_move(session, plan)? {
            return Ok(false);
        }
        if self.yes || !out.answers || plan.expected_downtime_s == 0 {
            return Ok(true);
        }
        let question = format!(
            "{} will be down for about {}. Continue?",
            plain(&plan.instance.name),
            duration(f64::from(plan.expected_downtime_s))
        );
        let yes = prompt::confirm(out, &question)?;
        if !yes {
            out.note("Nothing was changed.");
        }
        Ok(yes)
    }

    /// Asks whether the template may move to another project. Without a terminal only `--yes` confirms it.
    fn agreed_to_move(&self, session: &Session, plan: &SavePlan) -> Result<bool, Problem> {
        let Some(moves) = plan.moves.as_ref().filter(|_| !self.yes) else {
            return Ok(true);
        };
        if !session.out.answers {
            plan.check_agreed()?;
        }
        let question = format!("{} Move it?", report::moved(plan, moves));
        let yes = prompt::confirm(&session.out, &question)?;
        if !yes {
            session.out.note("Nothing was changed.");
        }
        Ok(yes)
    }

    fn request(&self, session: &Session) -> Result<SaveRequest, Problem> {
        let regions = self.region.iter().map(|region| region.trim().parse());
        let copy_to: BTreeSet<Region> = regions.collect::<Result<_, _>>()?;
        let project = self.project.as_deref().map(str::parse).transpose()?;
        let request = SaveRequest {
            instance: self.instance.clone(),
            template: self.template.parse()?,
            region: session.region_of(self.from_region.as_deref())?,
            description: self.description.clone(),
            copy_to,
            public: self.public,
            project,
            move_template: false,
            tags: tags_of(&self.tags)?,
            accept_instance_store_loss: self.accept_instance_store_loss.clone(),
            publish_sensitive: self.publish_sensitive,
            add_arch: self.add_arch.is_some(),
            version: self.add_arch.and_then(|AddTo(version)| version),
        };
        request.check()?;
        Ok(request)
    }
}

/// Parses tags, each `KEY=VALUE`.
pub(super) fn tags_of(typed: &[String]) -> Result<BTreeMap<String, String>, Problem> {
    let mut tags = BTreeMap::new();
    for tag in typed {
        let shown = || prism_functions::domain::ids::shown(tag);
        let Some((key, value)) = tag.split_once('=') else {
            let message = format!("The tag {} has no \"=\".", shown());
            return Err(Problem::new(Code::InvalidTag, message));
        };
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            let message = format!("The key of the tag {} is given twice.", shown());
            return Err(Problem::new(Code::InvalidTag, message));
        }
    }
    Ok(tags)
}

/// Waits for a save, or prints how to wait for it.
pub(super) async fn go_on(session: &Session, started: &Started, no_wait: bool) -> Outcome {
    let id = &started.save_id;
    session.client.note_begun(id);
    if started.repeated {
        session
            .out
            .note(&format!("note: this was asked for before, as {id}"));
    }
    if no_wait {
        return begun(session, id).await;
    }
    let duty = if started.repeated {
        Duty::Watches
    } else {
        Duty::Carries
    };
    watch::follow(session, id, duty).await
}

/// Waits until a detached save has started or was refused, and prints how to watch it.
async fn begun(session: &Session, id: &SaveId) -> Outcome {
    let record = match watch::until_begun(session, id).await? {
        Ended::Final(record) => return report::end(session, &record),
        Ended::Open(record) => record,
    };
    let next = format!("prism saves watch {id}");
    let value = json!({ "save_id": id, "state": record.state, "next_command": next });
    session.out.show(&value, || {
        format!(
            "{id}: {} is being saved in the background.\nNext: {next}\n",
            plain(&record.request.instance)
        )
    })?;
    Ok(exit::DONE)
}
