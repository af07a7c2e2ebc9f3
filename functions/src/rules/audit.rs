//! Audit events: each change is written together with its event, in one transaction.
//!
//! Code that changes a record creates an event with [`event`] and passes it to the registry's write function, which
//! puts it into the same transaction with `Registry::audit_write`. For a change outside of the registry, such as
//! stopping an instance, the event is written before the change is requested.

use super::access::Caller;
use crate::domain::audit::{AuditAction, AuditEvent, Origin, Subject};
use crate::domain::save::{SavePlan, SaveRecord};
use crate::domain::{Timestamp, UserId};

/// Creates an event by the caller, at `at`. [`AuditEvent::with`] adds
/// details.
pub(crate) fn event(
    caller: &Caller,
    at: Timestamp,
    action: AuditAction,
    resource: Subject,
) -> AuditEvent {
    of(&caller.user, &caller.origin, at, action, resource)
}

/// Creates an event by a user of whom only this is known, such as the user of a save that continues without a caller.
pub(crate) fn of(
    user: &UserId,
    origin: &Origin,
    at: Timestamp,
    action: AuditAction,
    resource: Subject,
) -> AuditEvent {
    AuditEvent {
        at,
        user: user.clone(),
        action: action.into(),
        resource,
        project: None,
        origin: origin.clone(),
        details: serde_json::Map::new(),
    }
}

/// Creates the event for a save that begins.
pub(crate) fn of_save(record: &SaveRecord, plan: &SavePlan) -> AuditEvent {
    let subject = Subject::Save(record.save_id.clone());
    let (by, from, at) = (&record.saved_by, &record.origin, record.started_at);
    let event = of(by, from, at, AuditAction::SaveBegin, subject)
        .of_project(plan.paid_by.as_ref())
        .with("template", &plan.request.template)
        .with("instance", &plan.instance.id)
        .with("region", &plan.request.region);
    match &record.schedule {
        Some(schedule) => event.with("schedule", schedule),
        None => event,
    }
}
