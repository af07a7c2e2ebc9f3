//! The notices that users get, and how they get them.

mod audited;
mod delivery;
mod message;
mod senders;
mod settings;

pub use delivery::Deliveries;
pub use settings::{
    ConfirmEmail, EmailCode, EmailView, NotifyChanged, NotifyRequest, NotifyTest, NotifyView,
    SetNotify, ShowNotify, TestNotify, WebhookView,
};
