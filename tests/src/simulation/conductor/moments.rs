//! The fingerprints of moments.

use std::hash::{DefaultHasher, Hash, Hasher};

use futures::FutureExt;
use serde_json::Value;

use super::Conductor;
use crate::simulation::fault::Site;
use crate::simulation::hands::Hands;
use crate::simulation::invocation::Invocation;

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
            let epoch = live.save.as_ref().map(|(_, epoch)| *epoch);
            (live.function, epoch, live.skew_s()).hash(&mut hash);
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
