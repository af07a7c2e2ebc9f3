//! Saves: list and show, at once or as soon as something has changed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::expected::tag;
use super::parts::{Fresh, IfNoneMatch, Page, Paging};
use super::saves::SaveView;
use super::{Asked, Service};
use crate::domain::save::{SaveState, check_name};
use crate::domain::{Code, Problem, SaveId, TemplateName};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::{Action, Caller};

/// The query of a request for saves.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SavesPage {
    /// Only saves in this state; `running` means in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<SaveState>,
    /// Only saves of this instance, by the name in the request or by the instance ID.
    #[param(min_length = 1, max_length = 128)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Only saves to this template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateName>,
    /// With `If-None-Match`: for how many seconds to wait for a change of the page.
    #[param(minimum = 0, maximum = 20, default = 0)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<u32>,
    /// The maximum number of items on the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: the cursor of the previous page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl SavesPage {
    /// Returns the query for a page of all saves.
    pub fn of(page: Paging) -> Self {
        Self {
            limit: page.limit,
            cursor: page.cursor,
            ..Self::default()
        }
    }

    fn keeps(&self, save: &SaveView) -> bool {
        let (request, plan) = (&save.request, &save.plan);
        let state = self.state.is_none_or(|state| save.state == state);
        let template = self.template.as_ref();
        let template = template.is_none_or(|template| request.template == *template);
        let instance = self.instance.as_ref().is_none_or(|instance| {
            let id = plan.as_ref().map(|plan| plan.instance.id.as_str());
            request.instance == *instance || id == Some(instance)
        });
        state && template && instance
    }
}

operation! {
    /// Lists your saves, newest first
    ///
    /// A page of a filtered list may contain fewer items than requested, or none, even if more pages follow: continue as
    /// long as there is a cursor. With `If-None-Match` and `wait`, the response is sent as soon as the page has changed.
    ListSaves by list_saves: Get "/v1/saves" of "saves",
    query: SavesPage, head: IfNoneMatch,
    output: Fresh<Page<SaveView>>,
    rights: [],
}

async fn list_saves(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListSaves>,
) -> Answered<ListSaves> {
    let filter = &asked.query;
    let limit = Paging::new(filter.limit, None).limit()?;
    if let Some(instance) = &filter.instance {
        check_name("instance name or ID", instance)?;
    }
    let registry = &service.env.registry;
    let mut waiting = service.waiting(asked.head, filter.wait)?;
    loop {
        let cursor = filter.cursor.clone();
        let listed = registry.saves_of(&caller.user, limit, cursor).await?;
        let items = listed.items.into_iter();
        let views = items.map(|record| service.guided(record));
        let page = Page {
            items: views.filter(|save| filter.keeps(save)).collect(),
            cursor: listed.cursor,
        };
        let tag = digest(&page)?;
        if let Some(response) = waiting.response(page, tag).await {
            return Ok(response);
        }
    }
}

/// Returns a tag that differs whenever the content does.
fn digest(content: &impl Serialize) -> Result<String, Problem> {
    let text = serde_json::to_vec(content).map_err(|error| {
        Problem::new(Code::Internal, "The list cannot be written.").because(error)
    })?;
    Ok(hex::encode(&Sha256::digest(text)[..10]))
}

/// The query of a request for a save.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// With `If-None-Match`: for how many seconds to wait for a change.
    #[param(minimum = 0, maximum = 20, default = 0)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<u32>,
}

operation! {
    /// Returns the state of a save
    ///
    /// With `If-None-Match` and `wait`, the response is sent as soon as the state has changed.
    ShowSave by show_save: Get "/v1/saves/{id}" of "saves",
    path: SaveId, query: WaitQuery, head: IfNoneMatch,
    output: Fresh<SaveView>,
    rights: [See Save],
}

async fn show_save(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowSave>,
) -> Answered<ShowSave> {
    let mut waiting = service.waiting(asked.head, asked.query.wait)?;
    loop {
        let stored = service.stored_save_for(caller, &asked.path, Action::See);
        let stored = stored.await?;
        let tag = tag(&stored);
        let save = service.guided(stored.value);
        if let Some(response) = waiting.response(save, tag).await {
            return Ok(response);
        }
    }
}
