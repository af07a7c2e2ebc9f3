//! PlanCopy: checks whether a version can be copied to further Regions, and begins the copy by writing its record and
//! its locks in one transaction. Nothing in EC2 is changed (promise P2).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::opening::{self, Copies};
use super::{Step, keys, pacing, permissions};
use crate::domain::copy::{CopyPlan, CopyRequest, CopySource, command};
use crate::domain::ec2::Architecture;
use crate::domain::grant::Grant;
use crate::domain::pricing::snapshot_usd_per_month;
use crate::domain::save::{SaveRecord, SaveRequest};
use crate::domain::template::{Template, TemplateState, Version};
use crate::domain::{Code, How, ImageId, Problem, Region, SaveId, SnapshotId, StepName};
use crate::ports::{
    Call, Ec2ErrorKind, Encryption, Image, ImageFilter, ImageState, Tags, from_ec2,
};
use crate::registry::{Admission, Begun};
use crate::rules::access::{Action, Caller};
use crate::rules::images::{self, ImageFault};
use crate::rules::lending::is_borrowed;
use crate::rules::lookup::check_regions;
use crate::rules::publication::{self, Consent};
use crate::rules::{Env, budget};

pub(super) struct PlanCopy;

/// The request, its caller, and the ID and execution of the copy.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    save_id: SaveId,
    epoch: u32,
    execution: String,
    caller: Caller,
    copy: CopyRequest,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    copy_to: BTreeSet<Region>,
}

impl Step for PlanCopy {
    const NAME: StepName = StepName::PlanCopy;
    const CALLS: &'static [Call] = &[
        Call::Regions,
        Call::Images,
        Call::SnapshotKeys,
        Call::KeyState,
        Call::EbsDefaults,
        Call::PublicImagesBlocked,
        Call::Get,
        Call::Query,
        Call::Put,
        Call::Update,
        Call::Check,
    ];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        if let Some(stored) = env.registry.save(&input.save_id).await? {
            return again(&stored.value, &input);
        }
        // A burst of copies is planned gradually: the definition tries again if it is not this copy's turn. Any Region
        // of the copy can serve as the queue, since the copies of a burst have the same Regions.
        if let Some(region) = input.copy.regions.first() {
            pacing::of_copy_plan(env, region).await?;
        }
        let subject = check(env, &input.caller, &input.copy).await?;
        let record = record(env, &input, &subject);
        match env
            .registry
            .begin_copy(&record, subject.admission.as_ref())
            .await?
        {
            Begun::Now => Ok(output(&record)),
            Begun::Before(record) => again(&record, &input),
            Begun::HeldBy(holder) => Err(in_progress(&input.copy, &holder)),
        }
    }
}

/// Returns the output for a copy that has already begun: the step is retried, or a later execution continues the copy.
fn again(record: &SaveRecord, input: &Input) -> Result<Output, Problem> {
    let asked = record.copy_of.as_ref().map(|source| CopyRequest {
        template: record.request.template.clone(),
        version: source.version,
        regions: record.request.copy_to.clone(),
        publish_sensitive: record.request.publish_sensitive,
    });
    if asked.as_ref() != Some(&input.copy) || record.saved_by != input.caller.user {
        let message = format!(
            "The copy {} was requested before with different parameters.",
            record.save_id
        );
        return Err(Problem::new(Code::RequestIdReused, message));
    }
    if record.epoch != input.epoch {
        let (id, execution) = (&record.save_id, &record.execution);
        let message = format!("The copy {id} belongs to the execution {execution}.");
        return Err(Problem::new(Code::Superseded, message));
    }
    Ok(output(record))
}

fn output(record: &SaveRecord) -> Output {
    Output {
        copy_to: record.request.copy_to.clone(),
    }
}

/// What is copied, as determined by the checks.
pub(crate) struct Subject {
    template: Template,
    version: Version,
    source: CopySource,
    tags: Tags,
    /// The most that is copied to each Region, in bytes.
    bytes: u64,
    usd_per_month: f64,
    /// The admission by the template's project, if it is in one.
    admission: Option<Admission>,
    copies: Copies,
}

impl Subject {
    pub(crate) fn plan(&self, request: &CopyRequest) -> CopyPlan {
        CopyPlan {
            template: self.template.name.clone(),
            source: self.source.clone(),
            regions: request.regions.clone(),
            bytes: self.bytes,
            usd_per_month_at_most: self.usd_per_month,
            copy_keys: self.copies.keys.clone(),
            warnings: self.copies.warnings.clone(),
        }
    }
}

/// Checks everything without changing anything.
pub(crate) async fn check(
    env: &Env,
    caller: &Caller,
    request: &CopyRequest,
) -> Result<Subject, Problem> {
    request.check()?;
    let name = &request.template;
    let stored = env.registry.template(name).await?;
    let Some(template) = stored.map(|stored| stored.value) else {
        return Err(caller.no_template(&env.registry, name).await);
    };
    caller
        .check_template(&env.registry, Action::Copy, &template)
        .await?;
    let version = env.registry.version(name, request.version).await?;
    let version = version.ok_or_else(|| {
        let (newest, number) = (template.newest(), request.version);
        let message =
            format!("There is no version {number}: {name} has no version after {newest}.");
        Problem::new(Code::VersionNotFound, message)
    })?;
    if version.state == TemplateState::Deleted {
        let message = format!("The version {} was deleted.", request.reference());
        return Err(Problem::new(Code::VersionNotFound, message));
    }
    if is_borrowed(&env.registry, &version).await? {
        let message = format!(
            "{} has AMIs of another template, which you may not copy.",
            request.reference()
        );
        return Err(Problem::new(Code::NotAllowed, message)
            .hint("Launch it and save the instance as another template."));
    }
    check_regions(env, &request.regions).await?;
    env.settings.allowed_regions.check(&request.regions)?;
    let gone = gone(env, &version, &request.regions).await?;
    let architecture = lacking(&version, request, &gone)?;
    for region in &request.regions {
        if let Some(holder) = env
            .registry
            .copy_holder(name, version.number, region)
            .await?
        {
            return Err(in_progress(request, &holder));
        }
    }
    let bytes = version.bytes_of(architecture);
    let usd_per_month = snapshot_usd_per_month(bytes, request.regions.len());
    let look = publication::of_version(&env.registry, name, version.number).await?;
    let grants = env.registry.grants(name).await?;
    let seen = Some(&template);
    let showings = publication::of_contents(&env.registry, caller, seen, &grants, vec![look]);
    publication::decide(
        &env.settings,
        &format!("Copying {}", request.reference()),
        &showings.await?,
        Consent::asked(request.publish_sensitive),
    )?;
    let admission = match &template.project {
        Some(project) => Some(budget::admit(env, caller, project, usd_per_month).await?),
        None => None,
    };
    let (region, image) = source(env, &version, architecture).await?;
    let copies = opened(env, request, &grants, &region, &image).await?;
    let user_tags = image.tags.into_iter().filter(|(key, _)| {
        let reserved = ["aws:", "prism:"];
        key != "Name" && !reserved.iter().any(|prefix| key.starts_with(prefix))
    });
    Ok(Subject {
        tags: user_tags.collect(),
        source: CopySource {
            version: version.number,
            region,
            image: image.id,
            architecture: Some(architecture),
            replaces: replaced(&version, architecture, gone),
        },
        template,
        version,
        bytes,
        usd_per_month,
        admission,
        copies,
    })
}

type Images = BTreeSet<(Region, ImageId)>;

/// Returns the version's AMIs in these Regions that are recorded but no longer exist in EC2. A copy replaces them.
async fn gone(env: &Env, version: &Version, regions: &BTreeSet<Region>) -> Result<Images, Problem> {
    let mut gone = Images::new();
    for region in regions {
        let Some(here) = version.amis.get(region) else {
            continue;
        };
        let ids: Vec<ImageId> = here.values().cloned().collect();
        let faults = images::faults(&*env.ec2, region, &ids).await?;
        let lost = faults
            .into_iter()
            .filter(|(_, fault)| *fault == ImageFault::Gone);
        gone.extend(lost.map(|(id, _)| (region.clone(), id)));
    }
    Ok(gone)
}

/// Returns those of one architecture.
fn replaced(
    version: &Version,
    architecture: Architecture,
    gone: Images,
) -> BTreeMap<Region, ImageId> {
    let of = |region: &Region| version.amis.get(region)?.get(&architecture);
    let replaced = gone
        .into_iter()
        .filter(|(region, id)| of(region) == Some(id));
    replaced.collect()
}

/// Refuses Regions to which the AMI could not be copied, or in which the copy could not be opened to the template's
/// grantees.
async fn opened(
    env: &Env,
    request: &CopyRequest,
    grants: &[Grant],
    from: &Region,
    image: &Image,
) -> Result<Copies, Problem> {
    let outside = permissions::of_grants(grants);
    let snapshots = image.volumes.iter().filter_map(|it| it.snapshot.clone());
    let snapshots: Vec<SnapshotId> = snapshots.collect();
    let told = env
        .ec2
        .snapshot_keys(from, &snapshots)
        .await
        .map_err(from_ec2)?;
    let name = |id: &SnapshotId| format!("the snapshot {id} of {}", request.reference());
    let sources: Vec<(String, Encryption)> = told
        .iter()
        .map(|(id, key)| (name(id), key.clone()))
        .collect();
    for (what, encryption) in &sources {
        if let Encryption::CustomerKey(key) = encryption {
            env.settings.kms_keys.check(key, what)?;
            keys::check_state(env, from, key, what).await?;
        }
    }
    opening::check_copies(env, &request.regions, &outside, &sources).await
}

/// Returns the architecture to copy: the version's own, or one that was added later, if all of the Regions have the
/// version's own.
fn lacking(
    version: &Version,
    request: &CopyRequest,
    gone: &Images,
) -> Result<Architecture, Problem> {
    let own = version.architecture;
    let mut all = version.architectures();
    all.sort_by_key(|it| *it != own);
    let has = |region: &Region, architecture: &Architecture| {
        let here = version.amis.get(region);
        let image = here.and_then(|here| here.get(architecture));
        image.is_some_and(|image| !gone.contains(&(region.clone(), image.clone())))
    };
    let lacks = |it: &Architecture| request.regions.iter().any(|region| !has(region, it));
    let architecture = all.into_iter().find(lacks).unwrap_or(own);
    let Some(there) = request.regions.iter().find(|it| has(it, &architecture)) else {
        return Ok(architecture);
    };
    let message = format!(
        "{} already has an AMI for {} in {there}.",
        request.reference(),
        architecture.as_str()
    );
    Err(Problem::new(Code::CopyExists, message))
}

/// Returns an available AMI of the version for that architecture.
async fn source(
    env: &Env,
    version: &Version,
    architecture: Architecture,
) -> Result<(Region, Image), Problem> {
    for (region, by_architecture) in &version.amis {
        if let Some(id) = by_architecture.get(&architecture) {
            let filter = ImageFilter::Ids(vec![id.clone()]);
            let found = match env.ec2.images(region, &filter).await {
                Ok(found) => found,
                Err(error) if error.is_gone() || error.kind() == Ec2ErrorKind::IncorrectState => {
                    continue;
                }
                Err(error) => return Err(from_ec2(error)),
            };
            let available = |image: &Image| image.state == ImageState::Available;
            if let Some(image) = found.into_iter().find(available) {
                return Ok((region.clone(), image));
            }
        }
    }
    let message = format!(
        "{}@{} has no AMI left: all of them were deregistered.",
        version.template, version.number
    );
    Err(Problem::new(Code::ImageFailed, message)
        .hint("Save the instance again: deregistered AMIs cannot be copied."))
}

fn record(env: &Env, input: &Input, subject: &Subject) -> SaveRecord {
    let Subject {
        template,
        version,
        source,
        ..
    } = subject;
    let request = SaveRequest {
        instance: version.saved_from.clone(),
        template: template.name.clone(),
        region: source.region.clone(),
        description: version.description.clone(),
        copy_to: input.copy.regions.clone(),
        // The template's grants decide whom the AMIs are opened to.
        public: false,
        project: template.project.clone(),
        tags: subject.tags.clone(),
        move_template: false,
        exclude_volumes: BTreeSet::new(),
        accept_instance_store_loss: None,
        publish_sensitive: input.copy.publish_sensitive,
        how: How::Stop,
        exclude_from_latest: false,
        add_arch: false,
        version: None,
    };
    let (user, now) = (input.caller.user.clone(), env.clock.now());
    let execution = input.execution.clone();
    let mut record = SaveRecord::new(input.save_id.clone(), request, user, execution, now);
    record.origin = input.caller.origin.clone();
    record.copy_of = Some(source.clone());
    record.epoch = input.epoch;
    record.step = PlanCopy::NAME.to_string();
    record.moments[0].step = PlanCopy::NAME.to_string();
    record
}

fn in_progress(request: &CopyRequest, holder: &SaveId) -> Problem {
    let reference = request.reference();
    let message = format!("{holder} is already copying {reference} to one of the Regions.");
    Problem::new(Code::CopyInProgress, message)
        .hint(format!("Watch it: prism saves watch {holder}"))
}

/// Returns the hint on how to repeat what failed in one Region.
pub(super) fn again_hint(record: &SaveRecord, version: u32, region: &Region) -> String {
    let command = command(&record.request.template, version, region);
    format!("The version is available in its other Regions. Try again: {command}")
}

#[cfg(test)]
repeated!(PlanCopy: IsCopied);
