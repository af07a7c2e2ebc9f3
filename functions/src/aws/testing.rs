//! A fake AWS that returns prepared responses and records the requests, for tests of the mappings.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use serde_json::Value;

use super::clients::Clients;

/// A prepared response of a service.
#[derive(Debug)]
pub(super) struct Reply {
    status: u16,
    content_type: &'static str,
    body: String,
}

impl Reply {
    pub(super) fn xml(status: u16, body: &str) -> Self {
        Self {
            status,
            content_type: "text/xml",
            body: body.to_owned(),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests write it in place")]
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            content_type: "application/x-amz-json-1.0",
            body: body.to_string(),
        }
    }

    /// An error in EC2's format.
    pub(super) fn ec2_error(code: &str, message: &str) -> Self {
        Self::xml(
            400,
            &format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>r</RequestID></Response>"
            ),
        )
    }
}

#[derive(Debug)]
struct Asked {
    uri: String,
    body: String,
}

/// The fake AWS; see the module.
#[derive(Debug, Clone)]
pub(super) struct Aws {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Aws {
    pub(super) fn answering(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self {
            replies: Arc::new(Mutex::new(replies.into_iter().collect())),
            asked: Arc::default(),
        }
    }

    /// Clients that send their requests to it, without retries.
    pub(super) fn clients(&self) -> Clients {
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(aws_config::Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(self.clone())
            .build();
        Clients::new(config).unwrap()
    }

    pub(super) fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(super) fn uri(&self, call: usize) -> String {
        self.asked.lock().unwrap()[call].uri.clone()
    }

    pub(super) fn body(&self, call: usize) -> String {
        self.asked.lock().unwrap()[call].body.clone()
    }

    pub(super) fn json(&self, call: usize) -> Value {
        serde_json::from_str(&self.body(call)).unwrap()
    }

    /// The decoded parameters of an EC2 request, without those that every request has.
    pub(super) fn parameters(&self, call: usize) -> Vec<(String, String)> {
        self.body(call)
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| *name != "Version")
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect()
    }

    /// The parameters of an EC2 request as lines of text.
    pub(super) fn lines(&self, call: usize) -> String {
        self.parameters(call)
            .into_iter()
            .fold(String::new(), |text, (name, value)| {
                format!("{text}{name} = {value:?}\n")
            })
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let hex: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&hex, 16).unwrap()
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        self.asked.lock().unwrap().push(Asked {
            uri: request.uri().to_owned(),
            body: String::from_utf8(body.to_vec()).unwrap(),
        });
        let reply = self.replies.lock().unwrap().pop_front();
        let reply =
            reply.unwrap_or_else(|| panic!("no response is prepared for this: {request:?}"));
        let status = StatusCode::try_from(reply.status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
        response
            .headers_mut()
            .insert("content-type", reply.content_type);
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl HttpClient for Aws {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
