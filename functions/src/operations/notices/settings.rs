//! How the caller is notified. The settings are looked up under the caller's own name, so nobody can see or change those
//! of another user.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::message;
use crate::domain::notify::{
    CODES, Confirmation, EmailAddress, EmailChannel, NoticeChannel, Notify, Refused,
    WebhookChannel, WebhookSecret, WebhookUrl,
};
use crate::domain::{Code, NoticeEvent, Problem, Timestamp, notify};
use crate::operations::expected::check;
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, IfMatch, Json};
use crate::operations::{Asked, Service};
use crate::ports::Notice;
use crate::registry::notice_id;
use crate::rules::access::Caller;

/// The shortest time between two tests of a user, in seconds: anybody's URL can be named as a webhook.
const TEST_S: i64 = 60;

/// The caller's e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmailView {
    /// The address.
    #[schema(value_type = String)]
    pub address: EmailAddress,
    /// Whether the address is confirmed. Nothing but the code is sent to it before.
    pub confirmed: bool,
    /// Until when the code is valid, if the address is not confirmed.
    pub code_expires_at: Option<Timestamp>,
    /// What became of the last notices.
    pub deliveries: notify::Deliveries,
}

/// The caller's webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// The URL.
    #[schema(value_type = String)]
    pub url: WebhookUrl,
    /// Until when the former secret signs, too.
    pub former_secret_until: Option<Timestamp>,
    /// What became of the last notices.
    pub deliveries: notify::Deliveries,
}

/// How the caller is notified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotifyView {
    /// The events.
    pub on: BTreeSet<NoticeEvent>,
    /// Whether these are the defaults.
    pub defaults: bool,
    /// The e-mail address.
    pub email: Option<EmailView>,
    /// The webhook.
    pub webhook: Option<WebhookView>,
    /// Whether the command that waits for a save notifies the desktop through its terminal.
    pub desktop: bool,
}

impl NotifyView {
    fn of(notify: Notify, now: Timestamp) -> Self {
        Self {
            on: notify.events(),
            defaults: notify.on.is_none(),
            email: notify.email.map(|email| EmailView {
                confirmed: email.confirmation.is_none(),
                code_expires_at: email.confirmation.map(|it| it.expires_at()),
                address: email.address,
                deliveries: email.deliveries,
            }),
            webhook: notify.webhook.map(|webhook| WebhookView {
                former_secret_until: webhook.former.map(|it| it.until).filter(|it| now < *it),
                url: webhook.url,
                deliveries: webhook.deliveries,
            }),
            desktop: notify.desktop,
        }
    }
}

/// A change of how the caller is notified. What is omitted does not change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifyRequest {
    /// The events. They replace those before.
    #[serde(default)]
    pub on: Option<BTreeSet<NoticeEvent>>,
    /// Whether to return to the default events.
    #[serde(default)]
    pub defaults: bool,
    /// The e-mail address. If it is a new one, a code is sent to it that confirms it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254)]
    pub email: Option<EmailAddress>,
    /// The URL of the webhook, which gets a new secret.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub webhook: Option<WebhookUrl>,
    /// Whether to replace the secret of the webhook. The former one signs for another 24 hours, too.
    #[serde(default)]
    pub rotate_secret: bool,
    /// Whether the command that waits for a save notifies the desktop through its terminal.
    #[serde(default)]
    pub desktop: Option<bool>,
    /// The channels to remove.
    #[serde(default)]
    pub off: BTreeSet<NoticeChannel>,
}

/// How the caller is notified after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotifyChanged {
    /// How the caller is notified.
    pub notify: NotifyView,
    /// The new secret of the webhook, if it was made. It is not shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub secret: Option<Revealed>,
}

/// A secret that is shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revealed(pub String);

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Revealed")
    }
}

/// The code that an e-mail brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailCode {
    /// The code.
    #[schema(pattern = "^[0-9]{8}$")]
    pub code: String,
}

/// A test that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotifyTest {
    /// The ID of the notice, which the message contains.
    pub id: String,
    /// The channels by which it is sent.
    pub channels: Vec<NoticeChannel>,
}

operation! {
    /// Shows how you are notified
    ///
    /// The secret of a webhook is never shown again.
    ShowNotify by show_notify: Get "/v1/notify" of "notify",
    output: Found<NotifyView>,
    rights: [],
}

async fn show_notify(
    service: &Service,
    caller: &Caller,
    _: Asked<ShowNotify>,
) -> Answered<ShowNotify> {
    let notify = service.env.registry.notify(&caller.user).await?;
    Ok(found(notify, service.env.clock.now()))
}

/// Returns the settings with their tag.
fn found(notify: Notify, now: Timestamp) -> Found<NotifyView> {
    let tag = tag(&notify);
    Found::new(NotifyView::of(notify, now)).tagged(Some(tag))
}

/// The tag of the settings. Deliveries change the record, but not what a user has read and wants to replace.
fn tag(notify: &Notify) -> String {
    notify.changes.to_string()
}

operation! {
    /// Changes how you are notified
    ///
    /// An e-mail address has to be confirmed before notices are sent to it. A webhook is an HTTPS URL on the Internet; what
    /// it receives is signed with a secret that only this response contains (docs/notices.md).
    SetNotify by set_notify: Patch "/v1/notify" of "notify",
    head: IfMatch, body: Json<NotifyRequest>,
    output: Found<NotifyChanged>,
    rights: [],
}

async fn set_notify(
    service: &Service,
    caller: &Caller,
    asked: Asked<SetNotify>,
) -> Answered<SetNotify> {
    let (IfMatch(expected), Json(request)) = (asked.head, asked.body);
    service.check_notify(&request)?;
    let now = service.env.clock.now();
    let (registry, random) = (&service.env.registry, || service.entropy.next());
    let change = |notify: &mut Notify| {
        check(expected.as_ref(), "How you are notified", &tag(notify))?;
        choose(notify, &request);
        let code = match &request.email {
            Some(address) => set_email(notify, address, random(), now)?,
            None => None,
        };
        let secret = set_webhook(notify, &request, random, now)?;
        Ok((code, secret))
    };
    let event = |before: &_, after: &_| service.notify_event(caller, before, after);
    let changed = registry.change_notify(&caller.user, event, change);
    let (notify, (code, secret)) = changed.await?;
    if let (Some(code), Some(email)) = (code, &notify.email) {
        service.send_code(&email.address, &code).await?;
    }
    let tag = tag(&notify);
    let notify = NotifyView::of(notify, now);
    Ok(Found::new(NotifyChanged { notify, secret }).tagged(Some(tag)))
}

fn choose(notify: &mut Notify, request: &NotifyRequest) {
    for channel in &request.off {
        notify.remove(*channel);
    }
    if request.defaults {
        notify.on = None;
    }
    if let Some(on) = &request.on {
        notify.on = Some(on.clone());
    }
    notify.desktop = request.desktop.unwrap_or(notify.desktop);
}

/// Sets the address. Returns the code that confirms it, unless it is confirmed.
fn set_email(
    notify: &mut Notify,
    address: &EmailAddress,
    random: u64,
    now: Timestamp,
) -> Result<Option<String>, Problem> {
    let known = notify.email.as_ref();
    if known.is_some_and(|it| it.address == *address && it.confirmation.is_none()) {
        return Ok(None);
    }
    let day = now - TimeDelta::hours(24);
    notify.codes_sent.retain(|at| day < *at && *at <= now);
    if notify.codes_sent.len() >= CODES {
        let message =
            format!("{CODES} codes were sent for you in the last 24 hours, which is the maximum.");
        return Err(Problem::new(Code::LimitReached, message).hint(
            "Enter the last code (prism notify confirm CODE), or set the address again tomorrow. Nothing was changed.",
        ));
    }
    notify.codes_sent.push(now);
    let (confirmation, code) = Confirmation::new(address, random, now);
    notify.email = Some(EmailChannel {
        address: address.clone(),
        set_at: now,
        confirmation: Some(confirmation),
        deliveries: notify::Deliveries::default(),
    });
    Ok(Some(code))
}

/// Sets the webhook, or replaces its secret. Returns the new secret.
fn set_webhook(
    notify: &mut Notify,
    request: &NotifyRequest,
    random: impl FnMut() -> u64,
    now: Timestamp,
) -> Result<Option<Revealed>, Problem> {
    if request.webhook.is_none() && !request.rotate_secret {
        return Ok(None);
    }
    let secret = WebhookSecret::new(random);
    let revealed = Revealed(secret.reveal().to_owned());
    match (&request.webhook, &mut notify.webhook) {
        (Some(url), Some(webhook)) if webhook.url == *url => webhook.rotate(secret, now),
        (Some(url), webhook) => {
            *webhook = Some(WebhookChannel {
                url: url.clone(),
                set_at: now,
                secret,
                former: None,
                deliveries: notify::Deliveries::default(),
            });
        }
        (None, Some(webhook)) => webhook.rotate(secret, now),
        (None, None) => {
            let message = "You have no webhook whose secret could be replaced.";
            return Err(Problem::new(Code::InvalidInput, message)
                .hint("Set one: prism notify set --webhook URL"));
        }
    }
    Ok(Some(revealed))
}

operation! {
    /// Confirms your e-mail address
    ///
    /// The code is in the e-mail that was sent when the address was set. It is valid for an hour and for five tries.
    ConfirmEmail by confirm_email: Post "/v1/notify/confirm" of "notify",
    body: Json<EmailCode>,
    output: Found<NotifyView>,
    rights: [],
}

async fn confirm_email(
    service: &Service,
    caller: &Caller,
    asked: Asked<ConfirmEmail>,
) -> Answered<ConfirmEmail> {
    let Json(EmailCode { code }) = asked.body;
    if code.len() != 8 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        // Problems are logged, and codes are not: even one that was mistyped tells most of the right one.
        let message = "The code is not valid: it has eight digits, and nothing else.";
        return Err(Problem::new(Code::InvalidInput, message));
    }
    let now = service.env.clock.now();
    let change = |notify: &mut Notify| {
        let Some(email) = &mut notify.email else {
            let message = "You have no e-mail address to confirm.";
            return Err(Problem::new(Code::ConfirmationWrong, message)
                .hint("Set one: prism notify set --email ADDRESS"));
        };
        let Some(confirmation) = &mut email.confirmation else {
            return Ok(Ok(()));
        };
        let tried = confirmation.attempt(&email.address, &code, now);
        if tried.is_ok() {
            email.confirmation = None;
        }
        // A wrong code is written down, too.
        Ok(tried)
    };
    let registry = &service.env.registry;
    let event = |before: &_, after: &_| service.notify_event(caller, before, after);
    let changed = registry.change_notify(&caller.user, event, change);
    let (notify, tried) = changed.await?;
    let message = match tried {
        Ok(()) => return Ok(found(notify, now)),
        Err(Refused::Wrong { tries_left }) => {
            format!("The code is wrong. It can be tried {tries_left} more times.")
        }
        Err(Refused::Expired) => {
            "The code has expired, or too many wrong ones were tried.".to_owned()
        }
    };
    Err(Problem::new(Code::ConfirmationWrong, message))
}

operation! {
    /// Sends you a test notice
    ///
    /// It takes the same way as every notice: the response does not wait until it arrives. At most one can be requested a
    /// minute.
    TestNotify by test_notify: Post "/v1/notify/test" of "notify",
    output: Found<NotifyTest>,
    rights: [],
}

async fn test_notify(
    service: &Service,
    caller: &Caller,
    _: Asked<TestNotify>,
) -> Answered<TestNotify> {
    let now = service.env.clock.now();
    let change = |notify: &mut Notify| {
        let channels = notify.channels(NoticeEvent::Test);
        if channels.is_empty() {
            let message =
                "There is nothing to test: you have no confirmed e-mail address and no webhook.";
            return Err(Problem::new(Code::NoticesUnavailable, message)
                .hint("Set one: prism notify set --email ADDRESS, or --webhook URL"));
        }
        let again = |at: Timestamp| at + TimeDelta::seconds(TEST_S);
        if notify
            .tested_at
            .is_some_and(|at| at <= now && now < again(at))
        {
            let message = "A test was requested less than a minute ago.";
            return Err(Problem::new(Code::LimitReached, message)
                .hint("Wait a minute; \"prism notify show\" tells whether the last one arrived."));
        }
        notify.tested_at = Some(now);
        Ok(channels)
    };
    let registry = &service.env.registry;
    let changed = registry.change_notify(&caller.user, |_, _| None, change);
    let (_, channels) = changed.await?;
    let text = "This is a test. Notices of Prism reach you in this way.";
    let notice = Notice {
        to: [caller.user.clone()].into(),
        ..Notice::new(NoticeEvent::Test, now, text)
    };
    let id = notice_id(&notice);
    service.env.tell(&notice).await;
    Ok(Found::new(NotifyTest { id, channels }))
}

impl Service {
    /// Refuses what the deployment cannot do.
    fn check_notify(&self, request: &NotifyRequest) -> Result<(), Problem> {
        if request
            .on
            .as_ref()
            .is_some_and(|on| on.contains(&NoticeEvent::Test))
        {
            let message =
                "The event `test` in `on` cannot be chosen: a test is sent when you ask for it.";
            return Err(Problem::new(Code::InvalidInput, message).hint("prism notify test"));
        }
        if request.on.is_some() && request.defaults {
            let message = "Both `on` and `defaults` are given.";
            return Err(Problem::new(Code::InvalidInput, message).hint("Give one of them."));
        }
        if request.email.is_some() && self.couriers.mail.is_none() {
            let message = "The deployment cannot send e-mail. Nothing was changed.";
            return Err(Problem::new(Code::NoticesUnavailable, message));
        }
        let Some(url) = &request.webhook else {
            return Ok(());
        };
        let Some(webhooks) = &self.couriers.webhooks else {
            let message = "The deployment cannot call webhooks. Nothing was changed.";
            return Err(Problem::new(Code::NoticesUnavailable, message));
        };
        if url.is_local() && !webhooks.reaches_this_machine() {
            let message = "The URL of `webhook` is one of a machine of its own, which the deployment cannot call.";
            return Err(Problem::new(Code::InvalidInput, message)
                .hint("Name an HTTPS URL on the Internet."));
        }
        Ok(())
    }

    /// Sends the code that confirms an address. It takes no outbox, which would keep it.
    async fn send_code(&self, address: &EmailAddress, code: &str) -> Result<(), Problem> {
        let Some(mail) = &self.couriers.mail else {
            return Err(Problem::new(
                Code::NoticesUnavailable,
                "The deployment cannot send e-mail.",
            ));
        };
        let sent = mail.send(&message::confirmation(address, code)).await;
        sent.map_err(|error| {
            let message = "The code could not be sent. The address is set, and not confirmed.";
            Problem::new(Code::NoticeNotSent, message).because(error)
        })
    }
}
