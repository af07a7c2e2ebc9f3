//! Runs the program: parses the arguments, runs the command, and returns the exit code.

use prism_functions::domain::save::{SaveRecord, check_name};
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Code, Problem, Region, SaveId};
use prism_functions::operations::parts::{self, InstanceName, Nothing};
use prism_functions::operations::{
    Asked, InstanceView, Operation, ShowInstance, ShowSave, ShowTemplate, ShowVersion, TemplateView,
};
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Cli, Command, Global};
use crate::client::{Client, Local};
use crate::environment::Environment;
use crate::errors::{self, Outcome};
use crate::explain::explain;
use crate::output::Output;
use crate::regions::InRegion;
use crate::{commands, opening};

/// The context of a command.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) out: Output,
    pub(crate) environment: Environment,
    /// The Region that the profile names.
    region: Option<Region>,
}

impl Session {
    /// Returns the Region that a command names, or the default one.
    pub(crate) fn region(&self, named: &InRegion) -> Result<Region, Problem> {
        self.region_of(named.named())
    }

    /// Returns the Region of this name, or the default one.
    pub(crate) fn region_of(&self, named: Option<&str>) -> Result<Region, Problem> {
        self.environment.region(named, self.region.as_ref())
    }

    pub(crate) async fn save(&self, id: &SaveId) -> Result<SaveRecord, Problem> {
        self.client.ask(Asked::<ShowSave>::of(id.clone())).await
    }

    /// Returns a template and the version that the reference names.
    pub(crate) async fn template(&self, reference: &TemplateRef) -> Result<TemplateView, Problem> {
        if reference.version.is_some() {
            let asked = Asked::<ShowVersion>::of(reference.clone());
            return self.client.ask(asked).await;
        }
        let asked = Asked::<ShowTemplate>::of(reference.name.clone());
        self.client.ask(asked).await
    }

    /// Returns an instance by its name or its ID.
    pub(crate) async fn instance(
        &self,
        region: &Region,
        name: &str,
    ) -> Result<InstanceView, Problem> {
        check_name("instance name or id", name)?;
        self.client
            .ask(in_region::<ShowInstance>(region, name))
            .await
    }

    /// Returns the embedded cloud, for commands that work only on it.
    pub(crate) fn embedded(&self) -> Result<&Local, Problem> {
        self.client.embedded().ok_or_else(|| {
            let message = "This command works on an embedded cloud, and the backend is another.";
            Problem::new(Code::EmbeddedOnly, message)
        })
    }
}

/// Builds an operation on an instance.
pub(crate) fn in_region<O>(region: &Region, name: &str) -> Asked<O>
where
    O: Operation<Path = InstanceName, Query = parts::InRegion, Head = Nothing, Body = Nothing>,
{
    let region = region.clone();
    Asked::by(InstanceName(name.to_owned()), parts::InRegion { region })
}

/// Runs a command and returns the exit code.
pub(crate) fn run(cli: Cli, environment: Environment) -> u8 {
    let Cli { global, command } = cli;
    let out = Output::new(global.json, global.quiet, &environment);
    log(global.verbose, &command);
    let outcome = match command {
        Command::Completions(args) => args.run(),
        Command::Local(commands::local::Local::Reset(args)) => {
            reset(&args, &global, &environment, &out)
        }
        Command::Local(commands::local::Local::Adopt(args)) => {
            adopt(&args, &global, &environment, &out)
        }
        command => return within_runtime(&global, command, environment, &out),
    };
    outcome.unwrap_or_else(|failure| errors::tell(&out, failure))
}

/// Removes an embedded cloud. It opens no database, so that a damaged cloud can be removed too.
fn reset(
    args: &commands::local::Reset,
    global: &Global,
    environment: &Environment,
    out: &Output,
) -> Outcome {
    let chosen = opening::choose(global, environment, true)?;
    args.run(out, &opening::home(global, environment, &chosen.profile)?)
}

/// Repairs an embedded cloud that does not open.
fn adopt(
    args: &commands::local::Adopt,
    global: &Global,
    environment: &Environment,
    out: &Output,
) -> Outcome {
    let chosen = opening::choose(global, environment, true)?;
    let home = opening::home(global, environment, &chosen.profile)?;
    args.run(out, &home, &opening::program(environment))
}

/// Runs a command that sends requests or waits.
fn within_runtime(global: &Global, command: Command, environment: Environment, out: &Output) -> u8 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem = Problem::new(Code::LocalIo, "The process cannot be set up.");
            return errors::tell(out, problem.because(error).into());
        }
    };
    runtime.block_on(async {
        let outcome = match command {
            Command::Local(commands::local::Local::Run(args)) => {
                carry(&args, global, &environment).await
            }
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
async fn carry(args: &commands::local::Run, global: &Global, environment: &Environment) -> Outcome {
    let chosen = opening::choose(global, environment, true)?;
    let home = opening::home(global, environment, &chosen.profile)?;
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
        Command::Launch(args) => args.run(session).await,
        Command::List(args) => args.run(session).await,
        Command::Stop(args) => args.run(session).await,
        Command::Start(args) => args.run(session).await,
        Command::Terminate(args) => args.run(session).await,
        Command::Exec(args) => args.run(session).await,
        Command::Regions(args) => args.run(session).await,
        Command::Save(args) => Box::pin(args.run(session)).await,
        Command::Saves(args) => Box::pin(args.run(session)).await,
        Command::Schedule(args) => Box::pin(args.run(session)).await,
        Command::Templates(args) => args.run(session).await,
        Command::Template(args) => Box::pin(args.run(session)).await,
        Command::Project(args) => Box::pin(args.run(session)).await,
        Command::Audit(args) => args.run(session).await,
        Command::Local(args) => args.run(session).await,
        Command::Completions(args) => args.run(),
        Command::Configure(_) | Command::Doctor(_) => {
            unreachable!("they work without a session")
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
                    "note: {id} was interrupted and is being put back in the background: prism saves watch {id}"
                ));
            }
        }
        Err(problem) => session.out.warn(&format!(
            "interrupted saves could not be looked for: {}",
            crate::text::plain(&explain(problem).chain())
        )),
    }
}

/// Logs to stderr if the user asked for it. A background process and a server always log, because they report errors
/// nowhere else.
fn log(verbose: u8, command: &Command) {
    use commands::local::Local;
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
