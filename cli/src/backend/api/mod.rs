//! The HTTP API of a deployment.

mod answer;
mod client;
mod identity;
mod templates;
mod transport;
mod url;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use hyper::Method;
use prism_functions::api::{Launched, Me, PAGE_MOST as PAGE, Page, Planned};
use prism_functions::domain::audit::AuditEvent;
use prism_functions::domain::copy::{CopyPlan, CopyRequest};
use prism_functions::domain::diff::TemplateDiff;
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::save::{SavePlan, SaveRecord, SaveRequest};
use prism_functions::domain::schedule::{Schedule, ScheduleRequest};
use prism_functions::domain::template::{TemplateRef, Version};
use prism_functions::domain::{
    Code, Problem, Region, SaveId, ScheduleName, TemplateName, Timestamp, UserId,
};
use prism_functions::operations::{
    AuditFilter, Deletion, ImportRequest, Imported, InstanceView, LaunchPlan, LaunchRequest,
    Lineage, RolledBack, ScheduleEdit, ScheduleView, Started, TemplateEdit, TemplateFilter,
    TemplateSummary, TemplateView, save_id_of,
};
use prism_functions::ports::{Clock, Entropy as _};
use prism_functions::registry::Listed;
use prism_local::OsEntropy;
use prism_local::clock::WallClock;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::OnceCell;

use super::pace::Pace;
use super::{Backend, Place, Seen, Unrecorded};
use crate::environment::Environment;
use crate::profile::Profile;
pub(crate) use answer::Answer;
pub(crate) use client::{Call, Client};
use identity::Identity;
use transport::Transport;
pub(crate) use url::{Url, encoded};

/// The most pages that one list is read from.
pub(super) const PAGES: usize = 100;

/// The API, and who asks as it knows the caller.
pub(crate) struct Api {
    pub(super) client: Client,
    clock: Arc<dyn Clock>,
    user: OnceCell<UserId>,
    /// The saves that this process has asked for.
    begun: Mutex<BTreeSet<SaveId>>,
}

/// The API that a profile names.
pub(crate) async fn open(profile: &Profile, environment: &Environment) -> Result<Api, Problem> {
    let clock: Arc<dyn Clock> = Arc::new(WallClock::real());
    Ok(Api::new(client(profile, environment, &clock).await?, clock))
}

/// A client of the API that a profile names.
pub(crate) async fn client(
    profile: &Profile,
    environment: &Environment,
    clock: &Arc<dyn Clock>,
) -> Result<Client, Problem> {
    let url: Url = profile.url.as_deref().unwrap_or_default().parse()?;
    let transport = Transport::for_url(&url)?;
    let identity = Identity::of(profile, environment, clock).await?;
    Ok(Client::new(url, transport, identity, Arc::clone(clock)))
}

/// What the head of an answer says, whoever answers at a URL, and whatever.
#[cfg(feature = "aws")]
pub(crate) async fn head_of(
    url: &str,
    clock: &Arc<dyn Clock>,
) -> Result<hyper::HeaderMap, Problem> {
    let url: Url = url.parse()?;
    let transport = Transport::for_url(&url)?;
    let client = Client::new(url, transport, Identity::Nobody, Arc::clone(clock));
    Ok(client.ask(&Call::get("/")).await?.0)
}

impl Api {
    fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            clock,
            user: OnceCell::new(),
            begun: Mutex::default(),
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        self.client.send(Call::get(path)).await?.json()
    }

    /// A list up to a limit, and whether there is more.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        limit: usize,
    ) -> Result<(Vec<T>, bool), Problem> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let wanted = (limit - items.len()).min(PAGE);
            let behind = cursor.map(|cursor| format!("&cursor={}", encoded(&cursor)));
            let behind = behind.unwrap_or_default();
            let page: Page<T> = self
                .get(&format!("{path}{mark}limit={wanted}{behind}"))
                .await?;
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

    /// Asks for something to be done to an instance.
    async fn change(
        &self,
        method: Method,
        region: &Region,
        name: &str,
        what: &str,
    ) -> Result<Seen, Problem> {
        let path = format!("{}{what}?region={region}", instance_path(name));
        let view: InstanceView = self.client.send(Call::of(method, path)).await?.json()?;
        seen(view)
    }

    /// Asks for a save or a copy to begin, and remembers that it was taken on.
    async fn begin(&self, call: Call) -> Result<Started, Problem> {
        let started: Started = self.client.send(call).await?.json()?;
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.insert(started.save_id.clone());
        Ok(started)
    }

    /// A key for a request whose caller has named none: a repetition after a lost answer is the
    /// same request.
    fn key(named: Option<&str>) -> String {
        let made = || format!("{:016x}{:016x}", OsEntropy.next(), OsEntropy.next());
        named.map_or_else(made, str::to_owned)
    }

    /// Refuses a launch under a name that is taken. The API itself lets a request with a key of its
    /// own pass, since its instance may be the one that holds the name.
    async fn check_name_free(&self, request: &LaunchRequest) -> Result<(), Problem> {
        match self.instance(&request.region, &request.name).await {
            Ok(seen) if !seen.state.is_gone() => Err(Problem::new(
                Code::InstanceNameTaken,
                format!(
                    "The instance {} in {} is named {} already.",
                    seen.id, request.region, request.name
                ),
            )),
            Err(problem) if problem.code == Code::InstanceNameAmbiguous => {
                Err(Problem::new(Code::InstanceNameTaken, problem.message))
            }
            Ok(_) => Ok(()),
            Err(problem) if problem.code == Code::InstanceNotFound => Ok(()),
            Err(problem) => Err(problem),
        }
    }
}

fn copies_path(request: &CopyRequest, query: &str) -> String {
    let (name, version) = (&request.template, request.version);
    format!("/v1/templates/{name}/versions/{version}/copies{query}")
}

fn copies_body(request: &CopyRequest) -> serde_json::Value {
    json!({ "regions": request.regions })
}

fn instance_path(name: &str) -> String {
    format!("/v1/instances/{}", encoded(name))
}

fn seen(view: InstanceView) -> Result<Seen, Problem> {
    Ok(Seen {
        id: view.id.parse()?,
        state: view.state,
        state_reason: view.state_reason,
        public_ip: view.public_ip,
    })
}

#[async_trait]
impl Backend for Api {
    fn pace(&self) -> Pace {
        // Plain HTTP leads to this machine alone.
        if self.client.url().plain {
            Pace::NEARBY
        } else {
            Pace::REMOTE
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn user(&self) -> Result<UserId, Problem> {
        let ask = || async { Ok(self.get::<Me>("/v1/me").await?.user) };
        self.user.get_or_try_init(ask).await.cloned()
    }

    async fn instances(&self, region: &Region) -> Result<Vec<InstanceView>, Problem> {
        let path = format!("/v1/instances?region={region}");
        Ok(self.list(&path, PAGE * PAGES).await?.0)
    }

    async fn instance(&self, region: &Region, name: &str) -> Result<Seen, Problem> {
        prism_functions::domain::save::check_name("instance name or id", name)?;
        self.change(Method::GET, region, name, "").await
    }

    async fn start(&self, region: &Region, name: &str) -> Result<Seen, Problem> {
        self.change(Method::POST, region, name, "/start").await
    }

    async fn stop(&self, region: &Region, name: &str) -> Result<Seen, Problem> {
        self.change(Method::POST, region, name, "/stop").await
    }

    async fn terminate(&self, region: &Region, name: &str) -> Result<Seen, Problem> {
        self.change(Method::DELETE, region, name, "").await
    }

    async fn plan_launch(&self, request: &LaunchRequest) -> Result<LaunchPlan, Problem> {
        let call = Call::of(Method::POST, "/v1/instances?dry_run=true");
        let call = call.body(json!(request)).harmless();
        Ok(self.client.send(call).await?.json::<Planned<_>>()?.plan)
    }

    async fn launch(&self, request: &LaunchRequest) -> Result<(LaunchPlan, InstanceView), Problem> {
        if request.request_id.is_none() {
            self.check_name_free(request).await?;
        }
        let key = Self::key(request.request_id.as_deref());
        let call = Call::of(Method::POST, "/v1/instances");
        let call = call.body(json!(request)).key(key);
        let launched: Launched = self.client.send(call).await?.json()?;
        Ok((launched.plan, launched.instance))
    }

    async fn plan_save(&self, request: SaveRequest) -> Result<SavePlan, Problem> {
        let call = Call::of(Method::POST, "/v1/saves?dry_run=true");
        let call = call.body(json!(request)).harmless();
        Ok(self.client.send(call).await?.json::<Planned<_>>()?.plan)
    }

    async fn asked_before(
        &self,
        request: &SaveRequest,
        request_id: &str,
    ) -> Result<Option<Started>, Problem> {
        let save_id = save_id_of(&self.user().await?, request_id)?;
        match self.save(&save_id).await {
            Ok(record) if record.request == *request => Ok(Some(Started {
                save_id,
                repeated: true,
            })),
            Ok(record) => {
                let id = record.save_id;
                let message =
                    format!("The request id was used for {id}, which asked for something else.");
                Err(Problem::new(Code::RequestIdReused, message))
            }
            Err(problem) if problem.code == Code::SaveNotFound => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    async fn start_save(
        &self,
        _place: Place,
        request: SaveRequest,
        request_id: Option<&str>,
    ) -> Result<Started, Problem> {
        let call = Call::of(Method::POST, "/v1/saves").body(json!(request));
        self.begin(call.key(Self::key(request_id))).await
    }

    async fn save(&self, id: &SaveId) -> Result<SaveRecord, Problem> {
        self.get(&format!("/v1/saves/{id}")).await
    }

    /// The API knows records alone; but what it has just taken on will have one.
    async fn unrecorded(&self, id: &SaveId) -> Result<Unrecorded, Problem> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(if begun.contains(id) {
            Unrecorded::Begins
        } else {
            Unrecorded::Unknown
        })
    }

    async fn saves(&self, limit: usize) -> Result<(Vec<SaveRecord>, bool), Problem> {
        self.list("/v1/saves", limit).await
    }

    async fn cancel_save(&self, id: &SaveId) -> Result<SaveRecord, Problem> {
        let call = Call::of(Method::POST, format!("/v1/saves/{id}/cancel"));
        self.client.send(call).await?.json()
    }

    async fn recover_save(&self, id: &SaveId) -> Result<SaveRecord, Problem> {
        let call = Call::of(Method::POST, format!("/v1/saves/{id}/recover"));
        self.client.send(call).await?.json()
    }

    async fn create_schedule(&self, asked: ScheduleRequest) -> Result<Schedule, Problem> {
        // The same again is the same schedule: it needs no key.
        let call = Call::of(Method::POST, "/v1/schedules");
        let call = call.body(json!(asked)).harmless();
        self.client.send(call).await?.json()
    }

    async fn schedules(&self, limit: usize) -> Result<(Vec<ScheduleView>, bool), Problem> {
        self.list("/v1/schedules", limit).await
    }

    async fn schedule(&self, name: &ScheduleName) -> Result<ScheduleView, Problem> {
        self.get(&format!("/v1/schedules/{name}")).await
    }

    async fn edit_schedule(
        &self,
        name: &ScheduleName,
        edit: &ScheduleEdit,
    ) -> Result<Schedule, Problem> {
        // The same again changes nothing: it needs no key.
        let call = Call::of(Method::PATCH, format!("/v1/schedules/{name}"));
        let call = call.body(json!(edit)).harmless();
        self.client.send(call).await?.json()
    }

    async fn run_schedule(
        &self,
        _place: Place,
        name: &ScheduleName,
        request_id: Option<&str>,
    ) -> Result<Started, Problem> {
        let call = Call::of(Method::POST, format!("/v1/schedules/{name}/run"));
        self.begin(call.key(Self::key(request_id))).await
    }

    async fn delete_schedule(&self, name: &ScheduleName) -> Result<(), Problem> {
        let call = Call::of(Method::DELETE, format!("/v1/schedules/{name}"));
        self.client.send(call).await.map(drop)
    }

    async fn templates(
        &self,
        filter: &TemplateFilter,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<TemplateSummary>, Problem> {
        templates::list(self, filter, limit, cursor).await
    }

    async fn template(&self, reference: &TemplateRef) -> Result<TemplateView, Problem> {
        self.get(&templates::path(reference)).await
    }

    async fn versions(&self, name: &TemplateName, limit: usize) -> Result<Vec<Version>, Problem> {
        let path = format!("/v1/templates/{name}/versions");
        Ok(self.list(&path, limit).await?.0)
    }

    async fn plan_copy(&self, request: &CopyRequest) -> Result<CopyPlan, Problem> {
        let call = Call::of(Method::POST, copies_path(request, "?dry_run=true"));
        let call = call.body(copies_body(request)).harmless();
        Ok(self.client.send(call).await?.json::<Planned<_>>()?.plan)
    }

    async fn start_copy(
        &self,
        _place: Place,
        request: &CopyRequest,
        request_id: Option<&str>,
    ) -> Result<Started, Problem> {
        let call = Call::of(Method::POST, copies_path(request, "")).body(copies_body(request));
        self.begin(call.key(Self::key(request_id))).await
    }

    async fn packages(&self, reference: &TemplateRef) -> Result<Option<Inventory>, Problem> {
        self.get(&templates::numbered(self, reference, "packages").await?)
            .await
    }

    async fn audit_events(
        &self,
        filter: &AuditFilter,
        limit: usize,
    ) -> Result<(Vec<AuditEvent>, bool), Problem> {
        let resource = filter.resource.as_ref().map(ToString::to_string);
        let project = filter.project.as_ref().map(ToString::to_string);
        let user = filter.user.as_ref().map(ToString::to_string);
        let values = [("resource", resource), ("project", project), ("user", user)];
        let values = values
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| format!("{name}={}", encoded(&value))));
        let query = values.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        self.list(&format!("/v1/audit{mark}{query}"), limit).await
    }

    async fn export_template(&self, reference: &TemplateRef) -> Result<String, Problem> {
        let path = templates::numbered(self, reference, "export").await?;
        self.client.send(Call::get(&path)).await?.text()
    }

    async fn lineage(&self, name: &TemplateName) -> Result<Lineage, Problem> {
        self.get(&format!("/v1/templates/{name}/lineage")).await
    }

    async fn diff(&self, from: &TemplateRef, to: &TemplateRef) -> Result<TemplateDiff, Problem> {
        self.get(&templates::diff_path(from, to)).await
    }

    async fn rollback(
        &self,
        name: &TemplateName,
        to: Option<u32>,
        publish_sensitive: bool,
    ) -> Result<RolledBack, Problem> {
        let call = templates::rollback(name, to, publish_sensitive);
        self.client.send(call).await?.json()
    }

    async fn edit_template(
        &self,
        reference: &TemplateRef,
        edit: &TemplateEdit,
        revision: Option<u64>,
    ) -> Result<TemplateView, Problem> {
        let call = templates::edit(reference, edit, revision);
        self.client.send(call).await?.json()
    }

    async fn deprecate_template(
        &self,
        reference: &TemplateRef,
        deprecated: bool,
    ) -> Result<TemplateView, Problem> {
        let call = templates::deprecate(reference, deprecated);
        self.client.send(call).await?.json()
    }

    async fn import_template(
        &self,
        name: &TemplateName,
        request: &ImportRequest,
        dry_run: bool,
    ) -> Result<Imported, Problem> {
        let call = templates::import(name, request, dry_run);
        self.client.send(call).await?.json()
    }

    async fn delete_template(
        &self,
        reference: &TemplateRef,
        dry_run: bool,
        force: bool,
    ) -> Result<Deletion, Problem> {
        let call = templates::delete(reference, dry_run, force);
        self.client.send(call).await?.json()
    }
}
