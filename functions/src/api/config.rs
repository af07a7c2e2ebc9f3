//! What the portal needs before anybody has signed in: how to sign in, and what the sizes are and cost. A request has no
//! caller, so this is a route and not an operation. It contains nothing of the account, and nothing about users.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::{
    ContentBuilder, HttpMethod, OpenApi, Ref, ResponseBuilder, SecurityRequirement,
};
use utoipa::{PartialSchema as _, ToSchema};

use super::{Api, PROBLEM_JSON, ProblemBody};
use crate::domain::Region;
use crate::domain::allowed::AllowedTypes;
use crate::domain::ec2::Architecture;
use crate::domain::pricing::{READ_ON, REGION, SNAPSHOT_GB_MONTH};
use crate::domain::sizes::{Machine, Size};
use crate::rules::{Settings, SignIn};

const PATH: &str = "/v1/config";
/// The status codes of the problems that any request can have.
const PROBLEMS: [(&str, &str); 2] = [
    ("500", "An internal error in Prism"),
    ("503", "A temporary error"),
];

/// The configuration that anybody may read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PublicConfig {
    /// The version of the deployment.
    pub version: String,
    /// How to sign in; null if the deployment has no identity provider for a portal.
    pub sign_in: Option<SignIn>,
    /// The only Regions in which the deployment allows launches, saves and copies. If the list is empty, it allows all
    /// Regions of the account, which `GET /v1/regions` lists.
    pub regions: Vec<Region>,
    /// The sizes of instances, from small to large.
    pub sizes: Vec<SizeView>,
    /// The price of EBS snapshots in the standard tier, in USD per GB-month.
    pub snapshot_usd_per_gb_month: f64,
    /// The Region whose prices these are. Estimates use them in every Region.
    pub prices_in: String,
    /// The date on which the prices were last checked.
    pub prices_of: String,
}

/// A size of instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SizeView {
    /// The size.
    pub size: Size,
    /// Its instance type for each architecture.
    pub types: Vec<TypeView>,
}

/// The instance type of a size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TypeView {
    /// The architecture.
    pub architecture: Architecture,
    /// The instance type.
    pub instance_type: String,
    /// The number of virtual CPUs.
    pub vcpus: u16,
    /// The memory, in GiB.
    pub memory_gib: u16,
    /// The number and kind of GPUs; null if there are none.
    pub gpu: Option<String>,
    /// The on-demand price for Linux, in USD per hour.
    pub usd_per_hour: f64,
    /// Whether the deployment allows launches of this type.
    pub allowed: bool,
}

impl PublicConfig {
    fn of(settings: &Settings) -> Self {
        let sizes = Size::ALL.iter();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sign_in: settings.sign_in.clone(),
            regions: settings.allowed_regions.0.iter().cloned().collect(),
            sizes: sizes
                .map(|size| SizeView::of(*size, &settings.allowed_types))
                .collect(),
            snapshot_usd_per_gb_month: SNAPSHOT_GB_MONTH,
            prices_in: REGION.to_owned(),
            prices_of: READ_ON.to_owned(),
        }
    }
}

impl SizeView {
    fn of(size: Size, types: &AllowedTypes) -> Self {
        let view = |architecture: Architecture| {
            let Machine {
                instance_type,
                vcpus,
                memory_gib,
                gpu,
                usd_per_hour,
            } = *size.machine(architecture);
            TypeView {
                architecture,
                instance_type: instance_type.to_owned(),
                vcpus,
                memory_gib,
                gpu: (!gpu.is_empty()).then(|| gpu.to_owned()),
                usd_per_hour,
                allowed: types.check(instance_type).is_ok(),
            }
        };
        let both = [Architecture::X86_64, Architecture::Arm64];
        Self {
            size,
            types: both.map(view).into(),
        }
    }
}

/// Returns the route. It requires no authentication.
pub(super) fn route() -> Router<Api> {
    let answer = async |State(api): State<Api>| Json(PublicConfig::of(&api.service.env.settings));
    Router::new().route(PATH, get(answer))
}

/// Adds the route to the document.
pub(super) fn describe(document: &mut OpenApi) {
    let content = Ref::from_schema_name(PublicConfig::name());
    let found = ResponseBuilder::new().description("OK").content(
        "application/json",
        ContentBuilder::new().schema(Some(content)).build(),
    );
    let mut operation = OperationBuilder::new()
        .tag("config")
        .operation_id(Some("config"))
        .summary(Some("Returns how to sign in, the sizes, and the prices"))
        .description(Some(
            "It requires no authentication. The prices are those of the price table in Prism, not of the account.",
        ))
        .securities(Some(Vec::<SecurityRequirement>::new()))
        .response("200", found);
    for (status, means) in PROBLEMS {
        let problem = Ref::from_schema_name(ProblemBody::name());
        let content = ContentBuilder::new().schema(Some(problem)).build();
        let response = ResponseBuilder::new().description(means);
        operation = operation.response(status, response.content(PROBLEM_JSON, content));
    }
    let (paths, operation) = (&mut document.paths, operation.build());
    paths.add_path_operation(PATH, vec![HttpMethod::Get], operation);
    let components = document.components.get_or_insert_default();
    let mut schemas = vec![(PublicConfig::name().into_owned(), PublicConfig::schema())];
    PublicConfig::schemas(&mut schemas);
    components.schemas.extend(schemas);
}
