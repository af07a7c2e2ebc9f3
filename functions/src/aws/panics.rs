//! Handles panics. A panic ends the process, because the artefact is built without unwinding
//! (docs/adr/0009-artefacts.md). Before that, the panic is logged and the failed invocation is reported to Lambda, so
//! that the caller gets more information than `Runtime.ExitError`, and immediately.

use std::io;
use std::panic::PanicHookInfo;
use std::sync::Mutex;

use super::{gateway, runtime_api};
use crate::domain::{Code, Problem};

/// The error type that Lambda shows if a function could not start.
pub(super) const INIT_ERROR: &str = "Prism.InitError";

/// The current invocation, shared by all threads. It stays until the next one begins: Lambda refuses a second
/// response, but the first one may never have been sent.
static RUNNING: Mutex<Option<Invocation>> = Mutex::new(None);

/// An invocation, and who waits for its response.
#[derive(Debug, Clone)]
pub(super) enum Invocation {
    /// Invoked by Step Functions, or by nobody who waits. Contains Lambda's request ID.
    Step(String),
    /// Invoked through the API.
    Api {
        /// Lambda's request ID.
        id: String,
        /// API Gateway's request ID, which the caller knows.
        request: String,
    },
}

/// Records that an invocation begins.
pub(super) fn begins(invocation: Invocation) {
    if let Ok(mut running) = RUNNING.lock() {
        *running = Some(invocation);
    }
}

/// From now on, a panic is logged, reported to the Runtime API at `host`, and ends the process.
pub(super) fn watch(host: Option<String>) {
    std::panic::set_hook(Box::new(move |panic| {
        let problem = problem(panic);
        let (code, chain, hint) = (problem.code, problem.chain(), problem.advice());
        tracing::error!(%code, problem = chain, hint, "the function panicked");
        let running = RUNNING.lock().ok().and_then(|running| running.clone());
        if let Some(host) = &host
            && let Err(error) = tell(host, running, &problem)
        {
            tracing::error!(%error, "the error could not be reported to Lambda");
        }
        std::process::abort();
    }));
}

fn problem(panic: &PanicHookInfo<'_>) -> Problem {
    let place = panic.location().map(ToString::to_string);
    let place = place.as_deref().unwrap_or("an unknown place");
    let text = panic.payload_as_str().unwrap_or("no reason was given");
    Problem::new(
        Code::Internal,
        format!("The function panicked at {place}: {text}"),
    )
}

fn tell(host: &str, running: Option<Invocation>, problem: &Problem) -> io::Result<()> {
    match running {
        None => runtime_api::cannot_begin(host, INIT_ERROR, &problem.wire()),
        Some(Invocation::Step(id)) => {
            runtime_api::failed(host, &id, problem.code.as_str(), &problem.wire())
        }
        Some(Invocation::Api { id, request }) => {
            runtime_api::returned(host, &id, &gateway::broken(&request))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::runtime_api::tests::told;
    use super::*;

    fn panicked() -> Problem {
        Problem::new(Code::Internal, "The function panicked at a.rs:1:2: secret")
    }

    #[test]
    fn step_functions_gets_the_problem_under_its_code() {
        let step = Some(Invocation::Step("r-1".to_owned()));
        let (head, body) = told(|host| tell(host, step, &panicked()));
        assert!(head.starts_with("POST /2018-06-01/runtime/invocation/r-1/error HTTP/1.1\r\n"));
        let (name, text) = (&body["errorType"], &body["errorMessage"]);
        let back = Problem::from_wire(name.as_str().unwrap(), text.as_str().unwrap());
        assert_eq!(
            (back.code, back.chain()),
            (Code::Internal, panicked().chain())
        );
        assert_eq!(back.advice(), panicked().advice());
    }

    #[test]
    fn a_caller_of_the_api_gets_an_answer_without_what_lies_behind() {
        let api = Some(Invocation::Api {
            id: "r-1".to_owned(),
            request: "caller's".to_owned(),
        });
        let (head, body) = told(|host| tell(host, api, &panicked()));
        assert!(head.starts_with("POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1\r\n"));
        assert_eq!(body["statusCode"], 500);
        assert_eq!(body["headers"]["x-request-id"], "caller's");
        assert!(!body.to_string().contains("secret"));
    }

    #[test]
    fn before_the_first_invocation_it_cannot_begin() {
        let (head, body) = told(|host| tell(host, None, &panicked()));
        assert!(head.starts_with("POST /2018-06-01/runtime/init/error HTTP/1.1\r\n"));
        assert_eq!(body["errorType"], INIT_ERROR);
    }
}
