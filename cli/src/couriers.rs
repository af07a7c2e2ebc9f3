//! What carries the notices of the embedded cloud: SMTP, if the environment names a server, and webhooks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use prism_functions::domain::{Code, Problem};
use prism_functions::ports::{CourierError, Couriers, Mail, Mailer};

use crate::environment::Environment;

/// How long a step of the conversation with the SMTP server may take.
const STEP: Duration = Duration::from_secs(10);
/// How long an e-mail may take.
const ALL: Duration = Duration::from_secs(30);

/// The couriers of this process.
pub(crate) fn of(environment: &Environment) -> Result<Couriers, Problem> {
    let mail = match (&environment.smtp_url, &environment.smtp_from) {
        (Some(url), Some(from)) => Some(Arc::new(Smtp::new(url, from)?) as Arc<dyn Mailer>),
        (None, None) => None,
        _ => {
            let message = "Only one of PRISM_SMTP_URL and PRISM_SMTP_FROM is set.";
            return Err(Problem::new(Code::ConfigInvalid, message)
                .hint("Set both to send e-mail, such as smtps://USER:PASSWORD@smtp.example.org and prism@example.org."));
        }
    };
    Ok(Couriers {
        mail,
        webhooks: webhooks(),
    })
}

#[cfg(feature = "api")]
#[allow(clippy::unnecessary_wraps, reason = "other builds have none")]
fn webhooks() -> Option<Arc<dyn prism_functions::ports::Webhooks>> {
    use prism_functions::webhooks::{HttpWebhooks, Limits};
    Some(Arc::new(HttpWebhooks::new(Limits::USUAL, true)))
}

#[cfg(not(feature = "api"))]
fn webhooks() -> Option<Arc<dyn prism_functions::ports::Webhooks>> {
    None
}

/// Sends e-mail by an SMTP server.
struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Smtp")
    }
}

impl Smtp {
    fn new(url: &str, from: &str) -> Result<Self, Problem> {
        let wrong = |name: &str, shape: &str| {
            // The URL may contain a password, so it is not repeated.
            let message = format!("{name} is not valid.");
            let hint = format!("Set it to {shape}.");
            Problem::new(Code::ConfigInvalid, message).hint(hint)
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        let transport = transport.map_err(|_| {
            let shapes = "smtps://USER:PASSWORD@HOST, smtp://USER:PASSWORD@HOST?tls=required, or smtp://127.0.0.1:PORT";
            wrong("PRISM_SMTP_URL", shapes)
        })?;
        let from = from.parse::<Mailbox>();
        let from =
            from.map_err(|_| wrong("PRISM_SMTP_FROM", "an address, such as prism@example.org"))?;
        Ok(Self {
            transport: transport.timeout(Some(STEP)).build(),
            from,
        })
    }
}

#[async_trait]
impl Mailer for Smtp {
    #[expect(
        clippy::disallowed_methods,
        reason = "the limit is one of a real connection, and this adapter has no clock"
    )]
    async fn send(&self, mail: &Mail) -> Result<(), CourierError> {
        let failed = |reason: String, transient| CourierError::of_mail(mail, &reason, transient);
        let to = mail.to.as_str().parse::<Mailbox>();
        let to = to.map_err(|error| failed(error.to_string(), false))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject.as_str())
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|error| failed(error.to_string(), false))?;
        match tokio::time::timeout(ALL, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            // A refusal may be one of the server's configuration, which is corrected within the day.
            Ok(Err(error)) => Err(failed(format!("the SMTP server: {error}"), true)),
            Err(_) => Err(failed(
                "the SMTP server did not respond in time".to_owned(),
                true,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_url_is_refused_without_being_repeated() {
        for url in [
            "smtp.example.org",
            "http://user:s3cret@example.org",
            "smtp://user:s3cret@",
        ] {
            let Err(problem) = Smtp::new(url, "prism@example.org") else {
                panic!("{url} is accepted");
            };
            assert_eq!(problem.code, Code::ConfigInvalid);
            assert!(!problem.chain().contains("s3cret"));
        }
        assert!(Smtp::new("smtp://127.0.0.1:25", "no address").is_err());
        assert!(
            Smtp::new(
                "smtps://user:pw@smtp.example.org",
                "Prism <prism@example.org>"
            )
            .is_ok()
        );
    }
}
