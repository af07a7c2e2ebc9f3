//! Compares `infra/template.yaml` with the code it deploys, including what emulators ignore.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use prism_functions::ports::Index;
use prism_functions::rules::config;
use prism_functions::steps;
use prism_local::executions::DEFINITION;
use prism_tests::cloudformation::{Template, array, events, template, text};
use serde_json::{Value, json};

/// The handlers that are not steps, and whether an EventBridge rule invokes them directly.
const OTHERS: [(&str, bool); 5] = [
    ("Sweep", true),
    ("Ends", true),
    ("Wake", false),
    ("Api", false),
    ("Deliver", true),
];

fn names() -> BTreeSet<String> {
    let steps = steps::ALL.iter().map(|step| step.name);
    let others = OTHERS.iter().map(|(name, _)| *name);
    steps.chain(others).map(str::to_owned).collect()
}

#[test]
fn every_handler_has_its_function_with_logs_role_and_artefact() {
    let template = template();
    let functions = template.resources("AWS::Serverless::Function");
    let ids: BTreeSet<String> = functions.keys().map(|id| (*id).to_owned()).collect();
    let expected = names().iter().map(|it| format!("{it}Function")).collect();
    assert_eq!(ids, expected);
    let mut roles = BTreeSet::new();
    let mut artefacts = BTreeSet::new();
    for (id, function) in functions {
        let name = id.trim_end_matches("Function");
        assert_eq!(function["Handler"], name);
        let full = format!("${{AWS::StackName}}-{name}");
        assert_eq!(text(&function["FunctionName"]), full);
        assert_eq!(template.of_function(id, "Runtime"), "provided.al2023");
        assert_eq!(template.of_function(id, "Tracing"), "Active");
        assert_eq!(template.of_function(id, "AutoPublishAlias"), "live");
        assert_eq!(function["AutoPublishAliasAllProperties"], true, "{id}");
        roles.insert(text(&function["Role"]));
        artefacts.insert(text(&function["CodeUri"]));
        let group = format!("{name}Logs");
        let logs = template.properties(&group);
        assert_eq!(
            text(&function["LoggingConfig"]["LogGroup"]),
            format!("${{{group}}}")
        );
        assert_eq!(text(&logs["LogGroupName"]), format!("/aws/lambda/{full}"));
    }
    assert_eq!((roles.len(), artefacts.len()), (names().len(), 1));
}

/// Organizations that restrict IAM allow roles only with a boundary, or under a path.
#[test]
fn every_role_has_the_boundary_and_the_path_of_the_parameters() {
    let template = template();
    let boundary =
        json!({"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]});
    for (id, role) in template.resources("AWS::IAM::Role") {
        assert_eq!(role["PermissionsBoundary"], boundary, "{id}");
        assert_eq!(role["Path"], json!({"Ref": "IamPath"}), "{id}");
    }
    for (id, policy) in template.resources("AWS::IAM::ManagedPolicy") {
        assert_eq!(policy["Path"], json!({"Ref": "IamPath"}), "{id}");
    }
}

#[test]
fn every_function_has_time_for_its_calls_and_ends_before_it_is_given_up() {
    let template = template();
    let timeout = |id: &str| {
        let timeout = template.of_function(id, "Timeout").as_u64();
        timeout.expect("it is a number")
    };
    for step in steps::ALL {
        let timeout = timeout(&format!("{}Function", step.name));
        assert!(
            timeout >= 50,
            "{}: no call of AWS has its whole time in {timeout} s",
            step.name
        );
    }
    assert!(
        timeout("SweepFunction") < 300,
        "two sweeps would run at once"
    );
    let patience = template.properties("HttpApiIntegration")["TimeoutInMillis"].as_u64();
    assert!(timeout("ApiFunction") * 1000 < patience.expect("it is a number"));
}

#[test]
fn failures_of_executions_are_logged_and_traced() {
    let template = template();
    let machine = template.properties("SaveStateMachine");
    assert_eq!(machine["Tracing"]["Enabled"], true);
    assert_eq!(machine["Logging"]["Level"], "ERROR");
}

#[test]
fn exactly_the_functions_that_events_call_have_dead_letters() {
    let template = template();
    for name in names() {
        let asynchronous = OTHERS.contains(&(name.as_str(), true));
        let function = template.properties(&format!("{name}Function"));
        let letters = &function["DeadLetterQueue"];
        assert_eq!(!letters.is_null(), asynchronous, "{name}");
    }
    let rules = template.resources("AWS::Events::Rule");
    assert_eq!(rules.len(), 7);
    let policy = &template.properties("DeadLettersPolicy")["PolicyDocument"]["Statement"];
    let admitted = policy.to_string();
    for (id, rule) in rules {
        for target in array(&rule["Targets"]) {
            let called = text(&target["Arn"]);
            let expected = match id {
                "SweepRule" => "${SweepFunction.Alias}",
                "EndsRule" => "${EndsFunction.Alias}",
                "DeliverRule" | "NoticeRule" => "${DeliverFunction.Alias}",
                _ => "${WakeQueue.Arn}",
            };
            assert_eq!(called, expected, "{id}");
            assert_eq!(
                text(&target["DeadLetterConfig"]["Arn"]),
                "${DeadLetters.Arn}",
                "{id}"
            );
        }
        assert!(
            admitted.contains(&format!("{id}.Arn")),
            "{id} may not send letters"
        );
    }
}

/// However many events the account has, the wake-up function takes a limited part of the concurrency, which the steps
/// need too.
#[test]
fn events_reach_the_wake_up_by_a_queue_that_bounds_it() {
    let template = template();
    let mapping = template.properties("WakeQueueMapping");
    assert_eq!(text(&mapping["EventSourceArn"]), "${WakeQueue.Arn}");
    assert_eq!(text(&mapping["FunctionName"]), "${WakeFunction.Alias}");
    // Lambda requires at least 2.
    assert_eq!(mapping["ScalingConfig"]["MaximumConcurrency"], 4);
    // One event that fails does not bring the others back.
    assert_eq!(
        mapping["FunctionResponseTypes"],
        json!(["ReportBatchItemFailures"])
    );
    let queue = template.properties("WakeQueue");
    assert_eq!(queue["SqsManagedSseEnabled"], true);
    let letters = &queue["RedrivePolicy"];
    assert_eq!(text(&letters["deadLetterTargetArn"]), "${DeadLetters.Arn}");
    assert_eq!(letters["maxReceiveCount"], 3);
    let number = |value: &Value| value.as_u64().expect("it is a number");
    let hidden = number(&queue["VisibilityTimeout"]);
    let timeout = number(template.of_function("WakeFunction", "Timeout"));
    assert!(hidden >= 6 * timeout, "Lambda asks for {}", 6 * timeout);
    assert!(number(&queue["MessageRetentionPeriod"]) > 3 * hidden);
    let admitted = &template.properties("WakeQueuePolicy")["PolicyDocument"]["Statement"][0];
    assert_eq!(admitted["Principal"]["Service"], "events.amazonaws.com");
    let from = array(&admitted["Condition"]["ArnEquals"]["aws:SourceArn"]);
    let from: BTreeSet<String> = from.iter().map(text).collect();
    let rules = template.resources("AWS::Events::Rule");
    let others = ["SweepRule", "EndsRule", "DeliverRule", "NoticeRule"];
    let waking = rules.keys().filter(|id| !others.contains(*id));
    assert_eq!(from, waking.map(|id| format!("${{{id}.Arn}}")).collect());
    // Nothing else may invoke it, so it only runs through the queue.
    let permissions = template.resources("AWS::Lambda::Permission");
    for (id, permission) in permissions {
        assert_ne!(
            text(&permission["FunctionName"]),
            "${WakeFunction.Alias}",
            "{id}"
        );
    }
}

#[test]
fn further_regions_forward_what_the_rules_of_the_deployment_match() {
    let (home, there) = (template(), events());
    let rules = there.resources("AWS::Events::Rule");
    let forwarded: Vec<_> = rules.keys().copied().collect();
    assert_eq!(forwarded, ["ImageChangedRule", "InstanceChangedRule"]);
    let bus =
        "arn:${AWS::Partition}:events:${DeploymentRegion}:${AWS::AccountId}:event-bus/default";
    for (id, rule) in rules {
        assert_eq!(rule["EventPattern"], home.properties(id)["EventPattern"]);
        assert_eq!(home.properties(id)["EventBusName"], Value::Null);
        let targets = array(&rule["Targets"]);
        let [target] = targets else {
            panic!("{id} has one target");
        };
        assert_eq!(text(&target["Arn"]), bus);
        assert_eq!(text(&target["RoleArn"]), "${ForwardRole.Arn}");
    }
    let [statement] = &there.statements("ForwardRole", "Forward")[..] else {
        panic!("the role has one statement");
    };
    assert!(statement.actions.iter().eq(["events:PutEvents"]));
    assert_eq!(statement.resources, [bus]);
    // An event that went back to its own bus would be forwarded for ever.
    let rule = &there.0["Rules"]["AnotherRegion"]["Assertions"][0]["Assert"];
    let same = json!([{ "Ref": "DeploymentRegion" }, { "Ref": "AWS::Region" }]);
    assert_eq!(*rule, json!({ "Fn::Not": [{ "Fn::Equals": same }] }));
}

#[test]
fn the_functions_have_every_variable_that_they_read() {
    let template = template();
    let mut told = BTreeSet::new();
    let shared = &template.0["Globals"]["Function"];
    let functions = template.resources("AWS::Serverless::Function");
    for function in functions.into_values().chain([shared]) {
        let variables = function["Environment"]["Variables"].as_object();
        told.extend(
            variables
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone()),
        );
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/src/aws");
    let variables = config::VARIABLES.iter();
    let mut read: BTreeSet<String> = variables.map(|it| it.name.to_owned()).collect();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = fs::read_to_string(path).expect("it can be read");
        let names = source.split('"').filter(|word| word.starts_with("PRISM_"));
        read.extend(names.map(str::to_owned));
    }
    let untold: Vec<_> = read.difference(&told).collect();
    assert!(untold.is_empty(), "{untold:?}");
}

#[test]
fn the_table_has_the_keys_of_the_registry_and_outlives_the_stack() {
    let template = template();
    let resource = &template.0["Resources"]["RegistryTable"];
    assert_eq!(resource["DeletionPolicy"], "Retain");
    assert_eq!(resource["UpdateReplacePolicy"], "Retain");
    let table = &resource["Properties"];
    let keys = |schema: &Value, index: Index| {
        let (pk, sk) = index.attributes();
        let expected = json!([
            {"AttributeName": pk, "KeyType": "HASH"},
            {"AttributeName": sk, "KeyType": "RANGE"},
        ]);
        assert_eq!(*schema, expected);
    };
    keys(&table["KeySchema"], Index::Primary);
    for (position, index) in [Index::Gsi1, Index::Gsi2].into_iter().enumerate() {
        let described = &table["GlobalSecondaryIndexes"][position];
        assert_eq!(described["IndexName"], format!("gsi{}", position + 1));
        assert_eq!(described["Projection"]["ProjectionType"], "ALL");
        keys(&described["KeySchema"], index);
    }
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["DeletionProtectionEnabled"], true);
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(
        table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        true
    );
    assert_eq!(
        table["TimeToLiveSpecification"],
        json!({"AttributeName": "expires_at", "Enabled": true})
    );
}

/// Counts the references to the stack's own table. Each must be the first branch of a condition whose other branch
/// refers to the existing table.
fn references_to_table(value: &Value) -> usize {
    let branches = value["Fn::If"].as_array();
    if let Some(branches) = branches.filter(|it| it[0] == "MakesTable") {
        assert!(branches[1].to_string().contains("RegistryTable"), "{value}");
        assert!(branches[2].to_string().contains("ExistingTable"), "{value}");
        return 1;
    }
    match value {
        Value::Array(items) => items.iter().map(references_to_table).sum(),
        Value::Object(fields) => {
            for key in ["Ref", "Fn::GetAtt", "Fn::Sub"] {
                let text = value[key].to_string();
                assert!(!text.contains("RegistryTable"), "{value}");
            }
            fields.values().map(references_to_table).sum()
        }
        _ => 0,
    }
}

#[test]
fn every_reference_to_the_table_follows_an_existing_one() {
    let template = template();
    let resource = &template.0["Resources"]["RegistryTable"];
    assert_eq!(resource["Condition"], "MakesTable");
    let condition = &template.0["Conditions"]["MakesTable"];
    let empty = json!({"Fn::Equals": [{"Ref": "ExistingTable"}, ""]});
    assert_eq!(*condition, empty);
    let variables = &template.0["Globals"]["Function"]["Environment"]["Variables"];
    let name =
        json!({"Fn::If": ["MakesTable", {"Ref": "RegistryTable"}, {"Ref": "ExistingTable"}]});
    assert_eq!(variables["PRISM_TABLE"], name);
    assert_eq!(template.0["Outputs"]["TableName"]["Value"], name);
    let count = references_to_table(&template.0);
    assert!(count > 20, "only {count} references");
}

#[test]
fn the_policy_for_members_has_a_name_only_if_it_is_given_one() {
    let template = template();
    let name = &template.properties("MembersPolicy")["ManagedPolicyName"];
    let given = json!({"Ref": "MembersPolicyName"});
    let none = json!({"Ref": "AWS::NoValue"});
    assert_eq!(
        *name,
        json!({"Fn::If": ["HasMembersPolicyName", given, none]})
    );
    assert_eq!(template.0["Parameters"]["MembersPolicyName"]["Default"], "");
}

#[test]
fn only_the_portals_files_and_its_configuration_are_open_and_both_apis_have_the_same_routes() {
    const OPEN: [&str; 3] = ["GET /v1/config", "GET /", "GET /{proxy+}"];
    let template = template();
    let mut routes: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut open = BTreeSet::new();
    for (id, route) in template.resources("AWS::ApiGatewayV2::Route") {
        let kind = route["AuthorizationType"].as_str().expect("it is a name");
        let api = text(&route["ApiId"]);
        let key = route["RouteKey"].as_str().expect("it is a text");
        if OPEN.contains(&key) {
            open.insert(key);
            assert_eq!((kind, api.as_str()), ("NONE", "${PortalApi}"));
            assert_eq!(template.0["Resources"][id]["Condition"], "HasPortal");
            continue;
        }
        let expected = if api == "${HttpApi}" {
            "AWS_IAM"
        } else {
            "JWT"
        };
        assert_eq!(kind, expected, "{id}");
        assert_eq!(route["AuthorizerId"].is_null(), kind == "AWS_IAM", "{id}");
        routes.entry(api).or_default().insert(key);
    }
    assert_eq!(open, BTreeSet::from(OPEN));
    assert_eq!(routes.len(), 2);
    assert_eq!(routes["${HttpApi}"], routes["${PortalApi}"]);
    for (id, stage) in template.resources("AWS::ApiGatewayV2::Stage") {
        assert!(
            stage["DefaultRouteSettings"]["ThrottlingRateLimit"].is_number(),
            "{id}"
        );
        assert_eq!(
            text(&stage["AccessLogSettings"]["DestinationArn"]),
            "${AccessLogs.Arn}"
        );
    }
    // Every method that the API has is allowed.
    let document = serde_json::to_value(prism_functions::api::document()).expect("it is JSON");
    let paths = document["paths"].as_object().expect("it has paths");
    for method in paths
        .values()
        .filter_map(Value::as_object)
        .flat_map(|path| path.keys())
    {
        let key = format!("{} /v1/{{proxy+}}", method.to_uppercase());
        assert!(routes["${HttpApi}"].contains(key.as_str()), "{key}");
    }
    let cors = &template.properties("PortalApi")["CorsConfiguration"]["Fn::If"][1];
    let methods: BTreeSet<&str> = array(&cors["AllowMethods"])
        .iter()
        .map(|method| method.as_str().expect("it is a name"))
        .collect();
    let keys = routes["${PortalApi}"].iter();
    assert_eq!(
        methods,
        keys.map(|key| key.split(' ').next().unwrap_or(""))
            .collect()
    );
    // So is every header that it reads. Pages may read the response headers that they need for their next request.
    let allowed = array(&cors["AllowHeaders"]);
    for name in headers(&document) {
        assert!(allowed.contains(&name.to_lowercase().into()), "{name}");
    }
    let exposed = array(&cors["ExposeHeaders"]);
    for name in ["etag", "location", "retry-after", "x-request-id"] {
        assert!(exposed.contains(&name.into()), "{name}");
    }
}

fn headers(document: &Value) -> BTreeSet<&str> {
    let paths = document["paths"].as_object().expect("it has paths");
    let operations = paths.values().filter_map(Value::as_object);
    let parameters = operations
        .flat_map(|path| path.values())
        .filter_map(|operation| operation["parameters"].as_array())
        .flatten()
        .filter(|parameter| parameter["in"] == "header");
    let names: BTreeSet<&str> = parameters
        .map(|parameter| parameter["name"].as_str().expect("it has a name"))
        .collect();
    assert!(names.len() > 1, "{names:?}");
    names
}

/// SAM publishes a version if a function's properties have changed. The first transform makes the values of all
/// parameters that functions depend on part of them.
#[test]
fn parameters_are_part_of_a_functions_version() {
    let template = template();
    let transforms = ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"];
    assert_eq!(template.0["Transform"], json!(transforms));
    let functions = template.resources("AWS::Serverless::Function");
    let parameters = template.0["Parameters"].as_object();
    let names = parameters.into_iter().flat_map(|it| it.keys());
    let refers =
        |part: &Value, name: &str| part.to_string().contains(&json!({"Ref": name}).to_string());
    let functions_and_globals = || functions.values().copied().chain([&template.0["Globals"]]);
    let used: BTreeSet<&str> = names
        .filter(|name| functions_and_globals().any(|part| refers(part, name)))
        .map(String::as_str)
        .collect();
    assert!(used.len() > 5, "{used:?}");
    for (id, function) in functions {
        assert_eq!(function["AutoPublishAliasAllProperties"], true, "{id}");
        let variables = &function["Environment"]["Variables"];
        let known = array(&variables["PRISM_PARAMETERS"]["Fn::ToJsonString"]);
        let known: BTreeSet<&str> = known.iter().filter_map(|it| it["Ref"].as_str()).collect();
        assert_eq!(known, used, "{id}");
    }
}

#[test]
fn logs_end_and_alarms_reach_somebody() {
    let template = template();
    let groups = template.resources("AWS::Logs::LogGroup");
    assert_eq!(groups.len(), names().len() + 2);
    for (id, group) in groups {
        assert_eq!(
            text(&group["RetentionInDays"]),
            "${LogRetentionDays}",
            "{id}"
        );
        assert_eq!(text(&group["KmsKeyId"]), "${Key.Arn}", "{id}");
    }
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    for (id, alarm) in &alarms {
        assert_eq!(text(&alarm["AlarmActions"][0]), "${AlarmTopic}", "{id}");
    }
    let watched = |metric: &str| alarms.values().any(|alarm| alarm["MetricName"] == metric);
    for metric in [
        "stranded",
        "oldest_duty_s",
        "failures",
        "Errors",
        "Throttles",
        "5xx",
    ] {
        assert!(watched(metric), "nobody watches {metric}");
    }
    // The sweep reports every five minutes, so a period of that length may contain no value.
    let age = template.properties("DutyAgeAlarm");
    assert!(age["Period"].as_u64() >= Some(900), "{age}");
    for (id, api) in [
        ("ApiErrorsAlarm", "${HttpApi}"),
        ("PortalErrorsAlarm", "${PortalApi}"),
    ] {
        let alarm = template.properties(id);
        assert_eq!(alarm["Namespace"], "AWS/ApiGateway", "{id}");
        let of: Vec<String> = array(&alarm["Dimensions"])
            .iter()
            .map(|one| format!("{}={}", text(&one["Name"]), text(&one["Value"])))
            .collect();
        assert_eq!(
            of,
            [format!("ApiId={api}"), "Stage=$default".to_owned()],
            "{id}"
        );
    }
    let metrics = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/src/aws/metrics.rs"),
    );
    let metrics = metrics.expect("it can be read");
    for (id, alarm) in alarms
        .iter()
        .filter(|(_, alarm)| alarm["Namespace"].is_object())
    {
        let name = alarm["MetricName"].as_str().expect("it is a name");
        assert!(
            metrics.contains(&format!("\"{name}\"")),
            "{id}: nobody writes {name}"
        );
    }
}

#[test]
fn the_outputs_are_those_that_callers_are_configured_by() {
    let template: Template = template();
    let outputs = template.0["Outputs"].as_object().expect("it has outputs");
    let names: BTreeSet<&str> = outputs.keys().map(String::as_str).collect();
    let of_itself = [
        "ApiUrl",
        "MembersPolicyArn",
        "PortalApiUrl",
        "Region",
        "Version",
    ];
    let variables = config::VARIABLES.iter().filter(|it| !it.key.is_empty());
    let expected = variables.map(|it| it.output).chain(of_itself).collect();
    assert_eq!(names, expected);
    assert_eq!(outputs["Version"]["Value"], env!("CARGO_PKG_VERSION"));
}

fn limits() -> BTreeMap<String, u64> {
    fn collect(states: &Value, limits: &mut BTreeMap<String, u64>) {
        for state in states
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, state)| state)
        {
            let waits = state["Resource"]
                .as_str()
                .is_some_and(|resource| resource.ends_with(".waitForTaskToken"));
            if let Some(function) = state["Arguments"]["FunctionName"].as_str() {
                let name = function.trim_start_matches("${").trim_end_matches('}');
                let limit = state["TimeoutSeconds"].as_u64();
                // The longest of the waits, which continues after the function has returned.
                let limit = limit.or(waits.then_some(300)).expect("every task has one");
                limits.insert(name.to_owned(), limit);
            }
            collect(&state["ItemProcessor"]["States"], limits);
        }
    }
    let definition: Value = serde_json::from_str(DEFINITION).expect("it is JSON");
    let mut limits = BTreeMap::new();
    collect(&definition["States"], &mut limits);
    limits
}

/// A step that timed out in Step Functions must not run beside its retry.
#[test]
fn every_step_ends_before_it_is_given_up() {
    let template = template();
    let limits = limits();
    for step in steps::ALL {
        let id = format!("{}Function", step.name);
        let timeout = template
            .of_function(&id, "Timeout")
            .as_u64()
            .expect("it is a number");
        // Tasks that wait for an event continue after their function has returned.
        let limit = limits[step.name].min(300);
        assert!(timeout < limit, "{id}: {timeout} s of {limit} s");
    }
}

#[test]
fn the_definition_uses_the_versions_of_its_functions() {
    let template = template();
    let machine = template.properties("SaveStateMachine");
    let expected: Value = steps::ALL
        .iter()
        .map(|step| {
            let version = json!({"Ref": format!("{}Function.Version", step.name)});
            (step.name.to_owned(), version)
        })
        .chain([("Partition".to_owned(), json!({"Ref": "AWS::Partition"}))])
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(machine["DefinitionSubstitutions"], expected);
    assert_eq!(machine["Tracing"]["Enabled"], true);
    assert_eq!(machine["Logging"]["Level"], "ERROR");
    let invoked = &template.statements("SaveStateMachineRole", "Calls")[0];
    let expected: Vec<String> = steps::ALL
        .iter()
        .map(|step| format!("${{{}Function.Arn}}:*", step.name))
        .collect();
    assert_eq!(invoked.resources, expected);
}
