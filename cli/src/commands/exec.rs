//! `prism exec`.

use std::io::Read;

use clap::Args;
use prism_functions::domain::{Code, Problem};
use serde_json::json;

use super::shell;
use crate::candidates;
use crate::errors::Outcome;
use crate::options::InRegion;
use crate::session::Session;

/// The maximum size of a command's standard input, in bytes.
const STDIN_BYTES: u64 = 16 << 20;

const KNOWN: &str = "\
The instance is simulated: it has a disk, but runs no programs. A command changes or shows the \
contents of the disk; packages are recorded with their names and versions, and nothing is \
downloaded.

These commands are supported:
  pip install NAME[==VERSION]...     pip list       pip freeze
  conda install NAME[=VERSION]...    conda list
  apt-get install NAME...            apt list --installed
  dnf install NAME...                dnf list installed
  R -e 'install.packages(\"NAME\")'
  jupyter kernelspec install PATH --name NAME       jupyter kernelspec list
  cat PATH...    ls [-l] [PATH]    tee [-a] PATH    rm [-r] [-f] PATH...    mkdir [-p] PATH...
  echo TEXT...   df -h    uname [-m]    hostname    whoami

Examples:
  prism exec my-research -- pip install obspy
  echo 'c.NotebookApp.open_browser = False' | prism exec my-research -- tee .jupyter/config.py
  prism exec my-research -- cat .jupyter/config.py

The exit code is the exit code of the command.";

/// Run a command on a running simulated instance
#[derive(Debug, Args)]
#[command(after_long_help = KNOWN, after_help = "See the supported commands with --help.")]
pub(crate) struct Exec {
    /// The instance, by its name or ID
    #[arg(value_name = "NAME")]
    #[arg(add = candidates::instances())]
    name: String,
    #[command(flatten)]
    region: InRegion,
    /// The command and its arguments; only tee, and cat without a path, read stdin
    #[arg(value_name = "COMMAND", last = true, required = true)]
    command: Vec<String>,
}

impl Exec {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let local = session.embedded()?;
        let region = session.region(&self.region)?;
        let instance = session.instance(&region, &self.name).await?;
        let stdin = if !session.environment.stdin_terminal && reads_stdin(&self.command) {
            stdin()?
        } else {
            Vec::new()
        };
        let id = instance.id.parse().map_err(Problem::from)?;
        let answer = local.guest(&region, &id, &self.command, &stdin);
        let answer = answer.map_err(|problem| shell::unusable(session, &instance, problem))?;
        if session.out.for_programs() {
            let value = json!({
                "exit_code": answer.exit_code,
                "stdout": String::from_utf8_lossy(&answer.stdout),
                "stderr": String::from_utf8_lossy(&answer.stderr),
            });
            session.out.show(&value, String::new)?;
            return Ok(shell::exit_code(&answer));
        }
        shell::shown(&answer)
    }
}

/// Whether a command reads its standard input. For other commands stdin is left alone, so that `prism exec` in a
/// shell's `while read` loop does not consume the loop's lines, and never waits for the end of an open input.
fn reads_stdin(command: &[String]) -> bool {
    let mut words = command.iter().map(String::as_str);
    match words.find(|word| !matches!(*word, "sudo" | "-E" | "-H")) {
        Some("tee") => true,
        Some("cat") => words.all(|word| word == "-"),
        _ => false,
    }
}

fn stdin() -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let mut limited = std::io::stdin().lock().take(STDIN_BYTES + 1);
    limited.read_to_end(&mut bytes).map_err(|error| {
        Problem::new(Code::LocalIo, "The standard input cannot be read.").because(error)
    })?;
    if bytes.len() as u64 > STDIN_BYTES {
        let message = format!(
            "The standard input has more than {} MiB.",
            STDIN_BYTES >> 20
        );
        return Err(Problem::new(Code::InvalidInput, message).hint("Send less data at a time."));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_readers_are_given_stdin() {
        let reads = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            reads_stdin(&words)
        };
        assert!(reads("tee a.txt") && reads("cat") && reads("cat -"));
        assert!(reads("sudo -E tee a.txt"));
        assert!(!reads("cat a.txt") && !reads("ls") && !reads("pip install tee"));
    }
}
