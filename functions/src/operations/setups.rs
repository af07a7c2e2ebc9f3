//! How far the setups of instances are.

use std::cmp::Reverse;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::{Either, join_all, select};

use super::{InstanceView, Service};
use crate::domain::catalogue::{self, BuiltIn};
use crate::domain::ec2::InstanceState;
use crate::domain::setup::Setup;
use crate::ports::from_ec2;

/// How many consoles are read for a page of a list: those of the instances that were launched or started last.
const LISTED: usize = 16;
/// How long an instance of a built-in template is taken to be preparing, if its console shows nothing yet: EC2 can tell
/// minutes late, and keeps the last 64 KB only.
const SILENT_FOR: TimeDelta = TimeDelta::minutes(30);
/// How long a setup may take. A console that EC2 does not update any more says for ever that it prepares.
const LONGEST: TimeDelta = TimeDelta::hours(3);
/// How long a list waits for consoles: while a name is typed, a shell waits no longer than a second for it.
const LIST_LIMIT: Duration = Duration::from_millis(600);
/// How long an instance alone waits for its console.
const LIMIT: Duration = Duration::from_secs(3);

impl Service {
    /// Adds how far the setups of the newest instances are.
    pub(super) async fn add_setups(&self, views: &mut [InstanceView]) {
        let mut newest: Vec<_> = views.iter_mut().collect();
        newest.retain(|view| has_setup(view));
        newest.sort_by_key(|view| Reverse(view.launched_at));
        newest.truncate(LISTED);
        let setups = join_all(
            newest
                .iter()
                .map(|view| self.setup_within(view, LIST_LIMIT)),
        )
        .await;
        for (view, setup) in newest.into_iter().zip(setups) {
            view.setup = setup;
        }
    }

    /// Returns how far the setup of an instance is, or `None` if it has none, is not running, or its console cannot be
    /// read. An instance is shown without it rather than not at all.
    pub(super) async fn setup(&self, view: &InstanceView) -> Option<Setup> {
        self.setup_within(view, LIMIT).await
    }

    async fn setup_within(&self, view: &InstanceView, limit: Duration) -> Option<Setup> {
        if !has_setup(view) {
            return None;
        }
        let console = self.console(view, limit).await?;
        let age = self.env.clock.now() - view.launched_at;
        let said = Setup::of_console(&console);
        if said.as_ref() == Some(&Setup::PREPARING) && age > LONGEST {
            return None;
        }
        let is_new = age < SILENT_FOR;
        said.or_else(|| (is_new && built_in(view).is_some()).then_some(Setup::PREPARING))
    }

    async fn console(&self, view: &InstanceView, limit: Duration) -> Option<String> {
        let id = view.id.parse().ok()?;
        let asked = self.env.ec2.console(&view.region, &id);
        let limit = self.env.clock.sleep(self.env.clock.during(limit));
        match select(asked, limit).await {
            Either::Left((Ok(console), _)) => Some(console),
            Either::Left((Err(error), _)) => {
                let problem = from_ec2(error).chain();
                tracing::warn!(instance.id = view.id, problem, "the console cannot be read");
                None
            }
            Either::Right(_) => None,
        }
    }
}

/// Whether an instance runs that may be set up: by the user data of a built-in template, or at an earlier boot of what
/// a template was saved from.
fn has_setup(view: &InstanceView) -> bool {
    let has_data = |it: &BuiltIn| it.user_data().is_some();
    view.state == InstanceState::Running
        && view.template.is_some()
        && built_in(view).is_none_or(has_data)
}

fn built_in(view: &InstanceView) -> Option<&'static BuiltIn> {
    catalogue::find(view.template.as_deref()?)
}
