//! From the arguments to the exit code.

use std::path::PathBuf;

use prism_functions::domain::{Code, Problem, Region};
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Cli, Command, Global};
use crate::backend::Local;
use crate::commands;
use crate::environment::Environment;
use crate::errors::{self, Outcome};
use crate::output::Output;
use crate::regions::InRegion;

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Session {
    /// The backend.
    pub(crate) local: Local,
    /// Where text goes.
    pub(crate) out: Output,
    /// What the process found around it.
    pub(crate) environment: Environment,
}

impl Session {
    /// The Region that a command names, or the usual one.
    pub(crate) fn region(&self, named: &InRegion) -> Result<Region, Problem> {
        named.resolve(&self.environment)
    }
}

/// Runs a command. Answers the exit code.
pub(crate) fn run(cli: Cli, environment: Environment) -> u8 {
    let Cli { global, command } = cli;
    let out = Output::new(global.json, global.quiet, &environment);
    log(global.verbose);
    let outcome = match command {
        Command::Completions(args) => args.run(&out),
        Command::Local(commands::local::Local::Reset(args)) => environment
            .home(global.home)
            .map_err(Into::into)
            .and_then(|home| args.run(&out, &home)),
        command => return within_runtime(global, command, environment, out),
    };
    outcome.unwrap_or_else(|failure| errors::tell(&out, &failure))
}

/// Runs a command that opens the embedded cloud.
fn within_runtime(global: Global, command: Command, environment: Environment, out: Output) -> u8 {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem = Problem::new(Code::LocalIo, "The process cannot be set up.");
            return errors::tell(&out, &problem.because(error).into());
        }
    };
    runtime.block_on(async {
        let local = match open(global, &environment) {
            Ok(local) => local,
            Err(problem) => return errors::tell(&out, &problem.into()),
        };
        let session = Session {
            local,
            out,
            environment,
        };
        dispatch(command, &session)
            .await
            .unwrap_or_else(|failure| errors::tell(&session.out, &failure))
    })
}

fn open(global: Global, environment: &Environment) -> Result<Local, Problem> {
    let home = environment.home(global.home)?;
    let user = environment.user(global.user.as_deref())?;
    // Without its own path the program cannot hand anything over, but it can do all the rest.
    let program = environment
        .program
        .clone()
        .unwrap_or_else(|| PathBuf::from("prism"));
    Local::open(&home, &program, user)
}

async fn dispatch(command: Command, session: &Session) -> Outcome {
    if let Command::Local(commands::local::Local::Run(args)) = &command {
        return args.run(session).await;
    }
    sweep(session).await;
    match command {
        Command::Launch(args) => args.run(session).await,
        Command::List(args) => args.run(session).await,
        Command::Stop(args) => args.run(session).await,
        Command::Start(args) => args.run(session).await,
        Command::Terminate(args) => args.run(session).await,
        Command::Exec(args) => args.run(session).await,
        Command::Save(args) => Box::pin(args.run(session)).await,
        Command::Saves(args) => Box::pin(args.run(session)).await,
        Command::Templates(args) => args.run(session).await,
        Command::Template(args) => args.run(session).await,
        Command::Local(args) => args.run(session).await,
        Command::Completions(args) => args.run(&session.out),
    }
}

/// Has saves that lost their process brought to an end. That it fails prevents no command.
async fn sweep(session: &Session) {
    match session.local.sweep().await {
        Ok(recoveries) => {
            for recovery in recoveries {
                let id = &recovery.save_id;
                session.out.note(&format!(
                    "note: {id} was interrupted and is being put back in the background: prism saves watch {id}"
                ));
            }
        }
        Err(problem) => session.out.warn(&format!(
            "interrupted saves could not be looked for: {}",
            crate::text::plain(&problem.chain())
        )),
    }
}

fn log(verbose: u8) {
    let level = match verbose {
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
