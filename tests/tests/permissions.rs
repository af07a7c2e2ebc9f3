//! Least privilege: compares the generated policies in `infra/template.yaml` with the calls that the code declares, and
//! checks what their statements are limited to. `tests/tests/calls.rs` compares the declarations with the actual calls.

use std::collections::{BTreeMap, BTreeSet};

use prism_functions::operations::calls;
use prism_functions::ports::Call;
use prism_functions::steps;
use prism_tests::cloudformation::{Statement, Template, template};
use serde_json::json;

/// Actions without resource-level permissions, besides EC2's Describe actions (Service Authorization Reference).
const WITHOUT_RESOURCES: [&str; 17] = [
    "ec2:GetEbsDefaultKmsKeyId",
    "ec2:GetEbsEncryptionByDefault",
    "ec2:GetImageBlockPublicAccessState",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "ssm:ListInventoryEntries",
    "states:SendTaskSuccess",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

/// Resources that RunInstances and CreateSecurityGroup only use.
const USED: [&str; 4] = [":image/*", ":security-group/*", ":subnet/*", ":vpc/*"];

/// What the policies of the functions and services allow. The role of launched instances only denies; it has a test of
/// its own.
fn policies(template: &Template) -> BTreeMap<String, Vec<Statement>> {
    let roles = template.resources("AWS::IAM::Role");
    let named = |role: &str, policy: &serde_json::Value| {
        let name = policy["PolicyName"].as_str().expect("it has a name");
        (format!("{role}/{name}"), template.statements(role, name))
    };
    roles
        .iter()
        .filter(|(role, _)| **role != "InstanceRole")
        .flat_map(|(role, it)| {
            let policies = it["Policies"].as_array().into_iter().flatten();
            policies.map(|policy| named(role, policy))
        })
        .collect()
}

#[test]
fn each_role_allows_what_its_function_calls_and_nothing_else() {
    let template = template();
    let steps = steps::ALL.iter().map(|step| (step.name, step.calls));
    for (handler, declared) in steps.chain(calls::HANDLERS) {
        let needed: BTreeSet<&str> = declared
            .iter()
            .flat_map(|call| call.actions())
            .copied()
            .collect();
        let statements = template.statements(&format!("{handler}Role"), "Calls");
        let allowed: BTreeSet<&str> = statements
            .iter()
            .flat_map(|statement| &statement.actions)
            .map(String::as_str)
            .collect();
        let missing: Vec<_> = needed.difference(&allowed).collect();
        let too_much: Vec<_> = allowed.difference(&needed).collect();
        assert!(
            missing.is_empty() && too_much.is_empty(),
            "{handler}Role lacks {missing:?} and has {too_much:?} too much"
        );
    }
}

#[test]
fn each_role_queries_the_indexes_that_its_function_reads() {
    let template = template();
    let steps = steps::ALL.iter().map(|step| (step.name, step.calls));
    for (handler, declared) in steps.chain(calls::HANDLERS) {
        let needed: BTreeSet<&str> = declared
            .iter()
            .filter_map(|call| match call {
                Call::Query => Some(""),
                Call::QueryGsi1 => Some("/index/gsi1"),
                Call::QueryGsi2 => Some("/index/gsi2"),
                _ => None,
            })
            .collect();
        // The stack's own table, or the existing one that it uses instead.
        let tables = [
            "${RegistryTable.Arn}",
            "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${ExistingTable}",
        ];
        let needed: BTreeSet<String> = needed
            .iter()
            .flat_map(|rest| tables.map(|table| format!("{table}{rest}")))
            .collect();
        let statements = template.statements(&format!("{handler}Role"), "Calls");
        let allowed: BTreeSet<String> = statements
            .iter()
            .filter(|statement| statement.actions.contains("dynamodb:Query"))
            .flat_map(|statement| &statement.resources)
            .cloned()
            .collect();
        assert_eq!(allowed, needed, "{handler}");
    }
}

#[test]
fn no_permission_is_a_wildcard() {
    for (policy, statements) in policies(&template()) {
        for statement in statements {
            for action in &statement.actions {
                assert!(!action.contains('*'), "{policy} allows {action}");
                let everywhere = statement.resources.iter().any(|it| it == "*");
                let reads = action.starts_with("ec2:Describe");
                assert!(
                    !everywhere || reads || WITHOUT_RESOURCES.contains(&action.as_str()),
                    "{policy} allows {action} on everything"
                );
            }
        }
    }
}

/// Read-only actions need no condition; all others are restricted to Prism's tags.
#[test]
fn permissions_that_change_ec2_require_our_tags() {
    let mut held = 0;
    for (policy, statements) in policies(&template()) {
        for statement in statements {
            let changes = |action: &&String| {
                action.starts_with("ec2:")
                    && !["ec2:Describe", "ec2:Get"]
                        .iter()
                        .any(|looks| action.starts_with(looks))
            };
            let Some(action) = statement.actions.iter().find(changes) else {
                continue;
            };
            let conditions = serde_json::Value::from(statement.conditions.clone()).to_string();
            let tagged = ["aws:ResourceTag/prism:", "aws:RequestTag/prism:"]
                .iter()
                .any(|key| conditions.contains(key));
            let on_creation = action == "ec2:CreateTags" && conditions.contains("ec2:CreateAction");
            let made_with = ["ec2:RunInstances", "ec2:CreateSecurityGroup"];
            let only_used = made_with.contains(&action.as_str())
                && statement
                    .resources
                    .iter()
                    .all(|resource| USED.iter().any(|used| resource.ends_with(used)));
            assert!(
                tagged || on_creation || only_used,
                "{policy}: {action} on {:?} has no condition",
                statement.resources
            );
            held += 1;
        }
    }
    assert!(held > 20, "only {held} statements change EC2");
}

/// No mutating EC2 action may reach another deployment's resources. Resources without a deployment's tag are allowed,
/// because a version from before this tag may have created them, or may still be creating them.
#[test]
fn permissions_that_change_ec2_exclude_other_deployments() {
    let ours = json!({"Fn::If": [
        "IsNamed",
        {"Ref": "DeploymentId"},
        {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]},
    ]});
    let makes = [
        "CreateImage",
        "CopyImage",
        "CreateTags",
        "RunInstances",
        "CreateSecurityGroup",
    ];
    for (policy, statements) in policies(&template()) {
        for statement in statements {
            let changes = |action: &str| {
                let action = action.strip_prefix("ec2:")?;
                let looks = action.starts_with("Describe") || action.starts_with("Get");
                (!looks).then(|| action.to_owned())
            };
            let Some(action) = statement.actions.iter().find_map(|it| changes(it)) else {
                continue;
            };
            // A VPC and its subnets have no owner tag.
            let of_network = |it: &String| it.contains(":vpc/") || it.contains(":subnet/");
            if statement.resources.iter().all(of_network) {
                continue;
            }
            let held = &statement.conditions["StringEqualsIfExists"];
            let held = held
                .as_object()
                .unwrap_or_else(|| panic!("{policy}: {action}"));
            let keys: BTreeSet<&str> = held.keys().map(String::as_str).collect();
            let (has, makes_it) = (
                "aws:ResourceTag/prism:deployment",
                "aws:RequestTag/prism:deployment",
            );
            let made = makes.contains(&action.as_str()) && keys.contains(makes_it);
            assert!(
                made || keys.contains(has),
                "{policy}: {action} has {keys:?}"
            );
            assert!(held.values().all(|it| *it == ours), "{policy}: {action}");
        }
    }
    let variables = &template().0["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(variables["PRISM_DEPLOYMENT"], ours);
    assert_eq!(template().0["Outputs"]["DeploymentId"]["Value"], ours);
}

/// The statements that allow an action, in all policies.
fn allowing(action: &str) -> Vec<Statement> {
    let all = policies(&template()).into_values().flatten();
    let found: Vec<_> = all.filter(|it| it.actions.contains(action)).collect();
    assert!(!found.is_empty(), "nothing allows {action}");
    found
}

/// What a copy creates has no ID yet, so a resource with the beginning of an ID is the source.
#[test]
fn what_a_copy_creates_must_have_the_tag_of_its_save() {
    for statement in allowing("ec2:CopyImage") {
        let of_source = |it: &String| it.ends_with("/ami-*") || it.ends_with("/snap-*");
        let sources = statement
            .resources
            .iter()
            .filter(|it| of_source(it))
            .count();
        let required = &statement.conditions.get("StringLike");
        let tagged = required.is_some_and(|it| it["aws:RequestTag/prism:save-id"] == "?*");
        assert!(
            sources == statement.resources.len() || (sources == 0 && tagged),
            "{statement:?}"
        );
    }
}

#[test]
fn launches_use_the_groups_of_prism_and_the_subnets_that_are_set() {
    let mut seen = BTreeSet::new();
    for statement in allowing("ec2:RunInstances") {
        for resource in &statement.resources {
            if resource.contains(":security-group/") {
                let required = &statement.conditions["StringLike"];
                assert_eq!(
                    required["aws:ResourceTag/prism:ports"], "?*",
                    "{statement:?}"
                );
                seen.insert("group");
            }
            if resource.contains(":subnet/") {
                let set = &statement.conditions["Fn::If"];
                let subnets = json!({"Fn::Split": [",", {"Ref": "LaunchSubnets"}]});
                assert_eq!(set[0], "HasLaunchSubnets");
                assert_eq!(set[1], json!({"StringEquals": {"ec2:SubnetID": subnets}}));
                assert_eq!(set[2], json!({"Ref": "AWS::NoValue"}));
                seen.insert("subnet");
            }
        }
    }
    assert_eq!(seen, ["group", "subnet"].into());
}

/// Except for starting an instance again: its key may have been allowed when it was stopped (promise P1).
#[test]
fn only_the_keys_of_the_deployment_are_used_if_there_are_any() {
    let mut limited = BTreeSet::new();
    for (policy, statements) in policies(&template()) {
        for statement in statements {
            let ours = statement.resources.iter().all(|it| it == "${Key.Arn}");
            let uses = |it: &String| it.starts_with("kms:") && it != "kms:DescribeKey";
            if ours || !statement.actions.iter().any(uses) {
                continue;
            }
            let keys = statement.resources.iter().any(|it| it == "${KmsKeys}");
            let starts = ["GrantForStart", "StartWithKeys"].contains(&statement.sid.as_str());
            assert!(keys != starts, "{policy}: {statement:?}");
            if keys {
                limited.insert(statement.sid);
            }
        }
    }
    assert_eq!(
        limited,
        ["AskForGrant", "GrantKeys", "UseKeys"]
            .map(str::to_owned)
            .into()
    );
}

/// Everybody who can log in to an instance has its role's permissions.
#[test]
fn an_instance_reaches_systems_manager_and_none_of_the_accounts_parameters() {
    let template = template();
    let role = template.properties("InstanceRole");
    let managed = "arn:${AWS::Partition}:iam::aws:policy/AmazonSSMManagedInstanceCore";
    assert_eq!(role["ManagedPolicyArns"], json!([{ "Fn::Sub": managed }]));
    let policies = role["Policies"].as_array().expect("it has policies");
    assert_eq!(policies.len(), 1);
    let statements = &policies[0]["PolicyDocument"]["Statement"];
    assert_eq!(statements.as_array().map(Vec::len), Some(1));
    let statement = &statements[0];
    assert_eq!(statement["Effect"], "Deny");
    let parameters = "arn:${AWS::Partition}:ssm:*:${AWS::AccountId}:parameter/*";
    assert_eq!(statement["Resource"], json!({ "Fn::Sub": parameters }));
    let denied = statement["Action"].as_array().expect("it has actions");
    assert!(
        denied
            .iter()
            .all(|it| it.to_string().contains("ssm:GetParameter"))
    );
}

/// The API lends no other role, and to EC2 alone.
#[test]
fn launches_lend_the_role_of_the_instance_profile_alone() {
    let statements = template().statements("ApiRole", "Calls");
    let lends = |it: &&Statement| it.actions.contains("iam:PassRole");
    let to_ec2 = json!({"iam:PassedToService": {"Fn::Sub": "ec2.${AWS::URLSuffix}"}});
    let lent: Vec<&Statement> = statements
        .iter()
        .filter(lends)
        .filter(|it| it.conditions["StringEquals"] == to_ec2)
        .collect();
    let [lent] = lent.as_slice() else {
        panic!("{lent:?}");
    };
    let role = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role";
    let named = [
        "${InstanceRole.Arn}".to_owned(),
        format!("{role}/${{LaunchInstanceProfile}}"),
        format!("{role}/*/${{LaunchInstanceProfile}}"),
    ];
    assert_eq!(lent.resources, named);
    assert_eq!(lent.actions.len(), 1);
}

/// A session is as good as a login: only instances with an owner and not of another deployment, and only the documents
/// that Prism uses.
#[test]
fn sessions_are_limited_to_our_instances_and_to_four_documents() {
    let statements = template().statements("ApiRole", "Calls");
    let starts = |it: &&Statement| it.actions.contains("ssm:StartSession");
    let (mut instances, mut documents) = (0, 0);
    for statement in statements.iter().filter(starts) {
        if statement
            .resources
            .iter()
            .all(|it| it.contains(":document/"))
        {
            documents += statement.resources.len();
            continue;
        }
        assert_eq!(statement.resources.len(), 1);
        let conditions = serde_json::Value::from(statement.conditions.clone()).to_string();
        assert!(conditions.contains("ssm:resourceTag/prism:owner"));
        assert!(conditions.contains("ssm:resourceTag/prism:deployment"));
        instances += 1;
    }
    assert_eq!((instances, documents), (1, 4));
}

#[test]
fn keys_are_used_through_ec2_alone() {
    let asking = json!({
        "Null": { "kms:GrantOperations": "false" },
        "ForAllValues:StringEquals": { "kms:GrantOperations": "DescribeKey" },
    });
    let asking = asking.as_object().expect("it is one");
    for (policy, statements) in policies(&template()) {
        for statement in statements {
            let ours = statement.resources.iter().all(|it| it == "${Key.Arn}");
            for action in statement.actions.iter().filter(|it| it.starts_with("kms:")) {
                let conditions = serde_json::Value::from(statement.conditions.clone()).to_string();
                let alone = statement.actions.len() == 1 && action == "kms:DescribeKey";
                // A grant to describe a key gives no access to the data encrypted with it.
                let harmless = action == "kms:CreateGrant" && statement.conditions == *asking;
                assert!(
                    ours || alone || harmless || conditions.contains("kms:ViaService"),
                    "{policy}: {action}"
                );
                assert!(
                    action != "kms:CreateGrant"
                        || harmless
                        || conditions.contains("kms:GrantIsForAWSResource"),
                    "{policy}: {action}"
                );
            }
        }
    }
}
