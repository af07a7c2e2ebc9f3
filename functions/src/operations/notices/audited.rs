//! What the audit says about a change to how a user is notified: which channels and which events, but neither an address
//! nor a URL.

use crate::domain::Timestamp;
use crate::domain::audit::{AuditAction, AuditEvent, Subject};
use crate::domain::notify::{
    EmailAddress, EmailChannel, NoticeChannel, Notify, WebhookChannel, WebhookSecret, WebhookUrl,
};
use crate::operations::Service;
use crate::rules::access::Caller;

impl Service {
    /// Creates the event of a change by the user; `None` if only what Prism notes itself has changed, such as a wrong code.
    pub(super) fn notify_event(
        &self,
        caller: &Caller,
        before: &Notify,
        after: &Notify,
    ) -> Option<AuditEvent> {
        let event = |action| self.event(caller, action, Subject::Notify);
        let changed = NoticeChannel::ALL.iter().copied();
        let changed = changed.filter(|channel| is_changed(*channel, before, after));
        let (set, removed): (Vec<_>, Vec<_>) = changed.partition(|channel| has(after, *channel));
        let chosen = before.on != after.on;
        if chosen || !set.is_empty() || !removed.is_empty() {
            let mut event = event(AuditAction::NotifySet);
            if !set.is_empty() {
                event = event.with("set", set);
            }
            if !removed.is_empty() {
                event = event.with("removed", removed);
            }
            if chosen {
                event = event.with("on", after.events());
            }
            return Some(event);
        }
        let open = |notify: &Notify| notify.email.as_ref().is_some_and(is_open);
        (open(before) && !open(after))
            .then(|| event(AuditAction::NotifyConfirm).with("channel", NoticeChannel::Email))
    }
}

fn is_open(email: &EmailChannel) -> bool {
    email.confirmation.is_some()
}

fn has(notify: &Notify, channel: NoticeChannel) -> bool {
    match channel {
        NoticeChannel::Email => notify.email.is_some(),
        NoticeChannel::Webhook => notify.webhook.is_some(),
        NoticeChannel::Desktop => notify.desktop,
    }
}

/// Whether the user has set or removed a channel. What became of its notices is no change of the user's.
fn is_changed(channel: NoticeChannel, was: &Notify, is: &Notify) -> bool {
    match channel {
        NoticeChannel::Email => was.email.as_ref().map(address) != is.email.as_ref().map(address),
        NoticeChannel::Webhook => was.webhook.as_ref().map(hook) != is.webhook.as_ref().map(hook),
        NoticeChannel::Desktop => was.desktop != is.desktop,
    }
}

/// An address that is set again gets another code.
fn address(email: &EmailChannel) -> (&EmailAddress, Timestamp) {
    (&email.address, email.set_at)
}

fn hook(webhook: &WebhookChannel) -> (&WebhookUrl, &WebhookSecret) {
    (&webhook.url, &webhook.secret)
}
