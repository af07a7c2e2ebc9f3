//! Who decides what goes wrong: every call of every function passes here, is counted, and meets
//! what is planned for it, or what chance has in store.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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

mod acts;
mod calls;
mod moments;

pub(crate) use calls::{Asked, Wrong};

/// How long what is late or slow takes: less than the 45 seconds within which the steps expect a
/// call without an answer to take effect.
pub(crate) const LATE: Duration = Duration::from_secs(20);

/// A visit of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// When.
    pub at: Timestamp,
    /// The number of the invocation.
    pub invocation: u32,
    /// The save that the invocation is about.
    pub save: Option<SaveId>,
    /// Where, and for the how manieth time.
    pub point: Point,
    /// What went wrong.
    pub kind: Option<Kind>,
    /// What tells this moment from others, where it is asked for.
    pub fingerprint: u64,
    /// The same with what came before it, as far as the oracle minds it.
    pub past: u64,
}

/// Something that somebody other than the saves did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: Kind,
    /// To the instance of which save.
    pub save: Option<SaveId>,
}

/// The AMIs that were made, by save and Region.
pub(crate) type Made = BTreeMap<(String, Region), BTreeSet<ImageId>>;

/// What a run has seen so far.
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
    /// How many calls without an answer have yet to take effect.
    late: usize,
    /// How much of what is planned has happened.
    happened: usize,
    /// Whether the run has come to a moment that is known.
    arrived: bool,
    chance: Option<Chance>,
    calm: bool,
    hands: Option<Arc<Hands>>,
}

/// See the module. Clones are the same one.
#[derive(Clone)]
pub struct Conductor(Arc<Shared>);

struct Shared {
    clock: Mutex<Option<VirtualClock>>,
    faults: Vec<Fault>,
    /// Whether the past must be kept, for stale reads.
    remembers: bool,
    /// Whether each moment is told from others.
    fingerprints: bool,
    /// Moments beyond which a run need not be played.
    known: Option<Arc<HashSet<u64>>>,
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
    /// One that has these faults happen, and those that chance brings.
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

    /// Gives it its time.
    pub(crate) fn keeps_time_by(&self, clock: VirtualClock) {
        let mut ours = self.0.clock.lock().unwrap_or_else(PoisonError::into_inner);
        *ours = Some(clock);
    }

    /// Gives it what it acts with. From here on calls are counted, and things go wrong.
    pub(crate) fn begin(&self, hands: Hands) {
        let mut state = self.state();
        state.hands = Some(Arc::new(hands));
        state.calm = false;
    }

    /// From here on nothing goes wrong any more, and nothing is counted.
    pub(crate) fn calm(&self) {
        self.state().calm = true;
    }

    /// Lets go of what it acts with, which holds the conductor in turn.
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

    /// What was visited, in order.
    pub fn trace(&self) -> Vec<Visit> {
        self.state().trace.clone()
    }

    /// Whether EC2 was to tell a past that was not kept.
    pub(crate) fn lacked_past(&self) -> bool {
        let stale = |visit: &Visit| visit.kind == Some(Kind::Stale);
        !self.0.remembers && self.state().trace.iter().any(stale)
    }

    /// What others did.
    pub fn acts(&self) -> Vec<Act> {
        self.state().acts.clone()
    }

    pub(crate) fn note_act(&self, act: Act) {
        self.state().acts.push(act);
    }

    /// An AMI was made, whether or not anybody hears of it.
    pub(crate) fn note_made(&self, tags: &Tags, region: &Region, image: &ImageId) {
        let save = tags.get(SAVE_TAG).cloned().unwrap_or_default();
        let mut state = self.state();
        let images = state.made.entry((save, region.clone())).or_default();
        images.insert(image.clone());
    }

    /// The AMIs that were made.
    pub(crate) fn made(&self) -> Made {
        self.state().made.clone()
    }

    /// The table was changed, whether or not anybody hears of it: with a lock its save begins.
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

    /// When a save got the lock on its instance.
    pub(crate) fn begun(&self, save: &SaveId) -> Option<Timestamp> {
        self.state().begun.get(save.as_str()).copied()
    }

    /// The calls that changed an instance before there was a duty to bring it back.
    pub(crate) fn unbound(&self) -> Vec<Point> {
        self.state().unbound.clone()
    }

    /// Whether functions are under way.
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

    /// All processes die, with every function that is under way.
    pub(crate) fn kill_all(&self) {
        let live = self.state().live.clone();
        for invocation in live {
            invocation.die();
        }
    }

    /// The functions that are under way.
    pub(crate) fn live(&self) -> Vec<Arc<Invocation>> {
        self.state().live.clone()
    }

    /// How many sites still throttle calls, and how many calls have yet to take effect.
    pub(crate) fn pending(&self) -> (usize, usize) {
        let state = self.state();
        (state.throttled.len(), state.late)
    }

    /// Whether the run has come to a moment that is known: nothing goes on from here.
    pub(crate) fn has_arrived(&self) -> bool {
        self.state().arrived
    }

    /// What tells this moment from others, by itself and with its past.
    fn moment(&self, hands: Option<&Hands>, invocation: &Invocation, site: Site) -> (u64, u64) {
        let asked = self.0.fingerprints || (self.0.known.is_some() && site.spot == Spot::Begin);
        let Some(hands) = hands.filter(|_| asked) else {
            return (0, 0);
        };
        let fingerprint = hands.fingerprint(self, invocation, site);
        let mut past = DefaultHasher::new();
        let state = self.state();
        let acts: BTreeSet<_> = state.acts.iter().map(|act| (act.kind, &act.save)).collect();
        (fingerprint, acts, &state.made).hash(&mut past);
        (fingerprint, past.finish())
    }

    /// Notes whether the run need not be played further.
    fn meet(&self, state: &mut State, past: u64) {
        let idle = state.throttled.is_empty() && state.late == 0;
        let known = self.0.known.as_ref();
        if idle && state.happened == self.0.faults.len() {
            state.arrived |= known.is_some_and(|known| known.contains(&past));
        }
    }

    /// A site is visited; answers what goes wrong there now.
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
        let (fingerprint, past) = self.moment(hands.as_deref(), invocation, site);
        if self.0.remembers
            && let Some(past) = hands.and_then(|hands| hands.cloud.frozen().ok())
        {
            let mut state = self.state();
            state.pasts.retain(|(at, _)| *at + LATE >= now);
            state.pasts.push((now, past));
        }
        // Nothing is touched before the duty is written (promise P1).
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
        self.meet(&mut state, past);
        let kind = self.decide(&mut state, point);
        state.trace.push(Visit {
            at: now,
            invocation: invocation.number,
            save: invocation.save.as_ref().map(|(id, _)| id.clone()),
            point,
            kind,
            fingerprint,
            past,
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
