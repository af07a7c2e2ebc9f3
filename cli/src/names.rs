//! The names that exist, for suggestions and for completion.

use futures::future::join_all;
use prism_functions::domain::{Problem, Region, TemplateName};
use prism_functions::operations::parts::{Nothing, Paging};
use prism_functions::operations::{
    Asked, InstanceView, ListProjects, ListRegions, ListSaves, ListSchedules, ListTemplates,
    ListVersions, SavesPage, SchedulesPage, TemplatesPage,
};

use crate::client::Client;

/// How many names of a kind are read.
const MOST: usize = 500;

/// What a name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Instance,
    Template,
    Project,
    Schedule,
    Save,
    Region,
}

/// The names of a kind; instances are those of one Region.
pub(crate) async fn of(
    client: &Client,
    kind: Kind,
    region: &Region,
) -> Result<Vec<String>, Problem> {
    Ok(match kind {
        Kind::Instance => instances(client, region).await?,
        Kind::Template => {
            let page = |page: Paging| {
                let query = TemplatesPage {
                    limit: page.limit,
                    cursor: page.cursor,
                    ..TemplatesPage::default()
                };
                Asked::<ListTemplates>::of(Nothing {}).query(query)
            };
            let (found, _) = client.list(MOST, page).await?;
            found.into_iter().map(|it| it.name).collect()
        }
        Kind::Project => {
            let page = |page| Asked::<ListProjects>::of(Nothing {}).query(page);
            let (found, _) = client.list(MOST, page).await?;
            let names = found.into_iter().map(|it| it.project.name.to_string());
            names.collect()
        }
        Kind::Schedule => {
            let page = |page| Asked::<ListSchedules>::by(Nothing {}, SchedulesPage::of(page));
            let (found, _) = client.list(MOST, page).await?;
            let names = found.into_iter().map(|it| it.schedule.name.to_string());
            names.collect()
        }
        Kind::Save => {
            let page = |page| Asked::<ListSaves>::by(Nothing {}, SavesPage::of(page));
            let (found, _) = client.list(MOST, page).await?;
            let ids = found.into_iter().map(|it| it.save_id.to_string());
            ids.collect()
        }
        Kind::Region => {
            let regions = regions(client).await?;
            regions.iter().map(ToString::to_string).collect()
        }
    })
}

/// The versions of a template, as `NAME@VERSION`, the newest first.
pub(crate) async fn versions(
    client: &Client,
    template: TemplateName,
) -> Result<Vec<String>, Problem> {
    let page = |page| Asked::<ListVersions>::of(template.clone()).query(page);
    let (found, _) = client.list(MOST, page).await?;
    let names = found.into_iter().map(|it| it.reference().to_string());
    Ok(names.collect())
}

async fn instances(client: &Client, region: &Region) -> Result<Vec<String>, Problem> {
    Ok(listed(client, region)
        .await?
        .into_iter()
        .map(|it| it.name)
        .collect())
}

async fn listed(client: &Client, region: &Region) -> Result<Vec<InstanceView>, Problem> {
    Ok(client.instances(Some(region)).await?.0)
}

/// The IDs of the instances of a Region.
pub(crate) async fn instance_ids(client: &Client, region: &Region) -> Result<Vec<String>, Problem> {
    Ok(listed(client, region)
        .await?
        .into_iter()
        .map(|it| it.id)
        .collect())
}

/// The Regions in which something can be launched.
async fn regions(client: &Client) -> Result<Vec<Region>, Problem> {
    let page = |page| Asked::<ListRegions>::of(Nothing {}).query(page);
    let (found, _) = client.list(MOST, page).await?;
    let allowed = found.into_iter().filter(|it| it.allowed);
    Ok(allowed.map(|it| it.name).collect())
}

/// The Regions other than this one that have an instance of this name. A Region that cannot be read is left out.
pub(crate) async fn elsewhere(client: &Client, here: &Region, name: &str) -> Vec<Region> {
    let Ok(mut regions) = regions(client).await else {
        return Vec::new();
    };
    regions.retain(|region| region != here);
    let found = join_all(regions.iter().map(|region| instances(client, region))).await;
    let with_names = regions.iter().zip(found);
    let have = with_names
        .filter(|(_, names)| matches!(names, Ok(names) if names.iter().any(|it| it == name)));
    have.map(|(region, _)| region.clone()).collect()
}
