//! `prism launch`.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use prism_functions::domain::ec2::{Architecture, InstanceState};
use prism_functions::domain::sizes::Size;
use prism_functions::domain::{Problem, ProjectName};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{
    Asked, InstanceView, LaunchInstance, LaunchPlan, LaunchRequest, Launched, RefusedPlace,
};
use serde_json::json;

use super::key;
use crate::candidates;
use crate::client::{Client, Place};
use crate::ends::{self, What, When};
use crate::errors::Outcome;
use crate::options::{Arch, InRegion};
use crate::session::Session;
use crate::settle::Awaited;
use crate::text::{Times, joined, pairs, plain, quoted, usd_per_hour, usd_per_hour_in};

/// Launch an instance from a built-in or saved template
#[derive(Debug, Args)]
#[command(after_long_help = after_help(), after_help = "See the sizes and examples with --help.")]
#[command(group = clap::ArgGroup::new("saved").arg("last_save").requires("end"))]
pub(crate) struct Launch {
    /// The template: NAME for the latest version, or NAME@3 for version 3
    #[arg(add = candidates::versions())]
    template: String,
    /// The name of the new instance
    name: String,
    /// The size: XS, S, M, L, XL, GPU-S, GPU-M, GPU-L or GPU-XL [default: M, or the saved instance's type]
    #[arg(long)]
    size: Option<String>,
    /// The processor architecture [default: x86_64, or the saved instance's architecture]
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// The project that the instance is for
    #[arg(long)]
    #[arg(add = candidates::projects())]
    project: Option<String>,
    /// The size of the disk in GiB, at least the template's [default: the template's]
    #[arg(long, value_name = "GIB")]
    disk: Option<u32>,
    /// Keep the volumes other than the root volume when the instance is terminated
    #[arg(long)]
    keep_volumes: bool,
    /// The .pub file of a public SSH key to install for this launch, besides your own ("prism key"); repeatable
    #[arg(long, value_name = "FILE")]
    key_file: Vec<PathBuf>,
    #[command(flatten)]
    end: When,
    #[command(flatten)]
    then: What,
    #[command(flatten)]
    region: InRegion,
    /// Launch only once for this ID, even if the command is repeated
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Show what would be launched, but launch nothing
    #[arg(long)]
    dry_run: bool,
    /// Return without waiting until the instance is running
    #[arg(long)]
    no_wait: bool,
}

impl Launch {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let request = self.request(session)?;
        let asked = Asked::<LaunchInstance>::with(Nothing {}, request.clone());
        if self.dry_run {
            let plan = session.client.plan(asked).await?;
            let value = json!({ "dry_run": true, "plan": plan });
            return session.out.done(&value, || would(&plan, session.times()));
        }
        if self.request_id.is_none() {
            // A generated idempotency key is new in each run, so a name in use must be detected without it.
            session.client.plan(asked.clone()).await?;
        }
        let asked = asked.head(Client::key(self.request_id.as_deref()));
        let begun = session.client.begin(Place::Detached, asked).await?;
        let Launched {
            plan,
            mut instance,
            refused_in,
        } = begun;
        for warning in &plan.warnings {
            session.out.warn(&plain(&warning.text));
        }
        if !self.no_wait {
            let id = instance.id.parse().map_err(Problem::from)?;
            let awaited = Awaited {
                region: &request.region,
                id: &id,
                name: &request.name,
                state: InstanceState::Running,
            };
            if let Some(running) = awaited.wait(session).await? {
                instance.state = running.state;
                instance.public_ip = running.public_ip;
            }
        }
        let value = json!({ "instance": instance, "plan": plan, "refused_in": refused_in });
        session.out.done(&value, || {
            let refused = refused_in.iter().map(refusal);
            launched(&plan, &instance, &joined(refused), session.times())
                + &next(session, &instance)
        })
    }

    fn request(&self, session: &Session) -> Result<LaunchRequest, Problem> {
        let size = self.size.as_deref().map(str::parse::<Size>).transpose()?;
        let project = self.project.as_deref().map(str::parse::<ProjectName>);
        Ok(LaunchRequest {
            template: self.template.parse()?,
            name: self.name.clone(),
            region: session.region(&self.region)?,
            size,
            architecture: self.arch.map(Architecture::from),
            project: project.transpose()?,
            disk_gib: self.disk,
            keep_volumes: self.keep_volumes,
            public_keys: self
                .key_file
                .iter()
                .map(|file| key::read(file))
                .collect::<Result<_, _>>()?,
            end: self.then.request(&self.end)?,
            for_member: None,
        })
    }
}

/// Where EC2 refused the launch before, and why.
fn refusal(place: &RefusedPlace) -> String {
    format!("{} ({})", place.zone, plain(&place.code))
}

fn launched(plan: &LaunchPlan, instance: &InstanceView, refused: &str, times: Times) -> String {
    let name = plain(&instance.name);
    let address = instance.public_ip.clone();
    let mut text = format!("{name} ({}) is {}.\n", instance.id, instance.state.as_str());
    text.push_str(&pairs([
        ("template", plan.template.clone()),
        ("region", plan.region.to_string()),
        ("zone", instance.zone.clone().unwrap_or_default()),
        ("refused in", refused.to_owned()),
        ("type", machine(plan)),
        ("price", price(plan)),
        ("volumes", volumes(plan)),
        ("ends", end(plan, times)),
        ("address", address.unwrap_or_default()),
        ("log in as", plan.login.clone().unwrap_or_default()),
        ("keys", joined(&plan.public_keys)),
    ]));
    text
}

/// The next step with the instance. `prism exec` only works on simulated instances.
fn next(session: &Session, instance: &InstanceView) -> String {
    let name = quoted(&instance.name);
    let region = session.region_option(&instance.region);
    session.out.next(&if session.client.embedded().is_some() {
        format!("prism exec {name}{region} -- pip install PACKAGE")
    } else {
        format!("prism connect {name}{region}")
    })
}

fn would(plan: &LaunchPlan, times: Times) -> String {
    let mut text = format!("{} would be launched.\n", plain(&plan.name));
    text.push_str(&pairs([
        ("template", plan.template.clone()),
        ("AMI", plan.image.to_string()),
        ("region", plan.region.to_string()),
        ("zones", plan.zones.join(", ")),
        ("type", machine(plan)),
        ("price", price(plan)),
        ("volumes", volumes(plan)),
        ("ends", end(plan, times)),
        ("volume key", plan.kms_key.clone().unwrap_or_default()),
        ("keys", joined(&plan.public_keys)),
        ("profile", plan.instance_profile.clone().unwrap_or_default()),
        ("open ports", joined(&plan.ports)),
    ]));
    for warning in &plan.warnings {
        let _ = writeln!(text, "  warning: {}", plain(&warning.text));
    }
    text
}

fn end(plan: &LaunchPlan, times: Times) -> String {
    let end = plan.end.as_ref();
    end.map_or_else(String::new, |end| ends::text(end, times))
}

/// The volumes with their sizes, and which of them outlive the instance.
fn volumes(plan: &LaunchPlan) -> String {
    let volumes = plan.volumes.iter().map(|volume| {
        let kept = if volume.delete_on_termination {
            ""
        } else {
            ", kept after the termination"
        };
        format!("{} ({} GiB{kept})", plain(&volume.device), volume.size_gib)
    });
    volumes.collect::<Vec<_>>().join(", ")
}

fn price(plan: &LaunchPlan) -> String {
    usd_per_hour_in(plan.usd_per_hour, &plan.region)
}

fn machine(plan: &LaunchPlan) -> String {
    format!("{} ({})", plan.instance_type, plan.architecture.as_str())
}

fn after_help() -> String {
    let mut text = String::from("Sizes, with on-demand prices in us-east-1:\n");
    for architecture in [Architecture::X86_64, Architecture::Arm64] {
        let what = architecture.as_str();
        for &size in Size::ALL {
            let machine = size.machine(architecture);
            let kind = machine.instance_type;
            let has = format!(
                "{:>2} CPU {:>4} GiB  {}",
                machine.vcpus, machine.memory_gib, machine.gpu
            );
            let price = usd_per_hour(machine.usd_per_hour);
            let _ = writeln!(
                text,
                "  {what:<6}  {size:<6}  {kind:<12}  {has:<23}  {price}"
            );
        }
    }
    text.push_str(
        "\nExamples:\n  \
         prism launch python-ml my-research\n  \
         prism launch my-custom-ml-env new-research --size L\n  \
         prism launch my-custom-ml-env@2 rerun --region us-west-2\n  \
         prism launch python-ml my-research --for 4h\n  \
         prism launch python-ml course --until \"2026-07-01 18:00\" --then terminate --last-save course-env",
    );
    text
}
