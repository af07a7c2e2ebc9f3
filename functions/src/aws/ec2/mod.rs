//! Implements the port [`Ec2`] with the EC2 API.

pub(super) mod errors;
mod groups;
mod images;
mod instances;
mod keys;
mod launch;
mod pages;
mod reads;
mod references;
mod snapshots;
mod subnets;
#[cfg(test)]
mod tests;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, OperationType, ResourceType, Tag, TagSpecification};

use super::clients::Clients;
use crate::domain::ec2::{LaunchPermission, StatusChecks};
use crate::domain::{
    AccountId, ImageId, InstanceId, LaunchTemplateId, Region, SnapshotId, VolumeId,
};
use crate::ports::{
    EbsDefaults, Ec2, Ec2Error, Encryption, Image, ImageCopy, ImageFilter, Instance,
    InstanceFilter, InstanceType, KeyState, NewImage, NewInstance, Probe, Reservation, Snapshot,
    SnapshotFilter, Subnet, SubnetFilter, Tags, UnusedVolume, Volume,
};

/// EC2 in the account whose credentials the process has.
#[derive(Debug, Clone)]
pub struct AwsEc2 {
    clients: Arc<Clients>,
    keys: Arc<keys::Keys>,
    /// The CIDR blocks that can reach the ports of a launched instance.
    ingress: Arc<[String]>,
    /// The deployment's own tags, for security groups. Everything else gets them with its request.
    group_tags: Arc<Tags>,
}

impl AwsEc2 {
    /// EC2 with these clients. The ports of a launched instance are open to the networks in `ingress` (CIDR blocks of
    /// IPv4 or IPv6), and to nobody if `ingress` is empty.
    pub fn new(clients: Arc<Clients>, ingress: &[String]) -> Self {
        Self {
            clients,
            keys: Arc::default(),
            ingress: ingress.into(),
            group_tags: Arc::default(),
        }
    }

    /// Puts these tags on the security groups that launches create.
    #[must_use]
    pub fn tagging_groups(self, tags: &Tags) -> Self {
        Self {
            group_tags: Arc::new(tags.clone()),
            ..self
        }
    }

    fn client(&self, region: &Region) -> aws_sdk_ec2::Client {
        self.clients.ec2(region)
    }
}

#[async_trait]
impl Ec2 for AwsEc2 {
    async fn regions(&self) -> Result<Vec<Region>, Ec2Error> {
        reads::regions(&self.client(self.clients.home())).await
    }

    async fn instances(
        &self,
        region: &Region,
        filter: &InstanceFilter,
    ) -> Result<Vec<Instance>, Ec2Error> {
        instances::describe(&self.client(region), filter).await
    }

    async fn stop_protection(&self, region: &Region, id: &InstanceId) -> Result<bool, Ec2Error> {
        reads::stop_protection(&self.client(region), id).await
    }

    async fn status_checks(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<StatusChecks, Ec2Error> {
        reads::status_checks(&self.client(region), id).await
    }

    async fn console(&self, region: &Region, id: &InstanceId) -> Result<String, Ec2Error> {
        reads::console(&self.client(region), id).await
    }

    async fn volumes(&self, region: &Region, ids: &[VolumeId]) -> Result<Vec<Volume>, Ec2Error> {
        let client = self.client(region);
        reads::volumes(&client, &self.clients.kms(region), &self.keys, ids).await
    }

    async fn unused_volumes(
        &self,
        region: &Region,
        tag: &str,
    ) -> Result<Vec<UnusedVolume>, Ec2Error> {
        reads::unused_volumes(&self.client(region), tag).await
    }

    async fn key_state(&self, region: &Region, key: &str) -> Result<Option<KeyState>, Ec2Error> {
        keys::state(&self.clients.kms(region), key).await
    }

    async fn instance_type(&self, region: &Region, name: &str) -> Result<InstanceType, Ec2Error> {
        reads::instance_type(&self.client(region), name).await
    }

    async fn zones_offering(
        &self,
        region: &Region,
        instance_type: &str,
    ) -> Result<BTreeSet<String>, Ec2Error> {
        subnets::zones_offering(&self.client(region), instance_type).await
    }

    async fn subnets(
        &self,
        region: &Region,
        filter: &SubnetFilter,
    ) -> Result<Vec<Subnet>, Ec2Error> {
        subnets::describe(&self.client(region), filter).await
    }

    async fn reservation(&self, region: &Region, id: &str) -> Result<Reservation, Ec2Error> {
        reads::reservation(&self.client(region), id).await
    }

    async fn fleet_maintains(&self, region: &Region, id: &str) -> Result<bool, Ec2Error> {
        reads::fleet_maintains(&self.client(region), id).await
    }

    async fn public_images_blocked(&self, region: &Region) -> Result<bool, Ec2Error> {
        reads::public_images_blocked(&self.client(region)).await
    }

    async fn ebs_defaults(&self, region: &Region) -> Result<EbsDefaults, Ec2Error> {
        let (client, kms) = (self.client(region), self.clients.kms(region));
        reads::ebs_defaults(&client, &kms, &self.keys).await
    }

    async fn probe(&self, region: &Region, probe: &Probe) -> Result<(), Ec2Error> {
        match probe {
            Probe::Grant(key) => keys::may_grant(&self.clients.kms(region), key).await,
            Probe::Stop(id) => writes::may_stop(&self.client(region), id).await,
            Probe::Start(id) => writes::may_start(&self.client(region), id).await,
            Probe::CreateImage(new) => images::may_create(&self.client(region), new).await,
        }
    }

    async fn stop_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        writes::stop(&self.client(region), id).await
    }

    async fn start_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        writes::start(&self.client(region), id).await
    }

    async fn rename_instance(
        &self,
        region: &Region,
        id: &InstanceId,
        name: &str,
    ) -> Result<(), Ec2Error> {
        writes::rename(&self.client(region), id, name).await
    }

    async fn resize_instance(
        &self,
        region: &Region,
        id: &InstanceId,
        instance_type: &str,
    ) -> Result<(), Ec2Error> {
        writes::resize(&self.client(region), id, instance_type).await
    }

    async fn terminate_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        writes::terminate(&self.client(region), id).await
    }

    async fn run_instance(&self, region: &Region, new: &NewInstance) -> Result<Instance, Ec2Error> {
        let group = groups::Groups {
            ingress: &self.ingress,
            tags: &self.group_tags,
        };
        launch::run(&self.client(region), new, group).await
    }

    async fn create_image(&self, region: &Region, new: &NewImage) -> Result<ImageId, Ec2Error> {
        images::create(&self.client(region), new).await
    }

    async fn images(&self, region: &Region, filter: &ImageFilter) -> Result<Vec<Image>, Ec2Error> {
        images::describe(&self.client(region), filter).await
    }

    async fn launch_templates_of(
        &self,
        region: &Region,
        ids: &[ImageId],
    ) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Ec2Error> {
        references::launch_templates(&self.client(region), ids).await
    }

    async fn snapshots(
        &self,
        region: &Region,
        filter: &SnapshotFilter,
    ) -> Result<Vec<Snapshot>, Ec2Error> {
        snapshots::describe(&self.client(region), filter).await
    }

    async fn snapshot_keys(
        &self,
        region: &Region,
        ids: &[SnapshotId],
    ) -> Result<BTreeMap<SnapshotId, Encryption>, Ec2Error> {
        let client = self.client(region);
        snapshots::keys(&client, &self.clients.kms(region), &self.keys, ids).await
    }

    async fn copy_image(&self, region: &Region, copy: &ImageCopy) -> Result<ImageId, Ec2Error> {
        images::copy(&self.client(region), copy).await
    }

    async fn deregister_image(&self, region: &Region, id: &ImageId) -> Result<(), Ec2Error> {
        images::deregister(&self.client(region), id).await
    }

    async fn delete_snapshot(&self, region: &Region, id: &SnapshotId) -> Result<(), Ec2Error> {
        snapshots::delete(&self.client(region), id).await
    }

    async fn add_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        images::allow(&self.client(region), id, permissions).await
    }

    async fn remove_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        images::disallow(&self.client(region), id, permissions).await
    }

    async fn launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
    ) -> Result<Vec<LaunchPermission>, Ec2Error> {
        images::allowed(&self.client(region), id).await
    }

    async fn share_snapshot(
        &self,
        region: &Region,
        id: &SnapshotId,
        account: &AccountId,
    ) -> Result<(), Ec2Error> {
        snapshots::modify(&self.client(region), id, account, OperationType::Add).await
    }

    async fn unshare_snapshot(
        &self,
        region: &Region,
        id: &SnapshotId,
        account: &AccountId,
    ) -> Result<(), Ec2Error> {
        snapshots::modify(&self.client(region), id, account, OperationType::Remove).await
    }

    async fn snapshot_shares(
        &self,
        region: &Region,
        id: &SnapshotId,
    ) -> Result<Vec<AccountId>, Ec2Error> {
        snapshots::shares(&self.client(region), id).await
    }
}

/// A filter of a Describe action that matches exactly one value.
fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(exactly(value)).build()
}

/// A filter that matches any of up to 200 values, all of which are IDs.
fn any_filter(name: &str, ids: &[impl ToString]) -> Filter {
    let ids = ids.iter().map(ToString::to_string).collect();
    Filter::builder().name(name).set_values(Some(ids)).build()
}

/// EC2's filters interpret `*` and `?` as wildcards, so a name typed as `*` would match everything.
fn exactly(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escape = matches!(c, '*' | '?' | '\\').then_some('\\');
            escape.into_iter().chain([c])
        })
        .collect()
}

fn tag_filter(key: &str, value: &str) -> Filter {
    filter(&format!("tag:{key}"), value)
}

/// The same tags for each type of resource that a call creates.
fn tag_specifications<const N: usize>(
    kinds: [ResourceType; N],
    tags: &Tags,
) -> Option<Vec<TagSpecification>> {
    let tags: Vec<Tag> = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    // EC2 refuses a tag specification without tags.
    if tags.is_empty() {
        return None;
    }
    let specification = |kind| {
        TagSpecification::builder()
            .resource_type(kind)
            .set_tags(Some(tags.clone()))
            .build()
    };
    Some(kinds.map(specification).into())
}

fn tags(told: &[Tag]) -> Tags {
    told.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or("").to_owned())))
        .collect()
}
