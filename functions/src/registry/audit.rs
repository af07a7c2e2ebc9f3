//! Audit events: who changed what. An event is written once and never changed.

use super::items::audit::{audit_item, project_pk, subject_pk, user_pk};
use super::records::sortable;
use super::{Listed, Registry, problem};
use crate::domain::audit::{AuditEvent, Subject};
use crate::domain::{Problem, ProjectName, Timestamp, UserId};
use crate::ports::{Condition, Index, Query, SortKeys, Write};

/// The times of audit events: from the first, and before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

impl Times {
    /// Returns the sort keys of events at these times, and not before `since`; `None` if there can be none.
    fn sort_keys(self, since: Option<Timestamp>) -> Option<SortKeys> {
        let from = self.from.max(since);
        if let (Some(from), Some(until)) = (from, self.until)
            && from >= until
        {
            return None;
        }
        if from.is_none() && self.until.is_none() {
            return Some(SortKeys::All);
        }
        // "0" sorts before every year, and "~" after it. An event's key continues after its time, so it sorts after the
        // time alone.
        let from = from.map_or_else(|| "0".to_owned(), sortable);
        let until = self.until.map_or_else(|| "~".to_owned(), sortable);
        Some(SortKeys::Between(from, until))
    }
}

/// Selects audit events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditOf {
    User(UserId),
    /// Changes to a resource, since it was created. A schedule, a key and settings belong to this user.
    Subject {
        subject: Subject,
        /// The owner of the schedule, the key or the settings, if the resource is one.
        user: UserId,
        since: Timestamp,
    },
    /// Changes in a project, since it was created.
    Project {
        project: ProjectName,
        since: Timestamp,
    },
}

/// The write of an event, for the transaction that makes the change. `mark` distinguishes events of the same
/// millisecond: it is the revision of the changed record after the change.
pub(super) fn audit_write(event: &AuditEvent, mark: u64) -> Result<Write, Problem> {
    let item = audit_item(event, mark)?;
    Ok(Write::Put(item, Condition::Always))
}

impl Registry {
    pub(crate) async fn audit(&self, event: &AuditEvent, mark: u64) -> Result<(), Problem> {
        let write = audit_write(event, mark)?;
        self.table.transact(&[write]).await.map_err(problem)
    }

    /// Returns events, newest first.
    pub async fn audit_events(
        &self,
        of: &AuditOf,
        times: Times,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<AuditEvent>, Problem> {
        let (index, pk, since) = match of {
            AuditOf::User(user) => (Index::Gsi1, user_pk(user), None),
            AuditOf::Subject {
                subject,
                user,
                since,
            } => (Index::Primary, subject_pk(subject, user), Some(*since)),
            AuditOf::Project { project, since } => (Index::Gsi2, project_pk(project), Some(*since)),
        };
        let Some(sort_keys) = times.sort_keys(since) else {
            return Ok(Listed {
                items: Vec::new(),
                cursor: None,
            });
        };
        let query = Query {
            index,
            pk,
            sort_keys,
            descending: true,
            limit,
            cursor,
        };
        self.list(&query).await
    }
}
