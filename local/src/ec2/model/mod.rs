//! The simulated cloud as plain data. Every call gets the time; nothing happens between calls.
//!
//! An agenda lists what is due, so the cost of a call does not depend on resources that it does not touch. The agenda
//! and the other indexes are derived from the rows: a model that is saved and loaded again behaves the same.

mod advance;
mod copies;
mod describe;
mod entities;
mod images;
mod index;
mod instances;
mod keys;
mod launch;
mod outside;
mod public;
mod reboots;
mod references;
mod replace;
mod snapshots;
mod throttle;
mod zones;

use std::collections::BTreeMap;
use std::time::Duration;

use prism_functions::domain::{
    AccountId, ImageId, InstanceId, Region, SnapshotId, Timestamp, VolumeId,
};
use prism_functions::ports::Ec2Error;
use serde::{Deserialize, Serialize};

pub(crate) use crate::clock::later as after;
pub(crate) use entities::*;
pub use entities::{AtReboot, Capacity, KeyPolicy, Purchase};
use index::Index;
pub(crate) use instances::BY_USER;
pub(crate) use launch::parsed;
#[cfg(feature = "wire")]
pub(crate) use public::PUBLISHER;
pub use throttle::Traffic;
#[cfg(feature = "wire")]
pub(crate) use zones::{default_vpc, subnets_in};
pub(crate) use zones::{first_subnet, subnet_of};

use super::errors;
use super::events::Event;
use super::guest::disk::Disk;
use super::rows::Rows;
use super::settings::{REGIONS, Settings};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a Region,
    pub(crate) now: Timestamp,
}

/// The contents of a volume, and how many volumes, snapshots and copies share them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskRow {
    pub(crate) holders: u32,
    pub(crate) disk: Disk,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Data {
    /// Contains a single row, with the key 0.
    pub(crate) world: Rows<u64, WorldRow>,
    /// By account and Region, joined by a slash.
    pub(crate) areas: Rows<String, AreaRow>,
    pub(crate) instances: Rows<InstanceId, InstanceRow>,
    pub(crate) volumes: Rows<VolumeId, VolumeRow>,
    pub(crate) disks: Rows<DiskId, DiskRow>,
    pub(crate) images: Rows<ImageId, ImageRow>,
    pub(crate) snapshots: Rows<SnapshotId, SnapshotRow>,
    /// By account, Region, action and token.
    pub(crate) tokens: Rows<String, TokenRow>,
    pub(crate) events: Rows<u64, Event>,
    /// By account, Region and bucket. Buckets are not saved to the file, because a read-only call would then have to
    /// write; so each process has its own.
    pub(crate) buckets: BTreeMap<String, throttle::Bucket>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) data: Data,
    index: Index,
}

/// How long a client token is remembered. EC2 says at least 24 hours.
const TOKEN_LIFE: Duration = Duration::from_hours(24);

/// How long a data transfer takes. A rate of 0 means no time at all.
pub(crate) fn transfer(bytes: u64, bytes_per_s: u64) -> Duration {
    if bytes_per_s == 0 {
        return Duration::ZERO;
    }
    let ms = u128::from(bytes) * 1000 / u128::from(bytes_per_s);
    Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
}

impl Model {
    pub(crate) fn new(seed: u64, settings: Settings) -> Self {
        let mut model = Self::default();
        let world = WorldRow {
            settings,
            ids: seed,
            ..WorldRow::default()
        };
        model.data.world.insert(0, world);
        model
    }

    #[cfg(test)]
    pub(crate) fn from_data(data: Data) -> Self {
        let mut model = Self {
            data,
            index: Index::default(),
        };
        model.reindex();
        model
    }

    pub(crate) fn world(&self) -> &WorldRow {
        self.data.world.get(&0).expect("the world has its row")
    }

    pub(crate) fn world_mut(&mut self) -> &mut WorldRow {
        self.data.world.get_mut(&0).expect("the world has its row")
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.world().settings
    }

    /// Starts a call: time advances, the call is counted, and permissions are checked.
    pub(crate) fn admit(&mut self, scope: &Scope<'_>, action: &str) -> Result<(), Ec2Error> {
        self.advance(scope.now);
        if !REGIONS.contains(&scope.region.as_str()) {
            let host = format!("ec2.{}.amazonaws.com", scope.region);
            let message = format!("no address is known for {host}");
            return Err(Ec2Error::new(action, "Unreachable", message));
        }
        self.throttle(scope, action)?;
        let denied = self.world().denied.get(scope.account);
        if denied.is_some_and(|actions| actions.contains(action)) {
            let message = format!(
                "You are not authorized to perform this operation. User: arn:aws:iam::{}:user/prism \
                 is not authorized to perform: ec2:{action} because no identity-based policy allows \
                 the ec2:{action} action",
                scope.account
            );
            return Err(Ec2Error::new(action, "UnauthorizedOperation", message));
        }
        Ok(())
    }

    fn throttle(&mut self, scope: &Scope<'_>, action: &str) -> Result<(), Ec2Error> {
        self.take_tokens(scope, action, action, throttle::requests_of(action), 1)
    }

    /// Takes a token for a request that is neither filtered nor paginated, in addition to the API's own.
    #[cfg(feature = "wire")]
    pub(crate) fn take_for_everything(
        &mut self,
        scope: &Scope<'_>,
        action: &str,
    ) -> Result<(), Ec2Error> {
        let bucket = format!("{action}/unfiltered");
        self.take_tokens(scope, action, &bucket, throttle::unfiltered(), 1)
    }

    /// Takes tokens for the instances that a call affects, in addition to those for the request.
    pub(crate) fn take_for_instances(
        &mut self,
        scope: &Scope<'_>,
        action: &str,
        instances: usize,
    ) -> Result<(), Ec2Error> {
        let Some(rate) = throttle::instances_of(action) else {
            return Ok(());
        };
        let bucket = format!("{action}/instances");
        self.take_tokens(scope, action, &bucket, rate, instances)
    }

    fn take_tokens(
        &mut self,
        scope: &Scope<'_>,
        action: &str,
        bucket: &str,
        rate: throttle::Rate,
        tokens: usize,
    ) -> Result<(), Ec2Error> {
        let throttles = &self.settings().throttles;
        if !throttles.enabled {
            return Ok(());
        }
        let per_mille = throttles.neighbour_percent.saturating_mul(10);
        let rate = throttle::scaled(throttles, rate);
        let key = format!("{}/{}/{bucket}", scope.account, scope.region);
        let full = || throttle::Bucket::full(scope.now, rate);
        let bucket = self.data.buckets.entry(key).or_insert_with(full);
        bucket.let_neighbours(scope.now, rate, per_mille);
        if bucket.take(scope.now, rate, tokens) {
            Ok(())
        } else {
            Err(throttle::throttled(action))
        }
    }

    /// The use of each bucket of an account in a Region: by the account itself, and by its other users.
    pub(crate) fn traffic(
        &self,
        account: &AccountId,
        region: &Region,
    ) -> BTreeMap<String, (Traffic, Traffic)> {
        let place = format!("{account}/{region}/");
        let here = self.data.buckets.iter();
        here.filter_map(|(key, bucket)| Some((key.strip_prefix(&place)?, bucket)))
            .map(|(name, bucket)| (name.to_owned(), (bucket.own, bucket.neighbour)))
            .collect()
    }

    pub(crate) fn area(&self, account: &AccountId, region: &Region) -> Option<&AreaRow> {
        self.data.areas.get(&area_key(account, region))
    }

    pub(crate) fn area_mut(&mut self, account: &AccountId, region: &Region) -> &mut AreaRow {
        let key = area_key(account, region);
        if !self.data.areas.contains(&key) {
            self.data.areas.insert(key.clone(), AreaRow::default());
        }
        self.data.areas.get_mut(&key).expect("it was just made")
    }

    /// 17 hexadecimal digits, as on AWS. A counter that is scrambled by a one-to-one function never gives the same
    /// digits twice; the leading 0 distinguishes these IDs from those of public AMIs.
    pub(crate) fn next_id(&mut self, prefix: &str) -> String {
        let world = self.world_mut();
        world.ids = world.ids.wrapping_add(0x9e37_79b9_7f4a_7c15);
        format!("{prefix}-0{:016x}", scramble(world.ids))
    }

    /// An address from 198.18.0.0/15, which is reserved for tests and never routed.
    pub(crate) fn next_address(&mut self) -> String {
        let world = self.world_mut();
        world.next_address = world.next_address.wrapping_add(1);
        let n = world.next_address;
        format!("198.{}.{}.{}", 18 + (n >> 16 & 1), n >> 8 & 255, n & 255)
    }

    pub(crate) fn tell(
        &mut self,
        at: Timestamp,
        region: &Region,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) {
        let most = self.settings().limits.events;
        let world = self.world_mut();
        let number = world.next_event;
        world.next_event += 1;
        let event = Event {
            number,
            at,
            region: region.clone(),
            subject: subject.into(),
            what: what.into(),
        };
        self.data.events.insert(number, event);
        while self.data.events.len() > most {
            let Some(&oldest) = self.data.events.first_key() else {
                break;
            };
            self.data.events.remove(&oldest);
        }
    }

    // --- disks -------------------------------------------------------------------------------

    pub(crate) fn new_disk(&mut self, disk: Disk) -> DiskId {
        let world = self.world_mut();
        let id = world.next_disk;
        world.next_disk += 1;
        self.data.disks.insert(id, DiskRow { holders: 1, disk });
        id
    }

    pub(crate) fn disk(&self, id: DiskId) -> Option<&Disk> {
        self.data.disks.get(&id).map(|row| &row.disk)
    }

    /// Adds a holder of the same contents.
    pub(crate) fn share_disk(&mut self, id: DiskId) -> DiskId {
        if let Some(row) = self.data.disks.get_mut(&id) {
            row.holders += 1;
        }
        id
    }

    /// Removes a holder. Contents without holders are deleted.
    pub(crate) fn release_disk(&mut self, id: DiskId) {
        let gone = self.data.disks.get_mut(&id).is_some_and(|row| {
            row.holders = row.holders.saturating_sub(1);
            row.holders == 0
        });
        if gone {
            self.data.disks.remove(&id);
        }
    }

    /// Changes the contents of a volume, but not of others that share them.
    pub(crate) fn write_volume(&mut self, volume: &VolumeId, disk: Disk, changed_bytes: u64) {
        let Some(row) = self.data.volumes.get(volume) else {
            return;
        };
        let old = row.disk;
        let alone = self.data.disks.get(&old).is_some_and(|d| d.holders == 1);
        let new = if alone {
            self.data.disks.insert(old, DiskRow { holders: 1, disk });
            old
        } else {
            self.release_disk(old);
            self.new_disk(disk)
        };
        if let Some(row) = self.data.volumes.get_mut(volume) {
            row.disk = new;
            row.changed_bytes = row.changed_bytes.saturating_add(changed_bytes);
        }
    }

    // --- client tokens -----------------------------------------------------------------------

    /// The result of an earlier call with this client token, if there was one.
    pub(crate) fn token(
        &self,
        scope: &Scope<'_>,
        action: &str,
        token: &str,
        parameters: &str,
    ) -> Result<Option<String>, Ec2Error> {
        if token.len() > 64 || !token.is_ascii() {
            let message = format!(
                "Invalid value for ClientToken: at most 64 ASCII characters ({} given).",
                token.len()
            );
            return Err(errors::invalid_value(action, message));
        }
        if token.is_empty() {
            return Ok(None);
        }
        match self.data.tokens.get(&token_key(scope, action, token)) {
            Some(row) if after(row.at, TOKEN_LIFE) <= scope.now => Ok(None),
            Some(row) if row.parameters == parameters => Ok(Some(row.result.clone())),
            Some(_) => Err(errors::token_mismatch(action)),
            None => Ok(None),
        }
    }

    pub(crate) fn keep_token(
        &mut self,
        scope: &Scope<'_>,
        action: &str,
        token: &str,
        parameters: String,
        result: &str,
    ) {
        if token.is_empty() {
            return;
        }
        let row = TokenRow {
            parameters,
            result: result.to_owned(),
            at: scope.now,
        };
        let key = token_key(scope, action, token);
        self.index
            .expire_token(after(scope.now, TOKEN_LIFE), key.clone());
        self.data.tokens.insert(key, row);
    }
}

fn area_key(account: &AccountId, region: &Region) -> String {
    format!("{account}/{region}")
}

fn token_key(scope: &Scope<'_>, action: &str, token: &str) -> String {
    format!("{}/{}/{action}/{token}", scope.account, scope.region)
}

/// A one-to-one function on 64 bits whose output shows no pattern. Multiplications by odd numbers and shifted
/// exclusive-ors are both invertible.
pub(crate) fn scramble(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
