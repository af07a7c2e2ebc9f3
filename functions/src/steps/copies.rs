//! Registration of a copy: RegisterTemplate adds its AMIs to the version that was copied.

use super::images::snapshots;
use super::opened::Opened;
use super::payer::Payer;
use super::{SaveRef, plan_copy, rights};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::copy::CopySource;
use crate::domain::pricing::snapshot_usd_per_month;
use crate::domain::save::{RegionCopy, SaveRecord};
use crate::domain::{Code, Problem, Region};
use crate::registry::{Additions, TRIES};
use crate::rules::access::{Action, Caller, template_not_found};
use crate::rules::{Env, audit};

/// Adds the available AMIs to the version, and records why the others failed. Returns the number of the version.
pub(super) async fn add(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
    source: &CopySource,
) -> Result<u32, Problem> {
    let mut additions = additions(record, source);
    additions.snapshots = snapshots(env, record, &additions.images).await?;
    let (name, number) = (&record.request.template, source.version);
    let now = env.clock.now();
    let subject = Subject::Template(name.clone());
    let regions: Vec<&Region> = additions.images.keys().collect();
    let event = audit::of(
        &record.saved_by,
        &record.origin,
        now,
        AuditAction::TemplateCopy,
        subject,
    )
    .with("save", &record.save_id)
    .with("version", number)
    .with("regions", regions);
    let copier = Caller::new(record.saved_by.clone());
    let mut payer = Payer::of(record);
    let mut open = Opened::seen(env, record, &additions.images).await?;
    for _ in 0..TRIES {
        let stored = env.registry.template(name).await?;
        let stored = stored.ok_or_else(|| template_not_found(name.as_str()))?;
        let template = &stored.value;
        copier
            .check_template(&env.registry, Action::Copy, template)
            .await?;
        rights::check_still_pays(env, record, template).await?;
        if let Some(project) = payer.next(record, template) {
            let usd = added_usd(env, record, source, additions.images.len()).await?;
            payer.ask(env, save, project, usd).await?;
        }
        // Before the transaction, because launch permissions are not copied with an AMI (EC2 fact 8).
        let grants = env.registry.grants(name).await?;
        open.by_grants(env, save, record, &grants, &additions.images)
            .await?;
        let event = event.clone().of_project(template.project.as_ref());
        let added = env
            .registry
            .add_copies(record, number, &stored, &event, &additions);
        match added.await {
            Ok(()) if additions.images.is_empty() => return Err(nothing(record, number)),
            Ok(()) => return Ok(number),
            // The template was shared or changed in the meantime.
            Err(problem) if problem.code == Code::RegistryConflict => {}
            Err(problem) => return Err(problem),
        }
    }
    open.settle(env, save).await?;
    let message =
        format!("Others kept changing the template {name}, so the copies could not be added.");
    Err(Problem::new(Code::RegistryConflict, message))
}

/// Returns the most that AMIs in the new Regions can add to the version's monthly cost, in USD.
async fn added_usd(
    env: &Env,
    record: &SaveRecord,
    source: &CopySource,
    regions: usize,
) -> Result<f64, Problem> {
    let version = env
        .registry
        .version(&record.request.template, source.version)
        .await?;
    let bytes = version.map_or(0, |version| {
        version.bytes_of(source.architecture.unwrap_or(version.architecture))
    });
    Ok(snapshot_usd_per_month(bytes, regions))
}

fn additions(record: &SaveRecord, source: &CopySource) -> Additions {
    let mut additions = Additions {
        architecture: source.architecture,
        replaces: source.replaces.clone(),
        ..Additions::default()
    };
    for (region, copy) in &record.copies {
        match copy {
            RegionCopy::Available { image } => {
                additions.images.insert(region.clone(), image.clone());
            }
            RegionCopy::Failed { cause, .. } => {
                additions.failed.insert(region.clone(), cause.clone());
            }
            RegionCopy::Copying { .. } => {}
        }
    }
    additions
}

/// Creates the problem for a copy that failed in all Regions, from its first failure.
fn nothing(record: &SaveRecord, version: u32) -> Problem {
    let failed = record.copies.iter().find_map(|(region, copy)| match copy {
        RegionCopy::Failed { code, cause } => Some((region, code, cause)),
        RegionCopy::Copying { .. } | RegionCopy::Available { .. } => None,
    });
    let Some((region, code, cause)) = failed else {
        return Problem::new(Code::Internal, "No copy succeeded, and none failed.");
    };
    let code = code.parse().unwrap_or(Code::CopyFailed);
    Problem::new(code, cause).hint(plan_copy::again_hint(record, version, region))
}
