//! RegisterTemplate: registers the save as the next version of its template, or as an added architecture of a version,
//! in one transaction.

use std::collections::BTreeMap;

use serde::Serialize;

use super::images::snapshots;
use super::opened::Opened;
use super::payer::Payer;
use super::{SaveRef, Step, copies, permissions, preflight, rights};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::pricing::snapshot_usd_per_month;
use crate::domain::save::{RegionCopy, SaveRecord};
use crate::domain::template::{
    AddedArchitecture, Template, TemplateRef, TemplateState, Usage, Version, Visibility,
};
use crate::domain::{
    Code, ImageId, Problem, ProjectName, Region, SnapshotId, StepName, TemplateName, Timestamp,
    catalogue,
};
use crate::ports::Call;
use crate::registry::{Registration, Stored, TRIES};
use crate::rules::access::{Action, Caller};
use crate::rules::{Env, audit, budget};

pub(super) struct RegisterTemplate;

#[derive(Debug, Serialize)]
pub(super) struct Output {
    version: u32,
}

impl Step for RegisterTemplate {
    const NAME: StepName = StepName::RegisterTemplate;
    const CALLS: &'static [Call] = &[
        Call::LaunchPermissions,
        Call::AddLaunchPermissions,
        Call::RemoveLaunchPermissions,
        Call::ShareSnapshot,
        Call::UnshareSnapshot,
        Call::Images,
        Call::Get,
        Call::Query,
        Call::Put,
        Call::Update,
        Call::Delete,
        Call::Check,
    ];
    type Input = SaveRef;
    type Output = Output;

    async fn run(env: &Env, input: SaveRef) -> Result<Output, Problem> {
        let record = env.advance(&input, Self::NAME).await?;
        if let Some(version) = record.version {
            return Ok(Output { version });
        }
        if let Some(source) = &record.copy_of {
            let version = copies::add(env, &input, &record, source).await?;
            return Ok(Output { version });
        }
        let version = register(env, &input, &record).await?;
        Ok(Output { version })
    }
}

/// Registers the save as the next version of its template.
pub(super) async fn register(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
) -> Result<u32, Problem> {
    let images = images(record)?;
    let snapshots = snapshots(env, record, &images).await?;
    let original = original_template(env, record).await?;
    let now = env.clock.now();
    let subject = Subject::Template(record.request.template.clone());
    let event = audit::of(
        &record.saved_by,
        &record.origin,
        now,
        AuditAction::TemplateSaveVersion,
        subject,
    )
    .with("save", &record.save_id);
    let mut payer = Payer::of(record);
    let mut open = Opened::seen(env, record, &images).await?;
    for _ in 0..TRIES {
        let before = env.registry.template(&record.request.template).await?;
        let template = before.as_ref().map(|stored| &stored.value);
        // The grants are read once, after the template. A later grant changes the template's revision, so the next
        // iteration sees it before any AMI is opened because of it.
        let grants = env.registry.grants_of(before.as_ref()).await?;
        rights::check_still(env, record, template, &grants).await?;
        let edits = may_edit(env, record, template).await?;
        if let Some(project) = template.and_then(|template| payer.next(record, template)) {
            let usd = snapshot_usd_per_month(bytes(record)?, images.len());
            payer.ask(env, save, project, usd).await?;
        }
        // Before the transaction, so that a version that is registered as public is public (launch permissions are not
        // copied with an AMI, EC2 fact 8).
        open.by_grants(env, save, record, &grants, &images).await?;
        let made_public = record.request.public && open.is_public(env, record)?;
        let revision = before.as_ref().map(|stored| stored.revision);
        let build = |before: Option<&Template>, adds_to| {
            let made = Made {
                record,
                images: &images,
                snapshots: &snapshots,
                edits,
                public: made_public,
                now,
            };
            match adds_to {
                Some(version) => made.addition(before, version),
                None => made.version(before, original.clone()),
            }
        };
        let public = permissions::public(env)?;
        let registered = env
            .registry
            .register_version(record, revision, public, &event, build);
        match registered.await {
            Ok(version) => {
                if let Some(project) = left(record, template) {
                    budget::costs_less(env, project).await;
                }
                return Ok(version);
            }
            // The template was shared, launched or changed in the meantime.
            Err(problem) if problem.code == Code::RegistryConflict => {}
            Err(problem) => return Err(problem),
        }
    }
    open.settle(env, save).await?;
    let message = format!(
        "Others kept changing the template {}, so the version could not be registered.",
        record.request.template
    );
    Err(Problem::new(Code::RegistryConflict, message))
}

/// Returns the project that the template leaves when the save is registered as its version.
fn left<'a>(record: &SaveRecord, template: Option<&'a Template>) -> Option<&'a ProjectName> {
    let (to, from) = (
        record.request.project.as_ref()?,
        template?.project.as_ref()?,
    );
    (from != to).then_some(from)
}

/// Returns whether the saver may change the template's description, if the save would do that.
async fn may_edit(
    env: &Env,
    record: &SaveRecord,
    template: Option<&Template>,
) -> Result<bool, Problem> {
    let there = template.filter(|template| template.state != TemplateState::Deleted);
    match there {
        Some(template) if !record.request.description.is_empty() => {
            let saver = Caller::new(record.saved_by.clone());
            let registry = &env.registry;
            saver.may_template(registry, Action::Edit, template).await
        }
        _ => Ok(true),
    }
}

/// Returns the AMIs by Region, without those whose copy failed.
fn images(record: &SaveRecord) -> Result<BTreeMap<Region, ImageId>, Problem> {
    let mut images = BTreeMap::from([(record.request.region.clone(), record.image()?.clone())]);
    for (region, copy) in &record.copies {
        if let RegionCopy::Available { image } = copy {
            images.insert(region.clone(), image.clone());
        }
    }
    Ok(images)
}

/// Returns the built-in template at the root of the lineage.
async fn original_template(
    env: &Env,
    record: &SaveRecord,
) -> Result<Option<TemplateName>, Problem> {
    let Some(parent) = record.instance()?.launched_from.as_deref() else {
        return Ok(None);
    };
    // Anyone who can tag the instance may have edited the tag. A value that is not a template reference says nothing
    // about the lineage.
    let Ok(parent) = parent.parse::<TemplateRef>() else {
        return Ok(None);
    };
    if catalogue::find(parent.name.as_str()).is_some() {
        return Ok(Some(parent.name));
    }
    let stored = env.registry.template(&parent.name).await?;
    Ok(stored.and_then(|stored| stored.value.original_template))
}

/// Returns the full size of the snapshots in one Region, or an upper bound if EC2 has not reported it.
fn bytes(record: &SaveRecord) -> Result<u64, Problem> {
    let volumes = record.instance()?.volumes.values();
    let planned = volumes.map(|gib| u64::from(*gib) << 30).sum();
    Ok(record.snapshot_bytes.unwrap_or(planned))
}

struct Made<'a> {
    record: &'a SaveRecord,
    images: &'a BTreeMap<Region, ImageId>,
    snapshots: &'a BTreeMap<Region, Vec<SnapshotId>>,
    /// Whether the saver may change the template's description.
    edits: bool,
    /// Whether the save makes the template public.
    public: bool,
    now: Timestamp,
}

impl Made<'_> {
    fn version(
        &self,
        before: Option<&Template>,
        original: Option<TemplateName>,
    ) -> Result<Registration, Problem> {
        if self.record.plan()?.adds_to.is_some() {
            let message = "The version to which an architecture is added no longer exists.";
            return Err(Problem::new(Code::VersionNotFound, message));
        }
        let version = self.next_version(before)?;
        Ok(Registration {
            template: self.template(&version, original, before)?,
            version,
            before: None,
        })
    }

    /// Returns the version with the result as an added architecture; nothing else in it changes.
    fn addition(
        &self,
        template: Option<&Template>,
        before: Stored<Version>,
    ) -> Result<Registration, Problem> {
        let (record, instance) = (self.record, self.record.instance()?);
        let architecture = instance.architecture;
        let mut version = before.value.clone();
        preflight::check_lacks(&version, architecture)?;
        let Some(template) = template else {
            let message = format!("The template {} no longer exists.", version.template);
            return Err(Problem::new(Code::TemplateNotFound, message));
        };
        for (region, image) in self.images {
            let here = version.amis.entry(region.clone()).or_default();
            here.insert(architecture, image.clone());
            let snapshots = self.snapshots.get(region).cloned().unwrap_or_default();
            let known = version.snapshots.entry(region.clone()).or_default();
            known.extend(snapshots);
        }
        let bytes = bytes(self.record)?;
        version.snapshot_bytes += bytes;
        version.usd_per_month += snapshot_usd_per_month(bytes, self.images.len());
        version.added.push(AddedArchitecture {
            architecture,
            save_id: record.save_id.clone(),
            saved_from: instance.name.clone(),
            saved_from_id: Some(instance.id.clone()),
            saved_by: record.saved_by.clone(),
            saved_date: self.now,
            instance_type: instance.instance_type.clone(),
            how: record.captured_by(),
            root_size_gib: instance.root_size_gib,
            snapshot_bytes: bytes,
        });
        let mut template = template.clone();
        template.updated_at = self.now;
        if template.latest == version.number {
            template.architectures = version.architectures();
        }
        Ok(Registration {
            template,
            version,
            before: Some(before),
        })
    }

    fn next_version(&self, before: Option<&Template>) -> Result<Version, Problem> {
        let (record, instance) = (self.record, self.record.instance()?);
        let architecture = instance.architecture;
        let bytes = bytes(self.record)?;
        let failed = |copy: &RegionCopy| match copy {
            RegionCopy::Failed { cause, .. } => Some(cause.clone()),
            RegionCopy::Copying { .. } | RegionCopy::Available { .. } => None,
        };
        let failed_regions = record.copies.iter();
        let amis = self.images.iter().map(|(region, image)| {
            let here = BTreeMap::from([(architecture, image.clone())]);
            (region.clone(), here)
        });
        Ok(Version {
            template: record.request.template.clone(),
            number: before.map_or(1, |template| template.newest() + 1),
            description: record.request.description.clone(),
            save_id: record.save_id.clone(),
            saved_from: instance.name.clone(),
            saved_from_id: Some(instance.id.clone()),
            saved_by: record.saved_by.clone(),
            saved_date: self.now,
            how: record.captured_by(),
            schedule: record.schedule.clone(),
            parent: instance.launched_from.clone(),
            amis: amis.collect(),
            snapshots: self.snapshots.clone(),
            failed_regions: failed_regions
                .filter_map(|(region, copy)| Some((region.clone(), failed(copy)?)))
                .collect(),
            architecture,
            instance_type: instance.instance_type.clone(),
            root_device: instance.root_device.clone(),
            root_size_gib: instance.root_size_gib,
            volumes: instance.captured.clone(),
            excluded_volumes: instance.excluded.clone(),
            packages: None,
            login: instance.login.clone(),
            ports: instance.ports.clone(),
            snapshot_bytes: bytes,
            usd_per_month: snapshot_usd_per_month(bytes, self.images.len()),
            notes: String::new(),
            state: TemplateState::Active,
            tags: record.request.tags.clone(),
            added: Vec::new(),
            imported_by: None,
            borrowed: None,
            usage: Usage::default(),
            deleted_at: None,
            removed_at: None,
            deprecation: None,
            stuck: None,
        })
    }

    fn template(
        &self,
        version: &Version,
        original: Option<TemplateName>,
        before: Option<&Template>,
    ) -> Result<Template, Problem> {
        let (request, now) = (&self.record.request, self.now);
        let fresh = |original| {
            let owner = self.record.saved_by.clone();
            Template::new(request.template.clone(), owner, original, now)
        };
        let mut after = match before {
            Some(before) if before.is_going() => {
                let message = format!("The template {} is being deleted.", before.name);
                return Err(Problem::new(Code::NotReady, message));
            }
            // A deleted template starts again, with numbers after those that it has already used.
            Some(before) if before.state == TemplateState::Deleted => fresh(original).after(before),
            Some(before) => before.clone(),
            None => fresh(original),
        };
        // A template always has a latest version.
        if request.exclude_from_latest && after.latest > 0 {
            after.add(version, now);
        } else {
            after.point_to(version, now);
        }
        // A saver who may save to the template but not edit it describes only the version.
        if self.edits && !request.description.is_empty() {
            after.description.clone_from(&request.description);
        }
        if self.public {
            after.visibility = Visibility::Public;
        }
        if request.project.is_some() && request.project != after.project {
            after.project.clone_from(&request.project);
            // Grants to the members of the template's own project become grants to another project, now that the
            // template moves.
            if after.visibility == Visibility::Project {
                after.visibility = Visibility::Shared;
            }
        }
        Ok(after)
    }
}

#[cfg(test)]
repeated!(RegisterTemplate: Succeeds, CopyFails, IsCopied);
