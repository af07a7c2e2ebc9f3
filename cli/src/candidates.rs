//! The names that a shell is offered while a command is typed.

use std::ffi::{OsStr, OsString};
use std::future::Future;
use std::time::Duration;

use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};
use prism_functions::domain::{Code, Problem, Region, TemplateName};
use prism_functions::ports::Clock as _;
use prism_local::clock::WallClock;

use crate::client::Client;
use crate::environment::Environment;
use crate::form::Form;
use crate::global::Global;
use crate::names::{self, Kind};
use crate::profile::Kind as Backend;
use crate::{grammar, opening};

/// The variable that asks for completion.
pub(crate) const VARIABLE: &str = "PRISM_COMPLETE";
/// How long names may take to arrive. Without them, the rest is completed.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn instances() -> ArgValueCandidates {
    candidates(Kind::Instance)
}

pub(crate) fn templates() -> ArgValueCandidates {
    candidates(Kind::Template)
}

/// Templates, and after an `@` the versions of one.
pub(crate) fn versions() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let typed = typed.to_string_lossy();
        let names = match typed.split_once('@') {
            Some((template, _)) => template
                .parse::<TemplateName>()
                .map_err(Problem::from)
                .and_then(|template| {
                    typed_in(async |client, _| names::versions(client, template).await)
                }),
            None => {
                typed_in(async |client, region| names::of(client, Kind::Template, region).await)
            }
        };
        let mut names = names.unwrap_or_default();
        names.retain(|name| name.starts_with(&*typed));
        names.into_iter().map(CompletionCandidate::new).collect()
    })
}

pub(crate) fn projects() -> ArgValueCandidates {
    candidates(Kind::Project)
}

pub(crate) fn schedules() -> ArgValueCandidates {
    candidates(Kind::Schedule)
}

pub(crate) fn saves() -> ArgValueCandidates {
    candidates(Kind::Save)
}

pub(crate) fn regions() -> ArgValueCandidates {
    candidates(Kind::Region)
}

fn candidates(kind: Kind) -> ArgValueCandidates {
    ArgValueCandidates::new(move || {
        // Nothing can be reported while a command line is typed.
        let names = typed_in(async |client, region| names::of(client, kind, region).await);
        let names = names.unwrap_or_default();
        let candidates = names.into_iter().map(CompletionCandidate::new);
        candidates.collect::<Vec<_>>()
    })
}

/// The names that the profile in the command line has.
fn typed_in(
    ask: impl AsyncFnOnce(&Client, &Region) -> Result<Vec<String>, Problem>,
) -> Result<Vec<String>, Problem> {
    let args: Vec<OsString> = std::env::args_os()
        .skip_while(|it| it != "--")
        .skip(1)
        .collect();
    let (global, environment) = (global(&args), Environment::read());
    let chosen = opening::choose(&global, &environment, false)?;
    let profile = chosen.profile;
    let embedded = profile.backend == Backend::Local;
    if embedded && !opening::home(&global, &environment, &profile)?.exists() {
        return Ok(Vec::new());
    }
    let named = ["--region", "--from-region"];
    let named = named.iter().find_map(|it| grammar::value_of(&args, it));
    let region = environment.region(named.as_deref(), profile.region.as_ref());
    let region = region.or_else(|_| environment.region(None, profile.region.as_ref()))?;
    wait(async {
        let client = opening::client(&global, &environment, &profile).await?;
        ask(&client, &region).await
    })
}

fn wait<T>(names: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Problem::new(Code::LocalIo, "The asynchronous runtime cannot be started.").because(error)
    })?;
    runtime.block_on(async {
        let late = WallClock::real().sleep(PATIENCE);
        tokio::select! {
            names = names => names,
            () = late => Err(Problem::new(Code::ApiUnavailable, "The names are late.")),
        }
    })
}

/// The global options of a command line that is being typed.
fn global(args: &[OsString]) -> Global {
    Global {
        profile: grammar::value_of(args, "--profile"),
        home: grammar::value_of(args, "--home").map(Into::into),
        user: grammar::value_of(args, "--as"),
        json: false,
        format: Some(Form::Table),
        quiet: true,
        verbose: 0,
    }
}
