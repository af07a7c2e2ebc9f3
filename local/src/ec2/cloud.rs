//! The handle of a simulated cloud, which is in memory or in a file.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{DeploymentId, InstanceId, Timestamp};
use prism_functions::ports::Clock;

use super::cloud_error::CloudError;
use super::events::Event;
use super::file::CloudFile;
use super::model::{Model, Reboot};
use super::settings::Settings;

/// A simulated cloud with any number of accounts. Clones are handles of the same cloud.
#[derive(Clone)]
pub struct Cloud {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    model: Model,
    file: Option<CloudFile>,
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud").finish_non_exhaustive()
    }
}

impl Cloud {
    /// A new cloud that exists as long as its handles. The same seed gives the same IDs.
    pub fn in_memory(clock: Arc<dyn Clock>, seed: u64, settings: Settings) -> Self {
        Self::of(clock, Model::new(seed, settings), None)
    }

    /// Opens the cloud in a file, and creates it if it does not exist. Any number of processes may open the same
    /// file: each call is one transaction and sees the changes of the others.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, CloudError> {
        let seed = clock.now().timestamp_nanos_opt().unwrap_or_default();
        let (file, model) = CloudFile::open(path, seed.cast_unsigned())?;
        Ok(Self::of(clock, model, Some(file)))
    }

    fn of(clock: Arc<dyn Clock>, model: Model, file: Option<CloudFile>) -> Self {
        let state = Mutex::new(State { model, file });
        Self {
            shared: Arc::new(Shared { clock, state }),
        }
    }

    /// All events that are still remembered, oldest first.
    pub fn events(&self) -> Result<Vec<Event>, CloudError> {
        self.look(|model, _| model.data.events.values().cloned().collect())
    }

    /// The events after the one with this number, or all events if it is `None`.
    pub fn events_after(&self, number: Option<u64>) -> Result<Vec<Event>, CloudError> {
        self.look(|model, _| {
            let first = number.map_or(0, |number| number.saturating_add(1));
            let newest = model.data.events.values().rev();
            let mut events: Vec<Event> =
                newest.take_while(|e| e.number >= first).cloned().collect();
            events.reverse();
            events
        })
    }

    /// When the next scheduled change is due: how far a virtual clock may advance without skipping anything.
    pub fn next_due(&self) -> Result<Option<Timestamp>, CloudError> {
        self.look(|model, _| model.next_due())
    }

    pub fn events_of(&self, id: &str) -> Result<Vec<Event>, CloudError> {
        self.look(|model, _| {
            let events = model.data.events.values();
            events.filter(|e| e.subject == id).cloned().collect()
        })
    }

    /// When an instance entered each state, as far back as remembered (2,000 states).
    pub fn history_of(
        &self,
        id: &InstanceId,
    ) -> Result<Vec<(Timestamp, InstanceState)>, CloudError> {
        self.look(|model, _| {
            let row = model.data.instances.get(id);
            row.map(|row| row.history.clone()).unwrap_or_default()
        })
    }

    /// For how long an instance was not running between two moments.
    pub fn not_running(
        &self,
        id: &InstanceId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Duration, CloudError> {
        Ok(not_running(&self.history_of(id)?, from, until))
    }

    /// For how long the operating system of an instance was down between two moments: the instance was not running, or
    /// it was rebooting.
    pub fn down(
        &self,
        id: &InstanceId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Duration, CloudError> {
        let reboots = self.reboots_of(id)?;
        let not_running = self.not_running(id, from, until)?;
        // One may begin while the system still boots after the one before.
        let mut counted = from;
        let rebooting = reboots.iter().map(|reboot| {
            let (began, up) = (reboot.began_at.max(counted), reboot.up_at.min(until));
            counted = counted.max(up);
            let spent = self.not_running(id, began, up)?;
            let span = up.signed_duration_since(began).to_std();
            Ok(span.unwrap_or_default().saturating_sub(spent))
        });
        let rebooting = rebooting.sum::<Result<Duration, CloudError>>()?;
        Ok(not_running + rebooting)
    }

    /// Whether the operating system of an instance was down for a reboot at a moment, and had written everything.
    pub fn was_down_for_reboot(&self, id: &InstanceId, at: Timestamp) -> Result<bool, CloudError> {
        let reboots = self.reboots_of(id)?;
        let mut clean = reboots.iter().filter(|reboot| reboot.clean);
        Ok(clean.any(|reboot| reboot.down_at <= at && at <= reboot.boots_at))
    }

    fn reboots_of(&self, id: &InstanceId) -> Result<Vec<Reboot>, CloudError> {
        self.look(|model, _| {
            let row = model.data.instances.get(id);
            row.map(|row| row.reboots.clone()).unwrap_or_default()
        })
    }

    /// A copy of this cloud in which time stands still at this moment, like a server that returns outdated data.
    /// Changes to the copy do not affect the original.
    pub fn frozen(&self) -> Result<Self, CloudError> {
        self.look(|model, now| Self::of(Arc::new(Stopped(now)), model.clone(), None))
    }

    pub fn deployment(&self) -> Result<Option<DeploymentId>, CloudError> {
        self.look(|model, _| model.world().deployment.clone())
    }

    pub fn set_deployment(&self, id: &DeploymentId) -> Result<(), CloudError> {
        self.with(|model, _| model.world_mut().deployment = Some(id.clone()))
    }

    pub fn settings(&self) -> Result<Settings, CloudError> {
        self.look(|model, _| model.settings().clone())
    }

    /// Replaces the settings. Changes that are in progress still end at their scheduled time.
    pub fn set_settings(&self, settings: Settings) -> Result<(), CloudError> {
        self.with(|model, _| model.world_mut().settings = settings)
    }

    /// Reads the model after everything that is due has happened. If nothing is due, this does not wait for other
    /// processes.
    pub(crate) fn look<T>(
        &self,
        act: impl FnOnce(&mut Model, Timestamp) -> T,
    ) -> Result<T, CloudError> {
        let state = self.shared.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let State { model, file } = &mut *state;
        if let Some(file) = file {
            file.catch_up(model)?;
            let now = self.shared.clock.now();
            if !model.has_due(now) {
                let answer = act(model, now);
                file.asked(model);
                return Ok(answer);
            }
        }
        drop(state);
        self.with(act)
    }

    /// Changes the model after everything that is due has happened.
    pub(crate) fn with<T>(
        &self,
        act: impl FnOnce(&mut Model, Timestamp) -> T,
    ) -> Result<T, CloudError> {
        let state = self.shared.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let State { model, file } = &mut *state;
        let Some(file) = file else {
            return Ok(acted(model, self.shared.clock.now(), act));
        };
        file.transact(model, |model| {
            // Read the clock only after the file is locked, so that time goes forward across all processes.
            acted(model, self.shared.clock.now(), act)
        })
    }
}

struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep(&self, _: Duration) -> futures::future::BoxFuture<'static, ()> {
        Box::pin(futures::future::pending())
    }
}

fn acted<T>(model: &mut Model, now: Timestamp, act: impl FnOnce(&mut Model, Timestamp) -> T) -> T {
    model.advance(now);
    act(model, now)
}

fn not_running(
    history: &[(Timestamp, InstanceState)],
    from: Timestamp,
    until: Timestamp,
) -> Duration {
    let ends = history.iter().skip(1).map(|(at, _)| *at);
    let ends = ends.chain(std::iter::once(until));
    let down = history.iter().zip(ends).filter_map(|((at, state), end)| {
        let span = end.min(until).signed_duration_since((*at).max(from));
        (*state != InstanceState::Running).then_some(span)
    });
    down.filter_map(|span| span.to_std().ok()).sum()
}
