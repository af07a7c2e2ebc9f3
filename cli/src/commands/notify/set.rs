//! `prism notify set`.

use clap::Args;
use prism_functions::domain::notify::{EmailAddress, WebhookUrl};
use prism_functions::domain::{Code, NoticeEvent, Problem};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, NotifyRequest, SetNotify};

use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
The events: save.succeeded, save.failed, save.cancelled, save.stranded, copy.succeeded, copy.failed, \
copy.cancelled, schedule.missed, schedule.failed, budget.crossed, share.received, instance.ending, \
instance.ended, project.ending. By default, you are notified of alarms, failures and what ends.

The secret of a webhook is printed once. docs/notices.md shows how a receiver uses it.

Examples:
  prism notify set --email ada@example.org
  prism notify set --on save.failed,budget.crossed
  prism notify set --webhook https://hooks.example.org/prism
  prism notify set --rotate-secret
  prism notify set --desktop";

/// Choose what you are notified of, and how
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See the events and examples with --help.")]
#[command(arg_required_else_help = true)]
pub(crate) struct Set {
    /// The events, separated by commas; they replace those before, and "defaults" returns to the defaults
    #[arg(long, value_name = "EVENTS", value_delimiter = ',')]
    on: Option<Vec<String>>,
    /// The e-mail address, which a code confirms
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The HTTPS URL that notices are posted to
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Replace the secret of the webhook; the former one signs for another 24 hours, too
    #[arg(long)]
    rotate_secret: bool,
    /// Notify the desktop through the terminal: of a save that a command waits for; embedded, of all events
    #[arg(long)]
    desktop: bool,
}

impl Set {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let (defaults, on) = match &self.on {
            Some(on) if on.as_slice() == ["defaults"] => (true, None),
            Some(on) => (
                false,
                Some(on.iter().map(|it| event(it)).collect::<Result<_, _>>()?),
            ),
            None => (false, None),
        };
        let email = self.email.as_deref().map(str::parse::<EmailAddress>);
        let webhook = self.webhook.as_deref().map(str::parse::<WebhookUrl>);
        let request = NotifyRequest {
            on,
            defaults,
            email: email.transpose()?,
            webhook: webhook.transpose()?,
            rotate_secret: self.rotate_secret,
            desktop: self.desktop.then_some(true),
            off: [].into(),
        };
        let asked = Asked::<SetNotify>::with(Nothing {}, request);
        let changed = session.client.ask(asked).await?;
        session.out.done(&changed, || {
            let secret = changed.secret.as_ref().map(|secret| {
                format!(
                    "\nThe secret that signs what the webhook receives. It is not shown again:\n{}\n",
                    secret.0
                )
            });
            super::text(session, &changed.notify) + &secret.unwrap_or_default()
        })
    }
}

fn event(name: &str) -> Result<NoticeEvent, Problem> {
    name.trim().parse().map_err(|_| {
        let message = format!("There is no event {name:?}.");
        Problem::new(Code::InvalidInput, message)
            .hint("\"prism notify set --help\" lists the events.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_event() {
        for event in NoticeEvent::ALL {
            let named =
                EXAMPLES.contains(&format!("{event},")) || EXAMPLES.contains(&format!("{event}."));
            assert_eq!(named, *event != NoticeEvent::Test, "{event}");
        }
    }
}
