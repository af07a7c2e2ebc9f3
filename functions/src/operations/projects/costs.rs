//! The costs of a project: its saved versions, calculated from their current snapshots, and its instances, which are
//! metered.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::catalogue;
use crate::domain::pricing::{READ_ON, snapshot_usd_per_month};
use crate::domain::project::ProjectRole;
use crate::domain::tags::SAVE_TAG;
use crate::domain::template::{Template, Version};
use crate::domain::{
    Problem, ProjectName, Region, SnapshotId, TemplateName, Timestamp, UserId, VolumeId,
};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, Paging};
use crate::operations::spending::{
    COUNTED as COMPUTE_COUNTED, InstanceSpending, Spending, SpendingOf,
};
use crate::operations::{Asked, Service};
use crate::ports::{Snapshot, SnapshotFilter, from_ec2};
use crate::registry::Payer;
use crate::rules::access::{Action, Caller};

/// The number of records that are read at once.
const PAGE: usize = 100;
/// The number of snapshots that are requested at once.
const SNAPSHOTS: usize = 200;

/// Describes how costs are counted.
const COUNTED: &str = "Each snapshot by its full size, which is the most that it can cost: EC2 bills a block that several snapshots share only once, and does not report which blocks these are. Snapshots of one volume share blocks, and \
    so do those of a version and of what was saved from a launch of it. Deleting a version that shares \
    none frees all that it costs; another frees between nothing and that. All Regions are counted at the prices of us-east-1.";

/// The costs of a version's snapshots in one Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RegionCost {
    /// The Region.
    pub region: Region,
    /// The full size of the snapshots, in bytes.
    pub bytes: u64,
    /// The most that they cost a month, in USD.
    pub usd_per_month: f64,
    /// Whether they may share blocks with another version's snapshots. If so, deleting this version saves at most its
    /// cost; otherwise it saves all of it.
    pub shares_blocks: bool,
    /// Snapshots that no longer exist in EC2, or whose size EC2 has not reported.
    pub unknown: Vec<SnapshotId>,
}

/// The costs of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VersionCost {
    /// The number of the version.
    pub version: u32,
    /// The user who saved the version.
    pub saved_by: UserId,
    /// When the version was saved.
    pub saved_date: Timestamp,
    /// The most that the version costs a month, in USD, in all of its Regions.
    pub usd_per_month: f64,
    /// The least that deleting the version saves, in USD a month. At most, it saves the full cost.
    pub frees_at_least_usd: f64,
    /// The costs by Region.
    pub regions: Vec<RegionCost>,
}

/// The costs of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateCost {
    /// The template.
    pub template: TemplateName,
    /// The owner of the template.
    pub owner: UserId,
    /// The most that all versions of the template cost a month, in USD. Deleting the template saves this amount, except
    /// for blocks that other templates share.
    pub usd_per_month: f64,
    /// The versions of the template, newest first.
    pub versions: Vec<VersionCost>,
}

/// The costs of the versions that a user has saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PersonCost {
    /// The user who saved the versions, or imported them.
    pub user: UserId,
    /// The most that the versions cost a month, in USD.
    pub usd_per_month: f64,
    /// The number of versions.
    pub versions: u32,
}

/// The costs of a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProjectCosts {
    /// The project.
    pub project: ProjectName,
    /// The most that the saved versions cost a month, in USD.
    pub usd_per_month: f64,
    /// What the instances of the project have cost this month.
    #[serde(default)]
    pub compute: ComputeCosts,
    /// What the budget is compared with, in USD: what the saved versions cost a month, and what the instances have cost
    /// this month.
    #[serde(default)]
    pub month_usd: f64,
    /// The same at the end of the month, if nothing is saved, deleted, started, stopped or terminated.
    #[serde(default)]
    pub month_forecast_usd: f64,
    /// The budget of the project, in USD a month.
    pub limit_usd: Option<f64>,
    /// The used share of the budget, in percent.
    pub used_percent: Option<f64>,
    /// The project's templates that the caller may see, most expensive first. In a paged list, they are sorted by name.
    pub templates: Vec<TemplateCost>,
    /// The cursor of the next page of templates; null on the last page.
    #[serde(default)]
    pub cursor: Option<String>,
    /// The most that the project's other templates cost a month, in USD. A member sees their costs but not the
    /// templates.
    #[serde(default)]
    pub unseen_usd_per_month: f64,
    /// The costs by user, most expensive first, of all templates of the project, on each page.
    #[serde(default)]
    pub people: Vec<PersonCost>,
    /// A description of what is counted.
    pub counted: String,
    /// The date of the price table.
    pub prices_of: String,
}

/// What the instances of a project have cost this month.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ComputeCosts {
    /// All instances.
    pub total: Spending,
    /// By user, most expensive first.
    pub people: Vec<SpendingOf>,
    /// By template, most expensive first. Members who do not manage the project see built-in templates, and those of the
    /// project's templates that they may see.
    pub templates: Vec<SpendingOf>,
    /// By instance, most expensive first, including terminated ones. Members who do not manage the project see their own.
    pub instances: Vec<InstanceSpending>,
    /// Whether there are so many instances that some are missing. The total contains all of them.
    pub incomplete: bool,
    /// A description of what is counted.
    pub counted: String,
}

impl ProjectCosts {
    /// Sorts the templates for display, most expensive first.
    pub fn dearest_first(&mut self) {
        self.templates.sort_by(|a, b| {
            let dearer = b.usd_per_month.total_cmp(&a.usd_per_month);
            dearer.then_with(|| a.template.cmp(&b.template))
        });
    }
}

/// The snapshots that EC2 has in a Region.
type Seen = BTreeMap<SnapshotId, Snapshot>;

operation! {
    /// Returns the costs of a project: of its saved versions and of its instances
    ///
    /// The costs of versions are calculated from their current snapshots, by template, version and Region. The templates are
    /// returned in pages, sorted by name. The sums cover all of them. The costs of instances are those of the current month,
    /// on each page.
    ShowProjectCosts by show_project_costs: Get "/v1/projects/{name}/costs" of "projects",
    path: ProjectName, query: Paging,
    output: Found<ProjectCosts>,
    rights: [SeeCosts Project],
}

async fn show_project_costs(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowProjectCosts>,
) -> Answered<ShowProjectCosts> {
    let (name, paging) = (asked.path, asked.query);
    paging.limit()?;
    let action = Action::SeeCosts;
    let (stored, role) = service.project_for(caller, &name, action).await?;
    let templates = service.versions_of_project(&name).await?;
    let mut seen_by_caller = BTreeSet::new();
    for (template, _) in &templates {
        if service.sees(caller, role, template).await? {
            seen_by_caller.insert(&template.name);
        }
    }
    let versions = || templates.iter().flat_map(|(_, versions)| versions);
    let seen = service.snapshots_of(versions()).await?;
    let shared = Shared::of(&seen, versions());
    let mut costs: Vec<TemplateCost> = templates
        .iter()
        .map(|(template, versions)| of_template(template, versions, &seen, &shared))
        .collect();
    let usd_per_month = total(costs.iter().map(|cost| cost.usd_per_month));
    let people = by_person(&costs);
    costs.retain(|cost| seen_by_caller.contains(&cost.template));
    let told = total(costs.iter().map(|cost| cost.usd_per_month));
    let unseen = templates.len() > costs.len();
    // The costs of a template may change between two pages; its name does not.
    let key = |cost: &TemplateCost| [cost.template.to_string(), String::new()];
    costs.sort_by_cached_key(key);
    let page = paging.of(&format!("costs {name}"), costs, key)?;
    let compute = service.compute_costs(caller, &name, role, &seen_by_caller);
    let compute = compute.await?;
    let month_usd = usd_per_month + compute.total.usd;
    let budget = stored.value.budget.as_ref();
    Ok(Found::new(ProjectCosts {
        usd_per_month,
        limit_usd: budget.map(|budget| budget.limit_usd),
        used_percent: budget.map(|budget| budget.used_percent(month_usd)),
        month_usd,
        month_forecast_usd: usd_per_month + compute.total.forecast_usd,
        compute,
        templates: page.items,
        cursor: page.cursor,
        unseen_usd_per_month: if unseen { usd_per_month - told } else { 0.0 },
        people,
        counted: COUNTED.to_owned(),
        prices_of: READ_ON.to_owned(),
        project: name,
    }))
}

impl Service {
    async fn compute_costs(
        &self,
        caller: &Caller,
        project: &ProjectName,
        role: ProjectRole,
        seen: &BTreeSet<&TemplateName>,
    ) -> Result<ComputeCosts, Problem> {
        let mut spent = self.spent_by(&Payer::Project(project.clone())).await?;
        if !role.manages() {
            let own = self.spent_by(&Payer::User(caller.user.clone())).await?;
            let own: BTreeSet<String> = own.instances.into_iter().map(|it| it.id).collect();
            spent.instances.retain(|it| own.contains(&it.id));
            let seen: BTreeSet<&str> = seen.iter().map(|it| it.as_str()).collect();
            let is_seen = |name: &str| catalogue::find(name).is_some() || seen.contains(name);
            spent.templates.retain(|it| is_seen(&it.name));
        }
        Ok(ComputeCosts {
            total: spent.total,
            people: spent.others,
            templates: spent.templates,
            instances: spent.instances,
            incomplete: spent.incomplete,
            counted: COMPUTE_COUNTED.to_owned(),
        })
    }

    async fn versions_of_project(
        &self,
        name: &ProjectName,
    ) -> Result<Vec<(Template, Vec<Version>)>, Problem> {
        let registry = &self.env.registry;
        let mut templates = Vec::new();
        let mut cursor = None;
        loop {
            let page = registry.templates_of_project(name, PAGE, cursor).await?;
            for place in page.items {
                if let Some(stored) = registry.template(&place.template).await? {
                    let versions = registry.all_versions(&place.template).await?;
                    templates.push((stored.value, versions));
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(templates);
            }
        }
    }

    /// Returns the snapshots of versions, by Region.
    async fn snapshots_of(
        &self,
        versions: impl Iterator<Item = &Version>,
    ) -> Result<BTreeMap<Region, Seen>, Problem> {
        let mut wanted: BTreeMap<Region, Vec<(SnapshotId, &Version)>> = BTreeMap::new();
        for version in versions {
            for (region, ids) in &version.snapshots {
                let here = wanted.entry(region.clone()).or_default();
                here.extend(ids.iter().map(|id| (id.clone(), version)));
            }
        }
        let mut seen = BTreeMap::new();
        for (region, wanted) in wanted {
            let mut here = Seen::new();
            for some in wanted.chunks(SNAPSHOTS) {
                here.extend(self.snapshots_in(&region, some).await?);
            }
            seen.insert(region, here);
        }
        Ok(seen)
    }

    /// Returns those of the snapshots that exist. If one of them does not, EC2 reports none of them; in that case they
    /// are searched for by save.
    async fn snapshots_in(
        &self,
        region: &Region,
        wanted: &[(SnapshotId, &Version)],
    ) -> Result<Seen, Problem> {
        let ec2 = &self.env.ec2;
        let ids = wanted.iter().map(|(id, _)| id.clone()).collect();
        let by_id = |found: Vec<Snapshot>| found.into_iter().map(|it| (it.id.clone(), it));
        match ec2.snapshots(region, &SnapshotFilter::Ids(ids)).await {
            Ok(found) => return Ok(by_id(found).collect()),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(from_ec2(error)),
        }
        let saves: BTreeSet<&str> = wanted
            .iter()
            .map(|(_, version)| version.save_id.as_str())
            .collect();
        let mut seen = Seen::new();
        for save in saves {
            let tag = SnapshotFilter::Tag(SAVE_TAG.to_owned(), save.to_owned());
            let found = ec2.snapshots(region, &tag).await.map_err(from_ec2)?;
            seen.extend(by_id(found));
        }
        Ok(seen)
    }
}

/// Which snapshots share blocks, as far as the project's own versions show it.
struct Shared {
    /// The volumes that have more than one snapshot in a Region. All copies from other Regions count as snapshots of
    /// one volume, because EC2 does not assign them volumes of their own.
    volumes: BTreeSet<(Region, VolumeId)>,
    /// The versions, as `name@3`, from which other versions were derived.
    parents: BTreeSet<String>,
}

impl Shared {
    fn of<'a>(seen: &BTreeMap<Region, Seen>, versions: impl Iterator<Item = &'a Version>) -> Self {
        let mut counts: BTreeMap<(Region, VolumeId), u32> = BTreeMap::new();
        for (region, snapshots) in seen {
            for snapshot in snapshots.values() {
                let volume = (region.clone(), snapshot.volume.clone());
                *counts.entry(volume).or_default() += 1;
            }
        }
        let several = counts.into_iter().filter(|(_, count)| *count > 1);
        Self {
            volumes: several.map(|(volume, _)| volume).collect(),
            parents: versions.filter_map(|it| it.parent.clone()).collect(),
        }
    }

    /// Returns whether a version was derived from a saved version, or another version from it. Built-in templates have
    /// no versions.
    fn by_lineage(&self, version: &Version) -> bool {
        let name = format!("{}@{}", version.template, version.number);
        let parent = version.parent.as_deref().unwrap_or_default();
        parent.contains('@') || self.parents.contains(&name)
    }
}

/// Returns the costs of each user's versions, most expensive first.
fn by_person(costs: &[TemplateCost]) -> Vec<PersonCost> {
    let mut people: BTreeMap<&UserId, (f64, u32)> = BTreeMap::new();
    for version in costs.iter().flat_map(|cost| &cost.versions) {
        let (usd, versions) = people.entry(&version.saved_by).or_default();
        *usd += version.usd_per_month;
        *versions += 1;
    }
    let each = people
        .into_iter()
        .map(|(user, (usd, versions))| PersonCost {
            user: user.clone(),
            usd_per_month: usd,
            versions,
        });
    let mut people: Vec<PersonCost> = each.collect();
    // Equal costs stay in the order of names.
    people.sort_by(|a, b| b.usd_per_month.total_cmp(&a.usd_per_month));
    people
}

fn of_template(
    template: &Template,
    versions: &[Version],
    seen: &BTreeMap<Region, Seen>,
    shared: &Shared,
) -> TemplateCost {
    let versions: Vec<VersionCost> = versions
        .iter()
        .map(|version| of_version(version, seen, shared))
        .collect();
    TemplateCost {
        template: template.name.clone(),
        owner: template.owner.clone(),
        usd_per_month: total(versions.iter().map(|version| version.usd_per_month)),
        versions,
    }
}

/// Returns the sum of the costs. For no costs it is 0, not -0 as with [`Iterator::sum`].
fn total(costs: impl Iterator<Item = f64>) -> f64 {
    costs.fold(0.0, |all, cost| all + cost)
}

fn of_version(version: &Version, seen: &BTreeMap<Region, Seen>, shared: &Shared) -> VersionCost {
    let empty = Seen::new();
    let regions: Vec<RegionCost> = version
        .snapshots
        .iter()
        .map(|(region, ids)| {
            let mut cost = of_region(region, ids, seen.get(region).unwrap_or(&empty), shared);
            cost.shares_blocks |= shared.by_lineage(version);
            cost
        })
        .collect();
    let whole = regions.iter().filter(|region| !region.shares_blocks);
    VersionCost {
        version: version.number,
        saved_by: version.saved_by.clone(),
        saved_date: version.saved_date,
        frees_at_least_usd: total(whole.map(|region| region.usd_per_month)),
        usd_per_month: total(regions.iter().map(|region| region.usd_per_month)),
        regions,
    }
}

fn of_region(region: &Region, ids: &[SnapshotId], seen: &Seen, shared: &Shared) -> RegionCost {
    let size = |id: &SnapshotId| seen.get(id).and_then(|snapshot| snapshot.full_size_bytes);
    let bytes = ids.iter().filter_map(size).sum();
    let in_common = |id: &SnapshotId| {
        let volume = seen.get(id).map(|snapshot| snapshot.volume.clone());
        volume.is_some_and(|volume| shared.volumes.contains(&(region.clone(), volume)))
    };
    RegionCost {
        region: region.clone(),
        bytes,
        usd_per_month: snapshot_usd_per_month(bytes, 1),
        shares_blocks: ids.iter().any(in_common),
        unknown: ids
            .iter()
            .filter(|id| size(id).is_none())
            .cloned()
            .collect(),
    }
}
