//! `prism key add`.

use std::path::PathBuf;

use clap::Args;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{AddKey, Asked, KeyRequest};

use crate::errors::Outcome;
use crate::session::Session;

/// The files that ssh-keygen creates, in the order of preference.
const USUAL: [&str; 5] = [
    "id_ed25519.pub",
    "id_ed25519_sk.pub",
    "id_ecdsa.pub",
    "id_ecdsa_sk.pub",
    "id_rsa.pub",
];

const EXAMPLES: &str = "\
Examples:
  prism key add
  prism key add ~/.ssh/work.pub
  ssh-add -L | head -n 1 | prism key add -";

/// Add a public SSH key, which later launches install
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Add {
    /// The .pub file of the key, or "-" for stdin [default: that of your first key in ~/.ssh]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Add {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let file = match self.file {
            Some(file) => file,
            None => usual(session)?,
        };
        let public_key = super::read(&file)?;
        let asked = Asked::<AddKey>::with(Nothing {}, KeyRequest { public_key });
        let key = session.client.ask(asked).await?;
        session.out.done(&key, || {
            format!("Launches install your key {}.\n", super::named(&key))
        })
    }
}

/// The first of the usual files that exists.
fn usual(session: &Session) -> Result<PathBuf, Problem> {
    let folder = session.environment.ssh_folder();
    let found = folder.as_ref().and_then(|folder| {
        let files = USUAL.iter().map(|name| folder.join(name));
        files.into_iter().find(|file| file.is_file())
    });
    found.ok_or_else(|| {
        let message = "You have no public SSH key in ~/.ssh.";
        Problem::new(Code::LocalIo, message)
            .hint("Create one with \"ssh-keygen -t ed25519\", or name the .pub file of a key.")
    })
}
