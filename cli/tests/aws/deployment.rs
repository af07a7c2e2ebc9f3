//! The responses of AWS for a healthy deployment, and an operator of it.

use std::fs;

use prism_local::executions::DEFINITION;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::common::{Answer, answer, program};
use super::fake::{Asked, Fake, Reply};

pub(crate) const DEPLOYMENT: &str = "6f9d4a10-2f0e-4b7e-9d55-0123456789ab";
const MACHINE: &str = "arn:aws:states:us-east-1:111122223333:stateMachine:prism-save";

/// The AWS action of a request, for any service and protocol.
pub(crate) fn action(ask: &Asked) -> String {
    if let Some(target) = ask.header("x-amz-target") {
        return target.split('.').nth(1).unwrap().to_owned();
    }
    let found = ask
        .body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="));
    found.unwrap_or_default().to_owned()
}

pub(crate) fn xml(status: u16, body: &str) -> Reply {
    Reply::text(status, "text/xml", body)
}

#[expect(clippy::needless_pass_by_value, reason = "tests write it in place")]
pub(crate) fn dynamo(status: u16, body: Value) -> Reply {
    Reply::text(status, "application/x-amz-json-1.0", &body.to_string())
}

pub(crate) fn refusal(code: &str, message: &str) -> Reply {
    dynamo(400, json!({ "__type": code, "message": message }))
}

/// An error of a service with the Query protocol.
pub(crate) fn query_error(code: &str, message: &str) -> Reply {
    xml(
        400,
        &format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

pub(crate) fn ec2_error(status: u16, code: &str) -> Reply {
    xml(
        status,
        &format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>"
        ),
    )
}

/// Responds for a healthy deployment.
fn well(ask: &Asked) -> Reply {
    match action(ask).as_str() {
        "GetCallerIdentity" => xml(
            200,
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/ann</Arn><UserId>A</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
        ),
        "DescribeRegions" => xml(
            200,
            "<DescribeRegionsResponse><regionInfo><item><regionName>us-east-1</regionName></item></regionInfo></DescribeRegionsResponse>",
        ),
        "DescribeInstances" => xml(
            200,
            "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>",
        ),
        "DescribeImages" => xml(
            200,
            "<DescribeImagesResponse><imagesSet/></DescribeImagesResponse>",
        ),
        "DescribeVolumes" => xml(
            200,
            "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>",
        ),
        "DescribeSnapshots" => xml(
            200,
            "<DescribeSnapshotsResponse><snapshotSet/></DescribeSnapshotsResponse>",
        ),
        "DescribeTable" => dynamo(200, table(["gsi1", "gsi2"])),
        "GetItem" if ask.body.contains("\"DEPLOYMENT\"") => dynamo(200, kept_deployment()),
        "GetItem" => dynamo(200, json!({})),
        "Query" => dynamo(200, json!({ "Items": [], "Count": 0, "ScannedCount": 0 })),
        "DescribeStateMachine" => dynamo(200, machine(DEFINITION)),
        "StartExecution" => refusal("InvalidExecutionInput", "no"),
        "DescribeStacks" => stack(&[
            ("TableName", "prism-registry"),
            ("StateMachineArn", MACHINE),
            ("Region", "us-east-1"),
            ("PublicScope", "world"),
            ("LaunchNetworks", "192.0.2.0/24, 198.51.100.0/24"),
            ("LaunchSubnets", "subnet-0123456789abcdef0"),
            ("ApiUrl", "https://abc.execute-api.us-east-1.amazonaws.com"),
            ("DeploymentId", DEPLOYMENT),
            ("Version", "0.1.0"),
        ]),
        // The clock check sends its request to any endpoint.
        _ => Reply::text(200, "text/plain", ""),
    }
}

/// The table's item that names its deployment.
fn kept_deployment() -> Value {
    json!({ "Item": {
        "pk": { "S": "DEPLOYMENT" }, "sk": { "S": "META" }, "form": { "N": "1" },
        "revision": { "N": "1" }, "record": { "M": { "id": { "S": DEPLOYMENT } } },
    }})
}

pub(crate) fn table(indexes: [&str; 2]) -> Value {
    let schema = |pk: &str, sk: &str| {
        json!([
            { "AttributeName": pk, "KeyType": "HASH" }, { "AttributeName": sk, "KeyType": "RANGE" }
        ])
    };
    let index = |name: &str| json!({ "IndexName": name, "KeySchema": schema(&format!("{name}pk"), &format!("{name}sk")) });
    json!({ "Table": {
        "TableName": "t", "KeySchema": schema("pk", "sk"),
        "GlobalSecondaryIndexes": indexes.map(index),
    }})
}

pub(crate) fn machine(definition: &str) -> Value {
    json!({
        "stateMachineArn": MACHINE, "name": "prism-save", "status": "ACTIVE", "type": "STANDARD",
        "definition": definition.replace("${PlanSave}", "arn:aws:lambda:us-east-1:1:function:p:1"),
        "roleArn": "arn:aws:iam::111122223333:role/r", "creationDate": 1_700_000_000,
    })
}

pub(crate) fn stack(outputs: &[(&str, &str)]) -> Reply {
    let member = |(key, value): &(&str, &str)| {
        format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
    };
    let outputs = outputs.iter().map(member).collect::<Vec<_>>().concat();
    xml(
        200,
        &format!(
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>prism</StackName><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-11-24T12:00:00Z</CreationTime><Outputs>{outputs}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        ),
    )
}

/// The program with the profile of a deployment, and a fake AWS with healthy responses except for those that a test
/// overrides.
pub(crate) struct Operator {
    home: TempDir,
    pub(crate) aws: Fake,
}

impl Operator {
    pub(crate) fn of(other: impl Fn(&str) -> Option<Reply> + Send + 'static) -> Self {
        let home = tempfile::tempdir().unwrap();
        let text = format!(
            "schema = 1\ndefault = \"prod\"\n[profile.prod]\nbackend = \"aws\"\n\
             region = \"us-east-1\"\ntable = \"prism-registry\"\nstate_machine = \"{MACHINE}\"\n"
        );
        fs::write(home.path().join("config.toml"), text).unwrap();
        let aws = Fake::new(move |ask, _| {
            let reply = other(&action(ask)).unwrap_or_else(|| well(ask));
            reply.header("Date", &now())
        });
        Self { home, aws }
    }

    pub(crate) fn without_credentials(&self, args: &[&str]) -> Answer {
        let mut command = program();
        command
            .env("PRISM_CONFIG", self.home.path().join("config.toml"))
            .env("HOME", self.home.path())
            .env("AWS_ENDPOINT_URL", self.aws.url())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        self.given(command, args)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        let mut command = program();
        command
            .env("PRISM_CONFIG", self.home.path().join("config.toml"))
            .env("HOME", self.home.path())
            .env("AWS_ENDPOINT_URL", self.aws.url())
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret");
        self.given(command, args)
    }

    pub(crate) fn given(&self, mut command: std::process::Command, args: &[&str]) -> Answer {
        let _ = self;
        answer(&command.args(args).output().unwrap())
    }

    pub(crate) fn config(&self) -> String {
        fs::read_to_string(self.home.path().join("config.toml")).unwrap()
    }
}

/// The current time in HTTP's date format.
#[expect(
    clippy::disallowed_methods,
    reason = "the program's clock is the real one"
)]
pub(crate) fn now() -> String {
    let now = prism_functions::domain::Timestamp::from(std::time::SystemTime::now());
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub(crate) fn check(told: &Answer, name: &str) -> Value {
    let value: Value = serde_json::from_str(&told.stdout).unwrap();
    let checks = value["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {value}"))
        .clone()
}
