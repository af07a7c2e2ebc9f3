//! Tests of the handlers, without a socket.

mod actions;
mod groups;
mod keys;
mod refusals;

use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use hyper::{Request, http::request::Parts};
use prism_functions::domain::{AccountId, Region, Timestamp};
use prism_functions::ports::Parameters as _;

use super::credentials::Accounts;
use super::dispatch::{Answer, Dispatch};
use crate::clock::ManualClock;
use crate::ec2::{Admin, Cloud, Settings};

/// A cloud in which nothing takes time, and its handlers.
pub(super) struct Bench {
    pub(super) cloud: Cloud,
    clock: Arc<ManualClock>,
    dispatch: Dispatch,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Settings::instant())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let start = Timestamp::default() + Duration::from_hours(24 * 365 * 56);
        let clock = Arc::new(ManualClock::new(start));
        let cloud = Cloud::in_memory(clock.clone(), 1, settings);
        let other = "222222222222".parse().expect("it must be twelve digits");
        let accounts = Accounts::all(account()).with("AKIAOTHER", other);
        Self {
            cloud: cloud.clone(),
            clock,
            dispatch: Dispatch::new(cloud, accounts),
        }
    }

    pub(super) fn forward(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) fn admin(&self) -> Admin {
        self.cloud.admin(account())
    }

    pub(super) fn send(&self, head: &Parts, body: Option<&[u8]>) -> Answer {
        block_on(self.dispatch.answer(head, body))
    }

    /// Sends an EC2 action with an access key to a Region.
    pub(super) fn ask_as(&self, key: &str, region: &str, form: &str) -> (u16, String) {
        let head = head(key, region, "ec2", None);
        let body = format!("Version=2016-11-15&Action={form}");
        let answer = self.send(&head, Some(body.as_bytes()));
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    /// Sends an EC2 action that must succeed.
    pub(super) fn ask(&self, form: &str) -> String {
        let (status, body) = self.ask_as("AKIA", "us-east-1", form);
        assert_eq!(status, 200, "{form}: {body}");
        body
    }

    /// Sends an EC2 action that must be refused; returns the status and the error code.
    pub(super) fn refused(&self, form: &str) -> (u16, String) {
        let (status, body) = self.ask_as("AKIA", "us-east-1", form);
        assert_ne!(status, 200, "{form}: {body}");
        (status, told(&body, "Code").remove(0))
    }

    pub(super) fn json(&self, service: &str, target: &str, body: &str) -> (u16, String) {
        let head = head("AKIA", "us-east-1", service, Some(target));
        let answer = self.send(&head, Some(body.as_bytes()));
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    pub(super) fn public_image(&self) -> String {
        let region: Region = "us-east-1".parse().unwrap();
        let ec2 = self.cloud.account(account());
        let name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
        block_on(ec2.image(&region, name)).unwrap().to_string()
    }

    pub(super) fn instance(&self, more: &str) -> String {
        let image = self.public_image();
        let body = self.ask(&format!(
            "RunInstances&MinCount=1&MaxCount=1&ImageId={image}&InstanceType=t3.large{more}"
        ));
        told(&body, "instanceId").remove(0)
    }
}

pub(super) fn account() -> AccountId {
    "111111111111".parse().expect("it must be twelve digits")
}

pub(super) fn head(key: &str, region: &str, service: &str, target: Option<&str>) -> Parts {
    let mut request = Request::post("/").header(
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/20261123/{region}/{service}/aws4_request, \
             SignedHeaders=host, Signature=0"
        ),
    );
    if let Some(target) = target {
        request = request.header("x-amz-target", target);
    }
    request.body(()).expect("it is a request").into_parts().0
}

/// The texts of all elements with this name that contain only text.
pub(super) fn told(body: &str, name: &str) -> Vec<String> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let parts = body.split(&start).skip(1);
    let texts = parts.filter_map(|part| part.split_once(&end));
    texts.map(|(text, _)| text.to_owned()).collect()
}
