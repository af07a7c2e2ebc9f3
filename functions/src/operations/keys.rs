//! The caller's public SSH keys, which launches install. Keys are looked up under the caller's own name, so nobody can
//! see or change those of another user.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::{Found, Json, KeyId, NoContent, Page, Paging};
use super::{Asked, Service};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::public_key::{KEYS, LAUNCH_KEYS, OwnKey, PublicKey};
use crate::domain::{Code, KeyFingerprint, Problem, Timestamp};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::Caller;

/// A public SSH key of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// The fingerprint.
    pub fingerprint: KeyFingerprint,
    /// The type, such as `ssh-ed25519`.
    pub r#type: String,
    /// What its owner calls it; often empty.
    pub comment: String,
    /// The key.
    pub public_key: PublicKey,
    /// When it was added.
    pub added_at: Timestamp,
}

impl KeyView {
    fn of(key: OwnKey) -> Self {
        Self {
            fingerprint: key.public_key.fingerprint(),
            r#type: key.public_key.kind().to_owned(),
            comment: key.public_key.comment().to_owned(),
            public_key: key.public_key,
            added_at: key.added_at,
        }
    }
}

/// A public SSH key to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// The key.
    pub public_key: PublicKey,
}

operation! {
    /// Lists your public SSH keys, by fingerprint
    ///
    /// Launches install them for the user whom the template names to log in as.
    ListKeys by list_keys: Get "/v1/keys" of "keys",
    query: Paging,
    output: Found<Page<KeyView>>,
    rights: [],
}

async fn list_keys(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListKeys>,
) -> Answered<ListKeys> {
    let keys = service.env.registry.keys(&caller.user).await?;
    let mut views: Vec<KeyView> = keys.into_iter().map(KeyView::of).collect();
    let key = |view: &KeyView| [view.fingerprint.to_string(), String::new()];
    views.sort_by_cached_key(key);
    asked.query.of("keys", views, key).map(Found::new)
}

operation! {
    /// Adds a public SSH key
    ///
    /// Later launches install it. Adding a key again changes nothing, except its comment.
    AddKey by add_key: Post "/v1/keys" of "keys",
    body: Json<KeyRequest>,
    output: Found<KeyView>,
    rights: [],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn add_key(service: &Service, caller: &Caller, asked: Asked<AddKey>) -> Answered<AddKey> {
    let Json(KeyRequest { public_key }) = asked.body;
    let fingerprint = public_key.fingerprint();
    let subject = Subject::Key(fingerprint.clone());
    let event = service
        .event(caller, AuditAction::KeyAdd, subject)
        .with("type", public_key.kind())
        .with("comment", public_key.comment());
    let new = OwnKey {
        public_key,
        added_at: event.at,
    };
    let add = |keys: &mut Vec<OwnKey>| {
        if let Some(known) = keys.iter_mut().find(|known| is(known, &fingerprint)) {
            let changes = known.public_key != new.public_key;
            known.public_key = new.public_key.clone();
            return Ok(changes);
        }
        if keys.len() >= KEYS {
            let message = format!("You already have {KEYS} public keys, which is the maximum.");
            return Err(Problem::new(Code::LimitReached, message)
                .hint("Remove one that you no longer use: prism key remove FINGERPRINT"));
        }
        keys.push(new.clone());
        Ok(true)
    };
    let registry = &service.env.registry;
    let keys = registry.change_keys(&caller.user, &event, add).await?;
    let added = keys.into_iter().find(|key| is(key, &fingerprint));
    Ok(Found::new(KeyView::of(added.unwrap_or(new))))
}

operation! {
    /// Removes a public SSH key
    ///
    /// Later launches do not install it. Instances that have it keep it.
    RemoveKey by remove_key: Delete "/v1/keys/{fingerprint}" of "keys",
    path: KeyId,
    output: NoContent,
    rights: [],
}

async fn remove_key(
    service: &Service,
    caller: &Caller,
    asked: Asked<RemoveKey>,
) -> Answered<RemoveKey> {
    let KeyId(fingerprint) = asked.path;
    let subject = Subject::Key(fingerprint.clone());
    let event = service.event(caller, AuditAction::KeyRemove, subject);
    let remove = |keys: &mut Vec<OwnKey>| {
        let before = keys.len();
        keys.retain(|key| !is(key, &fingerprint));
        if keys.len() == before {
            let message = format!("You have no public key {fingerprint}.");
            return Err(Problem::new(Code::KeyNotFound, message));
        }
        Ok(true)
    };
    let registry = &service.env.registry;
    registry.change_keys(&caller.user, &event, remove).await?;
    Ok(NoContent)
}

impl Service {
    /// Returns the keys that a launch installs: the caller's and those of its request, in a fixed order, because the same
    /// token must mean the same launch.
    pub(super) async fn launch_keys(
        &self,
        caller: &Caller,
        of_request: &[PublicKey],
    ) -> Result<BTreeMap<KeyFingerprint, PublicKey>, Problem> {
        if of_request.len() > LAUNCH_KEYS {
            let message = format!(
                "The request has {} public keys; the maximum is {LAUNCH_KEYS}.",
                of_request.len()
            );
            return Err(Problem::new(Code::InvalidInput, message).hint(
                "Add those that you use often to your own keys, which launches install without being asked: prism key add",
            ));
        }
        let own = self.env.registry.keys(&caller.user).await?;
        let own = own.into_iter().map(|own| own.public_key);
        let all = own.chain(of_request.iter().cloned());
        Ok(all.map(|key| (key.fingerprint(), key)).collect())
    }
}

fn is(key: &OwnKey, fingerprint: &KeyFingerprint) -> bool {
    key.public_key.fingerprint() == *fingerprint
}
