//! How a user is notified: of which events, and by which channels.

mod email;
mod reach;
mod webhook;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::{NoticeEvent, Timestamp};

pub use email::{CODE_HOURS, CODES, Confirmation, EmailAddress, Refused};
pub use reach::is_public;
pub use webhook::{ROTATION_HOURS, WebhookSecret, WebhookUrl, signature};

/// A way in which notices reach a user.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    VariantArray,
    Display,
    IntoStaticStr,
    strum::EnumString,
)]
#[strum(const_into_str, serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum NoticeChannel {
    /// E-mail to an address that the user has confirmed.
    Email,
    /// A signed request to a URL.
    Webhook,
    /// A notification in the terminal of the command that waits for a save.
    Desktop,
}

impl NoticeChannel {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The channel's name in JSON.
    pub fn as_str(self) -> &'static str {
        self.into_str()
    }
}

impl NoticeEvent {
    /// Whether users who did not choose are notified of it: alarms, failures, and what they can still prevent.
    pub fn is_default(self) -> bool {
        match self {
            NoticeEvent::SaveFailed
            | NoticeEvent::SaveStranded
            | NoticeEvent::CopyFailed
            | NoticeEvent::ScheduleMissed
            | NoticeEvent::ScheduleFailed
            | NoticeEvent::BudgetCrossed
            | NoticeEvent::InstanceEnding
            | NoticeEvent::InstanceEnded
            | NoticeEvent::ProjectEnding
            // Only the user requests it.
            | NoticeEvent::Test => true,
            NoticeEvent::SaveSucceeded
            | NoticeEvent::SaveCancelled
            | NoticeEvent::CopySucceeded
            | NoticeEvent::CopyCancelled
            | NoticeEvent::ShareReceived => false,
        }
    }
}

/// Why a notice was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryFailure {
    /// When it was given up.
    pub at: Timestamp,
    /// The event of the notice.
    pub event: NoticeEvent,
    /// What the last attempt returned.
    pub reason: String,
}

/// What became of the last notices of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deliveries {
    /// When a notice was last delivered.
    pub delivered_at: Option<Timestamp>,
    /// The last notice that could not be delivered within a day.
    pub failure: Option<DeliveryFailure>,
}

/// The e-mail address of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChannel {
    pub address: EmailAddress,
    pub set_at: Timestamp,
    /// The code that confirms the address. Nothing else is sent to it until then.
    #[serde(default)]
    pub confirmation: Option<Confirmation>,
    #[serde(default)]
    pub deliveries: Deliveries,
}

/// A secret that has been replaced, and until when it still signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerSecret {
    pub secret: WebhookSecret,
    pub until: Timestamp,
}

/// The webhook of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookChannel {
    pub url: WebhookUrl,
    pub set_at: Timestamp,
    pub secret: WebhookSecret,
    #[serde(default)]
    pub former: Option<FormerSecret>,
    #[serde(default)]
    pub deliveries: Deliveries,
}

impl WebhookChannel {
    /// Replaces the secret. The former one signs for a while, too, so that receivers can change theirs without a gap.
    pub fn rotate(&mut self, secret: WebhookSecret, now: Timestamp) {
        let secret = std::mem::replace(&mut self.secret, secret);
        let until = now + TimeDelta::hours(ROTATION_HOURS);
        self.former = Some(FormerSecret { secret, until });
    }

    /// The secrets that sign now, the current one first.
    pub fn secrets(&self, now: Timestamp) -> Vec<&WebhookSecret> {
        let former = self.former.as_ref().filter(|it| now < it.until);
        let former = former.map(|it| &it.secret);
        std::iter::once(&self.secret).chain(former).collect()
    }
}

/// How a user is notified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// The events; `None` for the defaults.
    #[serde(default)]
    pub on: Option<BTreeSet<NoticeEvent>>,
    #[serde(default)]
    pub email: Option<EmailChannel>,
    #[serde(default)]
    pub webhook: Option<WebhookChannel>,
    #[serde(default)]
    pub desktop: bool,
    /// When codes were sent to addresses, the last ones.
    #[serde(default)]
    pub codes_sent: Vec<Timestamp>,
    /// When the user last asked for a test.
    #[serde(default)]
    pub tested_at: Option<Timestamp>,
    /// How often the user has changed it. Unlike the record's revision, this does not count deliveries and tries.
    #[serde(default)]
    pub changes: u64,
}

impl Notify {
    /// The events that the user is notified of.
    pub fn events(&self) -> BTreeSet<NoticeEvent> {
        let all = NoticeEvent::ALL.iter().copied();
        let all = all.filter(|event| *event != NoticeEvent::Test);
        match &self.on {
            Some(on) => on.clone(),
            None => all.filter(|event| event.is_default()).collect(),
        }
    }

    /// The channels by which a notice of an event is sent to the user. The desktop is not among them: the command that
    /// waits notifies it.
    pub fn channels(&self, event: NoticeEvent) -> Vec<NoticeChannel> {
        if event != NoticeEvent::Test && !self.events().contains(&event) {
            return Vec::new();
        }
        let confirmed = |email: &&EmailChannel| email.confirmation.is_none();
        let email = self.email.as_ref().filter(confirmed);
        let email = email.map(|_| NoticeChannel::Email);
        let webhook = self.webhook.as_ref().map(|_| NoticeChannel::Webhook);
        email.into_iter().chain(webhook).collect()
    }

    /// What became of the notices of a channel.
    pub fn deliveries_mut(&mut self, channel: NoticeChannel) -> Option<&mut Deliveries> {
        match channel {
            NoticeChannel::Email => self.email.as_mut().map(|it| &mut it.deliveries),
            NoticeChannel::Webhook => self.webhook.as_mut().map(|it| &mut it.deliveries),
            NoticeChannel::Desktop => None,
        }
    }

    /// Removes a channel.
    pub fn remove(&mut self, channel: NoticeChannel) {
        match channel {
            NoticeChannel::Email => self.email = None,
            NoticeChannel::Webhook => self.webhook = None,
            NoticeChannel::Desktop => self.desktop = false,
        }
    }
}
