//! Decides what goes wrong: every call of every function passes through here, is counted, and meets the faults that are
//! planned for it or decided at random.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use prism_asl::{Clock as _, VirtualClock};
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::{ImageId, Region, SaveId, Timestamp};
use prism_functions::ports::{Call, Tags, Write};
use prism_local::ec2::Cloud;

use crate::simulation::chance::{Chance, Script};
use crate::simulation::fault::{Fault, Kind, Point, Site, Spot};
use crate::simulation::hands::Hands;
use crate::simulation::invocation::{Ended, Invocation};
use crate::simulation::known::Known;

mod acts;
mod calls;
mod moments;

pub(crate) use calls::{Asked, Wrong};

/// The delay of late and slow calls. It is less than the 45 seconds within which the steps expect a call without a
/// response to take effect.
pub(crate) const LATE: Duration = Duration::from_secs(20);
/// The number of faults after which a save may fail because its functions crash: no more are retried.
pub(crate) const CRASHES_RETRIED: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    pub at: Timestamp,
    pub invocation: u32,
    pub save: Option<SaveId>,
    pub point: Point,
    pub kind: Option<Kind>,
    /// The fingerprint of the moment, if fingerprints are asked for.
    pub fingerprint: u64,
    /// The fingerprint including the history that the oracle considers, if it is known or asked for.
    pub past: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub at: Timestamp,
    pub kind: Kind,
    pub save: Option<SaveId>,
}

pub(crate) type Made = BTreeMap<(String, Region), BTreeSet<ImageId>>;

#[derive(Default)]
struct State {
    visits: HashMap<Site, u32>,
    throttled: HashMap<Site, u32>,
    trace: Vec<Visit>,
    acts: Vec<Act>,
    pasts: Vec<(Timestamp, Cloud)>,
    live: Vec<Arc<Invocation>>,
    invocations: u32,
    made: Made,
    begun: BTreeMap<String, Timestamp>,
    unbound: Vec<Point>,
    /// The number of calls without a response that have not taken effect yet.
    late: usize,
    happened: usize,
    arrived: bool,
    chance: Option<Chance>,
    calm: bool,
    hands: Option<Arc<Hands>>,
}

/// See the module. Clones share their state.
#[derive(Clone)]
pub struct Conductor(Arc<Shared>);

struct Shared {
    clock: Mutex<Option<VirtualClock>>,
    faults: Vec<Fault>,
    /// Whether past states must be kept for stale reads.
    remembers: bool,
    fingerprints: bool,
    known: Option<Arc<Known>>,
    state: Mutex<State>,
}

impl std::fmt::Debug for Conductor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conductor")
            .field("faults", &self.0.faults)
            .finish_non_exhaustive()
    }
}

impl Conductor {
    pub(crate) fn new(script: Script) -> Self {
        let Script {
            faults,
            chance,
            remembers,
            fingerprints,
            known,
        } = script;
        let stale = faults.iter().any(|fault| fault.kind == Kind::Stale);
        let shared = Shared {
            clock: Mutex::default(),
            remembers: stale || remembers,
            faults,
            fingerprints,
            known,
            state: Mutex::new(State {
                chance,
                calm: true,
                ..State::default()
            }),
        };
        Self(Arc::new(shared))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_clock(&self, clock: VirtualClock) {
        let mut ours = self.0.clock.lock().unwrap_or_else(PoisonError::into_inner);
        *ours = Some(clock);
    }

    /// Sets what it acts with. From now on calls are counted, and faults happen.
    pub(crate) fn begin(&self, hands: Hands) {
        let mut state = self.state();
        state.hands = Some(Arc::new(hands));
        state.calm = false;
    }

    /// From now on no faults happen, and nothing is counted.
    pub(crate) fn calm(&self) {
        self.state().calm = true;
    }

    /// Releases what it acts with, because that refers back to the conductor.
    pub(crate) fn release(&self) {
        let hands = {
            let mut state = self.state();
            state.pasts.clear();
            state.live.clear();
            state.hands.take()
        };
        drop(hands);
        let clock = {
            let mut ours = self.0.clock.lock().unwrap_or_else(PoisonError::into_inner);
            ours.take()
        };
        if let Some(clock) = clock {
            clock.abandon();
        }
    }

    pub(crate) fn clock(&self) -> VirtualClock {
        let clock = self.0.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.clone().expect("the run has begun")
    }

    pub(crate) fn hands(&self) -> Option<Arc<Hands>> {
        self.state().hands.clone()
    }

    pub fn trace(&self) -> Vec<Visit> {
        self.state().trace.clone()
    }

    /// Whether a stale read was due but no past state was kept.
    pub(crate) fn lacked_past(&self) -> bool {
        let stale = |visit: &Visit| visit.kind == Some(Kind::Stale);
        !self.0.remembers && self.state().trace.iter().any(stale)
    }

    pub fn acts(&self) -> Vec<Act> {
        self.state().acts.clone()
    }

    pub(crate) fn note_act(&self, act: Act) {
        self.state().acts.push(act);
    }

    /// Records an AMI that was made, whether or not the response arrives.
    pub(crate) fn note_made(&self, tags: &Tags, region: &Region, image: &ImageId) {
        let save = tags.get(SAVE_TAG).cloned().unwrap_or_default();
        let mut state = self.state();
        let images = state.made.entry((save, region.clone())).or_default();
        images.insert(image.clone());
    }

    pub(crate) fn made(&self) -> Made {
        self.state().made.clone()
    }

    /// Records a change of the table, whether or not the response arrives. A save begins with its lock.
    pub(crate) fn note_written(&self, writes: &[Write]) {
        let locks = |write: &Write| matches!(write, Write::Put(item, _) if item.key.sk == "LOCK");
        if !writes.iter().any(locks) {
            return;
        }
        let (mut state, now) = (self.state(), self.clock().now());
        for write in writes {
            if let Write::Put(item, _) = write
                && let Some(save) = item.key.pk.strip_prefix("SAVE#")
            {
                state.begun.entry(save.to_owned()).or_insert(now);
            }
        }
    }

    pub(crate) fn begun(&self, save: &SaveId) -> Option<Timestamp> {
        self.state().begun.get(save.as_str()).copied()
    }

    /// The calls that changed an instance before its duty was written.
    pub(crate) fn unbound(&self) -> Vec<Point> {
        self.state().unbound.clone()
    }

    pub(crate) fn busy(&self) -> bool {
        !self.state().live.is_empty()
    }

    /// Runs a future as an invocation of a function.
    pub(crate) async fn invoke<T>(
        &self,
        function: &'static str,
        save: Option<(SaveId, u32)>,
        work: BoxFuture<'_, T>,
    ) -> Ended<T> {
        let invocation = {
            let mut state = self.state();
            state.invocations += 1;
            let invocation = Arc::new(Invocation::new(state.invocations, function, save));
            state.live.push(Arc::clone(&invocation));
            invocation
        };
        let clock = self.clock();
        let ended = Arc::clone(&invocation).run(&clock, work).await;
        let mut state = self.state();
        state.live.retain(|live| live.number != invocation.number);
        ended
    }

    pub(crate) fn kill_all(&self) {
        let live = self.state().live.clone();
        for invocation in live {
            invocation.die();
        }
    }

    pub(crate) fn live(&self) -> Vec<Arc<Invocation>> {
        self.state().live.clone()
    }

    /// How many sites still throttle calls, and how many calls have not taken effect yet.
    pub(crate) fn pending(&self) -> (usize, usize) {
        let state = self.state();
        (state.throttled.len(), state.late)
    }

    /// Whether the run has reached a known moment, at which it ends.
    pub(crate) fn has_arrived(&self) -> bool {
        self.state().arrived
    }

    /// The fingerprints of this moment, without and with its history.
    fn moment(
        &self,
        hands: Option<&Hands>,
        invocation: &Invocation,
        site: Site,
    ) -> Option<(u64, u64)> {
        let may_end = self.0.known.is_some() && site.spot == Spot::Begin && self.is_over();
        let hands = hands.filter(|_| self.0.fingerprints || may_end)?;
        let fingerprint = hands.fingerprint(self, invocation, site);
        let mut past = DefaultHasher::new();
        let state = self.state();
        let acts: BTreeSet<_> = state.acts.iter().map(|act| (act.kind, &act.save)).collect();
        let faults = state.trace.iter().filter(|visit| visit.kind.is_some());
        let many = faults.count() > CRASHES_RETRIED;
        (fingerprint, acts, &state.made, many).hash(&mut past);
        Some((fingerprint, past.finish()))
    }

    /// Whether all planned faults have happened, with their consequences for other calls.
    fn is_over(&self) -> bool {
        let state = self.state();
        let idle = state.throttled.is_empty() && state.late == 0;
        idle && state.happened == self.0.faults.len()
    }

    /// Records the visit of a site. Returns the fault that happens there now.
    pub(crate) fn arrive(&self, invocation: &Invocation, spot: Spot) -> Option<Kind> {
        if self.state().calm {
            return None;
        }
        let site = Site {
            function: invocation.function,
            spot,
        };
        let now = self.clock().now();
        let hands = self.hands();
        let moment = self.moment(hands.as_deref(), invocation, site);
        if self.0.remembers
            && let Some(past) = hands.and_then(|hands| hands.cloud.frozen().ok())
        {
            let mut state = self.state();
            state.pasts.retain(|(at, _)| *at + LATE >= now);
            state.pasts.push((now, past));
        }
        // Nothing may be changed before the duty is written (promise P1).
        let touches = matches!(spot, Spot::Call(Call::StopInstance | Call::CreateImage));
        let unbound = touches
            && self
                .hands()
                .is_some_and(|hands| !hands.is_bound(invocation));
        let order = std::sync::atomic::Ordering::Relaxed;
        invocation.visits.fetch_add(1, order);
        let mut state = self.state();
        let nth = state.visits.entry(site).or_default();
        *nth += 1;
        let point = Point { site, nth: *nth };
        if unbound {
            state.unbound.push(point);
        }
        let known = self.0.known.as_ref();
        state.arrived |= moment.is_some_and(|(_, past)| known.is_some_and(|it| it.has(past)));
        let kind = self.decide(&mut state, point);
        state.trace.push(Visit {
            at: now,
            invocation: invocation.number,
            save: invocation.save.as_ref().map(|(id, _)| id.clone()),
            point,
            kind,
            fingerprint: moment.map_or(0, |(fingerprint, _)| fingerprint),
            past: moment.map(|(_, past)| past),
        });
        kind
    }

    fn decide(&self, state: &mut State, point: Point) -> Option<Kind> {
        // Throttles count the calls of all functions together.
        let bucket = match point.site.spot {
            Spot::Call(_) => Site {
                function: "",
                ..point.site
            },
            Spot::Begin | Spot::End => point.site,
        };
        if let Some(left) = state.throttled.get_mut(&bucket) {
            *left -= 1;
            if *left == 0 {
                state.throttled.remove(&bucket);
            }
            return Some(Kind::Throttle1);
        }
        let planned = self.0.faults.iter().find(|fault| fault.point == point);
        state.happened += usize::from(planned.is_some());
        let kind = match planned {
            Some(fault) => Some(fault.kind),
            None => state.chance.as_mut().and_then(|chance| chance.fault(point)),
        };
        let further = kind.and_then(Kind::throttled).unwrap_or(1) - 1;
        if further > 0 {
            state.throttled.insert(bucket, further);
        }
        kind
    }
}
