//! `prism doctor`: whether everything is there that commands will need.

mod api;
#[cfg(feature = "aws")]
mod aws;
mod check;
mod clock;
mod local;

use std::fmt::Write as _;
use std::sync::Arc;

use clap::Args;
use prism_functions::domain::{Code, Problem};
use prism_functions::ports::Clock;
use prism_local::clock::WallClock;
use serde_json::json;

pub(crate) use check::{Check, Verdict};

use crate::args::Global;
use crate::environment::Environment;
use crate::errors::Outcome;
use crate::output::Output;
use crate::profile::{Chosen, Kind, Place};
use crate::text::plain;
use crate::{exit, opening};

/// Check whether the profile, the credentials and the deployment are as commands need them
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

impl Doctor {
    /// Runs the command.
    pub(crate) async fn run(
        self,
        global: &Global,
        environment: &Environment,
        out: &Output,
    ) -> Outcome {
        let Self {} = self;
        let (chosen, mut checks) = profile(global, environment);
        if let Some(chosen) = &chosen {
            checks.extend(of(chosen, global, environment).await);
        }
        let profile = chosen.as_ref().and_then(|chosen| chosen.name.clone());
        let backend = chosen
            .as_ref()
            .map(|chosen| chosen.profile.backend.as_str());
        let value = json!({ "profile": profile, "backend": backend, "checks": checks });
        out.show(&value, || text(&checks))?;
        Ok(if is_well(&checks) {
            exit::DONE
        } else {
            exit::FAILED
        })
    }
}

/// Whether none of the checks has failed.
pub(crate) fn is_well(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.verdict != Verdict::Fail)
}

/// The checks, for people.
pub(crate) fn text(checks: &[Check]) -> String {
    let widest = checks.iter().map(|check| check.name.len()).max();
    let widest = widest.unwrap_or_default();
    let mut text = String::new();
    for check in checks {
        let (word, name) = (check.verdict.as_str(), check.name);
        let _ = writeln!(text, "{word:<4}  {name:<widest$}  {}", plain(&check.detail));
        if let Some(hint) = &check.hint {
            let _ = writeln!(text, "      {:widest$}  hint: {}", "", plain(hint));
        }
    }
    text
}

/// Which profile it is about; none where the file or the choice is wrong.
fn profile(global: &Global, environment: &Environment) -> (Option<Chosen>, Vec<Check>) {
    const FILE: &str = "configuration";
    let place = Place::of(environment);
    let mut checks = Vec::new();
    match place.read() {
        Err(problem) => return (None, vec![Check::fail(FILE, problem)]),
        Ok(_) if !place.exists() => {
            checks.push(Check::ok(FILE, "no file: everything is embedded"));
        }
        Ok(profiles) => {
            let path = place.path().map(|path| path.display().to_string());
            let path = path.unwrap_or_default();
            let count = profiles.profile.len();
            checks.push(if place.open_to_others() {
                let message = format!("{path} can be changed by others.");
                let problem = Problem::new(Code::ConfigInvalid, message);
                Check::warn(FILE, problem.hint(format!("chmod 600 {path}")))
            } else {
                Check::ok(FILE, format!("{path}, profiles: {count}"))
            });
        }
    }
    match opening::choose(global, environment, false) {
        Ok(chosen) => {
            let name = chosen.name.as_deref().unwrap_or("none");
            let backend = chosen.profile.backend.as_str();
            checks.push(Check::ok("profile", format!("{name}, backend {backend}")));
            (Some(chosen), checks)
        }
        Err(problem) => {
            checks.push(Check::fail("profile", problem));
            (None, checks)
        }
    }
}

/// The checks of a profile's backend. They change nothing.
pub(crate) async fn of(chosen: &Chosen, global: &Global, environment: &Environment) -> Vec<Check> {
    let clock: Arc<dyn Clock> = Arc::new(WallClock::real());
    let profile = &chosen.profile;
    match profile.backend {
        Kind::Local => local::checks(global, environment, profile).await,
        Kind::Api => api::checks(profile, environment, &clock).await,
        #[cfg(feature = "aws")]
        Kind::Aws => aws::checks(profile, &clock).await,
        #[cfg(not(feature = "aws"))]
        Kind::Aws => vec![Check::fail("backend", opening::missing("the backend aws"))],
    }
}
