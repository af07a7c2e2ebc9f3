//! The backend on AWS, `configure` and `doctor`, against a server that answers as AWS's services do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod fake;

use std::fs;
use std::sync::Arc;

use common::{Answer, answer, program};
use fake::{Asked, Fake, Reply};
use prism_local::executions::DEFINITION;
use serde_json::{Value, json};
use tempfile::TempDir;

const DEPLOYMENT: &str = "6f9d4a10-2f0e-4b7e-9d55-0123456789ab";
const MACHINE: &str = "arn:aws:states:us-east-1:111122223333:stateMachine:prism-save";

/// What is asked of AWS: the action, whichever the service and its protocol.
fn action(ask: &Asked) -> String {
    if let Some(target) = ask.header("x-amz-target") {
        return target.split('.').nth(1).unwrap().to_owned();
    }
    let found = ask
        .body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="));
    found.unwrap_or_default().to_owned()
}

fn xml(status: u16, body: &str) -> Reply {
    Reply::text(status, "text/xml", body)
}

#[expect(clippy::needless_pass_by_value, reason = "tests write it in place")]
fn dynamo(status: u16, body: Value) -> Reply {
    Reply::text(status, "application/x-amz-json-1.0", &body.to_string())
}

fn refusal(code: &str, message: &str) -> Reply {
    dynamo(400, json!({ "__type": code, "message": message }))
}

/// An error of a service that speaks the Query protocol.
fn query_error(code: &str, message: &str) -> Reply {
    xml(
        400,
        &format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

fn ec2_error(status: u16, code: &str) -> Reply {
    xml(
        status,
        &format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>"
        ),
    )
}

/// A deployment that is as it should be.
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
        // The clock is asked of whoever is there.
        _ => Reply::text(200, "text/plain", ""),
    }
}

/// The item by which a table says which deployment's it is.
fn kept_deployment() -> Value {
    json!({ "Item": {
        "pk": { "S": "DEPLOYMENT" }, "sk": { "S": "META" }, "form": { "N": "1" },
        "revision": { "N": "1" }, "record": { "M": { "id": { "S": DEPLOYMENT } } },
    }})
}

fn table(indexes: [&str; 2]) -> Value {
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

fn machine(definition: &str) -> Value {
    json!({
        "stateMachineArn": MACHINE, "name": "prism-save", "status": "ACTIVE", "type": "STANDARD",
        "definition": definition.replace("${PlanSave}", "arn:aws:lambda:us-east-1:1:function:p:1"),
        "roleArn": "arn:aws:iam::111122223333:role/r", "creationDate": 1_700_000_000,
    })
}

fn stack(outputs: &[(&str, &str)]) -> Reply {
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

/// The program with a profile of a deployment, and an AWS that answers as it should but for what a
/// test says.
struct Operator {
    home: TempDir,
    aws: Fake,
}

impl Operator {
    fn of(other: impl Fn(&str) -> Option<Reply> + Send + 'static) -> Self {
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

    fn without_credentials(&self, args: &[&str]) -> Answer {
        let mut command = program();
        command
            .env("PRISM_CONFIG", self.home.path().join("config.toml"))
            .env("HOME", self.home.path())
            .env("AWS_ENDPOINT_URL", self.aws.url())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        self.given(command, args)
    }

    fn run(&self, args: &[&str]) -> Answer {
        let mut command = program();
        command
            .env("PRISM_CONFIG", self.home.path().join("config.toml"))
            .env("HOME", self.home.path())
            .env("AWS_ENDPOINT_URL", self.aws.url())
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret");
        self.given(command, args)
    }

    fn given(&self, mut command: std::process::Command, args: &[&str]) -> Answer {
        let _ = self;
        answer(&command.args(args).output().unwrap())
    }

    fn config(&self) -> String {
        fs::read_to_string(self.home.path().join("config.toml")).unwrap()
    }
}

/// The present time as HTTP writes it.
#[expect(
    clippy::disallowed_methods,
    reason = "the program's clock is the real one"
)]
fn now() -> String {
    let now = prism_functions::domain::Timestamp::from(std::time::SystemTime::now());
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn check(told: &Answer, name: &str) -> Value {
    let value: Value = serde_json::from_str(&told.stdout).unwrap();
    let checks = value["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {value}"))
        .clone()
}

#[test]
fn who_the_operator_is_comes_from_aws_alone() {
    let operator = Operator::of(|_| None);
    let listed = operator.run(&["list"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let asked = operator.aws.asked();
    let instances = asked
        .iter()
        .find(|ask| action(ask) == "DescribeInstances")
        .unwrap();
    assert!(
        instances.body.contains("iam%3Auser%2Fann"),
        "{}",
        instances.body
    );
    let told = operator.run(&["--as", "bob", "list"]);
    assert!(told.stderr.contains("EmbeddedOnly"), "{}", told.stderr);
    let mine = operator.run(&["templates", "--mine", "--json"]).json();
    assert_eq!(mine["templates"], json!([]));
    let told = operator.run(&["--json", "save", "box", "box-env"]);
    assert_eq!(told.error()["code"], "InstanceNotFound");
}

#[test]
fn a_deployment_that_is_as_it_should_be_passes_the_doctor() {
    let operator = Operator::of(|_| None);
    let told = operator.run(&["doctor", "--json"]);
    assert_eq!(told.code, 0, "{}", told.stdout);
    for name in [
        "settings",
        "clock",
        "credentials",
        "region",
        "table",
        "state machine",
        "leftovers",
    ] {
        assert_eq!(check(&told, name)["verdict"], "ok", "{name}");
    }
    assert_eq!(check(&told, "definition")["verdict"], "ok");
    assert_eq!(check(&told, "states:StartExecution")["verdict"], "ok");
    // There is nothing to try permissions on.
    assert_eq!(check(&told, "ec2 permissions")["verdict"], "warn");
    let starts = operator.aws.asked();
    let starts: Vec<_> = starts
        .iter()
        .filter(|ask| action(ask) == "StartExecution")
        .collect();
    let body: Value = serde_json::from_str(&starts[0].body).unwrap();
    assert!(serde_json::from_str::<Value>(body["input"].as_str().unwrap()).is_err());
}

#[test]
fn each_misconfiguration_is_one_clear_line_with_a_hint() {
    type Case = (&'static str, fn() -> Reply, &'static str);
    let cases: [Case; 8] = [
        (
            "GetCallerIdentity",
            || query_error("ExpiredToken", "The security token is expired"),
            "CredentialsExpired",
        ),
        (
            "GetCallerIdentity",
            || query_error("InvalidClientTokenId", "The token is invalid"),
            "CredentialsRefused",
        ),
        (
            "GetCallerIdentity",
            || {
                query_error(
                    "SignatureDoesNotMatch",
                    "Signature expired: 1 is now earlier than 2",
                )
            },
            "ClockWrong",
        ),
        (
            "Query",
            || refusal("ResourceNotFoundException", "Requested resource not found"),
            "DeploymentNotFound",
        ),
        (
            "Query",
            || refusal("AccessDeniedException", "not authorized"),
            "PermissionMissing",
        ),
        (
            "Query",
            || refusal("ExpiredTokenException", "The token is expired"),
            "CredentialsExpired",
        ),
        (
            "Query",
            || {
                refusal(
                    "ValidationException",
                    "The table does not have the specified index: gsi1",
                )
            },
            "DeploymentNotFound",
        ),
        (
            "Query",
            || refusal("UnrecognizedClientException", "The token is invalid"),
            "CredentialsRefused",
        ),
    ];
    for (at, reply, code) in cases {
        let operator = Operator::of(move |action| (action == at).then(reply));
        let told = operator.run(&["--json", "templates"]);
        assert_eq!(told.code, 1, "{code}");
        assert_eq!(told.stderr.lines().count(), 1, "{}", told.stderr);
        let error = told.error();
        assert_eq!(error["code"], code, "{error}");
        assert!(
            error["hint"].as_str().is_some_and(|hint| hint.len() > 10),
            "{error}"
        );
    }
    let told = Operator::of(|_| None).without_credentials(&["--json", "templates"]);
    assert_eq!(told.error()["code"], "CredentialsMissing");
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    type Case = (&'static str, fn() -> Reply, &'static str, &'static str);
    let cases: [Case; 6] = [
        (
            "DescribeRegions",
            || {
                xml(
                    200,
                    "<DescribeRegionsResponse><regionInfo><item><regionName>eu-west-1</regionName></item></regionInfo></DescribeRegionsResponse>",
                )
            },
            "region",
            "InvalidRegion",
        ),
        (
            "DescribeTable",
            || refusal("ResourceNotFoundException", "no"),
            "table",
            "DeploymentNotFound",
        ),
        (
            "DescribeTable",
            || dynamo(200, table(["gsi1", "other"])),
            "table",
            "DeploymentNotFound",
        ),
        (
            "DescribeStateMachine",
            || refusal("StateMachineDoesNotExist", "no"),
            "state machine",
            "DeploymentNotFound",
        ),
        (
            "DescribeStateMachine",
            || {
                dynamo(
                    200,
                    machine(&DEFINITION.replacen("StopInstance", "StopTheInstance", 1)),
                )
            },
            "definition",
            "DeploymentNotFound",
        ),
        (
            "StartExecution",
            || refusal("AccessDeniedException", "no"),
            "states:StartExecution",
            "PermissionMissing",
        ),
    ];
    for (at, reply, name, code) in cases {
        let told = Operator::of(move |action| (action == at).then(reply));
        let told = told.run(&["doctor", "--json"]);
        assert_eq!(told.code, 1, "{at}");
        let check = check(&told, name);
        assert_eq!(
            (&check["verdict"], &check["code"]),
            (&json!("fail"), &json!(code)),
            "{check}"
        );
        assert!(check["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
    }
}

#[test]
fn permissions_are_tried_dry_on_an_instance() {
    let instance = "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-0123456789abcdef0</instanceId><imageId>ami-0123456789abcdef0</imageId><instanceState><code>16</code><name>running</name></instanceState><instanceType>t3.large</instanceType><launchTime>2026-11-24T12:00:00.000Z</launchTime><architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/sda1</rootDeviceName><blockDeviceMapping/></item></instancesSet></item></reservationSet></DescribeInstancesResponse>";
    let operator = Operator::of(move |action| match action {
        "DescribeInstances" => Some(xml(200, instance)),
        "StopInstances" | "StartInstances" => Some(ec2_error(412, "DryRunOperation")),
        "CreateImage" => Some(ec2_error(403, "UnauthorizedOperation")),
        _ => None,
    });
    let told = operator.run(&["doctor", "--json"]);
    assert_eq!(told.code, 1, "{}", told.stdout);
    assert_eq!(check(&told, "ec2:StopInstances")["verdict"], "ok");
    assert_eq!(check(&told, "ec2:StartInstances")["verdict"], "ok");
    assert_eq!(check(&told, "ec2:CreateImage")["code"], "PermissionMissing");
    let asked = operator.aws.asked();
    let dry = |name: &str| {
        let asked = asked.iter().filter(|ask| action(ask) == name);
        asked
            .map(|ask| ask.body.contains("DryRun=true"))
            .collect::<Vec<_>>()
    };
    for name in ["StopInstances", "StartInstances", "CreateImage"] {
        assert_eq!(dry(name), [true], "{name}");
    }
}

#[test]
fn a_profile_is_read_from_a_stack() {
    let operator = Operator::of(|_| None);
    let made = operator.run(&[
        "configure",
        "--stack",
        "prism",
        "--region",
        "us-east-1",
        "--json",
    ]);
    let made = made.json();
    assert_eq!(made["name"], "prism");
    let profile = &made["profile"];
    assert_eq!(profile["table"], "prism-registry");
    assert_eq!(profile["deployment"], DEPLOYMENT);
    assert_eq!(profile["public_scope"], "world");
    assert_eq!(
        profile["launch_networks"],
        json!(["192.0.2.0/24", "198.51.100.0/24"])
    );
    let subnets = json!(["subnet-0123456789abcdef0"]);
    assert_eq!(profile["launch_subnets"], subnets);
    assert_eq!(operator.run(&["--profile", "prism", "list"]).code, 0);
    let args = [
        "configure",
        "--stack",
        "prism",
        "--region",
        "us-east-1",
        "--backend",
        "api",
    ];
    let args = [&args[..], &["--name", "member", "--no-check", "--json"]].concat();
    let api = operator.run(&args).json();
    assert_eq!(
        api["profile"]["url"],
        "https://abc.execute-api.us-east-1.amazonaws.com"
    );
    assert!(operator.config().contains("[profile.member]"));
}

#[test]
fn a_stack_that_is_not_there_or_not_ours_is_told() {
    type Case = (fn() -> Reply, &'static str);
    let gone = || query_error("ValidationError", "Stack with id prism does not exist");
    let denied = || query_error("AccessDenied", "not authorized");
    let cases: [Case; 3] = [
        (gone, "DeploymentNotFound"),
        (denied, "PermissionMissing"),
        (|| stack(&[("Bucket", "b")]), "DeploymentNotFound"),
    ];
    for (reply, code) in cases {
        let operator = Operator::of(move |action| (action == "DescribeStacks").then(reply));
        let before = operator.config();
        let args = [
            "--json",
            "configure",
            "--stack",
            "prism",
            "--region",
            "us-east-1",
        ];
        let told = operator.run(&args);
        assert_eq!((told.code, &told.error()["code"]), (1, &json!(code)));
        assert_eq!(operator.config(), before);
    }
}

#[test]
fn calls_of_the_api_are_signed() {
    let api = Arc::new(Fake::new(|_, _| {
        Reply::json(200, json!({ "items": [], "cursor": null }))
    }));
    let operator = Operator::of(|_| None);
    let url = api.url();
    let args = [
        "configure",
        "--api-url",
        &url,
        "--region",
        "eu-west-1",
        "--no-check",
    ];
    assert_eq!(operator.run(&args).code, 0);
    let listed = operator.run(&["--profile", "api", "saves", "list"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let asked = &api.asked()[0];
    let signature = asked.header("authorization").unwrap();
    assert!(
        signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"),
        "{signature}"
    );
    assert!(
        signature.contains("/eu-west-1/execute-api/aws4_request"),
        "{signature}"
    );
    assert!(asked.header("x-amz-date").is_some());
    let told = operator.without_credentials(&["--profile", "api", "--json", "saves", "list"]);
    assert_eq!(told.error()["code"], "CredentialsMissing");
}
