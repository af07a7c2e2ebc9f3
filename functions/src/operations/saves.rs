//! Saves: plan, start and cancel.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::parts::{Accepted, DryRun, Either, IdempotencyKey, Json, Trial};
use super::{Asked, Service, from_executions, save_id_of};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::guide::{self, Guide};
use crate::domain::save::{SavePlan, SaveRecord, SaveRequest, SaveState};
use crate::domain::{Code, Problem, SaveId};
use crate::operations::operation::{Answered, operation};
use crate::ports::{ExecutionStatus, ExecutionsError};
use crate::registry::Stored;
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};
use crate::steps;

/// A save as callers see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SaveView {
    /// Its record.
    #[serde(flatten)]
    pub record: SaveRecord,
    /// What to do about an instance that does not come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guide: Option<Guide>,
}

impl Deref for SaveView {
    type Target = SaveRecord;

    fn deref(&self) -> &SaveRecord {
        &self.record
    }
}

/// A save that was requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Started {
    /// The save.
    pub save_id: SaveId,
    /// Whether it already existed, under the same request ID.
    pub repeated: bool,
}

impl Started {
    /// Returns the response for a save or a copy that begins, with the path of the save.
    pub(super) fn accepted(self) -> Accepted<Self> {
        let place = format!("/v1/saves/{}", self.save_id);
        Accepted::new(self).at(place)
    }
}

/// The state of a save that has no record.
#[derive(Debug)]
pub enum Unrecorded {
    /// It was requested, and will have a record.
    Begins,
    /// It ended before it had a record, for this reason.
    Failed(Problem),
    /// The caller has not requested it.
    Unknown,
}

operation! {
    /// Saves an instance as a template
    ///
    /// Everything that can be checked is checked before the save begins, so a refusal has not changed anything. If EC2
    /// throttles these checks, the save makes them in its turn instead. It continues asynchronously; `GET /v1/saves/{id}` returns its state, but may return 404 for a moment.
    /// Repeating a request with the same `Idempotency-Key` returns the same save and begins no other.
    BeginSave by begin_save: Post "/v1/saves" of "saves",
    query: DryRun, head: IdempotencyKey, body: Json<SaveRequest>,
    output: Trial<SavePlan, Accepted<Started>>,
    rights: [Change Instance, SaveVersion Template, Share Template, SeeShares Template, Move Template, Contribute Project, MoveIn Project],
    repeatable: |asked| asked.query.dry_run || asked.head.0.is_some(),
}

async fn begin_save(
    service: &Service,
    caller: &Caller,
    asked: Asked<BeginSave>,
) -> Answered<BeginSave> {
    let (Json(request), IdempotencyKey(key)) = (asked.body, asked.head);
    request.check()?;
    let before = async || match &key {
        Some(key) => {
            let id = save_id_of(&caller.user, key)?;
            service.begun_before(&id, &request).await
        }
        None => Ok(None),
    };
    // Checked first, because the instance may be held by this very save by now, or no longer exist.
    if let Some(started) = before().await? {
        return Ok(Either::Other(started.accepted()));
    }
    let dry_run = asked.query.dry_run;
    let digits = service.digits("save", &caller.user, None)?;
    let save_id = format!("save-{digits}").parse()?;
    let plan = steps::plan(&service.env, caller, save_id, request.clone()).await;
    let checked = plan.and_then(|plan| {
        if !dry_run {
            plan.check_agreed()?;
        }
        Ok(plan)
    });
    match checked {
        Ok(plan) if dry_run => return Ok(Trial::plan(plan)),
        Ok(_) => {}
        // Many saves are requested at once. Each makes the same checks in its turn.
        Err(problem) if problem.code == Code::Throttled && !dry_run => {}
        // The save may also have begun during the checks.
        Err(problem) => {
            let started = before().await?;
            return started.map_or(Err(problem), |it| Ok(Either::Other(it.accepted())));
        }
    }
    let started = service.start_save(caller, request, key.as_deref());
    Ok(Either::Other(started.await?.accepted()))
}

operation! {
    /// Cancels a save
    ///
    /// The save ends asynchronously, after the instance has been brought back and everything that the save had created has
    /// been removed.
    CancelSave by cancel_save: Post "/v1/saves/{id}/cancel" of "saves",
    path: SaveId,
    output: Accepted<SaveView>,
    rights: [Cancel Save],
}

async fn cancel_save(
    service: &Service,
    caller: &Caller,
    asked: Asked<CancelSave>,
) -> Answered<CancelSave> {
    let id = &asked.path;
    service.save_for(caller, id, Action::Cancel).await?;
    let now = service.env.clock.now();
    let change = |record: &mut SaveRecord| {
        if record.state.is_final() || record.version.is_some() {
            let how = if record.state == SaveState::Running {
                "has already registered its version"
            } else {
                "has already ended"
            };
            return Err(Problem::new(
                Code::SaveEnded,
                format!("The save {id} {how}."),
            ));
        }
        if record.cancelled_by.is_none() {
            record.cancelled_by = Some(caller.user.clone());
            record.cancelled_at = Some(now);
            record.updated_at = now;
        }
        if record.awaited_turn().is_some() {
            // There is nothing to undo, and the caller should not wait hours for the result. The execution ends
            // when its turn comes.
            let cancelled = format!("{} cancelled the save before its turn.", caller.user);
            let problem = Problem::new(Code::SaveCancelled, cancelled);
            record.failure = Some(steps::failure(&problem, record.step.clone()));
            record.state = SaveState::Cancelled;
            record.ended_at = Some(now);
        }
        Ok(())
    };
    let event = service.event(caller, AuditAction::SaveCancel, Subject::Save(id.clone()));
    let registry = &service.env.registry;
    let changed = registry.change_save_by(id, None, Some(&event), change);
    let (record, ()) = changed.await?;
    service.hurry(&record).await;
    Ok(Accepted::new(service.guided(record)))
}

impl Service {
    /// Starts a save. The same request ID of the same caller identifies the same save (promise P4).
    pub async fn start_save(
        &self,
        caller: &Caller,
        request: SaveRequest,
        request_id: Option<&str>,
    ) -> Result<Started, Problem> {
        request.check()?;
        let digits = self.digits("save", &caller.user, request_id)?;
        let save_id: SaveId = format!("save-{digits}").parse()?;
        if let Some(started) = self.begun_before(&save_id, &request).await? {
            return Ok(started);
        }
        let input = json!({ "save_id": save_id, "caller": caller, "request": request });
        self.begin(save_id, &request, input).await
    }

    /// Returns the save with that ID, if it has begun with this very request.
    pub(super) async fn begun_before(
        &self,
        save_id: &SaveId,
        request: &SaveRequest,
    ) -> Result<Option<Started>, Problem> {
        let stored = self.env.registry.save(save_id).await?;
        stored
            .map(|stored| repeated(&stored.value, request))
            .transpose()
    }

    /// Starts the execution of a save that has no record yet.
    pub(super) async fn begin(
        &self,
        save_id: SaveId,
        request: &SaveRequest,
        input: Value,
    ) -> Result<Started, Problem> {
        match self.executions.start(save_id.as_str(), input.clone()).await {
            Ok(()) => Ok(Started {
                save_id,
                repeated: false,
            }),
            Err(error @ ExecutionsError::AlreadyExists { .. }) => {
                match self.env.registry.save(&save_id).await? {
                    Some(stored) => repeated(&stored.value, request),
                    None => self.start_again(save_id, input, error).await,
                }
            }
            Err(error) => Err(from_executions(error)),
        }
    }

    /// Starts an execution again under another name, if the previous one ended before it could write a record. The name
    /// of an execution cannot be reused for 90 days.
    pub(super) async fn start_again(
        &self,
        save_id: SaveId,
        input: Value,
        error: ExecutionsError,
    ) -> Result<Started, Problem> {
        let before = self.executions.describe(save_id.as_str()).await;
        let before = before.map_err(from_executions)?;
        if !same_but_for_origin(&before.input, &input) {
            return Err(from_executions(error));
        }
        if before.status == ExecutionStatus::Running {
            // The same request arrived through another channel a moment ago, and has no record yet.
            return Ok(Started {
                save_id,
                repeated: true,
            });
        }
        let name = format!("{save_id}-again");
        self.executions
            .start(&name, input)
            .await
            .map_err(from_executions)?;
        Ok(Started {
            save_id,
            repeated: false,
        })
    }

    /// Returns the record of a save of the caller, or of a project that the caller manages.
    pub async fn save(&self, caller: &Caller, id: &SaveId) -> Result<SaveView, Problem> {
        let record = self.save_for(caller, id, Action::See).await?;
        Ok(self.guided(record))
    }

    /// Returns the state of a save of the caller that has no record yet, or never got one. For a save of another user,
    /// it returns the same as for one that nobody has requested, because others may know a save's ID.
    pub async fn unrecorded(&self, caller: &Caller, id: &SaveId) -> Result<Unrecorded, Problem> {
        let execution = match self.executions.describe(id.as_str()).await {
            Ok(execution) => execution,
            Err(ExecutionsError::NotFound { .. }) => return Ok(Unrecorded::Unknown),
            Err(error) => {
                let message = "The state of the save could not be read.";
                return Err(Problem::new(Code::AwsUnavailable, message).because(error));
            }
        };
        let theirs = execution.input["caller"]["user"] == json!(caller.user);
        if !(theirs && allowed(Relation::Owner, Action::Watch, Resource::Save)) {
            return Ok(Unrecorded::Unknown);
        }
        if execution.status == ExecutionStatus::Running {
            return Ok(Unrecorded::Begins);
        }
        let error = execution.error.as_deref().unwrap_or("Internal");
        let cause = execution.cause.as_deref().unwrap_or_default();
        Ok(Unrecorded::Failed(Problem::from_wire(error, cause)))
    }

    pub(super) async fn save_for(
        &self,
        caller: &Caller,
        id: &SaveId,
        action: Action,
    ) -> Result<SaveRecord, Problem> {
        let stored = self.stored_save_for(caller, id, action).await?;
        Ok(stored.value)
    }

    pub(super) async fn stored_save_for(
        &self,
        caller: &Caller,
        id: &SaveId,
        action: Action,
    ) -> Result<Stored<SaveRecord>, Problem> {
        let registry = &self.env.registry;
        let Some(stored) = registry.save(id).await? else {
            return Err(caller.no_save(registry, id.as_str()).await);
        };
        caller.check_save(registry, action, &stored.value).await?;
        Ok(stored)
    }

    /// Adds to the record what to do about an instance that does not come back.
    pub(super) fn guided(&self, record: SaveRecord) -> SaveView {
        let guide = guide::of(&record, &self.env.settings.allowed_regions);
        SaveView { record, guide }
    }
}

/// Returns whether both requests are the same, regardless of where they came from.
fn same_but_for_origin(one: &Value, other: &Value) -> bool {
    let bare = |input: &Value| {
        let mut input = input.clone();
        if let Some(caller) = input.get_mut("caller").and_then(Value::as_object_mut) {
            caller.remove("origin");
        }
        input
    };
    bare(one) == bare(other)
}

fn repeated(record: &SaveRecord, request: &SaveRequest) -> Result<Started, Problem> {
    if record.request.asks_the_same(request) {
        return Ok(Started {
            save_id: record.save_id.clone(),
            repeated: true,
        });
    }
    let message = format!(
        "The request ID was already used for {}, with a different request.",
        record.save_id
    );
    Err(Problem::new(Code::RequestIdReused, message))
}
