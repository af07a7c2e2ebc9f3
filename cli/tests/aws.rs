//! Tests the AWS backend, `configure` and `doctor` against a server that responds like AWS's services.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
#[path = "aws/deployment.rs"]
mod deployment;
mod fake;

use deployment::{
    DEPLOYMENT, Operator, action, check, dynamo, ec2_error, machine, query_error, refusal, stack,
    table, xml,
};
use fake::Reply;
use prism_local::executions::DEFINITION;
use serde_json::{Value, json};

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
    told.says("EmbeddedOnly");
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
    // There is no instance to try permissions on.
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
