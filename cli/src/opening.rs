//! Chooses the profile from the options, and opens its backend.

use std::path::{Path, PathBuf};

use prism_functions::domain::audit::Channel;
use prism_functions::domain::{Code, Problem};
use prism_functions::rules::access::Caller;
use prism_local::Embedded;

use crate::client::{self, Client, Local};
use crate::environment::Environment;
use crate::global::Global;
use crate::profile::{Chosen, Kind, Place, Profile};

/// Chooses the profile for a command. With `embedded` the command only works on an embedded cloud: it needs no profile,
/// and another one is only an error if it was named for this run.
pub(crate) fn choose(
    global: &Global,
    environment: &Environment,
    embedded: bool,
) -> Result<Chosen, Problem> {
    let here = Chosen {
        name: None,
        profile: Profile::of(Kind::Local),
    };
    let flag = global.profile.as_deref();
    if embedded && flag.is_none() && global.home.is_some() {
        // Neither a background process nor a script depends on the contents of the file.
        return Ok(here);
    }
    let named = flag.or(environment.profile.as_deref());
    let chosen = Place::of(environment).read()?.choose(named)?;
    if chosen.profile.backend == Kind::Local {
        return Ok(chosen);
    }
    if embedded && flag.is_none() {
        return Ok(here);
    }
    let only = [
        ("prism local", embedded),
        ("--home", global.home.is_some()),
        ("--as", global.user.is_some()),
    ];
    match only.iter().find(|(_, given)| *given) {
        None => Ok(chosen),
        Some((what, _)) => {
            let message = format!(
                "{what} is only for an embedded cloud, and the backend of the profile {} is {}.",
                chosen.name.as_deref().unwrap_or_default(),
                chosen.profile.backend
            );
            Err(Problem::new(Code::EmbeddedOnly, message)
                .hint("Leave it out, or name a profile of an embedded cloud: --profile local"))
        }
    }
}

/// Opens the backend of a profile.
pub(crate) async fn client(
    global: &Global,
    environment: &Environment,
    profile: &Profile,
) -> Result<Client, Problem> {
    Ok(match profile.backend {
        Kind::Local => {
            let user = environment.user(global.user.as_deref())?;
            let home = home(global, environment, profile)?;
            let local = Local::new(embedded(&home, environment)?);
            Client::embedded_in(local, Caller::new(user).by(Channel::Cli))
        }
        Kind::Aws => aws(profile).await?,
        Kind::Api => client::open(profile, environment).await?,
    })
}

#[cfg(feature = "aws")]
async fn aws(profile: &Profile) -> Result<Client, Problem> {
    client::aws::open(profile).await
}

#[cfg(not(feature = "aws"))]
#[expect(
    clippy::unused_async,
    reason = "with the feature, it asks AWS who the caller is"
)]
async fn aws(_: &Profile) -> Result<Client, Problem> {
    Err(crate::lacking::missing("the backend aws"))
}

pub(crate) fn home(
    global: &Global,
    environment: &Environment,
    profile: &Profile,
) -> Result<PathBuf, Problem> {
    let (named, of_profile) = (global.home.clone(), profile.home.clone());
    environment.home(named, of_profile, global.profile.is_some())
}

/// Opens the embedded cloud in a folder, which is created if it does not exist.
pub(crate) fn embedded(home: &Path, environment: &Environment) -> Result<Embedded, Problem> {
    if home.exists() && !home.is_dir() {
        let message = format!("{} is a file, not a folder.", home.display());
        return Err(Problem::new(Code::LocalIo, message)
            .hint("Name the folder of an embedded cloud, or one that does not exist yet, with --home PATH."));
    }
    let couriers = crate::couriers::of(environment)?;
    let cloud = Embedded::open(home, &program(environment))?;
    Ok(cloud.notifying_by(couriers))
}

/// The path of this program. Without it, executions cannot be handed over, but everything else works.
pub(crate) fn program(environment: &Environment) -> PathBuf {
    let program = environment.program.clone();
    program.unwrap_or_else(|| PathBuf::from("prism"))
}
