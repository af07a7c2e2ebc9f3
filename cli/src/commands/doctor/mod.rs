//! `prism doctor`: checks everything that commands need.

mod api;
#[cfg(feature = "aws")]
mod aws;
mod check;
mod clock;
mod leftovers;
mod local;

use std::fmt::Write as _;
use std::sync::Arc;

use clap::Args;
use prism_functions::domain::{Code, Problem};
use prism_functions::ports::Clock;
use prism_local::clock::WallClock;
use serde_json::json;

pub(crate) use check::{Check, Verdict};
use leftovers::{Fix, Looked};

use crate::environment::Environment;
use crate::errors::Outcome;
use crate::global::Global;
use crate::output::Output;
use crate::profile::{Chosen, Kind, Place};
use crate::text::plain;
use crate::{exit, opening};

/// Check the profile, the credentials and the deployment, and look for leftovers of saves
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Fix what is left over: remove AMIs and snapshots of saves, release locks, start recoveries
    #[arg(long)]
    fix: bool,
    /// Do not ask for confirmation before fixing
    #[arg(short, long, requires = "fix")]
    yes: bool,
    /// Also remove AMIs and snapshots that this deployment created but no record explains. Check them first: this
    /// cannot be undone
    #[arg(long, requires = "fix")]
    remove_unexplained: bool,
}

impl Doctor {
    pub(crate) async fn run(
        self,
        global: &Global,
        environment: &Environment,
        out: &Output,
    ) -> Outcome {
        let (chosen, mut checks) = profile(global, environment);
        let mut looked = Looked::default();
        if let Some(chosen) = &chosen {
            checks.extend(of(chosen, global, environment).await);
            looked = self.look(chosen, &checks, global, environment, out).await?;
            checks.append(&mut looked.checks);
        }
        let profile = chosen.as_ref().and_then(|chosen| chosen.name.clone());
        let backend = chosen.as_ref().map(|chosen| chosen.profile.backend);
        let fixed = looked.fixed.as_deref().map(leftovers::data);
        let value = json!({
            "profile": profile, "backend": backend, "checks": checks,
            "leftovers": looked.found, "unknown": looked.unknown, "volumes": looked.volumes, "fixed": fixed,
        });
        out.show(&value, || {
            let mut text = text(&checks);
            if looked.fixed.is_none() {
                text.push_str(&leftovers::list(&looked.found));
                text.push_str(&leftovers::list(&looked.unknown));
            }
            text
        })?;
        Ok(if is_well(&checks) {
            exit::DONE
        } else {
            exit::FAILED
        })
    }
}

impl Doctor {
    /// Finds leftovers, if the backend lets the caller see them.
    async fn look(
        &self,
        chosen: &Chosen,
        checks: &[Check],
        global: &Global,
        environment: &Environment,
        out: &Output,
    ) -> Result<Looked, Problem> {
        let fix = match (self.fix, self.yes) {
            (false, _) => Fix::No,
            (true, false) => Fix::Ask,
            (true, true) => Fix::Yes,
        };
        let profile = &chosen.profile;
        let service = match profile.backend {
            // Checks that failed have been reported already, and the backend may not open.
            _ if !is_well(checks) => return Ok(Looked::default()),
            Kind::Local => local::service(global, environment, profile)?,
            #[cfg(feature = "aws")]
            Kind::Aws => Some(aws::service(profile).await?),
            #[cfg(not(feature = "aws"))]
            Kind::Aws => None,
            Kind::Api => return self.look_by_api(),
        };
        match service {
            Some(service) => leftovers::look(&service, fix, self.remove_unexplained, out).await,
            None => Ok(Looked::default()),
        }
    }

    /// Explains that an API cannot show leftovers: it shows users only what is theirs, and leftovers have no owner.
    fn look_by_api(&self) -> Result<Looked, Problem> {
        const HOW: &str = "an operator's profile can: prism configure --stack NAME";
        if self.fix {
            let message = "Leftovers cannot be fixed through the API.";
            return Err(Problem::new(Code::NotAllowed, message)
                .hint("Use an operator's profile: prism configure --stack NAME, then prism --profile NAME doctor --fix"));
        }
        let checks = vec![Check::ok("leftovers", format!("not checked; {HOW}"))];
        Ok(Looked {
            checks,
            ..Looked::default()
        })
    }
}

/// Whether no check has failed.
pub(crate) fn is_well(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.verdict != Verdict::Fail)
}

/// Formats the checks for people.
pub(crate) fn text(checks: &[Check]) -> String {
    let widest = checks.iter().map(|check| check.name.len()).max();
    let widest = widest.unwrap_or_default();
    let mut text = String::new();
    for check in checks {
        let (word, name) = (check.verdict, check.name);
        let _ = writeln!(text, "{word:<4}  {name:<widest$}  {}", plain(&check.detail));
        if let Some(hint) = &check.hint {
            let _ = writeln!(text, "      {:widest$}  hint: {}", "", plain(hint));
        }
    }
    text
}

/// The profile to check; `None` if the file or the choice is invalid.
fn profile(global: &Global, environment: &Environment) -> (Option<Chosen>, Vec<Check>) {
    const FILE: &str = "configuration";
    let place = Place::of(environment);
    let mut checks = Vec::new();
    match place.read() {
        Err(problem) => return (None, vec![Check::fail(FILE, problem)]),
        Ok(_) if !place.exists() => {
            checks.push(Check::ok(FILE, "no file: commands use the embedded cloud"));
        }
        Ok(profiles) => {
            let path = place.path().map(|path| path.display().to_string());
            let path = path.unwrap_or_default();
            let count = profiles.profile.len();
            checks.push(if place.open_to_others() {
                let message = format!("Other users can change {path}.");
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
            let backend = chosen.profile.backend;
            checks.push(Check::ok("profile", format!("{name}, backend {backend}")));
            (Some(chosen), checks)
        }
        Err(problem) => {
            checks.push(Check::fail("profile", problem));
            (None, checks)
        }
    }
}

/// Runs the checks of a profile's backend. They change nothing.
pub(crate) async fn of(chosen: &Chosen, global: &Global, environment: &Environment) -> Vec<Check> {
    let clock: Arc<dyn Clock> = Arc::new(WallClock::real());
    let profile = &chosen.profile;
    match profile.backend {
        Kind::Local => local::checks(global, environment, profile).await,
        Kind::Api => api::checks(profile, environment, &clock).await,
        #[cfg(feature = "aws")]
        Kind::Aws => aws::checks(profile, &clock).await,
        #[cfg(not(feature = "aws"))]
        Kind::Aws => vec![Check::fail(
            "backend",
            crate::lacking::missing("the backend aws"),
        )],
    }
}
