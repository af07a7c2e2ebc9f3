//! What the conductor acts with: the outside actor, the executions, and the owner's requests.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use prism_functions::domain::SaveId;
use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::template::Version;
use prism_functions::operations::Service;
use prism_functions::ports::Table;
use prism_functions::registry::Registry;
use prism_functions::rules::access::Caller;
use prism_local::ec2::{Admin, Cloud, SimEc2};
use prism_local::executions::MemoryExecutions;

use super::invocation::Invocation;
use super::wanted::Subject;
use crate::watched::Watched;

pub(crate) struct Hands {
    pub(crate) executions: MemoryExecutions,
    pub(crate) admin: Admin,
    pub(crate) ec2: SimEc2,
    pub(crate) cloud: Cloud,
    pub(crate) service: Service,
    pub(crate) table: Arc<Watched>,
    pub(crate) owner: Caller,
    pub(crate) subjects: Mutex<Vec<Subject>>,
    pub(crate) events: bool,
}

impl Hands {
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let subjects = self.subjects.lock();
        subjects.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn add(&self, subject: Subject) {
        let mut subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        if !subjects.iter().any(|known| known.id == subject.id) {
            subjects.push(subject);
        }
    }

    pub(crate) fn begun(&self, id: &SaveId) {
        let mut subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects.iter_mut().filter(|subject| subject.id == *id) {
            subject.begun = true;
        }
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::new(Arc::clone(&self.table) as Arc<dyn Table>)
    }

    pub(crate) fn record(&self, id: &SaveId) -> Option<SaveRecord> {
        let registry = self.registry();
        let stored = registry.save(id).now_or_never()?.ok()??;
        Some(stored.value)
    }

    /// Whether there is a deleted version whose AMIs the sweep has not removed yet.
    pub(crate) fn has_deletions(&self) -> bool {
        let registry = self.registry();
        let has = |name| {
            let versions = registry.versions(name, 100, None).now_or_never();
            let versions = versions.and_then(Result::ok);
            versions.is_none_or(|listed| listed.items.iter().any(Version::is_going))
        };
        self.subjects().iter().any(|it| has(it.wanted.template()))
    }

    pub(crate) fn is_bound(&self, invocation: &Invocation) -> bool {
        let Some((id, _)) = &invocation.save else {
            return true;
        };
        let Some(record) = self.record(id) else {
            return false;
        };
        let Ok(instance) = record.instance() else {
            return false;
        };
        let registry = self.registry();
        let duty = registry.duty(&record.request.region, &instance.id);
        let duty = duty.now_or_never().and_then(Result::ok).flatten();
        duty.is_some_and(|duty| duty.value.save_id == *id)
    }

    /// The save of an invocation; the first requested one if it is not about a save.
    pub(crate) fn subject(&self, invocation: &Invocation) -> Option<Subject> {
        let subjects = self.subjects();
        let own = invocation.save.as_ref();
        let known = own.and_then(|(id, _)| subjects.iter().find(|known| known.id == *id));
        known.or(subjects.first()).cloned()
    }
}
