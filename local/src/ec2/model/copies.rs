//! CopyImage (EC2 fact 8).

use prism_functions::domain::ImageId;
use prism_functions::domain::kms_keys::region_of;
use prism_functions::ports::{Ec2Error, Encryption, ImageCopy, ImageState};

use super::images::{blank_image, check_description, take_first};
use super::launch::check_tags;
use super::{ImageRow, Model, Scope, Slot, SlotSource};
use crate::ec2::errors;

impl Model {
    pub(crate) fn copy_image(
        &mut self,
        scope: &Scope<'_>,
        copy: &ImageCopy,
    ) -> Result<ImageId, Ec2Error> {
        const ACTION: &str = "CopyImage";
        self.admit(scope, ACTION)?;
        let parameters = format!("{copy:?}");
        if let Some(id) = self.token(scope, ACTION, &copy.client_token, &parameters)? {
            return id.parse().map_err(|_| errors::image_not_found(ACTION, &id));
        }
        check_tags(ACTION, &copy.tags)?;
        check_description(ACTION, &copy.description)?;
        let source = self.copyable(scope, copy)?.clone();
        self.check_name(scope, ACTION, &copy.name)?;
        self.check_copies_in_flight(scope)?;

        let slots = self.slots_of_copy(scope, &source, copy.kms_key.as_deref());
        let misfortune = self.copy_misfortune(scope, &source, &slots, copy.kms_key.as_deref());
        let row = ImageRow {
            name: copy.name.clone(),
            description: copy.description.clone(),
            architecture: source.architecture,
            root_device: source.root_device.clone(),
            slots,
            copied: true,
            product_codes: source.product_codes.clone(),
            tags: copy.tags.clone(),
            ..blank_image(scope)
        };
        let said = format!("pending: copy of {} from {}", source.id, source.region);
        let id = self.begin_image(scope, row, misfortune, &said);
        self.keep_token(scope, ACTION, &copy.client_token, parameters, id.as_str());
        Ok(id)
    }

    fn copyable(&self, scope: &Scope<'_>, copy: &ImageCopy) -> Result<&ImageRow, Ec2Error> {
        const ACTION: &str = "CopyImage";
        let id = &copy.source_image;
        let row = self.data.images.get(id);
        let row = row
            .filter(|r| r.region == copy.source_region && r.visible_at <= scope.now)
            .filter(|r| r.allows(scope.account))
            .ok_or_else(|| errors::image_not_found(ACTION, id))?;
        match row.state {
            ImageState::Available if row.account == *scope.account => Ok(row),
            // Sharing an AMI does not share its snapshots.
            ImageState::Available if self.are_shared(row, scope.account) => Ok(row),
            ImageState::Available => {
                let message = "You do not have permission to access the storage of this ami";
                Err(Ec2Error::new(ACTION, "InvalidRequest", message))
            }
            ImageState::Deregistered => Err(errors::image_gone(ACTION, id)),
            ImageState::Pending | ImageState::Failed | ImageState::Disabled => {
                Err(errors::image_pending(ACTION, id))
            }
        }
    }

    fn check_copies_in_flight(&self, scope: &Scope<'_>) -> Result<(), Ec2Error> {
        let most = self.settings().limits.copies_in_flight;
        let pending = self
            .index
            .pending
            .iter()
            .filter_map(|id| self.data.images.get(id));
        let copies = pending.filter(|image| {
            image.copied && image.account == *scope.account && image.region == *scope.region
        });
        if copies.count() < most as usize {
            return Ok(());
        }
        let message = format!(
            "The number of AMI copies in progress to this Region is at its limit of {most}."
        );
        Err(Ec2Error::new("CopyImage", "ResourceLimitExceeded", message))
    }

    /// The copy fails only later if a key cannot be used (EC2 fact 8).
    fn copy_misfortune(
        &mut self,
        scope: &Scope<'_>,
        source: &ImageRow,
        copies: &[Slot],
        key: Option<&str>,
    ) -> Option<String> {
        // A key can only be used in its own Region.
        let elsewhere = key.filter(|key| region_of(key) != Some(scope.region.as_str()));
        if let Some(key) = elsewhere {
            return Some(format!("Given key ID is not accessible: {key}"));
        }
        let mut slots = source.slots.iter().chain(copies);
        let lost = slots.find_map(|slot| self.lost_key(&slot.encryption));
        if let Some(key) = lost {
            return Some(format!("Given key ID is not accessible: {key}"));
        }
        if self.world().misfortunes.copies.is_empty() {
            return None;
        }
        take_first(&mut self.world_mut().misfortunes.copies)
    }

    fn slots_of_copy(
        &mut self,
        scope: &Scope<'_>,
        source: &ImageRow,
        key: Option<&str>,
    ) -> Vec<Slot> {
        let defaults = self.defaults_in(scope);
        let mut slots = Vec::with_capacity(source.slots.len());
        for slot in &source.slots {
            let snapshot = slot.snapshot.as_ref();
            let Some(snapshot) = snapshot.and_then(|s| self.data.snapshots.get(s)) else {
                continue;
            };
            let (volume, disk) = (snapshot.volume.clone(), snapshot.disk);
            // A copy without an explicit key is encrypted with the default key of its Region.
            let encryption = match key {
                Some(key) => Encryption::CustomerKey(key.to_owned()),
                None => defaults.of_copy(&slot.encryption),
            };
            let disk = self.share_disk(disk);
            slots.push(Slot {
                encryption,
                source: SlotSource::Copy { volume, disk },
                snapshot: None,
                ..slot.clone()
            });
        }
        slots
    }
}
