//! Turns a request into a response, without a socket.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::Method;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use prism_functions::domain::ids::shown;
use serde_json::json;

use super::actions::ACTIONS;
use super::call::Call;
use super::credentials::{Accounts, Credential};
use super::fault::Fault;
use super::groups::Groups;
use super::json::Target;
use super::params::Params;
use super::xml::{NAMESPACE, Xml};
use crate::ec2::Cloud;

const VERSION: &str = "2016-11-15";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) request_id: String,
    pub(super) body: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Dispatch {
    cloud: Cloud,
    accounts: Accounts,
    groups: Groups,
    requests: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Xml,
    Json,
}

impl Dispatch {
    pub(super) fn new(cloud: Cloud, accounts: Accounts) -> Self {
        Self {
            cloud,
            accounts,
            groups: Groups::default(),
            requests: AtomicU64::new(1),
        }
    }

    /// Responds to a request. The body is `None` if it was too large to read.
    pub(super) async fn answer(&self, head: &Parts, body: Option<&[u8]>) -> Answer {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("00000000-0000-4000-8000-{number:012x}");
        let target = head.headers.get("x-amz-target");
        let (form, answered) = match target {
            Some(target) => {
                let target = target.to_str().unwrap_or_default();
                (Form::Json, self.json(head, target, body).await)
            }
            None => (Form::Xml, self.query(head, body, &request_id).await),
        };
        let (status, body) = match answered {
            Ok(body) => (200, body),
            Err(fault) => {
                tracing::debug!(request.id = request_id, code = fault.code, "refused");
                let body = match form {
                    Form::Xml => refusal(&fault, &request_id),
                    Form::Json => {
                        let body = json!({ "__type": fault.code, "message": fault.message });
                        body.to_string().into_bytes()
                    }
                };
                (fault.status, body)
            }
        };
        let content_type = match form {
            Form::Xml => "text/xml;charset=UTF-8",
            Form::Json => "application/x-amz-json-1.1",
        };
        Answer {
            status,
            content_type,
            request_id,
            body,
        }
    }

    async fn query(
        &self,
        head: &Parts,
        body: Option<&[u8]>,
        request_id: &str,
    ) -> Result<Vec<u8>, Fault> {
        let credential = Credential::parse(header(head), "ec2")?;
        let mut params = Params::parse(read(head, body)?)?;
        let version = params.required("Version")?;
        if version != VERSION {
            let message = format!(
                "The version {} is not known: it is {VERSION}",
                shown(&version)
            );
            return Err(Fault::new("NoSuchVersion", message));
        }
        let asked = params.take("Action").filter(|action| !action.is_empty());
        let Some(asked) = asked else {
            let message = "The request must contain the parameter Action";
            return Err(Fault::new("MissingAction", message));
        };
        let known = ACTIONS.iter().find(|(name, _)| *name == asked);
        let Some((action, handler)) = known else {
            let message = format!(
                "The action {} is not valid for this web service.",
                shown(&asked)
            );
            return Err(Fault::new("InvalidAction", message));
        };
        let account = self.accounts.of(&credential.access_key);
        tracing::debug!(
            request.id = request_id,
            action,
            region = %credential.region,
            account = %account,
            "asked"
        );
        let inner = handler(Call {
            ec2: self.cloud.account(account.clone()),
            region: credential.region,
            action,
            params,
            groups: self.groups.clone(),
        });
        let inner = inner.await?;
        let root = format!("{action}Response");
        Ok(Xml::document(&root, Some(NAMESPACE), |xml| {
            xml.text("requestId", request_id);
            xml.splice(inner);
        }))
    }

    async fn json(
        &self,
        head: &Parts,
        target: &str,
        body: Option<&[u8]>,
    ) -> Result<Vec<u8>, Fault> {
        let target = Target::of(target)?;
        let credential = Credential::parse(header(head), target.service())?;
        let body = read(head, body)?;
        let account = self.accounts.of(&credential.access_key);
        let ec2 = self.cloud.account(account.clone());
        tracing::debug!(action = target.action(), region = %credential.region, "asked");
        let answer = target.answer(&ec2, &credential.region, body).await?;
        Ok(answer.to_string().into_bytes())
    }
}

fn header(head: &Parts) -> Option<&str> {
    head.headers.get(AUTHORIZATION)?.to_str().ok()
}

fn read<'a>(head: &Parts, body: Option<&'a [u8]>) -> Result<&'a [u8], Fault> {
    if head.method != Method::POST || head.uri.path() != "/" {
        let message = "Requests are sent by POST to /";
        return Err(Fault::new("InvalidAction", message));
    }
    body.ok_or_else(|| {
        let message = format!("A request has at most {} bytes", super::MOST_BODY_BYTES);
        Fault::new("RequestEntityTooLarge", message)
    })
}

/// A refusal in EC2's format, which has no namespace.
fn refusal(fault: &Fault, request_id: &str) -> Vec<u8> {
    Xml::document("Response", None, |xml| {
        xml.within("Errors", |xml| {
            xml.within("Error", |xml| {
                xml.text("Code", &fault.code);
                xml.text("Message", &fault.message);
            });
        });
        xml.text("RequestID", request_id);
    })
}
