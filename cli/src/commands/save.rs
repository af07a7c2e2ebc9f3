//! `prism save`.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use prism_functions::domain::save::{SavePlan, SaveRequest};
use prism_functions::domain::{Code, How, Problem, Region, SaveId};
use prism_functions::operations::parts::{DryRun, Either, IdempotencyKey, Nothing};
use prism_functions::operations::{Asked, BeginSave, Started};
use serde_json::json;

use crate::candidates;
use crate::client::{Client, Place};
use crate::errors::Outcome;
use crate::session::Session;
use crate::text::{duration, plain};
use crate::watch::{self, Duty, Ended};
use crate::{exit, prompt, report};

const EXAMPLES: &str = "\
Prism stops the instance, begins to create an AMI of all of its volumes, and starts the instance \
again. The AMI is completed while you continue to work. If anything fails, the instance is restored \
to its original state and everything that was created is removed. Ctrl-C asks whether to continue in \
the background or to cancel.

With --how reboot, EC2 shuts the operating system down, begins the snapshots, and lets it boot again on \
the same host. The instance is down for about as long, but it is never stopped: it keeps its public \
address and the data in its instance store, and needs no capacity to start again. In return, EC2 does \
not show whether it boots. If it does not shut down within four minutes, EC2 forces the reboot, and the \
save fails. If it powers itself off instead of rebooting, Prism starts it again.

Everyone who can launch the template can read everything on the instance's disks. If the template is \
visible to other users, a save that contains sensitive files, such as keys, credentials and shell \
histories, is refused with a list of them, until you consent with --publish-sensitive. The option \
--yes does not give this consent.

Examples:
  prism save my-research my-custom-ml-env
  prism save my-research my-custom-ml-env --dry-run
  prism save my-gpu-research my-custom-ml-env --how reboot
  prism save my-research my-custom-ml-env --exclude-volume /dev/sdf
  prism save my-genomics-work team-genomics-env --public \\
    --description \"Genomics pipeline with BWA, GATK, and R Bioconductor\"
  prism save my-research my-custom-ml-env --copy-to us-west-2,eu-west-1
  prism save my-arm-research my-custom-ml-env --add-arch";

/// Save an instance as a template that can be launched again
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Save {
    /// The instance, by its name or ID
    #[arg(add = candidates::instances())]
    instance: String,
    /// The name of a new template, or of one of your templates, which gets a new version
    #[arg(add = candidates::templates())]
    template: String,
    #[command(flatten)]
    what: What,
    /// Accept that the data in the instance store is lost; confirm with the name of the instance
    #[arg(long, value_name = "NAME")]
    accept_instance_store_loss: Option<String>,
    /// Consent to share files that are known to be sensitive, or that could not be checked
    #[arg(long)]
    publish_sensitive: bool,
    /// Add the AMI to an existing version of the template that has no AMI for this architecture: the
    /// latest version, or the one named, as in --add-arch=3. The rest of the version does not change
    #[arg(long, value_name = "VERSION", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "latest", conflicts_with_all = ["public", "project", "description", "exclude_from_latest"])]
    add_arch: Option<AddTo>,
    /// Save only once for this ID, even if the command is repeated
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Check everything and show the plan, but change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation before stopping or rebooting the instance, or moving the template to another project
    #[arg(short, long)]
    yes: bool,
    /// Wait until the template is available (the default)
    #[arg(long, conflicts_with = "no_wait")]
    wait: bool,
    /// Return when the save has started; it continues in the background
    #[arg(long)]
    no_wait: bool,
}

/// What a save creates: shared with schedules.
#[derive(Debug, Args)]
pub(super) struct What {
    /// What the template is for
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
    /// How to capture a running instance: "stop" stops and starts it; "reboot" has EC2 reboot it, and keeps its
    /// addresses, its instance store and its capacity
    #[arg(long, value_name = "HOW", default_value = How::Stop.as_str(), value_parser = how())]
    how: How,
    /// Another Region to copy the AMI to; can be repeated, or a list separated by commas
    #[arg(
        long,
        visible_alias = "region",
        value_name = "REGION",
        value_delimiter = ','
    )]
    #[arg(add = candidates::regions())]
    copy_to: Vec<String>,
    /// Allow everyone to see and launch the template; the deployment's settings say who that is
    #[arg(long)]
    public: bool,
    /// The project that the template belongs to
    #[arg(long)]
    #[arg(add = candidates::projects())]
    project: Option<String>,
    /// Let the template keep its latest version: the new one is launched by its number only, until
    /// "prism template rollback" makes it the latest
    #[arg(long)]
    exclude_from_latest: bool,
    /// Leave a volume out of the AMI: its device name, such as /dev/sdf, or its ID; can be repeated
    #[arg(long = "exclude-volume", value_name = "VOLUME")]
    exclude_volumes: Vec<String>,
    /// A tag for the AMIs and their snapshots; can be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// The Region of the instance [default: $PRISM_REGION, the profile's Region, $AWS_REGION or us-east-1]
    #[arg(long, value_name = "REGION")]
    #[arg(add = candidates::regions())]
    from_region: Option<String>,
}

impl What {
    /// The request to save an instance.
    pub(super) fn request(
        &self,
        session: &Session,
        instance: &str,
        template: &str,
    ) -> Result<SaveRequest, Problem> {
        Ok(SaveRequest {
            instance: instance.to_owned(),
            template: template.parse()?,
            region: session.region_of(self.from_region.as_deref())?,
            how: self.how,
            description: self.description.clone(),
            copy_to: regions_of(&self.copy_to)?,
            public: self.public,
            project: self.project.as_deref().map(str::parse).transpose()?,
            move_template: false,
            exclude_volumes: self.exclude_volumes.iter().cloned().collect(),
            tags: tags_of(&self.tags)?,
            accept_instance_store_loss: None,
            publish_sensitive: false,
            exclude_from_latest: self.exclude_from_latest,
            add_arch: false,
            version: None,
        })
    }
}

/// Parses how an instance is captured.
pub(super) fn how() -> impl TypedValueParser<Value = How> {
    PossibleValuesParser::new(How::NAMES).try_map(|name| name.parse())
}

/// Parses names of Regions.
pub(super) fn regions_of(typed: &[String]) -> Result<BTreeSet<Region>, Problem> {
    let regions = typed.iter().map(|region| region.trim().parse::<Region>());
    Ok(regions.collect::<Result<_, _>>()?)
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
                _ => Err("use a number from 1, or \"latest\"".to_owned()),
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
            return session.out.done(&value, || report::plan(&plan));
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
        let key = Client::key(self.request_id.as_deref());
        let asked = Asked::<BeginSave>::with(Nothing {}, request).head(key);
        let place = Place::unless(self.no_wait);
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
        let yes = self.yes || !out.answers || plan.expected_downtime_s == 0;
        let question = format!(
            "{} will be {}down for about {}. Continue?",
            plain(&plan.instance.name),
            if plan.reboots() { "rebooted, and " } else { "" },
            duration(f64::from(plan.expected_downtime_s))
        );
        prompt::confirm(out, yes, &question)
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
        prompt::confirm(&session.out, false, &question)
    }

    fn request(&self, session: &Session) -> Result<SaveRequest, Problem> {
        let request = self.what.request(session, &self.instance, &self.template)?;
        let request = SaveRequest {
            accept_instance_store_loss: self.accept_instance_store_loss.clone(),
            publish_sensitive: self.publish_sensitive,
            add_arch: self.add_arch.is_some(),
            version: self.add_arch.and_then(|AddTo(version)| version),
            ..request
        };
        request.check()?;
        Ok(request)
    }
}

/// Parses tags, each `KEY=VALUE`.
fn tags_of(typed: &[String]) -> Result<BTreeMap<String, String>, Problem> {
    let mut tags = BTreeMap::new();
    for tag in typed {
        let shown = || prism_functions::domain::ids::shown(tag);
        let Some((key, value)) = tag.split_once('=') else {
            let message = format!("The tag {} has no \"=\".", shown());
            return Err(Problem::new(Code::InvalidTag, message));
        };
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            let message = format!("The key of the tag {} is used twice.", shown());
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
        let out = &session.out;
        out.note(&format!("note: this was already requested, as {id}"));
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
        Ended::Final(record) => return report::end(session, &record).await,
        Ended::Open(record) => record,
    };
    let next = format!("prism saves watch {id}");
    let value = json!({ "save_id": id, "state": record.state, "next_command": next });
    let how = match record.copy_of {
        Some(_) => "running",
        None => "being saved",
    };
    session.out.done(&value, || {
        let what = report::subject(&record);
        format!("{id}: {what} is {how} in the background.\n") + &session.out.next(&next)
    })
}
