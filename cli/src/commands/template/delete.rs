//! `prism template delete`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};

use clap::Args;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Problem, Region};
use prism_functions::operations::parts::VersionRef;
use prism_functions::operations::{
    Asked, DeleteTemplate, DeleteVersion, Deleting, Deletion, DeletionPlan,
};

use crate::app::Session;
use crate::errors::{Outcome, Told};
use crate::text::{pairs, usd};
use crate::{exit, prompt};

const EXAMPLES: &str = "\
Examples:
  prism template delete my-custom-ml-env@2 --dry-run    see what would go, and what speaks against it
  prism template delete my-custom-ml-env --yes          all versions";

/// Delete a template, or a version of it, with its AMIs and snapshots in all Regions
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Delete {
    /// The template with all of its versions, or one of them as NAME@3
    #[arg(value_name = "TEMPLATE")]
    template: String,
    /// Show what would be removed and what speaks against it, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete it although instances run from it, launch templates name its AMIs, it is shared with others, or a
    /// schedule saves to it
    #[arg(long)]
    force: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let out = &session.out;
        if self.dry_run {
            let planned = self.ask(session, &reference, true).await?;
            out.show(&planned, || would(&reference, &planned.plan))?;
            return Ok(exit::DONE);
        }
        if !self.yes {
            let planned = self.ask(session, &reference, true).await?;
            out.note(would(&reference, &planned.plan).trim_end());
            if !prompt::confirm(out, "They cannot be brought back. Delete them?")? {
                out.note("Nothing was changed.");
                return Ok(exit::FAILED);
            }
        }
        let deletion = self.ask(session, &reference, false).await?;
        out.show(&deletion, || done(&reference, &deletion))?;
        let Some(stuck) = &deletion.stuck else {
            return Ok(exit::DONE);
        };
        let after = ["It is tried again every few minutes.".to_owned()];
        Told {
            code: &stuck.code,
            message: &stuck.message,
            causes: &[],
            after: &after,
            files: &[],
            hint: &stuck.hint,
        }
        .print(out);
        Ok(exit::FAILED)
    }

    async fn ask(
        &self,
        session: &Session,
        reference: &TemplateRef,
        dry_run: bool,
    ) -> Result<Deletion, Problem> {
        let (client, name) = (&session.client, reference.name.clone());
        let how = Deleting {
            dry_run,
            force: self.force,
        };
        match reference.version {
            None => {
                client
                    .ask(Asked::<DeleteTemplate>::of(name).query(how))
                    .await
            }
            Some(number) => {
                let version = VersionRef {
                    template: name,
                    number,
                };
                client
                    .ask(Asked::<DeleteVersion>::of(version).query(how))
                    .await
            }
        }
    }
}

fn would(reference: &TemplateRef, plan: &DeletionPlan) -> String {
    let mut text = format!("Deleting {reference}:\n");
    let versions: Vec<String> = plan.versions.iter().map(ToString::to_string).collect();
    let latest = plan.latest.filter(|_| !plan.whole);
    let mut instances = lines(&plan.instances);
    if plan.instances_of_others > 0 {
        instances.push(format!("{} of others", plan.instances_of_others));
    }
    let mut launch_templates = lines(&plan.launch_templates);
    launch_templates.extend(plan.launch_templates_unknown.clone());
    let mut schedules: Vec<String> = plan.schedules.iter().map(ToString::to_string).collect();
    if plan.schedules_of_others > 0 {
        schedules.push(format!("{} of others", plan.schedules_of_others));
    }
    let mut shares: Vec<String> = plan.shares.iter().map(ToString::to_string).collect();
    if plan.shares_of_others > 0 {
        shares.push(format!("{} others", plan.shares_of_others));
    }
    text.push_str(&pairs([
        ("versions", versions.join(", ")),
        (
            "latest then",
            latest.map(|it| it.to_string()).unwrap_or_default(),
        ),
        ("AMIs", lines(&plan.images).join("\n")),
        ("AMIs kept", lines(&plan.kept).join("\n")),
        ("protected", lines(&plan.protected).join("\n")),
        (
            "saves",
            format!("at most {} a month", usd(plan.usd_per_month)),
        ),
        ("in use by", instances.join("\n")),
        ("launch templates", launch_templates.join("\n")),
        ("schedules", schedules.join(", ")),
        ("shared with", shares.join(", ")),
    ]));
    text
}

fn lines<T: Display>(by_region: &BTreeMap<Region, BTreeSet<T>>) -> Vec<String> {
    let each = by_region.iter();
    each.flat_map(|(region, ids)| ids.iter().map(move |id| format!("{region}  {id}")))
        .collect()
}

fn done(reference: &TemplateRef, deletion: &Deletion) -> String {
    let how = match deletion.stuck {
        Some(_) => "is being deleted",
        None => "is deleted",
    };
    let mut text = format!("{reference} {how}.\n");
    if let Some(latest) = deletion.plan.latest.filter(|_| !deletion.plan.whole) {
        let name = &reference.name;
        let _ = writeln!(text, "{name} stands for {name}@{latest}.");
    }
    if !deletion.finished && deletion.stuck.is_none() {
        text.push_str("Its AMIs and snapshots are removed in the background.\n");
    }
    text
}
