//! Authenticates callers: they need the token, and must use the address that was printed.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, USER_AGENT};
use axum::middleware::Next;
use axum::response::Response;
use prism_functions::api::{Anonymous, Authenticated, answer};
use prism_functions::domain::audit::Origin;
use prism_functions::domain::ids::shown;
use prism_functions::domain::{Code, Problem};
use prism_functions::rules::access::Caller;

use super::token::Token;

/// The source address of every request, because the server listens only on loopback.
const LOOPBACK: &str = "127.0.0.1";

/// The token, its user, and the host names by which the server may be called.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    token: Token,
    caller: Caller,
    hosts: [String; 2],
}

impl Gate {
    pub(super) fn new(port: u16, token: &Token, caller: Caller) -> Self {
        let hosts = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}"));
        Self(Arc::new(Inner {
            token: token.clone(),
            caller,
            hosts,
        }))
    }

    /// Refuses unknown host names. A malicious website can make its own name resolve to this machine (DNS rebinding),
    /// but its requests still carry that name.
    fn check_host(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        let ours = host.is_some_and(|host| {
            let known = |known: &String| known.eq_ignore_ascii_case(host);
            self.0.hosts.iter().any(known)
        });
        if ours && hosts.next().is_none() {
            return Ok(());
        }
        let message = format!(
            "The host {} does not name this server.",
            shown(host.unwrap_or_default())
        );
        let hint = format!("Use {}.", self.0.hosts[0]);
        Err(Problem::new(Code::NotAllowed, message).hint(hint))
    }

    /// Identifies the caller by the token in the request.
    fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let hint = format!(
            "Send the header \"Authorization: Bearer TOKEN\" with the token in {}.",
            self.0.token.file().display()
        );
        let refused = |message| Problem::new(Code::NotAuthenticated, message).hint(hint);
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Err(refused("The request has no token."));
        };
        let token = header.to_str().ok().and_then(|header| {
            let (scheme, token) = header.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then_some(token.trim())
        });
        match token {
            Some(token) if self.0.token.is(token) => {
                let agent = headers.get(USER_AGENT);
                let agent = agent.and_then(|agent| agent.to_str().ok());
                let mut caller = self.0.caller.clone();
                caller.origin = Origin::api(Some(LOOPBACK), agent);
                Ok(caller)
            }
            _ => Err(refused("The token is not valid for this server.")),
        }
    }
}

/// Passes a request on, with its caller attached.
pub(super) async fn pass(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    if let Err(problem) = gate.check_host(request.headers()) {
        return answer(&problem);
    }
    match gate.caller(request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(Authenticated(caller));
        }
        Err(problem) => {
            request.extensions_mut().insert(Anonymous::because(problem));
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> (tempfile::TempDir, Gate) {
        let home = tempfile::tempdir().unwrap();
        let token = Token::place(home.path()).unwrap();
        let user = "alice".parse().unwrap();
        (home, Gate::new(8080, &token, Caller::new(user)))
    }

    fn headers(pairs: &[(axum::http::HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs.fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value.parse().unwrap());
            headers
        })
    }

    #[test]
    fn only_its_own_names_reach_it() {
        let (_home, gate) = gate();
        for good in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080"] {
            assert!(gate.check_host(&headers(&[(HOST, good)])).is_ok(), "{good}");
        }
        for bad in [
            "",
            "localhost",
            "127.0.0.1:8081",
            "evil.example:8080",
            "127.0.0.1:8080.evil.example",
            "evil.example:8080@127.0.0.1:8080",
        ] {
            let refused = gate.check_host(&headers(&[(HOST, bad)]));
            assert_eq!(refused.unwrap_err().code, Code::NotAllowed, "{bad}");
        }
        let twice = headers(&[(HOST, "127.0.0.1:8080"), (HOST, "evil.example")]);
        assert!(gate.check_host(&twice).is_err());
        assert!(gate.check_host(&HeaderMap::new()).is_err());
    }

    #[test]
    fn the_token_alone_lets_somebody_in() {
        let (_home, gate) = gate();
        let token = gate.0.token.text().to_owned();
        let caller = |header: &str| gate.caller(&headers(&[(AUTHORIZATION, header)]));
        for good in [format!("Bearer {token}"), format!("bearer  {token}")] {
            assert_eq!(caller(&good).unwrap().user.as_str(), "alice");
        }
        let shorter = &token[1..];
        for bad in [
            String::new(),
            token.clone(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            format!("Basic {token}"),
            format!("Bearer {shorter}"),
            format!("Bearer x{shorter}"),
            format!("Bearer {token}x"),
        ] {
            assert_eq!(
                caller(&bad).unwrap_err().code,
                Code::NotAuthenticated,
                "{bad}"
            );
        }
        assert!(gate.caller(&HeaderMap::new()).is_err());
    }
}
