//! `prism local show`.

use clap::Args;
use serde_json::json;

use crate::errors::Outcome;
use crate::session::Session;
use crate::text::pairs;

/// Show the folder, time and settings of the embedded cloud
#[derive(Debug, Args)]
pub(crate) struct Show {}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let Self {} = self;
        let cloud = &session.embedded()?.cloud;
        let user = session.client.user().await?;
        let (speed, settings, now) = (cloud.speed()?, cloud.settings()?, session.client.now());
        let home = cloud.home().display().to_string();
        let value = json!({
            "home": home, "user": user, "now": now,
            "speed": speed, "settings": settings,
        });
        let time = session.times().exact(now);
        let time = format!("{time}, at {speed} times the normal speed");
        let reach = super::settings::reach(settings.public_scope);
        session.out.read(&value, || {
            pairs([
                ("folder", home.clone()),
                ("you are", user.to_string()),
                ("time", time),
                ("public is", reach.to_owned()),
            ])
        })
    }
}
