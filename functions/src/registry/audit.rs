//! Who changed what. An event is put once and never changed.

use super::items::audit::{audit_item, project_pk, subject_pk, user_pk};
use super::records::sortable;
use super::{Listed, Registry, problem};
use crate::domain::audit::{AuditEvent, Subject};
use crate::domain::{Problem, ProjectName, Timestamp, UserId};
use crate::ports::{Condition, Index, Query, SortKeys, Write};

/// Which events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditOf {
    /// What somebody did.
    User(UserId),
    /// What was done to a thing, since it exists. A schedule is one of this user's.
    Subject {
        /// The thing.
        subject: Subject,
        /// Whose schedule it is.
        user: UserId,
        /// Since when.
        since: Timestamp,
    },
    /// What was done in a project, since it exists.
    Project {
        /// The project.
        project: ProjectName,
        /// Since when.
        since: Timestamp,
    },
}

/// The write of an event, for the transaction of the change that it is about. `mark` tells it apart
/// from another of the same millisecond: the revision that the changed record has after it.
pub(super) fn audit_write(event: &AuditEvent, mark: u64) -> Result<Write, Problem> {
    let item = audit_item(event, mark)?;
    Ok(Write::Put(item, Condition::Always))
}

impl Registry {
    /// Writes an event by itself.
    pub(crate) async fn audit(&self, event: &AuditEvent, mark: u64) -> Result<(), Problem> {
        let write = audit_write(event, mark)?;
        self.table.transact(&[write]).await.map_err(problem)
    }

    /// Events, the newest first.
    pub async fn audit_events(
        &self,
        of: &AuditOf,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<AuditEvent>, Problem> {
        // "~" comes after every digit.
        let from = |since: &Timestamp| SortKeys::Between(sortable(*since), "~".to_owned());
        let (index, pk, sort_keys) = match of {
            AuditOf::User(user) => (Index::Gsi1, user_pk(user), SortKeys::All),
            AuditOf::Subject {
                subject,
                user,
                since,
            } => (Index::Primary, subject_pk(subject, user), from(since)),
            AuditOf::Project { project, since } => (Index::Gsi2, project_pk(project), from(since)),
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
