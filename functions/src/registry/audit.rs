//! Who changed what. An event is put once and never changed.

use sha2::{Digest, Sha256};

use super::records::{Indexed, encode, sortable};
use super::{Listed, Registry, problem};
use crate::domain::audit::{AuditEvent, Subject};
use crate::domain::{Problem, ProjectName, Timestamp, UserId};
use crate::ports::{Condition, Index, Key, Query, SortKeys, Write};

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

fn subject_pk(subject: &Subject, user: &UserId) -> String {
    match subject {
        Subject::Schedule(name) => format!("AUDIT#schedule:{user}#{name}"),
        subject => format!("AUDIT#{subject}"),
    }
}

/// The write of an event, for the transaction of the change that it is about. `mark` tells it apart
/// from another of the same millisecond: the revision that the changed record has after it.
pub(super) fn audit_write(event: &AuditEvent, mark: u64) -> Result<Write, Problem> {
    let when = sortable(event.at);
    let text = serde_json::to_string(event).unwrap_or_default();
    let hash = Sha256::digest(format!("{mark}\n{text}"));
    let digits = hash.iter().take(6);
    let sk = digits.fold(format!("{when}#"), |sk, byte| format!("{sk}{byte:02x}"));
    let mine = Indexed {
        index: Index::Gsi1,
        pk: format!("AUDITED#{}", event.user),
        sk: sk.clone(),
    };
    let project = event.project.as_ref().map(|project| Indexed {
        index: Index::Gsi2,
        pk: format!("AUDITED#PROJECT#{project}"),
        sk: sk.clone(),
    });
    let key = Key::new(subject_pk(&event.resource, &event.user), sk);
    let item = encode(key, event, 1, [mine].into_iter().chain(project))?;
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
            AuditOf::User(user) => (Index::Gsi1, format!("AUDITED#{user}"), SortKeys::All),
            AuditOf::Subject {
                subject,
                user,
                since,
            } => (Index::Primary, subject_pk(subject, user), from(since)),
            AuditOf::Project { project, since } => (
                Index::Gsi2,
                format!("AUDITED#PROJECT#{project}"),
                from(since),
            ),
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
