//! Import of a template from its file. The import creates a version of existing AMIs that the caller may use.

use std::collections::BTreeSet;

use super::expected::{check, tag};
use super::import_request::{ImportRequest, Imported};
use super::import_version::{Images, first, lacks, root_size, version_of};
use super::share_checks::{IMAGES, Target, Which, impediments};
use super::share_opening::share_failed;
use super::{Expected, Service};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::grant::Grant;
use crate::domain::inventory::Inventory;
use crate::domain::save::Warning;
use crate::domain::tags::{OWNER_TAG, SAVE_TAG};
use crate::domain::template::{Template, TemplateRef, TemplateState};
use crate::domain::template_file::TemplateFile;
use crate::domain::{Code, ImageId, Problem, Region, SaveId, TemplateName, catalogue};
use crate::ports::{Image, ImageFilter, ImageState, Write, from_ec2};
use crate::registry::{Stored, packages_added, still_used, version_added};
use crate::rules::access::{Action, Caller};
use crate::rules::lending;
use crate::rules::lookup::check_regions;
use crate::rules::versions::being_deleted;
use crate::steps::permissions;

/// The maximum number of versions of an AMI that are searched for one that the caller may launch.
const USERS: usize = 200;

pub(super) struct Plan {
    before: Option<Stored<Template>>,
    pub(super) number: u32,
    /// Whether the version already exists.
    pub(super) repeated: bool,
    images: Images,
    /// The packages, if all AMIs belong to one version.
    told: Option<Inventory>,
    warnings: Vec<Warning>,
}

impl Plan {
    pub(super) fn imported(self, name: &TemplateName, file: &TemplateFile, done: bool) -> Imported {
        Imported {
            template: name.clone(),
            version: self.number,
            done,
            repeated: self.repeated,
            amis: file.ami_config.amis.clone(),
            warnings: self.warnings,
        }
    }
}

impl Service {
    /// Returns what importing a file under a name would create, without changing anything. Fails if the template does
    /// not match `expected`.
    pub(super) async fn plan_import(
        &self,
        caller: &Caller,
        name: &TemplateName,
        (request, file): (&ImportRequest, &TemplateFile),
        expected: Option<&Expected>,
    ) -> Result<Plan, Problem> {
        let registry = &self.env.registry;
        let before = self.importable(caller, name, expected).await?;
        let (number, repeated) = self.number(before.as_ref(), file).await?;
        let images = self.images_of(caller, file, (name, number)).await?;
        lending::check_borrowing(registry, caller, before.as_ref(), images.borrowed).await?;
        let grants = registry.grants_of(before.as_ref()).await?;
        let mut warnings = self.check_opening(name, &grants, &images.targets).await?;
        warnings.extend(lacks(file, &images));
        let mut told = None;
        if !repeated {
            let seen = (before.as_ref(), grants.as_slice());
            let shown = self.shown_by_import(caller, name, seen, &images.known, request);
            let more;
            (more, told) = shown.await?;
            warnings.extend(more);
        }
        Ok(Plan {
            before,
            number,
            repeated,
            images,
            told,
            warnings,
        })
    }

    /// Adds the version that was planned. Returns whether it did: the template may have changed in the meantime.
    pub(super) async fn add_imported(
        &self,
        caller: &Caller,
        name: &TemplateName,
        (file, id): (&TemplateFile, &SaveId),
        plan: &Plan,
    ) -> Result<bool, Problem> {
        let (registry, now) = (&self.env.registry, self.env.clock.now());
        let version = version_of(caller, name, file, &plan.images, (plan.number, id));
        let mut writes = version_added(&version)?;
        writes.extend(plan.images.checks.clone());
        // If the AMIs belong to different versions, the inventory of one does not cover all of them.
        let unknown = |told: Inventory| told.with_sensitive(None, false);
        let told = plan.told.clone();
        if let Some(inventory) = told.or(plan.images.inventory.clone().map(unknown)) {
            writes.push(packages_added(name, version.number, &inventory)?);
        }
        let fresh = || {
            let (name, owner) = (name.clone(), caller.user.clone());
            Template::new(name, owner, file.original_template.clone(), now)
        };
        let mut after = match &plan.before {
            Some(stored) if stored.value.state == TemplateState::Deleted => {
                fresh().after(&stored.value)
            }
            Some(stored) => stored.value.clone(),
            None => fresh(),
        };
        after.point_to(&version, now);
        after.borrows |= plan.images.others;
        // A caller who may save to the template but not edit it describes only the version.
        if !file.description.is_empty()
            && caller.may_template(registry, Action::Edit, &after).await?
        {
            after.description.clone_from(&file.description);
        }
        let event = self.event(
            caller,
            AuditAction::TemplateImport,
            Subject::Template(name.clone()),
        );
        let event = event.with("version", version.number);
        match &plan.before {
            Some(stored) => {
                registry
                    .replace_template(stored, &after, &event, writes)
                    .await
            }
            None => registry.add_template(&after, &event, writes).await,
        }
    }

    /// Returns the template with that name, if it exists. Checks that the caller may add a version to it.
    async fn importable(
        &self,
        caller: &Caller,
        name: &TemplateName,
        expected: Option<&Expected>,
    ) -> Result<Option<Stored<Template>>, Problem> {
        let taken = |why: &str| {
            let message = format!("The template {name} {why}.");
            Problem::new(Code::TemplateNameTaken, message)
                .hint("Import it under another name with --name.")
        };
        if catalogue::find(name.as_str()).is_some() {
            return Err(taken("is built in"));
        }
        let stored = self.env.registry.template(name).await?;
        if let Some(Stored { value, .. }) = &stored {
            let registry = &self.env.registry;
            let may = caller.may_template(registry, Action::SaveVersion, value);
            if !may.await? {
                return Err(taken("belongs to another user"));
            }
            if value.is_going() {
                let own = caller.may_template(registry, Action::Delete, value).await?;
                return Err(being_deleted(Code::TemplateNameTaken, value, own));
            }
        }
        // A template that does not exist or is deleted matches no tag, because no tag contains a space.
        let there = stored.as_ref();
        let there = there.filter(|stored| stored.value.state != TemplateState::Deleted);
        let known = there.map_or_else(|| "not there".to_owned(), tag);
        check(expected, &format!("The template {name}"), &known)?;
        Ok(stored)
    }

    /// Returns the number of the version, and whether it already exists.
    async fn number(
        &self,
        before: Option<&Stored<Template>>,
        file: &TemplateFile,
    ) -> Result<(u32, bool), Problem> {
        let Some(template) = before.map(|stored| &stored.value) else {
            return Ok((1, false));
        };
        let registry = &self.env.registry;
        let latest = registry.version(&template.name, template.latest).await?;
        let same = latest.filter(|latest| {
            let mut known = TemplateFile::of(template, latest);
            known.name.clone_from(&file.name);
            known.original_template.clone_from(&file.original_template);
            let known = known.as_told_by(file);
            latest.state != TemplateState::Deleted && known == *file
        });
        Ok(match same {
            Some(version) => (version.number, true),
            None => (template.newest() + 1, false),
        })
    }

    /// Checks that every AMI of a file exists, corresponds to the file, and may be used by the caller.
    async fn images_of(
        &self,
        caller: &Caller,
        file: &TemplateFile,
        (name, number): (&TemplateName, u32),
    ) -> Result<Images, Problem> {
        let amis = &file.ami_config.amis;
        check_regions(&self.env, amis.keys()).await?;
        self.env.settings.allowed_regions.check(amis.keys())?;
        let mut known: Option<Images> = None;
        for (region, by_architecture) in amis {
            for (architecture, id) in by_architecture {
                let (image, lent, checks, of) = self.usable(caller, region, id, name).await?;
                if image.architecture != *architecture {
                    let message = format!(
                        "{id} in {region} is for {}, and the file says {}.",
                        image.architecture.as_str(),
                        architecture.as_str()
                    );
                    return Err(Problem::new(Code::ImageNotUsable, message));
                }
                let sizes = image
                    .volumes
                    .iter()
                    .map(|volume| u64::from(volume.size_gib));
                let bytes = sizes.sum::<u64>() << 30;
                let all = known.get_or_insert_with(|| first(&image));
                all.others |= !checks.is_empty();
                all.borrowed |= lent;
                all.checks.extend(checks);
                all.known.insert(of.clone());
                if let (None, Some(of)) = (&all.inventory, of) {
                    let number = of.version.unwrap_or_default();
                    all.inventory = self.env.registry.packages(&of.name, number).await?;
                }
                all.bytes = all.bytes.max(bytes);
                all.root_size_gib = all.root_size_gib.max(root_size(&image));
                let volumes = image.volumes.into_iter();
                let snapshots: Vec<_> = volumes.filter_map(|it| it.snapshot).collect();
                all.targets.push(Target {
                    version: number,
                    region: region.clone(),
                    image: id.clone(),
                    snapshots: snapshots.clone(),
                    borrowed: lent,
                });
                // The snapshots of an AMI created by this deployment are deleted with the last version that has it.
                if image.tags.contains_key(SAVE_TAG) && !lent {
                    let here = all.snapshots.entry(region.clone()).or_default();
                    here.extend(snapshots);
                }
            }
        }
        known.ok_or_else(|| Problem::new(Code::ImageNotUsable, "The file contains no AMI."))
    }

    /// Returns an AMI that the caller may use, whether it is lent, the checks for the transaction that creates the
    /// version, and a version that has the AMI, if any.
    async fn usable(
        &self,
        caller: &Caller,
        region: &Region,
        id: &ImageId,
        name: &TemplateName,
    ) -> Result<(Image, bool, Vec<Write>, Option<TemplateRef>), Problem> {
        let unusable = || {
            let message = format!("There is no AMI {id} in {region} that you may use.");
            Problem::new(Code::ImageNotUsable, message)
        };
        let wanted = ImageFilter::Ids(vec![id.clone()]);
        let found = match self.env.ec2.images(region, &wanted).await {
            Ok(found) => found,
            Err(error) if error.is_gone() => {
                return Err(unusable());
            }
            Err(error) => return Err(from_ec2(error)),
        };
        let image = found.into_iter().next().ok_or_else(unusable)?;
        let registry = &self.env.registry;
        let mut users = registry.users_of(region, id, USERS).await?;
        let made_here = image.tags.contains_key(SAVE_TAG);
        if !made_here && self.is_open(caller, region, &image).await? {
            // The AMI is usable regardless of who else has imported it.
            users.clear();
        } else if users.is_empty() {
            return Err(unusable());
        }
        let (mut checks, mut of, mut lent) = (Vec::new(), None, false);
        if !users.is_empty() {
            let mut seen = BTreeSet::new();
            for user in users {
                if !seen.insert(user.name.clone()) {
                    continue;
                }
                let launchable = self.saved_template(caller, &user, Action::Import).await;
                if launchable.is_ok() {
                    // The AMI is kept as long as a version has it, and this one may be about to be deleted.
                    checks.push(still_used(region, id, &user));
                    of = Some(user);
                    break;
                }
            }
            if checks.is_empty() {
                return Err(unusable());
            }
            let lenders = lending::lenders(registry, region, id, name).await?;
            lent = !lending::may_all(registry, caller, Action::Open, &lenders).await?;
        }
        if image.state != ImageState::Available {
            let message = format!("The AMI {id} in {region} is not available.");
            return Err(Problem::new(Code::ImageNotUsable, message));
        }
        Ok((image, lent, checks, of))
    }

    /// Refuses AMIs that could not be opened to the template's grantees. Returns warnings for the grantees.
    async fn check_opening(
        &self,
        name: &TemplateName,
        grants: &[Grant],
        targets: &[Target],
    ) -> Result<Vec<Warning>, Problem> {
        let launches = permissions::of_grants(grants);
        if launches.len() * targets.len() > IMAGES {
            let message = format!(
                "The template {name} is open to {} others in EC2, and the file has {} AMIs: at most {IMAGES} can be opened at once.",
                launches.len(),
                targets.len()
            );
            return Err(Problem::new(Code::LimitReached, message)
                .hint("Import it under another name with --name, or revoke shares."));
        }
        let mut warnings: Vec<Warning> = Vec::new();
        for launch in &launches {
            let told = impediments(&self.env, launch, targets).await?;
            for warning in told {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
        }
        Ok(warnings)
    }

    /// Opens the AMIs of an imported version to the grantees of its template.
    pub(super) async fn open_imported(
        &self,
        name: &TemplateName,
        number: u32,
    ) -> Result<(), Problem> {
        let launches = permissions::of_template(&self.env.registry, name).await?;
        for launch in &launches {
            let failed = self.agree(name, Which::Version(number), launch).await?;
            if !failed.is_empty() {
                let rest = format!(
                    "{name}@{number} has been imported. Import the same file again to open it."
                );
                return Err(share_failed(name, "shared", &failed, &rest));
            }
        }
        Ok(())
    }

    /// Returns whether the caller may use an AMI that no version has: one that another account has shared, or one of
    /// this account that is tagged as the caller's. An AMI that a save created belongs to a version, or will be
    /// removed.
    async fn is_open(
        &self,
        caller: &Caller,
        region: &Region,
        image: &Image,
    ) -> Result<bool, Problem> {
        let same_name = ImageFilter::OwnName(image.name.clone());
        let own = self.env.ec2.images(region, &same_name).await;
        if own.map_err(from_ec2)?.iter().all(|own| own.id != image.id) {
            return Ok(true);
        }
        let owner = image.tags.get(OWNER_TAG);
        let theirs = owner.is_some_and(|owner| owner == caller.user.as_str());
        Ok(theirs && !image.tags.contains_key(SAVE_TAG))
    }
}
