//! Instances: list and show.

use futures::future::{try_join_all, try_join3};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::instance_regions::{Looked, UnavailableRegion};
use super::parts::{Found, InRegion, InstanceName, Paging};
use super::{Asked, Service, Spending};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::ec2::InstanceState;
use crate::domain::end::End;
use crate::domain::save::check_name;
use crate::domain::setup::Setup;
use crate::domain::sizes::usd_per_hour;
use crate::domain::tags::{LOGIN_TAG, OWNER_TAG, TEMPLATE_TAG};
use crate::domain::{InstanceId, Problem, Region, SaveId, Timestamp, UserId};
use crate::operations::operation::{Answered, operation};
use crate::ports::{Instance, InstanceFilter};
use crate::registry::{AuditOf, Times};
use crate::rules::access::Caller;
use crate::rules::lookup::{check_regions, own_instance};

/// How many records are read side by side.
const AT_ONCE: usize = 16;
/// Among how many of the newest events of an instance its last stop is looked for.
const EVENTS: usize = 10;

/// An instance as its owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InstanceView {
    /// The name, or the ID if the instance has no name.
    pub name: String,
    /// The instance ID.
    pub id: String,
    /// The current state.
    pub state: InstanceState,
    /// EC2's code for the reason of the state, such as `Client.UserInitiatedShutdown`, if there is one.
    pub state_reason: Option<String>,
    /// Who has stopped it in place of its owner; only in the response to a request for a single instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<StoppedBy>,
    /// The Region of the instance.
    pub region: Region,
    /// The instance type.
    pub instance_type: String,
    /// The Availability Zone. EC2 may omit it once the instance is terminated.
    #[serde(default)]
    pub zone: Option<String>,
    /// The template that it was launched from: `name` or `name@version`.
    pub template: Option<String>,
    /// The public IPv4 address.
    pub public_ip: Option<String>,
    /// The user name to log in with.
    #[serde(default)]
    pub login: Option<String>,
    /// Whether it has an instance profile, which Session Manager needs.
    #[serde(default)]
    pub has_profile: bool,
    /// When it was last launched or started.
    pub launched_at: Timestamp,
    /// The save that holds the instance.
    pub save_id: Option<SaveId>,
    /// The on-demand price of its type for Linux while it runs, in USD per hour; null if the price table does not contain
    /// the type. It is the price in us-east-1, whatever the Region of the instance.
    #[serde(default)]
    pub usd_per_hour: Option<f64>,
    /// When it ends by itself, or ended last; null if it runs until somebody stops it.
    #[serde(default)]
    pub end: Option<End>,
    /// How far its setup is, if it is running and says so; only in a list, for the 16 instances of a page that were
    /// launched or started last, and in the response to a request for a single instance.
    #[serde(default)]
    pub setup: Option<Setup>,
    /// What the instance has cost this month; null if this is not known, because Prism did not launch it or has not looked
    /// at it since.
    #[serde(default)]
    pub spending: Option<Spending>,
}

/// A user who has stopped an instance of somebody else, as a manager of its project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoppedBy {
    /// The user.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// The query of a request for instances.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InstancesPage {
    /// The Region of the instances. Without it, those in all Regions that the deployment allows are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The maximum number of items on the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: the cursor of the previous page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InstanceList {
    /// The items of the page.
    pub items: Vec<InstanceView>,
    /// The cursor of the next page, valid only for the same list and the same caller; null on the last page.
    pub cursor: Option<String>,
    /// The Regions that did not answer, so that their instances are missing. If a Region is given, its problem is the
    /// response, and the list is empty.
    #[serde(default)]
    pub unavailable: Vec<UnavailableRegion>,
}

operation! {
    /// Lists your instances in a Region or in all Regions, by name
    ///
    /// All Regions are asked for each page. One that does not answer is named in the response, and the instances of the
    /// others are still listed.
    ListInstances by list_instances: Get "/v1/instances" of "instances",
    query: InstancesPage,
    output: Found<InstanceList>,
    rights: [],
}

async fn list_instances(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListInstances>,
) -> Answered<ListInstances> {
    let InstancesPage {
        region,
        limit,
        cursor,
    } = asked.query;
    let paging = Paging::new(limit, cursor);
    paging.limit()?;
    let filter = InstanceFilter::Tag(OWNER_TAG.to_owned(), caller.user.to_string());
    let looked = match &region {
        Some(region) => {
            check_regions(&service.env, [region]).await?;
            Looked {
                found: service.instances_in(region, &filter).await?,
                unavailable: Vec::new(),
            }
        }
        None => service.instances_everywhere(&filter).await?,
    };
    let found = looked.found.iter();
    let views = found.map(|(region, instance)| InstanceView::of(instance, region, None));
    let mut all: Vec<InstanceView> = views.collect();
    let key = |instance: &InstanceView| [instance.name.clone(), instance.id.clone()];
    all.sort_by_cached_key(key);
    let list = region.map_or_else(
        || "instances".to_owned(),
        |region| format!("instances {region}"),
    );
    let mut page = paging.of(&list, all, key)?;
    service.fill_in(&mut page.items).await?;
    service.add_setups(&mut page.items).await;
    Ok(Found::new(InstanceList {
        items: page.items,
        cursor: page.cursor,
        unavailable: looked.unavailable,
    }))
}

operation! {
    /// Returns an instance and its state
    ShowInstance by show_instance: Get "/v1/instances/{name}" of "instances",
    path: InstanceName, query: InRegion,
    output: Found<InstanceView>,
    rights: [Change Instance],
}

async fn show_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowInstance>,
) -> Answered<ShowInstance> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    check_regions(&service.env, [&region]).await?;
    let mut view = service.instance_view(caller, &region, &name).await?;
    view.stopped_by = service.stopped_by(caller, &view).await?;
    view.setup = service.setup(&view).await;
    Ok(Found::new(view))
}

impl Service {
    /// Adds the saves that hold the instances, when the instances end, and what they cost.
    async fn fill_in(&self, views: &mut [InstanceView]) -> Result<(), Problem> {
        let registry = &self.env.registry;
        for some in views.chunks_mut(AT_ONCE) {
            let known = some.iter().map(|view| async {
                let id = view.id.parse()?;
                let holder = registry.lock_holder(&view.region, &id);
                let end = registry.end(&view.region, &id);
                try_join3(holder, end, self.spent_on(&view.region, &id)).await
            });
            let known = try_join_all(known).await?;
            for (view, (holder, end, spending)) in some.iter_mut().zip(known) {
                view.save_id = holder;
                view.end = end.map(|stored| stored.value.end);
                view.spending = spending;
            }
        }
        Ok(())
    }

    /// Returns the caller's instance with that name or ID, as a list shows it.
    pub(super) async fn instance_view(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<InstanceView, Problem> {
        let instance = self.instance(caller, region, name).await?;
        self.view_of(region, &instance).await
    }

    /// Returns the view of an instance.
    pub(super) async fn view_of(
        &self,
        region: &Region,
        instance: &Instance,
    ) -> Result<InstanceView, Problem> {
        let registry = &self.env.registry;
        let save_id = registry.lock_holder(region, &instance.id).await?;
        let end = registry.end(region, &instance.id).await?;
        let spending = self.spent_on(region, &instance.id).await?;
        Ok(InstanceView {
            end: end.map(|stored| stored.value.end),
            spending,
            ..InstanceView::of(instance, region, save_id)
        })
    }

    /// Returns what an instance has cost this month, if it has a meter.
    async fn spent_on(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<Option<Spending>, Problem> {
        let meter = self.env.registry.meter(region, id).await?;
        let now = self.env.clock.now();
        Ok(meter.map(|meter| Spending::of_meter(&meter.value, now)))
    }

    /// Returns who has stopped an instance of the caller since it was last started, if this was somebody else.
    async fn stopped_by(
        &self,
        caller: &Caller,
        view: &InstanceView,
    ) -> Result<Option<StoppedBy>, Problem> {
        let stops = [InstanceState::Stopping, InstanceState::Stopped];
        if !stops.contains(&view.state) {
            return Ok(None);
        }
        let of = AuditOf::Subject {
            subject: Subject::Instance(view.region.clone(), view.id.parse()?),
            user: caller.user.clone(),
            since: view.launched_at,
        };
        let registry = &self.env.registry;
        let events = registry.audit_events(&of, Times::default(), EVENTS, None);
        let stop = String::from(AuditAction::InstanceStop);
        let mut events = events.await?.items.into_iter();
        let last = events.find(|event| event.action == stop);
        Ok(last
            .filter(|event| event.user != caller.user)
            .map(|event| StoppedBy {
                user: event.user,
                at: event.at,
            }))
    }

    /// Returns the caller's instance with that name or ID. An instance of another user is refused as one that does not
    /// exist.
    pub async fn instance(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<Instance, Problem> {
        check_name("instance name or ID", name)?;
        own_instance(&self.env, caller, region, name).await
    }
}

impl InstanceView {
    /// Creates the view of an instance and the save that holds it.
    pub(crate) fn of(instance: &Instance, region: &Region, save_id: Option<SaveId>) -> Self {
        Self {
            name: instance.name().unwrap_or(instance.id.as_str()).to_owned(),
            id: instance.id.to_string(),
            state: instance.state,
            stopped_by: None,
            state_reason: instance.state_reason.as_ref().map(|why| why.code.clone()),
            region: region.clone(),
            instance_type: instance.instance_type.clone(),
            zone: instance.zone.clone(),
            template: instance.tags.get(TEMPLATE_TAG).cloned(),
            public_ip: instance.public_ip.clone(),
            login: instance.tags.get(LOGIN_TAG).cloned(),
            has_profile: instance.has_profile,
            launched_at: instance.launched_at,
            save_id,
            usd_per_hour: usd_per_hour(&instance.instance_type),
            end: None,
            setup: None,
            spending: None,
        }
    }
}
