//! Instances: list and show.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::parts::{Found, InRegion, InstanceName, Page, Paging};
use super::{Asked, Service};
use crate::domain::ec2::InstanceState;
use crate::domain::save::check_name;
use crate::domain::tags::{LOGIN_TAG, OWNER_TAG, TEMPLATE_TAG};
use crate::domain::{Problem, Region, SaveId, Timestamp};
use crate::operations::operation::{Answered, operation};
use crate::ports::{Instance, InstanceFilter, from_ec2};
use crate::rules::Maker;
use crate::rules::access::Caller;
use crate::rules::lookup::{check_regions, own_instance};

/// An instance as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InstanceView {
    /// The name, or the ID if the instance has no name.
    pub name: String,
    /// The instance ID.
    pub id: String,
    /// The current state.
    pub state: InstanceState,
    /// EC2's code for the reason of the state, such as `Client.UserInitiatedShutdown`, if there is one.
    pub state_reason: Option<String>,
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
}

/// The query of a request for instances.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InstancesPage {
    /// The Region of the instances.
    pub region: Region,
    /// The maximum number of items on the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: the cursor of the previous page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

operation! {
    /// Lists your instances in a Region, by name
    ListInstances by list_instances: Get "/v1/instances" of "instances",
    query: InstancesPage,
    output: Found<Page<InstanceView>>,
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
    check_regions(&service.env, [&region]).await?;
    let filter = InstanceFilter::Tag(OWNER_TAG.to_owned(), caller.user.to_string());
    let deployment = service.env.deployment().await?;
    let found = service.env.ec2.instances(&region, &filter).await;
    let registry = &service.env.registry;
    let mut all = Vec::new();
    for instance in found.map_err(from_ec2)? {
        if Maker::is_another(&instance.tags, deployment) {
            continue;
        }
        let save_id = registry.lock_holder(&region, &instance.id).await?;
        all.push(InstanceView::of(&instance, &region, save_id));
    }
    let key = |instance: &InstanceView| [instance.name.clone(), instance.id.clone()];
    all.sort_by_cached_key(key);
    let page = paging.of(&format!("instances {region}"), all, key)?;
    Ok(Found::new(page))
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
    let view = service.instance_view(caller, &region, &name);
    view.await.map(Found::new)
}

impl Service {
    /// Returns the caller's instance with that name or ID, as a list shows it.
    pub(super) async fn instance_view(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<InstanceView, Problem> {
        let instance = self.instance(caller, region, name).await?;
        let save_id = self.env.registry.lock_holder(region, &instance.id).await?;
        Ok(InstanceView::of(&instance, region, save_id))
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
        }
    }
}
