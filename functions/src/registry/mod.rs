//! How records are stored in the table: their keys, conditions and transactions. The code uses the [`Table`] port, so
//! it is the same for DynamoDB and the embedded store. Each record has its own file in `items/`.
//!
//! | record | pk | sk | gsi1 | gsi2 |
//! |---|---|---|---|---|
//! | save | `SAVE#id` | `META` | `OWNER#user`, `SAVE#time#id` | `SAVES#OPEN`, `time#id`, until the save has ended |
//! | packages of a save | `SAVE#id` | `PACKAGES` | | |
//! | lock | `INSTANCE#region#id` | `LOCK` | | |
//! | duty | `INSTANCE#region#id` | `DUTY` | | `DUTIES#OPEN`, `time#id`, until the duty is discharged |
//! | end of an instance | `INSTANCE#region#id` | `END` | | `ENDS#INSTANCES`, `time#id`, until it has ended |
//! | meter of an instance | `INSTANCE#region#id` | `METER` | | `METERS#OPEN`, `region#id`, until the instance is terminated |
//! | wait | `IMAGE#region#id`, `INSTANCE#region#id` | `WAIT` | | |
//! | template | `TEMPLATE#name` | `META` | `OWNER#user`, `TEMPLATE#name` | `TEMPLATES#PUBLIC`, `name`; `DELETIONS#OPEN`, `time#name#000000` |
//! | version | `TEMPLATE#name` | `VERSION#000001` | `PARENT#name`, `000001#name#000001` | `DELETIONS#OPEN`, `time#name#000001`, until its AMIs are removed |
//! | grant | `TEMPLATE#name` | `GRANT#grantee` | `GRANTEE#grantee`, `TEMPLATE#name`, for users and projects | |
//! | packages of a version | `TEMPLATE#name` | `PACKAGES#000001` | | |
//! | lock of a copy | `TEMPLATE#name` | `COPYING#000001#region` | | |
//! | schedule that saves to a template | `TEMPLATE#name` | `SCHEDULE#user#name` | | |
//! | version that has an AMI | `IMAGE#region#id` | `USED#name#000001` | | |
//! | word of a template | `WORDS#OWNER#user#wo` | `word#name` | | |
//! | word of a public template | `WORDS#PUBLIC#wo` | `word#name` | | |
//! | counted launch | `LAUNCH#token/region` | `META` | | |
//! | attempts of a launch | `LAUNCH#token/region` | `ATTEMPTS` | | |
//! | end of a launch | `LAUNCH#token/region` | `END` | | `ENDS#LAUNCHES`, `time#token`, until its instance has the end |
//! | schedule | `SCHEDULE#user#name` | `META` | `OWNER#user`, `SCHEDULE#name` | `SCHEDULES#ACTIVE`, `user#name`, while the schedule is active and not paused |
//! | recent runs of a schedule | `SCHEDULE#user#name` | `RUNS` | `OWNER#user`, `RUNS#name` | |
//! | project | `PROJECT#name` | `META` | | `ENDS#PROJECTS`, `time#name`, until it has ended, if it has an end |
//! | member | `PROJECT#name` | `MEMBER#user` | | |
//! | template of a project | `PROJECT#name` | `TEMPLATE#name` | | |
//! | join link in the list of its project | `PROJECT#name` | `LINK#id` | | |
//! | join link | `LINK#id` | `META` | | |
//! | approval | `PROJECT#name` | `APPROVED#template` | | |
//! | pledge | `PROJECT#name` | `PLEDGE#` and the save ID | | |
//! | costs, pledged amount and number of pledges of a project | `PROJECT#name` | `PLEDGES` | | |
//! | launches and starts of a project that no meter counts yet | `PROJECT#name` | `STARTING` | | |
//! | what instances use in a month, for a project or a user | `USED#PROJECT#name`, `USED#USER#user` | `TOTAL#2026-01`; `PART#2026-01#` and `USER#user`, `PROJECT#name`, `TEMPLATE#name` or `INSTANCE#region#id` | | |
//! | projects of a user | `USER#user` | `PROJECTS` | | |
//! | public SSH keys of a user | `USER#user` | `KEYS` | | |
//! | instances that a user has launched | `USER#user` | `INSTANCES` | | |
//! | how a user is notified | `USER#user` | `NOTIFY` | | |
//! | notice for a user | `OUTBOX#user` | `id#channel` | | `OUTBOX#OPEN`, `time#id#channel#user`, until it is delivered or given up |
//! | upcoming turns | `TURNS#region` | `SAVES`, `AWAITED`, `AWAITED#user`, `COPIES`, `LAUNCHES`, `REMOVALS`, `STOPS`, `TERMINATIONS` | | |
//! | deployment of the registry | `DEPLOYMENT` | `META` | | |
//! | audit event | `AUDIT#resource` | `time#hash` | `AUDITED#user`, `time#hash` | `AUDITED#PROJECT#name`, `time#hash` |

mod attempts;
mod audit;
mod bulk;
mod copies;
mod deployment;
mod ends;
mod entries;
mod grants;
mod holdings;
mod images;
mod items;
mod keys;
mod links;
mod listing;
mod meters;
mod notify;
mod packages;
mod pledges;
mod projects;
mod records;
mod recount;
mod recount_used;
mod roster;
mod runs;
mod saves;
mod schedules;
mod starting;
mod sums;
mod templates;
mod turns;
mod usage;
mod waits;

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::domain::{Code, Problem};
use crate::ports::{Item, Key, Query, Table, TableError};

pub use audit::{AuditOf, Times};
pub(crate) use copies::Additions;
pub(crate) use grants::GrantChange;
pub(crate) use images::still_used;
pub(crate) use items::attempts::{Attempts, Refusal};
pub(crate) use items::holdings::{Holding, Holdings};
pub(crate) use items::launch::Launch;
pub(crate) use items::outbox::{Outgoing, notice_id};
pub use items::place::ProjectTemplate;
pub(crate) use items::schedule::SavesTo;
pub(crate) use items::starting::{FirstHour, Starting};
pub use items::sums::Committed;
pub(crate) use items::tally::{Part, Payer};
pub(crate) use items::turn::Queue;
pub use items::wait::{Awaited, Wait};
pub use items::word::Scope;
pub use listing::{Entries, Entry, Listing};
pub(crate) use meters::Used;
pub(crate) use packages::packages_added;
pub(crate) use pledges::Admission;
pub(crate) use projects::{MemberChange, check_projects};
pub use records::Stored;
pub use recount::WrongSum;
pub(crate) use roster::Interrupted;
pub(crate) use saves::Begun;
pub(crate) use sums::Batch;
pub(crate) use templates::{
    Going, Registration, version_added, version_changed, version_unchanged,
};
pub(crate) use turns::Rhythm;

/// How often a change is retried after a concurrent change of the same record.
pub(crate) const TRIES: usize = 10;

/// The registry of templates, versions, grants, saves, locks, duties, schedules, projects and audit events.
#[derive(Clone)]
pub struct Registry {
    table: Arc<dyn Table>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry")
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    pub items: Vec<T>,
    /// The cursor of the next page; `None` at the end.
    pub cursor: Option<String>,
}

impl Registry {
    pub fn new(table: Arc<dyn Table>) -> Self {
        Self { table }
    }

    /// Reads a record.
    async fn stored<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Stored<T>>, Problem> {
        let item = self.table.get(key).await.map_err(problem)?;
        item.as_ref().map(records::decode).transpose()
    }

    /// Reads the value of a record.
    async fn value<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, Problem> {
        Ok(self.stored(key).await?.map(|stored| stored.value))
    }

    /// Returns a page of a list. A cursor of another list is an error of the caller.
    async fn list<T: DeserializeOwned>(&self, query: &Query) -> Result<Listed<T>, Problem> {
        self.list_by(query, records::decode).await
    }

    async fn list_by<T>(
        &self,
        query: &Query,
        read: fn(&Item) -> Result<Stored<T>, Problem>,
    ) -> Result<Listed<T>, Problem> {
        let page = self.table.query(query).await.map_err(|error| match error {
            TableError::Invalid(what) if query.cursor.is_some() => {
                let message = format!("The cursor cannot be used: {what}.");
                Problem::new(Code::InvalidInput, message)
                    .hint("Use the cursor from the last page of the same list, or start again without a cursor.")
            }
            error => problem(error),
        })?;
        let items = page.items.iter();
        let items = items.map(|item| read(item).map(|stored| stored.value));
        Ok(Listed {
            items: items.collect::<Result<_, _>>()?,
            cursor: page.cursor,
        })
    }
}

/// Whether a problem is that the table throttled a request.
pub(crate) fn is_throttled(problem: &Problem) -> bool {
    let cause = problem.source.as_deref();
    let table = cause.and_then(|cause| cause.downcast_ref::<TableError>());
    matches!(table, Some(TableError::Throttled(_)))
}

/// Converts a table error to a problem for the caller. A failed condition means a concurrent change.
fn problem(error: TableError) -> Problem {
    match error {
        TableError::ConditionFailed { .. } | TableError::Conflict => Problem::new(
            Code::RegistryConflict,
            "Somebody else changed the record at the same time.",
        )
        .because(error),
        TableError::Invalid(_) => {
            Problem::new(Code::Internal, "The request to the registry is not valid.").because(error)
        }
        TableError::Throttled(_) => {
            Problem::new(Code::Throttled, "DynamoDB throttled the request.").because(error)
        }
        TableError::Refused(refusal) => refusal.problem(),
        TableError::Unavailable {
            transient, advice, ..
        } => {
            let message = if transient {
                "The registry did not respond."
            } else {
                "The registry cannot be used."
            };
            let problem = Problem::new(Code::RegistryUnavailable, message);
            let problem = match advice {
                Some(advice) => problem.hint(advice),
                None => problem,
            };
            problem.because(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttles_of_the_table_differ_from_those_of_ec2() {
        let of_table = problem(TableError::Throttled("too many".to_owned()));
        assert_eq!(of_table.code, Code::Throttled);
        assert!(is_throttled(&of_table));
        assert!(!is_throttled(&Problem::new(Code::Throttled, "EC2")));
        assert!(!is_throttled(&problem(TableError::Conflict)));
    }
}
