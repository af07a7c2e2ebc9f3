//! The simulated shell of an instance of an embedded cloud.

use std::io::{BufRead as _, Write as _};

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{Code, InstanceId, Problem};
use prism_functions::operations::InstanceView;
use prism_local::GuestAnswer;
use prism_local::ec2::words_of;

use crate::client::Local;
use crate::errors::Outcome;
use crate::exit;
use crate::output::Output;
use crate::session::Session;
use crate::text::{plain, quoted};

/// Runs a command, or a shell that reads commands from stdin until `exit`.
pub(super) fn run(
    session: &Session,
    local: &Local,
    instance: &InstanceView,
    command: &[String],
) -> Outcome {
    let id: InstanceId = instance.id.parse().map_err(Problem::from)?;
    let run = |words: &[String]| {
        let answer = local.guest(&instance.region, &id, words, &[]);
        answer.map_err(|problem| unusable(session, instance, problem))
    };
    if !command.is_empty() {
        return shown(&run(command)?);
    }
    // Refuses an instance that is not running, before anything is typed.
    run(&["hostname".to_owned()])?;
    let name = plain(&instance.name);
    session.out.note(&format!(
        "embedded cloud (simulated): {name} has a disk, but runs no programs. \"prism exec --help\" lists the \
         commands, and \"exit\" leaves."
    ));
    let login = instance.login.as_deref().unwrap_or("user");
    let prompt = format!("{}@{name} (simulated)$ ", plain(login));
    let mut code = exit::DONE;
    for line in lines(session, &prompt) {
        let words = words_of(&line);
        match words.first().map(String::as_str) {
            None => {}
            Some("exit" | "logout") => break,
            Some(_) => code = shown(&run(&words)?)?,
        }
    }
    Ok(code)
}

/// The problem of an instance that cannot be used, with what brings it up if it is stopped.
pub(super) fn unusable(session: &Session, instance: &InstanceView, problem: Problem) -> Problem {
    let (name, region) = (
        quoted(&instance.name),
        session.region_option(&instance.region),
    );
    match (problem.code, instance.state) {
        (Code::InstanceStateWrong, InstanceState::Stopped) => {
            problem.hint(format!("Start it first: prism start {name}{region}"))
        }
        (Code::InstanceStateWrong, _) => problem.hint(format!(
            "Check its state with \"prism show {name}{region}\", and try again when it is running."
        )),
        _ => problem,
    }
}

/// The lines of stdin, with a prompt for people before each.
fn lines(session: &Session, prompt: &str) -> impl Iterator<Item = String> {
    let asks = session.out.answers;
    let prompt = prompt.to_owned();
    let mut stdin = std::io::stdin().lock();
    std::iter::from_fn(move || {
        if asks {
            let mut stderr = std::io::stderr().lock();
            // Without stderr there is nobody to be prompted.
            let _ = stderr.write_all(prompt.as_bytes());
            let _ = stderr.flush();
        }
        let mut line = String::new();
        match stdin.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line),
        }
    })
}

/// Prints the output of a command, and returns its exit code as a shell does: the lowest eight bits, and never 0 for a
/// failure.
pub(super) fn shown(answer: &GuestAnswer) -> Outcome {
    Output::stderr(&answer.stderr);
    Output::data(&answer.stdout)?;
    Ok(exit_code(answer))
}

pub(super) fn exit_code(answer: &GuestAnswer) -> u8 {
    let code = u8::try_from(answer.exit_code & 0xff).unwrap_or(u8::MAX);
    if answer.exit_code != 0 && code == 0 {
        u8::MAX
    } else {
        code
    }
}
