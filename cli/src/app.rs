//! Runs the program: parses the arguments, runs the command, and returns the exit code.

use std::path::PathBuf;

use prism_functions::domain::{Code, Problem};
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Cli, Command, Global};
use crate::commands::local::Local;
use crate::environment::Environment;
use crate::errors::{self, Failure, Outcome};
use crate::explain::explain;
use crate::opening;
use crate::output::Output;
use crate::session::Session;

/// Runs a command and returns the exit code.
pub(crate) fn run(cli: Cli, environment: Environment) -> u8 {
    let Cli { global, command } = cli;
    let out = Output::new(global.json, global.quiet, &environment);
    log(global.verbose, &command);
    let outcome = match command {
        Command::Completions(args) => args.run(),
        Command::Man(args) => args.run(),
        // These open no database, so that a damaged cloud can be removed or repaired too.
        Command::Local(Local::Reset(args)) => {
            home(&global, &environment).and_then(|home| args.run(&out, &home))
        }
        Command::Local(Local::Adopt(args)) => home(&global, &environment)
            .and_then(|home| args.run(&out, &home, &opening::program(&environment))),
        command => return within_runtime(&global, command, environment, &out),
    };
    outcome.unwrap_or_else(|failure| errors::tell(&out, failure))
}

/// Returns the folder of the embedded cloud.
fn home(global: &Global, environment: &Environment) -> Result<PathBuf, Failure> {
    let chosen = opening::choose(global, environment, true)?;
    Ok(opening::home(global, environment, &chosen.profile)?)
}

/// Runs a command that sends requests or waits.
fn within_runtime(global: &Global, command: Command, environment: Environment, out: &Output) -> u8 {
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
                    sweep(&session).await;
                    dispatch(command, &session).await
                }
                Err(problem) => Err(problem.into()),
            },
        };
        outcome.unwrap_or_else(|failure| errors::tell(out, failure))
    })
}

/// Carries out an execution of the embedded cloud. It needs no user.
async fn carry(
    args: &crate::commands::local::Run,
    global: &Global,
    environment: &Environment,
) -> Outcome {
    let home = home(global, environment)?;
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
    })
}

async fn dispatch(command: Command, session: &Session) -> Outcome {
    match command {
        Command::Launch(args) => Box::pin(args.run(session)).await,
        Command::List(args) => Box::pin(args.run(session)).await,
        Command::Stop(args) => Box::pin(args.run(session)).await,
        Command::Start(args) => Box::pin(args.run(session)).await,
        Command::Terminate(args) => Box::pin(args.run(session)).await,
        Command::Connect(args) => Box::pin(args.run(session)).await,
        Command::Open(args) => Box::pin(args.run(session)).await,
        Command::Cp(args) => Box::pin(args.run(session)).await,
        Command::Exec(args) => Box::pin(args.run(session)).await,
        Command::Keys(args) => Box::pin(args.run(session)).await,
        Command::Regions(args) => Box::pin(args.run(session)).await,
        Command::Save(args) => Box::pin(args.run(session)).await,
        Command::Saves(args) => Box::pin(args.run(session)).await,
        Command::Schedule(args) => Box::pin(args.run(session)).await,
        Command::Templates(args) => Box::pin(args.run(session)).await,
        Command::Template(args) => Box::pin(args.run(session)).await,
        Command::Project(args) => Box::pin(args.run(session)).await,
        Command::Audit(args) => Box::pin(args.run(session)).await,
        Command::Local(args) => Box::pin(args.run(session)).await,
        Command::Completions(_) | Command::Man(_) | Command::Configure(_) | Command::Doctor(_) => {
            unreachable!("these commands work without a session")
        }
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
