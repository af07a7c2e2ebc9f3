//! `prism template show`.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::Args;
use prism_functions::domain::copy::command;
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::template::{Template, TemplateRef, TemplateState, Version};
use prism_functions::domain::{Code, How, ImageId, Problem, Region};
use prism_functions::operations::{Asked, ListPackages, ListVersions, TemplateView};
use prism_functions::rules::ImageFault;
use serde_json::{Value, json};

use crate::candidates;
use crate::errors::Outcome;
use crate::output::Output;
use crate::report;
use crate::session::Session;
use crate::text::{Times, bytes, joined, monthly_in, pairs, plain};

/// How many of the newest versions are shown.
const VERSIONS: usize = 20;

/// Show a template: its origin, versions, AMIs and cost
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The template: NAME for the latest version, or NAME@3 for version 3
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::versions())]
    template: String,
    /// Show the packages that were installed when the version was saved, as far as they are known
    #[arg(long)]
    packages: bool,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let view = session.template(&reference).await?;
        let TemplateView::Saved {
            template,
            version,
            faults,
            ..
        } = &view
        else {
            return session.out.read(&view, || built_in(&view, &session.out));
        };
        let page = |page| Asked::<ListVersions>::of(template.name.clone()).query(page);
        let (versions, _) = session.client.list(VERSIONS, page).await?;
        let mut value = serde_json::to_value(&view).map_err(|error| {
            Problem::new(Code::Internal, "The template could not be written as JSON.")
                .because(error)
        })?;
        value["versions"] = versions.iter().map(summary).collect();
        let wanted = self.packages || session.out.for_programs();
        let inventory = match version.packages {
            Some(_) if wanted => {
                let exact = TemplateRef {
                    name: template.name.clone(),
                    version: Some(version.number),
                };
                let asked = Asked::<ListPackages>::of(exact);
                session.client.call(asked).await?.0
            }
            _ => None,
        };
        value["packages"] = json!(inventory);
        session.out.read(&value, || {
            let mut text = saved(
                template,
                version,
                &versions,
                faults,
                (self.packages, session.times()),
            );
            if self.packages {
                text.push_str(&listed(inventory.as_ref(), session.times()));
            }
            text + &session
                .out
                .next(&format!("prism launch {} NEW-NAME", template.name))
        })
    }
}

fn summary(version: &Version) -> Value {
    json!({
        "number": version.number,
        "saved_from": version.saved_from,
        "saved_from_id": version.saved_from_id,
        "saved_by": version.saved_by,
        "saved_date": version.saved_date,
        "imported_by": version.imported_by,
        "how": version.how,
        "description": version.description,
        "state": version.state,
        "usage": version.usage,
    })
}

fn built_in(view: &TemplateView, out: &Output) -> String {
    let TemplateView::BuiltIn {
        name,
        description,
        packages,
        root_size_gib,
        ports,
    } = view
    else {
        return String::new();
    };
    let mut text = format!("{name}: {description}\n");
    text.push_str(&pairs([
        ("source", "built in".to_owned()),
        ("packages", packages.join(" ")),
        ("disk", format!("{root_size_gib} GiB")),
        ("open ports", joined(ports)),
    ]));
    text + &out.next(&format!("prism launch {name} NEW-NAME"))
}

/// The volumes with their sizes. Of a version without a list of them, only the root volume is known.
fn volumes(version: &Version) -> String {
    if version.volumes.is_empty() {
        return format!(
            "{} ({} GiB)",
            plain(&version.root_device),
            version.root_size_gib
        );
    }
    report::volumes(&version.volumes)
}

/// The problems of AMIs, by Region.
type Faults = BTreeMap<Region, BTreeMap<ImageId, ImageFault>>;

fn saved(
    template: &Template,
    version: &Version,
    versions: &[Version],
    faults: &Faults,
    (listed, times): (bool, Times),
) -> String {
    let mut text = format!("{}@{}\n", template.name, version.number);
    let description = match version.description.as_str() {
        "" => &template.description,
        own => own,
    };
    let by = &version.saved_by;
    let used = bytes(version.snapshot_bytes);
    text.push_str(&pairs([
        ("purpose", plain(description)),
        ("notes", notes(template, version)),
        ("state", state(template, version)),
        ("end of life", end_of_life(template, version, times)),
        ("use instead", use_instead(template, version)),
        ("owner", template.owner.to_string()),
        ("visibility", template.visibility.as_str().to_owned()),
        ("project", joined(&template.project)),
        ("source", source(version)),
        (
            "saved",
            format!(
                "{}by {by} at {}",
                claimed(version),
                times.exactly(version.saved_date)
            ),
        ),
        ("original", joined(&template.original_template)),
        (
            "parent",
            plain(version.parent.as_deref().unwrap_or_default()),
        ),
        ("packages", count(version.packages, listed)),
        ("AMIs", amis(version, faults)),
        ("failed", failed(version)),
        ("type", version.instance_type.clone()),
        ("volumes", volumes(version)),
        ("left out", report::volumes(&version.excluded_volumes)),
        ("snapshots", format!("{used} in each Region")),
        (
            "cost",
            monthly_in(version.usd_per_month, version.amis.keys()),
        ),
        (
            "log in as",
            plain(version.login.as_deref().unwrap_or_default()),
        ),
        ("open ports", joined(&version.ports)),
        ("launches", launches(template, version, times)),
    ]));
    text.push_str("\nVersions:\n");
    for version in versions {
        let _ = writeln!(
            text,
            "  {:>4}  {}  {}from {} by {}{}",
            version.number,
            times.when(version.saved_date),
            claimed(version),
            plain(&version.saved_from),
            version.saved_by,
            rebooted(version)
        );
    }
    text
}

/// What tells a version whose instance was captured by a reboot from others.
fn rebooted(version: &Version) -> &'static str {
    match version.how {
        How::Reboot => ", captured by a reboot",
        How::Stop => "",
    }
}

/// How many packages are known, and how to list them, unless they are listed anyway.
fn count(packages: Option<usize>, listed: bool) -> String {
    match packages {
        Some(0) => "none were found".to_owned(),
        Some(1) if listed => "1 is known".to_owned(),
        Some(count) if listed => format!("{count} are known"),
        Some(1) => "1 is known: show it with --packages".to_owned(),
        Some(count) => format!("{count} are known: show them with --packages"),
        None => String::new(),
    }
}

fn listed(inventory: Option<&Inventory>, times: Times) -> String {
    let Some(inventory) = inventory else {
        return "\nNo packages are known: the instance did not report any.\n".to_owned();
    };
    let mut text = format!("\nPackages at {}:\n", times.exactly(inventory.captured_at));
    for package in &inventory.packages {
        let (name, version) = (plain(&package.name), plain(&package.version));
        let _ = writeln!(text, "  {name} {version}  ({})", plain(&package.manager));
    }
    if inventory.truncated {
        text.push_str("  and more, which were not recorded\n");
    }
    text
}

fn amis(version: &Version, faults: &Faults) -> String {
    let mut lines = Vec::new();
    for (region, by_architecture) in &version.amis {
        for (architecture, image) in by_architecture {
            let fault = faults.get(region).and_then(|here| here.get(image));
            let fault = fault.map(|fault| format!("  ({})", fault.means()));
            let fault = fault.unwrap_or_default();
            lines.push(format!(
                "{region}  {}  {image}{fault}",
                architecture.as_str()
            ));
        }
    }
    lines.join("\n")
}

fn failed(version: &Version) -> String {
    let lines = version.failed_regions.iter().map(|(region, why)| {
        let again = command(&version.template, version.number, region);
        format!("{region}  {}\ncopy again: {again}", plain(why))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn launches(template: &Template, version: &Version, times: Times) -> String {
    let Some(at) = template.last_launched_at else {
        return "none yet".to_owned();
    };
    let by = template.last_launched_by.as_ref();
    let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
    let (all, own) = (template.launches, version.usage.launches);
    let at = times.exactly(at);
    format!("{all}, the last at {at}{by}; {own} of this version")
}

/// The notes of the template, then those of the version.
fn notes(template: &Template, version: &Version) -> String {
    let all = template.notes.lines().chain(version.notes.lines());
    all.map(plain).collect::<Vec<_>>().join("\n")
}

/// The end of life of the version, or else of the template.
fn end_of_life(template: &Template, version: &Version, times: Times) -> String {
    let of = [&version.deprecation, &template.deprecation];
    let mut ends = of.into_iter().flatten().filter_map(|it| it.end_of_life);
    ends.next().map(|end| times.day(end)).unwrap_or_default()
}

/// What replaces the version, or else the template.
fn use_instead(template: &Template, version: &Version) -> String {
    let of = [&version.deprecation, &template.deprecation];
    let mut others = of
        .into_iter()
        .flatten()
        .filter_map(|it| it.replaced_by.as_ref());
    joined(others.next())
}

/// Warnings to read before launching the version.
fn state(template: &Template, version: &Version) -> String {
    match (template.state, version.state) {
        (TemplateState::Active, TemplateState::Active) => String::new(),
        (_, TemplateState::Deleted) => match &version.stuck {
            Some(stuck) if version.is_going() => {
                format!(
                    "being deleted, but something prevents it: {}",
                    stuck.message
                )
            }
            _ => "deleted".to_owned(),
        },
        (TemplateState::Active, of_version) => format!("this version is {}", of_version.as_str()),
        (of_template, _) => of_template.as_str().to_owned(),
    }
}

fn source(version: &Version) -> String {
    let mut from = plain(&version.saved_from);
    if let Some(id) = &version.saved_from_id {
        let _ = write!(from, " ({id})");
    }
    from.push_str(rebooted(version));
    match &version.imported_by {
        Some(by) => format!("imported by {by}; according to its file, from the instance {from}"),
        None => format!("saved from the instance {from}"),
    }
}

/// The prefix before the creator and source of a version that are only claimed by an imported file.
fn claimed(version: &Version) -> &'static str {
    match version.imported_by {
        Some(_) => "imported; according to its file ",
        None => "",
    }
}
