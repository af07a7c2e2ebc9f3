use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::notify::{EmailAddress, WebhookUrl};

/// An e-mail in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub to: EmailAddress,
    /// One line without control characters.
    pub subject: String,
    pub text: String,
}

/// A request to a webhook, with the method POST and a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub url: WebhookUrl,
    /// The headers, besides that of the content type.
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// A message did not arrive, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct CourierError {
    /// What the adapter observed, as text for users.
    pub reason: String,
    /// Whether the same message may arrive later.
    pub transient: bool,
}

impl CourierError {
    /// A failure of an e-mail. The address is removed from the reason, because reasons are logged.
    pub fn of_mail(mail: &Mail, reason: &str, transient: bool) -> Self {
        Self {
            reason: reason.replace(mail.to.as_str(), "the address"),
            transient,
        }
    }
}

/// What sends e-mail: SES on AWS, an SMTP server for the embedded cloud.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends an e-mail. Repeating it sends another one.
    async fn send(&self, mail: &Mail) -> Result<(), CourierError>;
}

/// What posts to webhooks. It connects only to public addresses, except to 127.0.0.1 for URLs of this machine if it
/// allows these, follows no redirects, and does not keep the response.
#[async_trait]
pub trait Webhooks: Send + Sync {
    async fn post(&self, post: &Post) -> Result<(), CourierError>;

    /// Whether URLs of this machine are allowed.
    fn reaches_this_machine(&self) -> bool;
}

/// What carries notices to people; `None` if the deployment is not configured for it.
#[derive(Clone, Default)]
pub struct Couriers {
    pub mail: Option<Arc<dyn Mailer>>,
    pub webhooks: Option<Arc<dyn Webhooks>>,
}

impl fmt::Debug for Couriers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Couriers")
            .field("mail", &self.mail.is_some())
            .field("webhooks", &self.webhooks.is_some())
            .finish()
    }
}
