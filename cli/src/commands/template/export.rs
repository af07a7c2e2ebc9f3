//! `prism template export`.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use clap::Args;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::Yaml;
use prism_functions::operations::{Asked, ExportVersion};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::exit;
use crate::files::{Access, write_whole};
use crate::output::Output;
use crate::session::Session;

/// Write a saved template as a YAML file
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The template: NAME for the latest version, or NAME@3 for version 3
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::versions())]
    template: String,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
}

impl Export {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let asked = Asked::<ExportVersion>::of(reference.clone());
        let Yaml(yaml) = session.client.call(asked).await?;
        let Some(path) = &self.output else {
            if !session.out.for_programs() {
                // The lines of a file are not fitted to a terminal.
                Output::data(yaml.as_bytes())?;
                return Ok(exit::DONE);
            }
            let value = json!({ "template": reference.to_string(), "yaml": yaml });
            return session.out.done(&value, String::new);
        };
        write_whole(path, yaml.as_bytes(), Access::Usual, self.force)
            .map_err(|error| refused(path, error))?;
        let path = path.display();
        if session.out.for_programs() {
            let value = json!({ "template": reference.to_string(), "file": path.to_string() });
            return session.out.done(&value, String::new);
        }
        session
            .out
            .note(&format!("{reference} is written to {path}."));
        Ok(exit::DONE)
    }
}

fn refused(path: &Path, error: io::Error) -> Problem {
    let path = path.display();
    match error.kind() {
        ErrorKind::AlreadyExists => {
            Problem::new(Code::LocalIo, format!("The file {path} already exists."))
                .hint("Name another file, or replace it with --force.")
        }
        ErrorKind::StorageFull => {
            Problem::new(Code::DiskFull, format!("{path} could not be written.")).because(error)
        }
        _ => Problem::new(Code::LocalIo, format!("{path} could not be written."))
            .because(error)
            .hint("Name another file."),
    }
}
