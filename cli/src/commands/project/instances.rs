//! The instances of a project, of everybody.

use prism_functions::domain::{Problem, ProjectName, Timestamp};
use prism_functions::operations::parts::{PAGE_MOST, Paging};
use prism_functions::operations::{
    Asked, ListProjectInstances, ProjectInstance, UnavailableRegion,
};
use serde_json::json;

use crate::ends;
use crate::errors::Outcome;
use crate::options::Only;
use crate::session::Session;
use crate::spending;
use crate::table;
use crate::text::{Times, or_dash, plain, usd_per_hour};

const HEADS: [&str; 9] = [
    "NAME", "OWNER", "STATE", "TYPE", "TEMPLATE", "SINCE", "PRICE", "REGION", "ID",
];

/// Where the columns are that are shown only if they say something; the later one is inserted first.
const ENDS_AT: usize = 6;
const LAUNCHED_BY_AT: usize = 2;

fn ends_at(instance: &ProjectInstance) -> Option<Timestamp> {
    ends::ahead(instance.end.as_ref())
}

/// Lists the instances of a project that the options select.
pub(crate) async fn list(session: &Session, project: &str, only: &Only) -> Outcome {
    let project = super::name(project)?;
    let (mut instances, unavailable) = all(session, &project).await?;
    instances.retain(|it| only.admits_any(it.state, it.template.as_deref(), &it.name));
    for UnavailableRegion {
        region, message, ..
    } in &unavailable
    {
        let missing = format!("The instances in {region} are missing: {message}");
        session.out.warn(&plain(&missing));
    }
    let value = json!({ "instances": instances, "unavailable": unavailable });
    let times = session.times();
    let mut heads = HEADS.to_vec();
    let ends = instances.iter().any(|it| ends_at(it).is_some());
    if ends {
        heads.insert(ENDS_AT, "ENDS");
    }
    let launchers = instances.iter().any(|it| it.launched_by != it.owner);
    if launchers {
        heads.insert(LAUNCHED_BY_AT, "LAUNCHED BY");
    }
    let row = |instance: &ProjectInstance| {
        let mut row = row(instance, times);
        if ends {
            let at = ends_at(instance).map(|at| times.when(at));
            row.insert(ENDS_AT, or_dash(at));
        }
        if launchers {
            row.insert(LAUNCHED_BY_AT, or_dash(instance.launched_by.as_ref()));
        }
        row
    };
    let rows = instances.iter().map(row);
    let none = format!("No instances of the project {project}.");
    let code = table::list(&session.out, &value, &heads, rows, &none)?;
    let priced = instances.iter().filter(|it| it.usd_per_hour.is_some());
    spending::note_prices(&session.out, priced.map(|it| &it.region));
    Ok(code)
}

/// Reads the instances of a project in all Regions, and the Regions that did not answer.
pub(crate) async fn all(
    session: &Session,
    project: &ProjectName,
) -> Result<(Vec<ProjectInstance>, Vec<UnavailableRegion>), Problem> {
    let (mut instances, mut cursor) = (Vec::new(), None);
    loop {
        let page = Paging::new(u32::try_from(PAGE_MOST).ok(), cursor);
        let asked = Asked::<ListProjectInstances>::by(project.clone(), page);
        let page = session.client.ask(asked).await?;
        instances.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok((instances, page.unavailable));
        }
    }
}

fn row(instance: &ProjectInstance, times: Times) -> Vec<String> {
    let price = instance.usd_per_hour;
    vec![
        instance.name.clone(),
        or_dash(instance.owner.as_ref()),
        instance.state.as_str().to_owned(),
        instance.instance_type.clone(),
        or_dash(instance.template.as_ref()),
        times.when(instance.launched_at),
        price.map_or_else(|| "price not known".to_owned(), usd_per_hour),
        instance.region.to_string(),
        instance.id.clone(),
    ]
}
