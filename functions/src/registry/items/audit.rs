//! An audit event. It is written once and never changed.

use sha2::{Digest, Sha256};

use crate::domain::audit::{AuditEvent, Subject};
use crate::domain::{Problem, ProjectName, UserId};
use crate::ports::{Item, Key};
use crate::registry::records::{Indexed, encode, sortable};

/// The partition of the changes to a resource. A schedule, a key and settings belong to this user.
pub(in crate::registry) fn subject_pk(subject: &Subject, user: &UserId) -> String {
    match subject {
        Subject::Schedule(name) => format!("AUDIT#schedule:{user}#{name}"),
        Subject::Key(fingerprint) => format!("AUDIT#key:{user}#{fingerprint}"),
        Subject::Notify => format!("AUDIT#notify:{user}"),
        subject => format!("AUDIT#{subject}"),
    }
}

/// The partition of a user's changes, in the first index.
pub(in crate::registry) fn user_pk(user: &UserId) -> String {
    format!("AUDITED#{user}")
}

/// The partition of the changes in a project, in the second index.
pub(in crate::registry) fn project_pk(project: &ProjectName) -> String {
    format!("AUDITED#PROJECT#{project}")
}

/// The item of an event. `mark` distinguishes events of the same millisecond.
pub(in crate::registry) fn audit_item(event: &AuditEvent, mark: u64) -> Result<Item, Problem> {
    let when = sortable(event.at);
    let text = serde_json::to_string(event).unwrap_or_default();
    let hash = Sha256::digest(format!("{mark}\n{text}"));
    let sk = format!("{when}#{}", hex::encode(&hash[..6]));
    let mine = Indexed::first(user_pk(&event.user), sk.clone());
    let project = event
        .project
        .as_ref()
        .map(|project| Indexed::second(project_pk(project), sk.clone()));
    let key = Key::new(subject_pk(&event.resource, &event.user), sk);
    encode(key, event, 1, [mine].into_iter().chain(project))
}
