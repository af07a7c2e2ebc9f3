//! Where an instance is launched: the zones that offer its type are tried in turn until one has room.

use std::time::Duration;

use futures::future::{Either, select};
use serde::{Deserialize, Serialize};

use crate::domain::{Code, InstanceId, Problem, Region, SubnetId, Timestamp};
use crate::ports::{Ec2Error, Ec2ErrorKind, Instance, NewInstance, Subnet, SubnetFilter, from_ec2};
use crate::registry::{Attempts, Refusal, Stored, TRIES};
use crate::rules::Env;
use crate::steps::pacing;

/// How long after a launch began a further place is tried. Like the other limits, it is real time.
const TRIED: Duration = Duration::from_secs(12);

/// How long after its request began a launch waits for EC2. The API has 29 seconds for a response.
const ENDS_AFTER: Duration = Duration::from_secs(25);

/// How long before that no further place is tried any more: EC2 takes a few seconds to respond.
const LAST_TRY: Duration = Duration::from_secs(5);

/// How long a new instance may not be found, in seconds.
const UNSEEN_S: u32 = 10;

/// A place in which EC2 refused a launch, so that it was tried elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefusedPlace {
    /// The Availability Zone.
    pub zone: String,
    /// The subnet.
    pub subnet: SubnetId,
    /// EC2's error code, such as `InsufficientInstanceCapacity`.
    pub code: String,
}

/// An instance that was launched, and where EC2 refused it before.
pub(super) struct Placed {
    pub(super) instance: Instance,
    pub(super) refused_in: Vec<RefusedPlace>,
}

/// The subnets that a launch can go into.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Places {
    /// The subnets, in the order in which they are tried. All of their zones offer the type.
    pub(super) subnets: Vec<Subnet>,
    /// The zones of other subnets, which do not offer the type.
    without: Vec<String>,
}

/// A launch that is tried in one place after another.
pub(super) struct Placing<'a> {
    pub(super) env: &'a Env,
    pub(super) region: &'a Region,
    /// When the request began. It may have waited for its turn since.
    pub(super) began: Timestamp,
    /// Identifies the launch: a repeated request has the same token.
    pub(super) token: &'a str,
    pub(super) places: &'a Places,
    pub(super) instance_type: &'a str,
    /// The request in a place, with a client token.
    pub(super) request: &'a (dyn Fn(Subnet, String) -> NewInstance + Send + Sync),
}

impl Places {
    /// Finds the places for instances of a type.
    ///
    /// # Errors
    /// [`Code::InstanceTypeNotOffered`] if there is none.
    pub(super) async fn find(
        env: &Env,
        region: &Region,
        instance_type: &str,
    ) -> Result<Self, Problem> {
        let subnets = subnets(env, region).await?;
        let offering = env.ec2.zones_offering(region, instance_type);
        let offering = offering.await.map_err(from_ec2)?;
        let offers = |subnet: &Subnet| offering.contains(&subnet.zone);
        let (subnets, others): (Vec<_>, Vec<_>) = subnets.into_iter().partition(offers);
        let places = Self {
            without: zones(&others),
            subnets,
        };
        if places.subnets.is_empty() {
            let message = format!(
                "No zone that this deployment launches into in {region} offers {instance_type}; it launches into {}.",
                places.without.join(", ")
            );
            return Err(Problem::new(Code::InstanceTypeNotOffered, message));
        }
        Ok(places)
    }

    /// The zones in which the launch is tried, in this order.
    pub(super) fn zones(&self) -> Vec<String> {
        zones(&self.subnets)
    }
}

/// The subnets that the deployment launches into in a Region, in the order in which they are tried. If none are
/// configured, these are the Region's default subnets; those with the most free addresses come first, which distributes
/// instances among the zones.
async fn subnets(env: &Env, region: &Region) -> Result<Vec<Subnet>, Problem> {
    let named = &env.settings.launch_subnets;
    let filter = match named.as_slice() {
        [] => SubnetFilter::Default,
        named => SubnetFilter::Ids(named.to_vec()),
    };
    let found = env.ec2.subnets(region, &filter).await;
    let mut found = found.map_err(from_ec2)?;
    if found.is_empty() {
        let (code, message) = if named.is_empty() {
            let message =
                "The Region has no default subnet, and no subnet is configured for launches.";
            ("VPCIdNotSpecified", message)
        } else {
            let message =
                "None of the subnets that this deployment uses for launches is in this Region.";
            ("InvalidSubnetID.NotFound", message)
        };
        return Err(refused(Ec2Error::new("RunInstances", code, message)));
    }
    if named.is_empty() {
        found.sort_by(|a, b| {
            let order = b.free_addresses.cmp(&a.free_addresses);
            order.then_with(|| a.zone.cmp(&b.zone))
        });
    } else {
        let place = |id: &SubnetId| named.iter().position(|named| named == id);
        found.sort_by_key(|subnet| place(&subnet.id));
    }
    Ok(found)
}

/// The zones of subnets, each once.
fn zones(subnets: &[Subnet]) -> Vec<String> {
    let mut zones: Vec<String> = Vec::new();
    for subnet in subnets {
        if !zones.contains(&subnet.zone) {
            zones.push(subnet.zone.clone());
        }
    }
    zones
}

impl Placing<'_> {
    /// Launches the instance in the first place that has room.
    ///
    /// Each place has a client token of its own, so EC2 itself does not prevent two instances in two places. The record
    /// of the attempts does: it names the place before anything is launched there, and the launch moves on only after
    /// EC2 has refused it there. If two requests for the same launch run at once and EC2 refuses one of them and accepts
    /// the other in the same place, the record decides.
    ///
    /// # Errors
    /// [`Code::NoCapacity`] if no place has room, or if there is no time to try the others. Nothing was launched then.
    /// [`Code::AwsUnavailable`] if EC2 does not respond in time: the instance may have been launched.
    pub(super) async fn launch(&self) -> Result<Placed, Problem> {
        let clock = &self.env.clock;
        let until = clock.now() + clock.during(TRIED);
        let until = until.min(self.ends() - clock.during(LAST_TRY));
        let mut attempts = self.begun().await?;
        let mut tries = 0;
        loop {
            let Some(place) = self.next_place(attempts.as_ref()) else {
                return Err(self.nowhere(attempts.as_ref()));
            };
            if tries > 0 && !self.may_try_again(until).await? {
                return Err(self.nowhere(attempts.as_ref()));
            }
            tries += 1;
            let is_first = attempts.as_ref().is_none_or(|it| it.value.at.is_none());
            let at = at_place(attempts.as_ref(), &place, self.env.clock.now());
            let Some(noted) = self.note(attempts.as_ref(), at).await? else {
                attempts = self.env.registry.attempts(&self.key()).await?;
                continue;
            };
            let refused_in = refused_places(&noted.value.refused);
            attempts = Some(match self.try_at(&place).await {
                Ok(instance) => match self.settled(noted, &place, &instance).await? {
                    None => {
                        return Ok(Placed {
                            instance,
                            refused_in,
                        });
                    }
                    Some(others) => others,
                },
                Err(error) if error.kind().is_about_the_place() => {
                    self.moved_on(noted, &place, error).await?
                }
                Err(error) => return Err(self.given_up(noted, error, is_first).await?),
            });
        }
    }

    /// The key of the attempts. A request with the same ID in another Region is another launch, as it is for EC2.
    fn key(&self) -> String {
        format!("{}/{}", self.token, self.region)
    }

    /// Reads the attempts. A launch that was refused everywhere begins again.
    async fn begun(&self) -> Result<Option<Stored<Attempts>>, Problem> {
        let stored = self.env.registry.attempts(&self.key()).await?;
        match stored {
            Some(stored) if self.next_place(Some(&stored)).is_none() => {
                let again = self.note(Some(&stored), Attempts::default()).await?;
                match again {
                    Some(again) => Ok(Some(again)),
                    None => self.env.registry.attempts(&self.key()).await,
                }
            }
            stored => Ok(stored),
        }
    }

    /// The place where the launch is being tried, or else the first that has not refused it.
    fn next_place(&self, attempts: Option<&Stored<Attempts>>) -> Option<Subnet> {
        let attempts = attempts.map(|stored| &stored.value);
        if let Some(at) = attempts.and_then(|it| it.at.as_ref()) {
            return Some(at.clone());
        }
        let refused = |subnet: &SubnetId| {
            let mut refused = attempts.iter().flat_map(|it| &it.refused);
            refused.any(|refusal| refusal.subnet == *subnet)
        };
        let mut places = self.places.subnets.iter();
        places.find(|place| !refused(&place.id)).cloned()
    }

    /// Waits for the turn of another request, if it is soon enough.
    async fn may_try_again(&self, until: Timestamp) -> Result<bool, Problem> {
        pacing::of_next_launch(self.env, self.region, until).await
    }

    /// Writes the attempts, if they differ from what is stored. Returns `None` if another request has changed them.
    async fn note(
        &self,
        before: Option<&Stored<Attempts>>,
        now: Attempts,
    ) -> Result<Option<Stored<Attempts>>, Problem> {
        if let Some(before) = before
            && before.value == now
        {
            return Ok(Some(before.clone()));
        }
        let (registry, at) = (&self.env.registry, self.env.clock.now());
        registry.put_attempts(&self.key(), before, now, at).await
    }

    /// When the launch stops waiting for EC2.
    fn ends(&self) -> Timestamp {
        self.began + self.env.clock.during(ENDS_AFTER)
    }

    /// Launches the instance in a place, unless EC2 takes too long.
    async fn try_at(&self, place: &Subnet) -> Result<Instance, Ec2Error> {
        let digits = place.id.as_str().trim_start_matches("subnet-");
        let client_token = format!("prism-{}-{digits}", self.token);
        let new = (self.request)(place.clone(), client_token);
        let launched = self.env.ec2.run_instance(self.region, &new);
        let left = self.ends() - self.env.clock.now();
        let limit = self.env.clock.sleep(left.to_std().unwrap_or_default());
        match select(launched, limit).await {
            Either::Left((launched, _)) => launched,
            Either::Right(_) => {
                let message = format!("no response in time in {}", place.zone);
                Err(Ec2Error::new("RunInstances", "Timeout", message))
            }
        }
    }

    /// Returns the problem of a launch that no other place would accept. If nothing was launched, this is recorded: a
    /// request that is repeated later must find its name and its place in the project free again. Without a response, or
    /// after an earlier request without one, the instance may have been launched.
    async fn given_up(
        &self,
        noted: Stored<Attempts>,
        error: Ec2Error,
        is_first: bool,
    ) -> Result<Problem, Problem> {
        let mut problem = refused(error);
        if !noted.value.refused.is_empty() {
            let before = told(&noted.value.refused).join("; ");
            problem.message = format!("{} Refused before: {before}.", problem.message);
        }
        let unclear = matches!(problem.code, Code::AwsUnavailable | Code::RequestIdReused);
        if is_first && !unclear {
            let mut now = noted.value.clone();
            now.at = None;
            self.note(Some(&noted), now).await?;
        }
        Ok(problem)
    }

    /// Records the instance. If another request for the same launch has moved on from this place, the instance is
    /// terminated, and what that request has recorded is returned.
    async fn settled(
        &self,
        noted: Stored<Attempts>,
        place: &Subnet,
        instance: &Instance,
    ) -> Result<Option<Stored<Attempts>>, Problem> {
        let mut known = noted;
        for _ in 0..TRIES {
            let now = Attempts {
                at: Some(place.clone()),
                since: known.value.since,
                instance: Some(instance.id.clone()),
                refused: known.value.refused.clone(),
            };
            if self.note(Some(&known), now).await?.is_some() {
                return Ok(None);
            }
            let Some(others) = self.env.registry.attempts(&self.key()).await? else {
                return Ok(None);
            };
            let at = others.value.at.as_ref();
            let elsewhere = at.is_some_and(|at| at.id != place.id);
            known = others;
            if elsewhere {
                break;
            }
        }
        tracing::warn!(instance = %instance.id, zone = place.zone, "launched twice at once: one is terminated");
        self.end(&instance.id).await?;
        Ok(Some(known))
    }

    /// Terminates an instance that was just launched: EC2 may not find it yet.
    async fn end(&self, id: &InstanceId) -> Result<(), Problem> {
        let mut tries = 0;
        loop {
            match self.env.ec2.terminate_instance(self.region, id).await {
                Err(error) if error.is_not_found() && tries < UNSEEN_S => {
                    self.env.clock.sleep(Duration::from_secs(1)).await;
                    tries += 1;
                }
                told => return told.map_err(from_ec2),
            }
        }
    }

    /// Records that EC2 has refused the launch in a place. If another request for the same launch has changed the
    /// record, what it has recorded is returned.
    async fn moved_on(
        &self,
        noted: Stored<Attempts>,
        place: &Subnet,
        error: Ec2Error,
    ) -> Result<Stored<Attempts>, Problem> {
        tracing::info!(zone = place.zone, subnet = %place.id, code = error.code, "a launch was refused in a zone");
        let mut now = noted.value.clone();
        now.at = None;
        now.refused.push(Refusal {
            subnet: place.id.clone(),
            zone: place.zone.clone(),
            code: error.code,
        });
        if let Some(stored) = self.note(Some(&noted), now).await? {
            return Ok(stored);
        }
        let others = self.env.registry.attempts(&self.key()).await?;
        Ok(others.unwrap_or(noted))
    }

    /// The problem of a launch that no place accepted. It names each place, and why.
    fn nowhere(&self, attempts: Option<&Stored<Attempts>>) -> Problem {
        let refused = attempts.map(|stored| stored.value.refused.as_slice());
        let refused = refused.unwrap_or_default();
        let mut told = told(refused);
        told.extend(
            self.places
                .without
                .iter()
                .map(|zone| format!("{zone}: it does not offer the type")),
        );
        let tried = |subnet: &&Subnet| refused.iter().any(|it| it.subnet == subnet.id);
        let untried = self.places.subnets.iter().filter(|it| !tried(it));
        let zone = match untried.clone().next() {
            Some(_) => "No zone that could be tried in time",
            None => "No zone",
        };
        told.extend(untried.map(|it| format!("{} ({}): not tried in time", it.zone, it.id)));
        let message = format!(
            "{zone} of {} has room for the instance type {} at the moment. Nothing was launched. Tried: {}.",
            self.region,
            self.instance_type,
            told.join("; ")
        );
        Problem::new(Code::NoCapacity, message)
            .hint("Try again later, or use another size or another Region.")
    }
}

fn refused_places(refused: &[Refusal]) -> Vec<RefusedPlace> {
    let places = refused.iter().map(|it| RefusedPlace {
        zone: it.zone.clone(),
        subnet: it.subnet.clone(),
        code: it.code.clone(),
    });
    places.collect()
}

/// The places that refused the launch, and why.
fn told(refused: &[Refusal]) -> Vec<String> {
    let each = refused.iter();
    each.map(|it| format!("{} ({}): {}", it.zone, it.subnet, it.code))
        .collect()
}

/// The attempts with this place as the current one, where nothing was launched yet unless it has been that before.
fn at_place(attempts: Option<&Stored<Attempts>>, place: &Subnet, now: Timestamp) -> Attempts {
    let known = attempts.map(|stored| stored.value.clone());
    let known = known.unwrap_or_default();
    if known.at.is_some() {
        return known;
    }
    Attempts {
        at: Some(place.clone()),
        since: Some(now),
        instance: None,
        refused: known.refused,
    }
}

/// Converts a refusal that another place would not change.
fn refused(error: Ec2Error) -> Problem {
    match error.kind() {
        Ec2ErrorKind::TokenReused => Problem::new(
            Code::RequestIdReused,
            "The request ID was already used for a different launch.",
        )
        .because(error),
        Ec2ErrorKind::NoSubnet => from_ec2(error).hint(
            "Launch in another Region, or add a subnet of this Region to the deployment's LaunchSubnets.",
        ),
        _ => from_ec2(error),
    }
}
