//! Prism for one caller, whichever backend is used: every operation goes through [`Client::call`].
//!
//! There are three transports: a service in this process (the embedded cloud, or AWS with an operator's own
//! credentials), the HTTP API of a deployment, and, in tests, the API's router in this process.

mod answer;
#[cfg(feature = "aws")]
pub(crate) mod aws;
#[cfg(feature = "api")]
mod credentials;
mod http;
mod identity;
mod local;
mod pace;
#[cfg(test)]
mod router;
#[cfg(feature = "api")]
mod signer;
mod url;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prism_functions::domain::{Class, Code, Problem, Region, SaveId, Timestamp, UserId};
use prism_functions::operations::parts::{
    DryRun, Either, IdempotencyKey, Nothing, PAGE_MOST, Page, Paging, Told, Trial, Valued,
};
use prism_functions::operations::{
    Asked, InstanceView, InstancesPage, ListInstances, Operation, Recovery, Service, ShowMe,
    UnavailableRegion, Unrecorded,
};
use prism_functions::ports::{Clock, Entropy as _};
use prism_functions::rules::access::Caller;
use prism_local::OsEntropy;
use tokio::sync::OnceCell;

use http::Http;

#[cfg(feature = "aws")]
pub(crate) use http::head_of;
pub(crate) use http::{hear, open};
pub(crate) use local::Local;
pub(crate) use pace::{Looks, Pace};
pub(crate) use url::Url;

/// The maximum number of pages read for one list.
const PAGES: usize = 100;
/// The maximum number of attempts for an operation in this process that is rejected because another one is under way.
const ATTEMPTS: u32 = 4;

/// Prism, for one caller.
pub(crate) struct Client {
    way: Way,
    clock: Arc<dyn Clock>,
    user: OnceCell<UserId>,
    /// The saves that this process has requested.
    begun: Mutex<BTreeSet<SaveId>>,
}

/// How operations are called.
enum Way {
    Here(Box<Here>),
    Http(Box<Http>),
    #[cfg(test)]
    Router(router::Router),
}

/// A service in this process, and the caller.
struct Here {
    service: Service,
    caller: Caller,
    /// The embedded cloud, if the service runs on it.
    local: Option<Local>,
}

/// Where a save is carried out, for backends that offer a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this process, which waits for it.
    Here,
    /// In a process of its own, which outlives this one.
    Detached,
}

impl Place {
    pub(crate) fn unless(no_wait: bool) -> Self {
        if no_wait { Self::Detached } else { Self::Here }
    }
}

impl Client {
    fn new(way: Way, clock: Arc<dyn Clock>) -> Self {
        Self {
            way,
            clock,
            user: OnceCell::new(),
            begun: Mutex::default(),
        }
    }

    /// Creates a client of the embedded cloud.
    pub(crate) fn embedded_in(local: Local, caller: Caller) -> Self {
        Self::here(local.detached.clone(), caller, Some(local))
    }

    /// Creates a client of a service in this process.
    fn here(service: Service, caller: Caller, local: Option<Local>) -> Self {
        let clock = Arc::clone(&service.env.clock);
        let here = Here {
            service,
            caller,
            local,
        };
        Self::new(Way::Here(Box::new(here)), clock)
    }

    pub(crate) async fn call<O: Operation>(&self, asked: Asked<O>) -> Result<O::Output, Problem> {
        self.call_at(Place::Detached, asked).await
    }

    /// Calls an operation. If the backend offers a choice, a save that it starts is carried out at `place`.
    pub(crate) async fn call_at<O: Operation>(
        &self,
        place: Place,
        asked: Asked<O>,
    ) -> Result<O::Output, Problem> {
        match &self.way {
            Way::Here(here) => here.call(place, asked).await,
            Way::Http(http) => http.call(asked).await,
            #[cfg(test)]
            Way::Router(router) => router.call(asked).await,
        }
    }

    /// Calls an operation and returns the value in its response.
    pub(crate) async fn ask<T, O>(&self, asked: Asked<O>) -> Result<T, Problem>
    where
        O: Operation<Output: Valued<Value = T>>,
    {
        let told = self.call(asked).await?.into_value();
        told.ok_or_else(unexpected)
    }

    /// Returns the plan of an operation and changes nothing.
    pub(crate) async fn plan<P, A, O>(&self, asked: Asked<O>) -> Result<P, Problem>
    where
        O: Operation<Query = DryRun, Output = Trial<P, A>>,
    {
        match self.call(asked.query(DryRun { dry_run: true })).await? {
            Either::One(planned) => Ok(planned.value.plan),
            Either::Other(_) => Err(unexpected()),
        }
    }

    /// Calls an operation that can also be planned. If the backend offers a choice, a save that it starts is carried
    /// out at `place`.
    pub(crate) async fn begin<P, T, O, const STATUS: u16>(
        &self,
        place: Place,
        asked: Asked<O>,
    ) -> Result<T, Problem>
    where
        O: Operation<Query = DryRun, Output = Trial<P, Told<T, STATUS>>>,
    {
        match self.call_at(place, asked).await? {
            Either::One(_) => Err(unexpected()),
            Either::Other(done) => Ok(done.value),
        }
    }

    /// Reads a list page by page up to a limit. Also returns whether there is more.
    pub(crate) async fn list<T, O: Operation<Output: Valued<Value = Page<T>>>>(
        &self,
        limit: usize,
        page: impl Fn(Paging) -> Asked<O>,
    ) -> Result<(Vec<T>, bool), Problem> {
        let (mut items, mut cursor) = (Vec::new(), None);
        for _ in 0..PAGES {
            let wanted = (limit - items.len()).min(PAGE_MOST);
            let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
            let page = self.ask(page(Paging::new(Some(wanted), cursor))).await?;
            items.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() || items.len() >= limit {
                break;
            }
        }
        let more = cursor.is_some() || items.len() > limit;
        items.truncate(limit);
        Ok((items, more))
    }

    /// Reads a whole list, up to a maximum number of pages.
    pub(crate) async fn all<T, O: Operation<Output: Valued<Value = Page<T>>>>(
        &self,
        page: impl Fn(Paging) -> Asked<O>,
    ) -> Result<Vec<T>, Problem> {
        Ok(self.list(PAGE_MOST * PAGES, page).await?.0)
    }

    /// Returns all instances of a Region or of all Regions, and the Regions that did not answer.
    pub(crate) async fn instances(
        &self,
        region: Option<&Region>,
    ) -> Result<(Vec<InstanceView>, Vec<UnavailableRegion>), Problem> {
        let (mut instances, mut cursor) = (Vec::new(), None);
        loop {
            let query = InstancesPage {
                region: region.cloned(),
                limit: u32::try_from(PAGE_MOST).ok(),
                cursor,
            };
            let page = self
                .ask(Asked::<ListInstances>::by(Nothing {}, query))
                .await?;
            instances.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok((instances, page.unavailable));
            }
        }
    }

    /// Returns the calling user.
    pub(crate) async fn user(&self) -> Result<UserId, Problem> {
        let ask = || async {
            let me = self.call(Asked::<ShowMe>::of(Nothing {})).await?;
            Ok(me.value.user)
        };
        self.user.get_or_try_init(ask).await.cloned()
    }

    /// The current time on the backend's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sleeps on the backend's clock.
    pub(crate) async fn sleep(&self, pause: Duration) {
        self.clock.sleep(pause).await;
    }

    /// How often to poll this backend.
    pub(crate) fn pace(&self) -> Pace {
        match &self.way {
            Way::Here(here) if here.local.is_some() => Pace::EMBEDDED,
            // Plain HTTP is allowed only to this machine.
            Way::Http(http) if http.url().plain => Pace::NEARBY,
            _ => Pace::REMOTE,
        }
    }

    /// The embedded cloud, for operations that only a simulation has.
    pub(crate) fn embedded(&self) -> Option<&Local> {
        match &self.way {
            Way::Here(here) => here.local.as_ref(),
            Way::Http(_) => None,
            #[cfg(test)]
            Way::Router(_) => None,
        }
    }

    /// The idempotency key of a request: the one named, or a new one. With it, a request that is sent again after a
    /// lost response has its effect only once.
    pub(crate) fn key(named: Option<&str>) -> IdempotencyKey {
        let made = || format!("{:016x}{:016x}", OsEntropy.next(), OsEntropy.next());
        IdempotencyKey(Some(named.map_or_else(made, str::to_owned)))
    }

    /// Remembers that this process has requested a save.
    pub(crate) fn note_begun(&self, id: &SaveId) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.insert(id.clone());
    }

    /// Finds out why a save has no record. The API only has records; a save that it has just accepted will get one.
    pub(crate) async fn unrecorded(&self, id: &SaveId) -> Result<Unrecorded, Problem> {
        if let Way::Here(here) = &self.way {
            return here.service.unrecorded(&here.caller, id).await;
        }
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(if begun.contains(id) {
            Unrecorded::Begins
        } else {
            Unrecorded::Unknown
        })
    }

    /// Ends saves that lost their process, and instances that have reached their ends, if no other process on this backend does so.
    pub(crate) async fn sweep(&self) -> Result<Vec<Recovery>, Problem> {
        match self.embedded() {
            Some(local) => {
                let recoveries = local.detached.sweep().await;
                local.detached.sweep_ends(chrono::TimeDelta::zero()).await?;
                recoveries
            }
            None => Ok(Vec::new()),
        }
    }

    /// Hands a save that runs in this process over to a process of its own. On other backends it continues anyway.
    pub(crate) async fn hand_over(&self, id: &SaveId) -> Result<(), Problem> {
        match &self.way {
            Way::Here(here) if here.local.is_some() => {
                here.service.hand_over(&here.caller, id).await
            }
            _ => Ok(()),
        }
    }
}

/// The problem of a plan that was returned in place of a result, or the reverse.
fn unexpected() -> Problem {
    let message = "The deployment did something other than what was requested.";
    Problem::new(Code::ApiUnavailable, message)
}

impl Here {
    async fn call<O: Operation>(
        &self,
        place: Place,
        asked: Asked<O>,
    ) -> Result<O::Output, Problem> {
        let local = self.local.as_ref().filter(|_| place == Place::Here);
        let service = local.map_or(&self.service, |local| &local.here);
        let repeatable = O::is_repeatable(&asked);
        for _ in 1..ATTEMPTS {
            match O::run(service, &self.caller, asked.clone()).await {
                // Another operation was under way, and nothing was changed.
                Err(problem) if repeatable && problem.code.class() == Class::Transient => {
                    let Some(pause) = problem.retry_after_s else {
                        return Err(problem);
                    };
                    let pause = Duration::from_secs(pause.into());
                    service.env.clock.sleep(pause).await;
                }
                outcome => return outcome,
            }
        }
        O::run(service, &self.caller, asked).await
    }
}

#[cfg(test)]
mod tests {
    use prism_functions::domain::audit::Channel;
    use prism_functions::operations::InstancesPage;
    use prism_functions::operations::{BeginSave, ListInstances, ListSaves, SavesPage, ShowSave};

    use super::router::Router;
    use super::*;

    fn caller() -> Caller {
        Caller::new("ada".parse().unwrap()).by(Channel::Cli)
    }

    /// Clients of the same embedded cloud, one for each transport that needs no socket.
    fn ways(folder: &std::path::Path) -> [Client; 2] {
        let open = || Local::new(prism_local::Embedded::open(folder, "prism".as_ref()).unwrap());
        let service = open().detached.clone();
        let clock = Arc::clone(&service.env.clock);
        let router = Router::new(service, caller());
        [
            Client::embedded_in(open(), caller()),
            Client::new(Way::Router(router), clock),
        ]
    }

    #[tokio::test]
    async fn all_ways_give_the_same_answers_and_problems() {
        let folder = tempfile::tempdir().unwrap();
        for client in ways(folder.path()) {
            assert_eq!(client.user().await.unwrap().as_str(), "ada");
            let query = InstancesPage {
                region: Some("us-east-1".parse().unwrap()),
                ..InstancesPage::default()
            };
            let asked = Asked::<ListInstances>::by(Nothing {}, query);
            assert_eq!(client.ask(asked).await.unwrap().items, []);
            let page = |page| Asked::<ListSaves>::by(Nothing {}, SavesPage::of(page));
            assert_eq!(
                client.list(0, page).await.unwrap_err().code,
                Code::InvalidInput
            );
            let unknown = "save-00000000000000000000".parse().unwrap();
            let problem = client
                .ask(Asked::<ShowSave>::of(unknown))
                .await
                .unwrap_err();
            assert_eq!(problem.code, Code::SaveNotFound);
            assert_eq!(
                problem.message,
                "There is no save save-00000000000000000000."
            );
            let request = serde_json::from_value(serde_json::json!({
                "instance": "work", "template": "kept", "region": "us-east-1",
            }));
            let asked = Asked::<BeginSave>::with(Nothing {}, request.unwrap());
            let problem = client.plan(asked.clone()).await.unwrap_err();
            assert_eq!(problem.code, Code::InstanceNotFound);
            let odd = asked.head(Client::key(Some("a b")));
            let problem = client.begin(Place::Detached, odd).await.unwrap_err();
            assert_eq!(problem.code, Code::InvalidRequestId);
        }
    }
}
