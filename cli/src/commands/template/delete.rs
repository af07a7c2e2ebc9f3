//! `prism template delete`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};

use clap::Args;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Problem, Region};
use prism_functions::operations::{
    Asked, DeleteTemplate, DeleteVersion, Deleting, Deletion, DeletionPlan,
};

use crate::candidates;
use crate::errors::{Outcome, Told};
use crate::session::Session;
use crate::text::{joined, monthly_in, pairs};
use crate::{exit, prompt};

const EXAMPLES: &str = "\
Examples:
  prism template delete my-custom-ml-env@2 --dry-run    show what would be deleted
  prism template delete my-custom-ml-env --yes          delete all versions";

/// Delete a template or one of its versions, with the AMIs and snapshots in all Regions
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Delete {
    /// The template with all of its versions, or one version as NAME@3
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::versions())]
    template: String,
    /// Show what would be deleted and what prevents it, but delete nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete it even if instances run from it, launch templates use its AMIs, it is shared, or a schedule saves to it
    #[arg(long)]
    force: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let out = &session.out;
        if self.dry_run {
            let planned = self.ask(session, &reference, true).await?;
            return out.done(&planned, || would(&reference, &planned.plan));
        }
        if !self.yes {
            let planned = self.ask(session, &reference, true).await?;
            out.note(would(&reference, &planned.plan).trim_end());
            if !prompt::confirm(out, false, "This cannot be undone. Delete them?")? {
                return Ok(exit::FAILED);
            }
        }
        let deletion = self.ask(session, &reference, false).await?;
        out.show(&deletion, || done(&reference, &deletion))?;
        let Some(stuck) = &deletion.stuck else {
            return Ok(exit::DONE);
        };
        Told {
            code: &stuck.code,
            message: &stuck.message,
            after: &["The deletion is retried every few minutes.".to_owned()],
            hint: &stuck.hint,
            ..Told::default()
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
        let how = Deleting {
            dry_run,
            force: self.force,
        };
        let client = &session.client;
        match super::version(reference) {
            None => {
                let asked = Asked::<DeleteTemplate>::of(reference.name.clone());
                client.ask(asked.query(how)).await
            }
            Some(version) => {
                let asked = Asked::<DeleteVersion>::of(version);
                client.ask(asked.query(how)).await
            }
        }
    }
}

fn would(reference: &TemplateRef, plan: &DeletionPlan) -> String {
    let mut text = format!("Deleting {reference}:\n");
    let latest = plan.latest.filter(|_| !plan.whole);
    let mut instances = lines(&plan.instances);
    if plan.instances_of_others > 0 {
        instances.push(format!("{} of other users", plan.instances_of_others));
    }
    let mut launch_templates = lines(&plan.launch_templates);
    launch_templates.extend(plan.launch_templates_unknown.clone());
    let mut schedules: Vec<String> = plan.schedules.iter().map(ToString::to_string).collect();
    if plan.schedules_of_others > 0 {
        schedules.push(format!("{} of other users", plan.schedules_of_others));
    }
    let mut shares: Vec<String> = plan.shares.iter().map(ToString::to_string).collect();
    if plan.shares_of_others > 0 {
        shares.push(format!("{} others", plan.shares_of_others));
    }
    text.push_str(&pairs([
        ("versions", joined(&plan.versions)),
        ("new latest", joined(latest)),
        ("AMIs", lines(&plan.images).join("\n")),
        ("AMIs kept", lines(&plan.kept).join("\n")),
        ("protected", lines(&plan.protected).join("\n")),
        ("saves", monthly_in(plan.usd_per_month, plan.images.keys())),
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
        let _ = writeln!(text, "The latest version of {name} is now {name}@{latest}.");
    }
    if !deletion.finished && deletion.stuck.is_none() {
        text.push_str("Its AMIs and snapshots are removed in the background.\n");
    }
    text
}
