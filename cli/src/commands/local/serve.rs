//! `prism local serve`: the HTTP API on this machine.

mod chores;
mod gate;
mod token;

use std::future::IntoFuture as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use clap::Args;
use prism_functions::api::Api;
use prism_functions::domain::{Code, Problem};
use prism_functions::service::access::Caller;
use prism_local::explain;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;
use crate::output::Output;
use crate::signals::Signals;
use chores::Chores;
use gate::Gate;
use token::Token;

pub(super) use token::FILE as TOKEN_FILE;

/// How often to see what is to be done.
const TICK: Duration = Duration::from_secs(1);
/// How many ticks a stopping server waits for the answers that are under way.
const STOP_TICKS: u32 = 5;

const EXAMPLES: &str = "\
Whoever has the token is the user that --as names. The token is printed once, and lies in the file
serve.token of the cloud's folder, which nobody else can read. Saves go on in processes of their
own: ending the server loses none.

Examples:
  prism local serve --port 8080
  curl -H \"Authorization: Bearer $(cat ~/.local/share/prism/serve.token)\" \\
    'http://127.0.0.1:8080/v1/instances?region=us-east-1'
  curl http://127.0.0.1:8080/v1/openapi.json";

/// Serve the HTTP API on 127.0.0.1, until Ctrl-C
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Serve {
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

impl Serve {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let cloud = &session.embedded()?.cloud;
        let user = session.backend.user().await?;
        let mut signals =
            Signals::listen().map_err(|error| cannot("Signals cannot be listened to.", error))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await;
        let listening = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = listening.map_err(|error| {
            let message = format!("Port {} of 127.0.0.1 cannot be listened on.", self.port);
            cannot(&message, error).hint("Name another port with --port, or 0 for a free one.")
        })?;
        let token = Token::place(cloud.home())?;
        let service = cloud.detaching();
        let gate = Gate::new(address.port(), &token, Caller::new(user.clone()));
        let router = Api::new(service.clone())
            .explained_by(explain)
            .router()
            .layer(middleware::from_fn_with_state(gate, gate::pass));
        let url = format!("http://{address}/v1");
        let file = token.file().display().to_string();
        Output::complain(&format!(
            "Serving {url} to {user}, until Ctrl-C.\nToken: {}",
            token.text()
        ));
        let told = json!({ "url": url, "user": user, "token_file": file });
        session.out.show(&told, String::new)?;
        let mut server = Server::start(listener, router);
        let mut chores = Chores::new(service, &session.out);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                _ = ticks.tick() => chores.tick().await,
                _ = signals.next() => break,
                ended = &mut server.task => return Err(fallen(ended).into()),
            }
        }
        server.stop().await;
        Ok(exit::DONE)
    }
}

type Ended = Result<std::io::Result<()>, tokio::task::JoinError>;

/// A server that ended by itself.
fn fallen(ended: Ended) -> Problem {
    let message = "The server has ended by itself.";
    match ended {
        Ok(Ok(())) => Problem::new(Code::Internal, message),
        Ok(Err(error)) => cannot(message, error),
        Err(error) => Problem::new(Code::Internal, message).because(error),
    }
}

fn cannot(message: &str, error: std::io::Error) -> Problem {
    Problem::new(Code::LocalIo, message).because(error)
}

/// The server, in a task of its own, so that no chore keeps it waiting.
struct Server {
    task: JoinHandle<std::io::Result<()>>,
    stop: oneshot::Sender<()>,
}

impl Server {
    fn start(listener: TcpListener, router: Router) -> Self {
        let (stop, stopped) = oneshot::channel();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        });
        Self {
            task: tokio::spawn(serving.into_future()),
            stop,
        }
    }

    /// Accepts nothing more, and waits for the answers that are under way, but not for ever.
    async fn stop(self) {
        // If nobody listens any more, it has stopped.
        let _ = self.stop.send(());
        tokio::select! {
            _ = self.task => {}
            () = ticks(STOP_TICKS) => {}
        }
    }
}

async fn ticks(number: u32) {
    let mut ticks = tokio::time::interval(TICK);
    // The first tick is at once.
    for _ in 0..=number {
        ticks.tick().await;
    }
}
