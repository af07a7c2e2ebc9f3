//! `prism open`.

use std::time::Duration;

use clap::Args;
use prism_functions::domain::catalogue::{NOTEBOOK_PORT, NOTEBOOK_TOKEN};
use prism_functions::domain::session::SessionKind;
use prism_functions::domain::{Code, Problem};
use serde_json::json;

use super::connect::{By, simulated};
use crate::candidates;
use crate::errors::Outcome;
use crate::options::InRegion;
use crate::reach::{self, Invocation, Need, Page, Reach, Tunnel};
use crate::session::Session;
use crate::signals::Signals;

/// How often to check whether the tunnel accepts connections, and how many times.
const EVERY: Duration = Duration::from_millis(250);
const LOOKS: u32 = 120;

const ABOUT: &str = "\
The notebook listens on the instance itself only, and is reached through a tunnel; no port is open \
for it. The tunnel lasts until Ctrl-C. The notebook's token is read by SSH, and needs one of the keys \
with which the instance was launched; without it, the notebook asks for the token.

Examples:
  prism open my-research
  prism open my-research --no-browser --local-port 9000";

/// Open the notebook of an instance in the browser
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Open {
    /// The instance, by its name or ID
    #[arg(value_name = "NAME")]
    #[arg(add = candidates::instances())]
    name: String,
    #[command(flatten)]
    region: InRegion,
    #[command(flatten)]
    by: By,
    /// The port on the instance
    #[arg(long, default_value_t = NOTEBOOK_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The port of 127.0.0.1 here [default: the same]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    local_port: Option<u16>,
    /// Only print the URL
    #[arg(long)]
    no_browser: bool,
}

impl Open {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.region)?;
        let instance = session.instance(&region, &self.name).await?;
        if session.client.embedded().is_some() {
            return Err(simulated(&self.name).into());
        }
        let it = Tunnel {
            local_port: self.local_port.unwrap_or(self.port),
            port: self.port,
        };
        let mut reach = Reach::of(session, instance, self.by.via)?;
        let token = match self.port {
            NOTEBOOK_PORT => self.token(session, &mut reach).await,
            _ => None,
        };
        let opened = reach.open(session, Need::Session, &it.into()).await?;
        let identity = self.by.identity.as_deref();
        let tunnel = reach::tunnel(&opened, &reach.instance, identity, it);
        let url = url(it.local_port, token.as_deref());
        let value = json!({ "url": url, "instance": reach.instance.id });
        session.out.show(&value, || format!("{url}\n"))?;
        session.out.note("The tunnel lasts until Ctrl-C.");
        if self.no_browser {
            return Err(reach.programs.become_it(&tunnel).into());
        }
        browse(session, &reach, &tunnel, it.local_port, &url).await
    }

    /// The notebook's token. Without it, the notebook asks for it.
    async fn token(&self, session: &Session, reach: &mut Reach) -> Option<String> {
        let token = async {
            let opened = reach
                .open(session, Need::Command, &SessionKind::Ssh)
                .await?;
            let words = ["cat".to_owned(), NOTEBOOK_TOKEN.to_owned()];
            let identity = self.by.identity.as_deref();
            let read = reach::login_with_ssh(&opened, &reach.instance, identity, &words);
            reach.programs.output(&read)
        };
        let said = match token.await {
            Ok(output) if output.status.success() => output.stdout,
            Ok(_) => Vec::new(),
            Err(problem) => {
                session.out.note(&format!("note: {}", problem.message));
                Vec::new()
            }
        };
        let token = String::from_utf8(said).ok().filter(|token| is_token(token));
        if token.is_none() {
            session.out.note(&format!(
                "The notebook will ask for its token. On the instance, it is in {NOTEBOOK_TOKEN}."
            ));
        }
        token
    }
}

fn is_token(text: &str) -> bool {
    (8..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn url(port: u16, token: Option<&str>) -> String {
    match token {
        Some(token) => format!("http://127.0.0.1:{port}/lab?token={token}"),
        None => format!("http://127.0.0.1:{port}/"),
    }
}

/// Runs the tunnel, and opens the browser once it accepts connections.
async fn browse(
    session: &Session,
    reach: &Reach,
    tunnel: &Invocation,
    port: u16,
    url: &str,
) -> Outcome {
    let failed = |error: std::io::Error| {
        Problem::new(Code::LocalIo, "The tunnel could not be run.").because(error)
    };
    let mut signals = Signals::listen(false).map_err(failed)?;
    let mut child = reach.programs.start(tunnel)?;
    // Removed when the tunnel ends.
    let page = Page::leading_to(url, "The notebook").map_err(failed)?;
    let status = tokio::select! {
        status = child.wait() => status.map_err(failed)?,
        () = open(session, reach, &page, port) => {
            tokio::select! {
                status = child.wait() => status.map_err(failed)?,
                _ = signals.next() => return Ok(crate::exit::INTERRUPTED),
            }
        }
        _ = signals.next() => return Ok(crate::exit::INTERRUPTED),
    };
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(crate::exit::FAILED))
}

async fn open(session: &Session, reach: &Reach, page: &Page, port: u16) {
    let mut ticks = tokio::time::interval(EVERY);
    for _ in 0..LOOKS {
        ticks.tick().await;
        if tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_ok()
        {
            break;
        }
    }
    let Some(browser) = page.opened_by(&reach.programs) else {
        session
            .out
            .note("No program that opens a browser was found: open the URL yourself.");
        return;
    };
    if let Err(problem) = reach.programs.output(&browser) {
        session.out.note(&format!("note: {}", problem.message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_becomes_part_of_the_url() {
        assert_eq!(
            url(9000, Some("abc")),
            "http://127.0.0.1:9000/lab?token=abc"
        );
        assert_eq!(url(8888, None), "http://127.0.0.1:8888/");
        assert!(is_token(&"a1".repeat(24)));
        for bad in [
            "",
            "short",
            "with space in it",
            "\"><script>alert(1)",
            &"a".repeat(500),
        ] {
            assert!(!is_token(bad), "{bad}");
        }
    }
}
