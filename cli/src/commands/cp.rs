//! `prism cp`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use prism_functions::domain::session::SessionKind;
use prism_functions::domain::{Code, InstanceId, Problem};
use prism_functions::operations::InstanceView;
use serde_json::json;

use super::connect::By;
use crate::client::Local;
use crate::errors::Outcome;
use crate::files::{Access, write_whole};
use crate::options::InRegion;
use crate::reach::{self, Need, Place, Reach};
use crate::session::Session;
use crate::text::plain;

const ABOUT: &str = "\
One of the two is a path on an instance, after its name and a colon; a path that is not absolute \
begins in the home folder. The copy is made by scp, whose connection goes through Session Manager \
if that works, as for \"prism connect\". It needs one of the keys with which the instance was launched.

On an embedded cloud, single files are copied to and from the simulated disk.

Examples:
  prism cp data.csv my-research:data/data.csv
  prism cp -r my-research:results .";

/// Copy files to or from an instance
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Cp {
    /// What to copy: a file here, or NAME:PATH
    #[arg(value_name = "FROM")]
    from: String,
    /// Where to: NAME:PATH, or a path here
    #[arg(value_name = "TO")]
    to: String,
    /// Copy a folder with everything in it
    #[arg(long, short)]
    recursive: bool,
    #[command(flatten)]
    region: InRegion,
    #[command(flatten)]
    by: By,
}

impl Cp {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let (name, places) = places(&self.from, &self.to)?;
        let region = session.region(&self.region)?;
        let instance = session.instance(&region, name).await?;
        if let Some(local) = session.client.embedded() {
            if self.recursive {
                let message = "On an embedded cloud, only single files can be copied.";
                return Err(Problem::new(Code::NotCustomisable, message)
                    .hint("Copy the files one by one.")
                    .into());
            }
            let bytes = simulated(local, &instance, &places)?;
            let value = json!({ "from": self.from, "to": self.to, "bytes": bytes });
            return session.out.done(&value, || {
                format!("{bytes} bytes copied to {} (simulated).\n", plain(&self.to))
            });
        }
        let mut reach = Reach::of(session, instance, self.by.via)?;
        let opened = reach.open(session, Need::Copy, &SessionKind::Ssh).await?;
        let identity = self.by.identity.as_deref();
        let [from, to] = &places;
        let copy = reach::copied(
            &opened,
            &reach.instance,
            identity,
            self.recursive,
            [from, to],
        );
        Err(reach.programs.become_it(&copy).into())
    }
}

/// The instance, and the two places of which one is on it.
fn places<'a>(from: &'a str, to: &'a str) -> Result<(&'a str, [Place; 2]), Problem> {
    let here = |text: &str| Place::Here(PathBuf::from(text));
    let there = |path: &str| Place::There(path.to_owned());
    match (reach::remote(from), reach::remote(to)) {
        (Some((name, path)), None) => Ok((name, [there(path), here(to)])),
        (None, Some((name, path))) => Ok((name, [here(from), there(path)])),
        (both, _) => {
            let message = match both {
                Some(_) => "Both are on an instance; one must be a path here.",
                None => "Neither is on an instance; one must be NAME:PATH.",
            };
            Err(Problem::new(Code::InvalidInput, message)
                .hint("Such as: prism cp data.csv my-research:data.csv"))
        }
    }
}

/// Copies a file to or from a simulated disk, and returns its size.
fn simulated(
    local: &Local,
    instance: &InstanceView,
    places: &[Place; 2],
) -> Result<usize, Problem> {
    let id: InstanceId = instance.id.parse().map_err(Problem::from)?;
    match places {
        [Place::Here(file), Place::There(path)] => {
            let bytes = fs::read(file).map_err(|error| unusable(file, error))?;
            let path = named(path, file);
            let command = ["tee".to_owned(), path];
            let wrote = local.guest(&instance.region, &id, &command, &bytes)?;
            if wrote.exit_code != 0 {
                let said = String::from_utf8_lossy(&wrote.stderr).trim().to_owned();
                let message = format!("The file could not be written: {said}.");
                return Err(Problem::new(Code::LocalIo, message));
            }
            Ok(bytes.len())
        }
        [Place::There(path), Place::Here(file)] => {
            let Some(bytes) = local.guest_file(&instance.region, &id, path)? else {
                let message = format!("{} has no file {path}.", instance.name);
                return Err(Problem::new(Code::LocalIo, message)
                    .hint("\"prism exec NAME -- ls\" lists files."));
            };
            let file = if file.is_dir() {
                file.join(path.rsplit('/').next().unwrap_or(path))
            } else {
                file.clone()
            };
            write_whole(&file, &bytes, Access::Usual, true).map_err(|e| unusable(&file, e))?;
            Ok(bytes.len())
        }
        _ => unreachable!("one of the two is on the instance"),
    }
}

/// The path on the instance: a folder gets a file of the same name.
fn named(path: &str, file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    match path {
        "" => name.into_owned(),
        path if path.ends_with('/') => format!("{path}{name}"),
        path => path.to_owned(),
    }
}

fn unusable(file: &Path, error: io::Error) -> Problem {
    let message = format!("{} cannot be read or written.", file.display());
    Problem::new(Code::LocalIo, message)
        .because(error)
        .hint("Check the path and its permissions.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_place_is_on_an_instance() {
        let (name, [from, to]) = places("box:a/b", "c").unwrap();
        assert_eq!((name, from), ("box", Place::There("a/b".to_owned())));
        assert_eq!(to, Place::Here("c".into()));
        for (from, to) in [("a", "b"), ("x:a", "y:b")] {
            assert_eq!(places(from, to).unwrap_err().code, Code::InvalidInput);
        }
    }

    #[test]
    fn a_folder_gets_a_file_of_the_same_name() {
        let file = Path::new("/tmp/a.csv");
        assert_eq!(named("", file), "a.csv");
        assert_eq!(named("data/", file), "data/a.csv");
        assert_eq!(named("data/b.csv", file), "data/b.csv");
    }
}
