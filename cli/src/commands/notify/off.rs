//! `prism notify off`.

use std::collections::BTreeSet;

use clap::Args;
use prism_functions::domain::notify::NoticeChannel;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, NotifyRequest, SetNotify};

use crate::errors::Outcome;
use crate::session::Session;

/// Remove your e-mail address, your webhook, or both and the desktop
#[derive(Debug, Args)]
pub(crate) struct Off {
    /// What to remove [default: all]
    #[arg(value_name = "CHANNEL", value_parser = ["email", "webhook", "desktop"])]
    channels: Vec<String>,
}

impl Off {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let named = |channel: &&NoticeChannel| {
            self.channels.is_empty() || self.channels.iter().any(|it| it == channel.as_str())
        };
        let off: BTreeSet<NoticeChannel> =
            NoticeChannel::ALL.iter().filter(named).copied().collect();
        let request = NotifyRequest {
            off,
            ..NotifyRequest::default()
        };
        let asked = Asked::<SetNotify>::with(Nothing {}, request);
        let changed = session.client.ask(asked).await?;
        session
            .out
            .done(&changed, || super::text(session, &changed.notify))
    }
}
