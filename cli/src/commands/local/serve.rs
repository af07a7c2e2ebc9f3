//! `prism local serve`: serves the HTTP API on this machine.

mod chores;
mod gate;
mod only;
mod token;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::DATE;
use axum::middleware::{self, Next};
use axum::response::Response;
use clap::Args;
use hyper_util::service::TowerToHyperService;
use prism_functions::api::{Api, BODY_BYTES, Portal, answer};
use prism_functions::domain::{Code, Problem};
use prism_functions::ports::Clock;
use prism_functions::rules::access::Caller;
use prism_local::explain;
use prism_local::http::{self, Limits};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::desktop;
use crate::errors::Outcome;
use crate::exit;
use crate::output::Output;
use crate::reach::{Page, Programs};
use crate::session::Session;
use crate::signals::Signals;
use chores::Chores;
use gate::Gate;
use token::Token;

pub(super) use only::FILE as LOCK_FILE;
pub(super) use token::FILE as TOKEN_FILE;

/// How often to check for due chores.
const TICK: Duration = Duration::from_secs(1);
/// The limits for callers.
const LIMITS: Limits = Limits {
    connections: 200,
    head: Duration::from_secs(5),
    stop: Duration::from_secs(5),
};
/// How long a caller may take to send the body of a request.
const BODY_TIME: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
The portal is for the browser: open the printed URL, which signs you in, or use --open. The access is \
kept in the page's memory alone, so reloading it needs the URL again.

Requests with the token act as the user that --as names. The token is printed once, and stored in \
the file serve.token in the cloud's folder, which only you can read. Saves run in separate \
processes, so they continue when the server ends.

Examples:
  prism local serve --open
  prism local serve --port 8080
  curl -H \"Authorization: Bearer $(cat ~/.local/share/prism/serve.token)\" \\
    'http://127.0.0.1:8080/v1/instances?region=us-east-1'
  curl http://127.0.0.1:8080/v1/openapi.json";

/// Serve the portal and the HTTP API on 127.0.0.1 until Ctrl-C
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Serve {
    /// The port, or 0 for a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Open the portal in the browser, signed in
    #[arg(long)]
    open: bool,
}

impl Serve {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let cloud = &session.embedded()?.cloud;
        let user = session.client.user().await?;
        let mut signals = Signals::listen(false)
            .map_err(|error| cannot("The signal handlers cannot be installed.", error))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await;
        let listening = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = listening.map_err(|error| {
            let message = format!(
                "The server cannot listen on port {} of 127.0.0.1.",
                self.port
            );
            cannot(&message, error).hint("Choose another port with --port, or 0 for a free one.")
        })?;
        let _only = only::server(cloud.home())?;
        let token = Token::place(cloud.home())?;
        let service = cloud.detaching();
        let gate = Gate::new(address.port(), &token, Caller::new(user.clone()));
        let portal = Portal::local();
        let last = (portal.clone(), service.env.clock.clone());
        let router = Api::new(service.clone())
            .explained_by(explain)
            .with_portal(portal.clone())
            .router()
            .layer(middleware::from_fn(whole_body))
            .layer(middleware::from_fn_with_state(gate, gate::pass))
            .layer(middleware::map_response_with_state(last, finished));
        let url = format!("http://{address}/v1");
        // Browsers do not send what is behind the #, and the portal removes it from the address.
        let signed_in = format!("http://{address}/#token={}", token.text());
        let file = token.file().display().to_string();
        Output::complain(&format!(
            "Serving {url} to {user} until Ctrl-C.\nPortal: {signed_in}\nToken: {}",
            token.text()
        ));
        let told = json!({ "url": url, "user": user, "token_file": file });
        session.out.show(&told, String::new)?;
        let mut server = Server::start(listener, router);
        // Both last as long as the server.
        let _opened = self.open.then(|| open(session, &signed_in)).transpose()?;
        let delivering = tokio::spawn(chores::deliver(service.clone()));
        let mut chores = Chores::new(service, &session.out);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    chores.tick().await;
                    desktop::announce(session).await;
                }
                _ = signals.next() => break,
                ended = &mut server.task => return Err(fallen(ended).into()),
            }
        }
        delivering.abort();
        server.stop().await;
        Ok(exit::DONE)
    }
}

/// Opens the portal in the user's browser.
fn open(session: &Session, portal: &str) -> Result<Option<(Page, Child)>, Problem> {
    let page = Page::leading_to(portal, "The portal");
    let page = page.map_err(|error| {
        cannot(
            "The page that leads to the portal cannot be written.",
            error,
        )
    })?;
    let programs = Programs::on(session.environment.path.clone());
    let Some(browser) = page.opened_by(&programs) else {
        let note = "No program that opens a browser was found: open the portal's URL yourself.";
        session.out.note(note);
        return Ok(None);
    };
    let child = programs.start(&browser)?;
    Ok(Some((page, child)))
}

/// The problem of a server that ended unexpectedly.
fn fallen(ended: Result<(), tokio::task::JoinError>) -> Problem {
    let problem = Problem::new(Code::Internal, "The server ended unexpectedly.");
    match ended {
        Ok(()) => problem,
        Err(error) => problem.because(error),
    }
}

fn cannot(message: &str, error: std::io::Error) -> Problem {
    Problem::new(Code::LocalIo, message).because(error)
}

/// The server, which runs in a task of its own so that chores do not delay it.
struct Server {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Server {
    fn start(listener: TcpListener, router: Router) -> Self {
        let (stop, stopped) = oneshot::channel();
        let service = TowerToHyperService::new(router);
        Self {
            task: tokio::spawn(http::serve(listener, service, LIMITS, stopped)),
            stop,
        }
    }

    /// Accepts no new connections, and waits for pending responses up to a limit.
    async fn stop(self) {
        // If the receiver is gone, the server has already stopped.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Secures every response, including those of the layers around the API, and dates it by the cloud's clock, which may run
/// faster than the caller's: times in responses are compared with the date.
async fn finished(
    State((portal, clock)): State<(Portal, Arc<dyn Clock>)>,
    mut response: Response,
) -> Response {
    let now = clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let headers = response.headers_mut();
    portal.secure(headers);
    if let Ok(now) = HeaderValue::from_str(&now) {
        headers.insert(DATE, now);
    }
    response
}

/// Reads the whole body of a request before handling it. A caller who does not send the announced body in time is
/// rejected.
async fn whole_body(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match http::within(BODY_TIME, to_bytes(body, BODY_BYTES)).await {
        Some(Ok(body)) => next.run(Request::from_parts(head, Body::from(body))).await,
        Some(Err(error)) => {
            let message = "The body of the request is too large, or ended too soon.";
            answer(&Problem::new(Code::BodyTooLarge, message).because(error))
        }
        None => {
            let seconds = BODY_TIME.as_secs();
            let message =
                format!("The body of the request did not arrive within {seconds} seconds.");
            answer(&Problem::new(Code::InvalidInput, message))
        }
    }
}
