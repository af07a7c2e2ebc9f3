//! Who changed what: an event is written with the change, in its transaction.
//!
//! Whoever changes a record makes an event with [`event`] and hands it to the registry's function that
//! writes, which puts it into the same transaction with `Registry::audit_write`. A change outside of
//! the registry, such as the stop of an instance, is written down before it is asked for.

use super::access::Caller;
use crate::domain::audit::{AuditEvent, Origin, Subject};
use crate::domain::save::{SavePlan, SaveRecord};
use crate::domain::{Timestamp, UserId};

/// An event: `action` such as `template.share`, by the caller, now. [`AuditEvent::with`] adds details.
pub(crate) fn event(caller: &Caller, at: Timestamp, action: &str, resource: Subject) -> AuditEvent {
    of(&caller.user, &caller.origin, at, action, resource)
}

/// An event of somebody of whom only this is known, such as the saver of a save that goes on by itself.
pub(crate) fn of(
    user: &UserId,
    origin: &Origin,
    at: Timestamp,
    action: &str,
    resource: Subject,
) -> AuditEvent {
    AuditEvent {
        at,
        user: user.clone(),
        action: action.to_owned(),
        resource,
        project: None,
        origin: origin.clone(),
        details: serde_json::Map::new(),
    }
}

/// What is written down of a save that begins.
pub(crate) fn of_save(record: &SaveRecord, plan: &SavePlan) -> AuditEvent {
    let subject = Subject::Save(record.save_id.clone());
    let (by, from, at) = (&record.saved_by, &record.origin, record.started_at);
    let event = of(by, from, at, "save.begin", subject)
        .of_project(plan.paid_by.as_ref())
        .with("template", &plan.request.template)
        .with("instance", &plan.instance.id)
        .with("region", &plan.request.region);
    match &record.schedule {
        Some(schedule) => event.with("schedule", schedule),
        None => event,
    }
}
