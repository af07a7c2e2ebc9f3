//! Runs the program: parses the arguments, runs the command, and returns the exit code.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory as _, Parser as _};
use prism_functions::domain::{Code, Problem};
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Cli, Command};
use crate::commands::local::Local;
use crate::commands::project::Projects;
use crate::environment::Environment;
use crate::errors::{self, Failure, Outcome};
use crate::explain::explain;
use crate::form::Form;
use crate::global::Global;
use crate::opening;
use crate::output::Output;
use crate::session::Session;
use crate::{desktop, exit, grammar, suggest};

/// Parses the arguments, runs the command, and returns the exit code.
pub(crate) fn run(args: &[OsString], environment: Environment) -> u8 {
    match Cli::try_parse_from(grammar::usual(args.to_vec())) {
        Ok(cli) => carry_out(cli, environment, args),
        Err(error) => refuse(&error, args, &environment),
    }
}

/// Prints the help or the version, or what is wrong with the arguments.
fn refuse(error: &clap::Error, args: &[OsString], environment: &Environment) -> u8 {
    if !error.use_stderr() || !grammar::asks_for_json(args) {
        // If the stream is closed, there is nowhere to report that.
        let _ = error.print();
        return u8::try_from(error.exit_code()).unwrap_or(exit::BAD_ARGUMENTS);
    }
    let out = Output::new(Form::Json, true, environment);
    let text = error.render().to_string();
    let mut parts = text.split("\n\n");
    let message = parts.next().unwrap_or_default();
    let message = message.trim_start_matches("error: ").split_whitespace();
    let message = message.collect::<Vec<_>>().join(" ");
    let tip = parts.find_map(|part| part.trim().strip_prefix("tip: "));
    let problem = Problem::new(Code::InvalidArguments, format!("{message}."));
    errors::tell(
        &out,
        match tip {
            Some(tip) => problem.hint(format!("Note that {tip}.")),
            None => problem,
        }
        .into(),
    )
}

/// Runs a command and returns the exit code.
fn carry_out(cli: Cli, environment: Environment, args: &[OsString]) -> u8 {
    let Cli { global, command } = cli;
    let out = Output::new(global.form(), global.quiet, &environment);
    log(global.verbose, &command);
    let outcome = match command {
        Command::Completions(args) => args.run(),
        Command::Man(args) => args.run(Cli::command()),
        Command::Help(args) => args.run(&out, Cli::command()),
        // These open no database, so that a damaged cloud can be removed or repaired too.
        Command::Local(Local::Reset(args)) => {
            home(&global, &environment).and_then(|home| args.run(&out, &home))
        }
        Command::Local(Local::Adopt(args)) => home(&global, &environment)
            .and_then(|home| args.run(&out, &home, &opening::program(&environment))),
        command => return within_runtime(&global, command, environment, &out, args),
    };
    outcome.unwrap_or_else(|failure| errors::tell(&out, failure))
}

/// Returns the folder of the embedded cloud.
fn home(global: &Global, environment: &Environment) -> Result<PathBuf, Failure> {
    let chosen = opening::choose(global, environment, true)?;
    Ok(opening::home(global, environment, &chosen.profile)?)
}

/// Runs a command that sends requests or waits.
fn within_runtime(
    global: &Global,
    command: Command,
    environment: Environment,
    out: &Output,
    args: &[OsString],
) -> u8 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem =
                Problem::new(Code::LocalIo, "The asynchronous runtime cannot be started.");
            return errors::tell(out, problem.because(error).into());
        }
    };
    runtime.block_on(async {
        let outcome = match command {
            Command::Local(Local::Run(args)) => carry(&args, global, &environment).await,
            Command::Configure(args) => Box::pin(args.run(global, &environment, out)).await,
            Command::Doctor(args) => Box::pin(args.run(global, &environment, out)).await,
            command => match open(global, &command, environment, out.clone()).await {
                Ok(session) => {
                    say_simulated(&command, &session);
                    sweep(&session).await;
                    let outcome = interruptible(command, &session).await;
                    deliver(&session).await;
                    desktop::announce(&session).await;
                    suggest::named(outcome, &session, args).await
                }
                Err(problem) => Err(problem.into()),
            },
        };
        outcome.unwrap_or_else(|failure| errors::tell(out, failure))
    })
}

/// Does in the background what another process has handed over. It needs no user.
async fn carry(
    args: &crate::commands::local::Run,
    global: &Global,
    environment: &Environment,
) -> Outcome {
    let home = home(global, environment)?;
    // If the cloud was deleted in the meantime, opening it would create another one.
    if !home.is_dir() {
        return Ok(exit::DONE);
    }
    args.run(&opening::embedded(&home, environment)?).await
}

async fn open(
    global: &Global,
    command: &Command,
    environment: Environment,
    out: Output,
) -> Result<Session, Problem> {
    let embedded = matches!(command, Command::Local(_));
    let chosen = opening::choose(global, &environment, embedded)?;
    Ok(Session {
        client: opening::client(global, &environment, &chosen.profile).await?,
        out,
        environment,
        region: chosen.profile.region,
        shown: OnceCell::new(),
    })
}

/// Runs a command, and reports an interrupt as JSON if errors are. Commands that wait for a save, and those that lead
/// to other programs, handle interrupts themselves.
async fn interruptible(command: Command, session: &Session) -> Outcome {
    let own = matches!(
        command,
        Command::Save(_)
            | Command::Saves(_)
            | Command::Schedule(_)
            | Command::Template(_)
            | Command::Project(Projects::Launch(_))
            | Command::Connect(_)
            | Command::Open(_)
            | Command::Cp(_)
            | Command::Exec(_)
            | Command::Local(_)
    );
    if own || !session.out.form.has_json_errors() {
        return dispatch(command, session).await;
    }
    tokio::select! {
        outcome = dispatch(command, session) => outcome,
        Ok(()) = tokio::signal::ctrl_c() => {
            let message = "The command was interrupted; what it had requested may still happen.";
            Err(Problem::new(Code::Interrupted, message).into())
        }
    }
}

async fn dispatch(command: Command, session: &Session) -> Outcome {
    match command {
        Command::Launch(args) => Box::pin(args.run(session)).await,
        Command::List(args) => Box::pin(args.run(session)).await,
        Command::Stop(args) => Box::pin(args.run(session)).await,
        Command::Start(args) => Box::pin(args.run(session)).await,
        Command::Resize(args) => Box::pin(args.run(session)).await,
        Command::Rename(args) => Box::pin(args.run(session)).await,
        Command::Terminate(args) => Box::pin(args.run(session)).await,
        Command::Extend(args) => Box::pin(args.run(session)).await,
        Command::Connect(args) => Box::pin(args.run(session)).await,
        Command::Open(args) => Box::pin(args.run(session)).await,
        Command::Cp(args) => Box::pin(args.run(session)).await,
        Command::Exec(args) => Box::pin(args.run(session)).await,
        Command::Show(args) => Box::pin(args.run(session)).await,
        Command::Costs(args) => Box::pin(args.run(session)).await,
        Command::Key(args) => Box::pin(args.run(session)).await,
        Command::Notify(args) => Box::pin(args.run(session)).await,
        Command::Region(args) => Box::pin(args.run(session)).await,
        Command::Regions(args) => Box::pin(args.run(session)).await,
        Command::Save(args) => Box::pin(args.run(session)).await,
        Command::Saves(args) => Box::pin(args.run(session)).await,
        Command::Schedule(args) => Box::pin(args.run(session)).await,
        Command::Templates(args) => Box::pin(args.run(session)).await,
        Command::Template(args) => Box::pin(args.run(session)).await,
        Command::Project(args) => Box::pin(args.run(session)).await,
        Command::Audit(args) => Box::pin(args.run(session)).await,
        Command::Local(args) => Box::pin(args.run(session)).await,
        Command::Completions(_)
        | Command::Man(_)
        | Command::Help(_)
        | Command::Configure(_)
        | Command::Doctor(_) => {
            unreachable!("these commands work without a session")
        }
    }
}

/// Says that a command works on simulated instances, so that nobody takes them for instances on AWS. For programs too it
/// is on stderr, where a JSON error is the last line.
fn say_simulated(command: &Command, session: &Session) {
    let obvious = matches!(command, Command::Local(_));
    if session.client.embedded().is_some() && !obvious {
        session.out.note("embedded cloud (simulated)");
    }
}

/// Ends saves that lost their process. A failure here does not fail the command.
async fn sweep(session: &Session) {
    match session.client.sweep().await {
        Ok(recoveries) => {
            for recovery in recoveries {
                let id = &recovery.save_id;
                // The sweep also rolls back other users' saves, which are not reported to this user.
                if session.save(id).await.is_err() {
                    continue;
                }
                session.out.note(&format!(
                    "note: {id} was interrupted and is being rolled back in the background: prism saves watch {id}"
                ));
            }
        }
        Err(problem) => session.out.warn(&format!(
            "cannot look for interrupted saves: {}",
            crate::text::plain(&explain(problem).chain())
        )),
    }
}

/// Hands the notices that are due in the embedded cloud to a process of their own: nothing else there delivers them, and
/// no user waits for a receiver. If that fails, they are left to the next command.
async fn deliver(session: &Session) {
    let Some(local) = session.client.embedded() else {
        return;
    };
    if let Err(problem) = local.cloud.deliver_detached().await {
        let problem = explain(problem).chain();
        tracing::warn!(problem, "notices could not be delivered");
    }
}

/// Logs to stderr if the user asked for it. A background process and a server always log, because they report errors
/// nowhere else.
fn log(verbose: u8, command: &Command) {
    let background = matches!(command, Command::Local(Local::Run(_) | Local::Serve(_)));
    let level = match verbose {
        0 if background => LevelFilter::WARN,
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
}
