//! The fingerprints of moments, and the moments beyond which a run need not continue.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{PoisonError, RwLock};

use futures::FutureExt;
use serde_json::Value;

use super::{Conductor, Visit};
use crate::simulation::fault::{Site, Spot};
use crate::simulation::hands::Hands;
use crate::simulation::invocation::Invocation;

/// The moments that runs have passed on their way to a good end, each at the beginning of a function. A run whose
/// faults have happened need not continue beyond one of them.
#[derive(Debug, Default)]
pub(crate) struct Known(RwLock<HashSet<u64>>);

impl Known {
    /// Adds the moments of a run that came to a good end.
    pub(crate) fn add(&self, visits: &[Visit]) {
        let begins = visits.iter().filter(|v| v.point.site.spot == Spot::Begin);
        let pasts = begins.filter_map(|visit| visit.past);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(pasts);
    }

    pub(super) fn has(&self, past: u64) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.contains(&past)
    }
}

impl Hands {
    /// The fingerprint of this moment of a run: its site, and the state of the save, the registry and EC2, without the
    /// times at which things happened.
    pub(crate) fn fingerprint(
        &self,
        conductor: &Conductor,
        invocation: &Invocation,
        site: Site,
    ) -> u64 {
        let mut hash = DefaultHasher::new();
        let visits = invocation.visits.load(std::sync::atomic::Ordering::Relaxed);
        (site, visits, conductor.pending()).hash(&mut hash);
        for live in conductor.live() {
            (live.function, live.save.as_ref().map(|(_, epoch)| *epoch)).hash(&mut hash);
        }
        self.executions.running().hash(&mut hash);
        for subject in self.subjects() {
            let Some(record) = self.record(&subject.id) else {
                continue;
            };
            let value = serde_json::to_value(&record).unwrap_or_default();
            timeless(value).to_string().hash(&mut hash);
            let Ok(instance) = record.instance() else {
                continue;
            };
            let (registry, region) = (self.registry(), &record.request.region);
            let lock = registry.lock_holder(region, &instance.id).now_or_never();
            format!("{lock:?}").hash(&mut hash);
            let duty = registry.duty(region, &instance.id).now_or_never();
            let duty = duty.and_then(Result::ok).flatten().map(|duty| duty.value);
            duty.map(|duty| {
                (
                    duty.save_id,
                    duty.discharged.map(|d| format!("{:?}", d.finding)),
                )
            })
            .hash(&mut hash);
        }
        self.of_ec2(&mut hash);
        hash.finish()
    }

    fn of_ec2(&self, hash: &mut DefaultHasher) {
        let Ok(inventory) = self.admin.inventory() else {
            return;
        };
        for (region, instance) in &inventory.instances {
            let reason = instance.state_reason.as_ref().map(|reason| &reason.code);
            let volumes: Vec<_> = instance.volumes.iter().map(|it| &it.volume).collect();
            let state = instance.state.as_str();
            (region, &instance.id, state, reason, volumes).hash(hash);
        }
        for (region, image) in &inventory.images {
            let listed = image
                .volumes
                .iter()
                .filter(|v| v.snapshot.is_some())
                .count();
            let state = format!("{:?}", image.state);
            (region, &image.id, state, listed, image.protected).hash(hash);
        }
        for (region, snapshot) in &inventory.snapshots {
            (region, &snapshot.id, format!("{:?}", snapshot.state)).hash(hash);
        }
    }
}

/// A record without its times and durations.
fn timeless(value: Value) -> Value {
    let Value::Object(mut fields) = value else {
        return value;
    };
    // The requests that made the AMI are only compared with each other.
    let attempts = fields.remove("image_attempts");
    if let Some(attempt) = fields.get_mut("image_attempt").filter(|it| !it.is_null()) {
        *attempt = Value::Bool(attempts.as_ref() == Some(attempt));
    }
    for (name, value) in &mut fields {
        let passing = matches!(
            name.as_str(),
            "moments" | "updated_at" | "progress_percent" | "downtime_s" | "plan" | "execution"
        );
        if passing || (name.ends_with("_at") && !value.is_null()) {
            *value = Value::Null;
            if !passing {
                *value = Value::Bool(true);
            }
        }
    }
    Value::Object(fields)
}
