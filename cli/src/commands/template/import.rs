//! `prism template import`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use prism_functions::domain::template_file::{FILE_BYTES, TemplateFile};
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::{DryRun, Either};
use prism_functions::operations::{Asked, ImportRequest, ImportTemplate, Imported};

use crate::errors::Outcome;
use crate::session::Session;
use crate::text::plain;

const EXAMPLES: &str = "\
The AMIs are not copied: each one must exist, and you must have permission to use it.

Examples:
  prism template import my-custom-ml-env.yaml --dry-run
  prism template import my-custom-ml-env.yaml --name my-own-name
  prism template export my-custom-ml-env | prism template import - --name again";

/// Import a template from a YAML file, as a new template or a new version of one of your templates
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Import {
    /// The file, or "-" for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The name of the template [default: the name in the file]
    #[arg(long)]
    name: Option<String>,
    /// Consent to share files that are known to be sensitive, or that could not be checked
    #[arg(long)]
    publish_sensitive: bool,
    /// Check everything and show what would be created, but create nothing
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let text = read(&self.file)?;
        let file = TemplateFile::from_yaml(&text)?;
        let name = match &self.name {
            Some(name) => super::name(name)?,
            None => file.name,
        };
        let request = ImportRequest {
            file: text,
            publish_sensitive: self.publish_sensitive,
        };
        let dry_run = self.dry_run;
        let asked = Asked::<ImportTemplate>::with(name, request).query(DryRun { dry_run });
        let imported = match session.client.call(asked).await? {
            Either::One(found) => found.value,
            Either::Other(created) => created.value,
        };
        for warning in &imported.warnings {
            session.out.warn(&plain(&warning.text));
        }
        session.out.done(&imported, || told(&imported))
    }
}

/// Reads the file, up to slightly more than the maximum size, so that a larger file is reported as such.
fn read(path: &Path) -> Result<String, Problem> {
    let unreadable = |error: io::Error| {
        let message = format!("{} cannot be read.", path.display());
        Problem::new(Code::LocalIo, message)
            .because(error)
            .hint("Name a file that can be read.")
    };
    let most = u64::try_from(FILE_BYTES).unwrap_or(u64::MAX) + 4;
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(unreadable)?;
    // Invalid UTF-8 is reported with its position, like any other invalid content.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn told(imported: &Imported) -> String {
    let Imported {
        template, version, ..
    } = imported;
    let mut text = match (imported.done, imported.repeated) {
        (_, true) => {
            format!("{template}@{version} already corresponds to the file; nothing was imported.\n")
        }
        (true, false) => format!("{template}@{version} is imported.\n"),
        (false, false) => format!("{template}@{version} would be imported.\n"),
    };
    for (region, images) in &imported.amis {
        for (architecture, image) in images {
            let architecture = architecture.as_str();
            let _ = writeln!(text, "  {region}  {architecture}  {image}");
        }
    }
    text
}
