//! Implements the port [`Mailer`] with Amazon SES.

use async_trait::async_trait;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use aws_smithy_types::error::operation::BuildError;

use super::clients::{Clients, OnDemand};
use super::failure::Failure;
use crate::ports::{CourierError, Mail, Mailer};

/// Sends e-mail from an identity that is verified in SES.
#[derive(Debug, Clone)]
pub struct SesMailer {
    ses: OnDemand<aws_sdk_sesv2::Client>,
    sender: String,
}

impl SesMailer {
    pub fn new(clients: &Clients, sender: impl Into<String>) -> Self {
        Self {
            ses: OnDemand::new(clients, aws_sdk_sesv2::Client::new),
            sender: sender.into(),
        }
    }
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<(), CourierError> {
        let content = content(mail)
            .map_err(|error| CourierError::of_mail(mail, &error.to_string(), false))?;
        let to = Destination::builder().to_addresses(mail.to.as_str());
        let request = self
            .ses
            .get()
            .send_email()
            .from_email_address(&self.sender)
            .destination(to.build())
            .content(content);
        match request.send().await {
            Ok(_) => Ok(()),
            // What SES refuses today, such as a sender that is not verified, may be corrected within the day.
            Err(error) => {
                let reason = format!("SES: {}", Failure::of(error).reason());
                Err(CourierError::of_mail(mail, &reason, true))
            }
        }
    }
}

fn content(mail: &Mail) -> Result<EmailContent, BuildError> {
    let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(utf8(&mail.text)?).build();
    let message = Message::builder().subject(utf8(&mail.subject)?).body(body);
    Ok(EmailContent::builder().simple(message.build()).build())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::testing::{Aws, Reply};

    #[tokio::test]
    async fn a_refusal_does_not_name_the_address() {
        let message = "Email address is not verified. The following identities failed the check: ada@example.org";
        let aws = Aws::answering([Reply::json(
            400,
            json!({"__type": "MessageRejected", "message": message}),
        )]);
        let mailer = SesMailer::new(&aws.clients(), "prism@example.org");
        let mail = Mail {
            to: "ada@example.org".parse().unwrap(),
            subject: "[Prism] save.failed".to_owned(),
            text: "It failed.\n".to_owned(),
        };
        let error = mailer.send(&mail).await.unwrap_err();
        assert!(error.reason.contains("MessageRejected"), "{error}");
        assert!(!error.reason.contains("ada@"), "{error}");
    }

    #[tokio::test]
    async fn a_mail_goes_from_the_sender_to_its_address_alone() {
        let aws = Aws::answering([Reply::found(json!({"MessageId": "m"}))]);
        let mailer = SesMailer::new(&aws.clients(), "prism@example.org");
        let mail = Mail {
            to: "ada@example.org".parse().unwrap(),
            subject: "[Prism] save.failed: ß".to_owned(),
            text: "It failed.\n".to_owned(),
        };
        mailer.send(&mail).await.unwrap();
        let sent = aws.json(0);
        assert_eq!(sent["FromEmailAddress"], "prism@example.org");
        assert_eq!(
            sent["Destination"],
            json!({"ToAddresses": ["ada@example.org"]})
        );
        let simple = &sent["Content"]["Simple"];
        assert_eq!(simple["Subject"]["Data"], "[Prism] save.failed: ß");
        assert_eq!(simple["Body"]["Text"]["Data"], "It failed.\n");
    }
}
