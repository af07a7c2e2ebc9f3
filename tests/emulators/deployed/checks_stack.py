"""The resources after the deployment, and the properties in the template that the emulator ignores."""

import json

from checks_cli import prism
from issuer import AUDIENCE
from world import AWAY, REGION, STACK

FUNCTION = "AWS::Serverless::Function"
# The functions that are no steps of a save.
OUTSIDE = {"Sweep", "Ends", "Wake", "Deliver", "Api"}
STATIC = {"PRISM_TABLE", "PRISM_EVENT_BUS", "PRISM_ALARM_TOPIC_ARN", "PRISM_PUBLIC_SCOPE"}
# What needs no token: how to sign in, and the files of the portal.
OPEN_ROUTES = {"GET /v1/config", "GET /", "GET /{proxy+}"}


def of_type(world, kind):
    return {
        name: one for name, one in world.template["Resources"].items() if one["Type"] == kind
    }


def check_resources(world):
    """Every resource of the template exists, except for those that its conditions exclude."""
    left_out = {
        name
        for name, one in world.template["Resources"].items()
        if one.get("Condition") in ("HasCors", "HasEmail", "HasBudget")
    }
    missing = set(world.template["Resources"]) - set(world.resources) - left_out
    assert not missing, f"the stack lacks {sorted(missing)}"
    for name, one in world.resources.items():
        done = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        assert one["ResourceStatus"] in done, f"{name}: {one['ResourceStatus']}"


def check_functions(world):
    """There is one function for each step, each with a role of its own and a published alias."""
    client, roles = world.client("lambda"), set()
    for logical, one in of_type(world, FUNCTION).items():
        wanted, name = one["Properties"], world.physical(logical)
        got = client.get_function_configuration(FunctionName=name)
        assert name == f"{STACK}-{wanted['Handler']}", name
        assert logical == f"{wanted['Handler']}Function", logical
        for key, value in {
            "Handler": wanted["Handler"],
            "Runtime": "provided.al2023",
            "MemorySize": wanted["MemorySize"],
            "Timeout": wanted["Timeout"],
            "Architectures": ["x86_64"],
        }.items():
            assert got[key] == value, f"{name}: {key} is {got[key]}, not {value}"
        lacks = STATIC - set(got["Environment"]["Variables"])
        assert not lacks, f"{name} lacks {lacks}"
        assert version(world, name) == "2", f"{name} was deployed, and then once more"
        roles.add(got["Role"])
    machine = world.template["Resources"]["SaveStateMachine"]["Properties"]
    placeholders = set(machine["DefinitionSubstitutions"]) - {"Partition"}
    handlers = {one["Properties"]["Handler"] for one in of_type(world, FUNCTION).values()}
    assert placeholders < handlers and handlers - placeholders == OUTSIDE
    assert len(roles) == len(handlers), "functions share a role"


def check_state_machine(world):
    """The definition is the one in the file, and each of its steps is a published version."""
    got = world.client("stepfunctions").describe_state_machine(
        stateMachineArn=world.outputs["StateMachineArn"]
    )
    text = (world.programs["root"] / "statemachine/save.asl.json").read_text()
    substitutions = world.template["Resources"]["SaveStateMachine"]["Properties"]
    text = text.replace("${Partition}", "aws")
    for name in set(substitutions["DefinitionSubstitutions"]) - {"Partition"}:
        function = f"{STACK}-{name}:{version(world, f'{STACK}-{name}')}"
        arn = f"arn:aws:lambda:{REGION}:{got['roleArn'].split(':')[4]}:function:{function}"
        text = text.replace(f"${{{name}}}", arn)
    assert "${" not in text, "a placeholder is left"
    assert json.loads(got["definition"]) == json.loads(text)
    assert got["type"] == "STANDARD"


def check_table(world):
    """The registry's keys and indexes."""
    table = world.client("dynamodb").describe_table(TableName=world.outputs["TableName"])["Table"]

    def keys(schema):
        return [(one["AttributeName"], one["KeyType"]) for one in schema]

    assert keys(table["KeySchema"]) == [("pk", "HASH"), ("sk", "RANGE")]
    indexes = {one["IndexName"]: one for one in table["GlobalSecondaryIndexes"]}
    assert set(indexes) == {"gsi1", "gsi2"}
    for name, index in indexes.items():
        assert keys(index["KeySchema"]) == [(f"{name}pk", "HASH"), (f"{name}sk", "RANGE")]
        assert index["Projection"]["ProjectionType"] == "ALL"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def check_routes(world):
    """There are two APIs with one function: one for signed requests, one for requests with a token."""
    client = world.client("apigatewayv2")
    for logical, kind in {"HttpApi": "AWS_IAM", "PortalApi": "JWT"}.items():
        api = world.physical(logical)
        routes = client.get_routes(ApiId=api)["Items"]
        methods = {route["RouteKey"].split()[0] for route in routes}
        assert methods >= {"GET", "POST", "PATCH", "DELETE"}, methods
        for route in routes:
            if logical == "PortalApi" and route["RouteKey"] in OPEN_ROUTES:
                assert route["AuthorizationType"] == "NONE", route
                continue
            assert route["RouteKey"].endswith(" /v1/{proxy+}"), route["RouteKey"]
            assert route["AuthorizationType"] == kind, route
        (integration,) = client.get_integrations(ApiId=api)["Items"]
        assert integration["PayloadFormatVersion"] == "2.0"
        assert f"{STACK}-Api" in integration["IntegrationUri"]
    (authorizer,) = client.get_authorizers(ApiId=world.physical("PortalApi"))["Items"]
    told = authorizer["JwtConfiguration"]
    assert told == {"Issuer": world.issuer.url, "Audience": [AUDIENCE]}, told


def check_rules(world):
    """The rules that invoke the sweep and end waits, and their permissions."""
    events, functions = world.client("events"), world.client("lambda")
    queue = wake_queue(world)
    for logical in ["SweepRule", "ExecutionEndedRule", "InstanceChangedRule", "ImageChangedRule"]:
        rule = events.describe_rule(Name=rule_name(world, logical))
        assert rule["State"] == "ENABLED", rule
        (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        if logical == "SweepRule":
            assert target["Arn"].endswith(f":function:{STACK}-Sweep:live"), target
            policy = functions.get_policy(FunctionName=f"{STACK}-Sweep", Qualifier="live")["Policy"]
        else:
            assert target["Arn"] == queue["QueueArn"], target
            policy = queue["Policy"]
        assert rule["Arn"] in policy, f"{logical} may not send to its target"
        wanted = world.template["Resources"][logical]["Properties"]
        if "ScheduleExpression" in wanted:
            assert rule["ScheduleExpression"] == wanted["ScheduleExpression"] == "rate(5 minutes)"
        else:
            pattern = json.loads(rule["EventPattern"])
            assert pattern["source"] == wanted["EventPattern"]["source"], pattern
    pattern = json.loads(events.describe_rule(Name=rule_name(world, "ExecutionEndedRule"))["EventPattern"])
    assert pattern["detail"]["stateMachineArn"] == [world.outputs["StateMachineArn"]]
    assert "ABORTED" in pattern["detail"]["status"]


def wake_queue(world):
    """The attributes of the queue that the wake-up function reads."""
    url = world.physical("WakeQueue")
    queue = world.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    mappings = world.client("lambda").list_event_source_mappings(EventSourceArn=queue["QueueArn"])
    (mapping,) = mappings["EventSourceMappings"]
    assert mapping["FunctionArn"].endswith(f":function:{STACK}-Wake:live"), mapping
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], mapping
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 4}, mapping
    return queue


def rule_name(world, logical):
    return world.physical(logical).rsplit("/", 1)[-1]


def check_schedules(world):
    """The schedule group, and the schedules' role, which may only start saves."""
    scheduler, iam = world.client("scheduler"), world.client("iam")
    scheduler.get_schedule_group(Name=world.outputs["ScheduleGroupName"])
    role = world.outputs["ScheduleRoleArn"].rsplit("/", 1)[1]
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}, statement
    assert statement["Condition"]["StringEquals"]["aws:SourceAccount"], statement
    actions = set()
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        for one in document["Statement"]:
            actions |= {one["Action"]} if isinstance(one["Action"], str) else set(one["Action"])
    assert "states:StartExecution" in actions and actions <= {
        "states:StartExecution",
        "sqs:SendMessage",
    }, actions


def check_alarms(world):
    """Alarms notify the topic; the dashboard and the dead-letter queue exist."""
    alarms = of_type(world, "AWS::CloudWatch::Alarm")
    told = world.client("cloudwatch").describe_alarms()["MetricAlarms"]
    names = {one["AlarmName"] for one in told if world.outputs["AlarmTopicArn"] in one["AlarmActions"]}
    wanted = {world.physical(name) for name in alarms if name in world.resources}
    assert wanted and wanted <= names, wanted - names
    assert world.client("cloudwatch").list_dashboards()["DashboardEntries"]
    world.client("sns").get_topic_attributes(TopicArn=world.outputs["AlarmTopicArn"])
    world.client("sqs").get_queue_attributes(QueueUrl=world.physical("DeadLetters"))


def check_what_is_dropped(world):
    """The template has the properties that the emulator silently ignores. They can only be checked there."""
    resources = world.template["Resources"]
    table = resources["RegistryTable"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    of = table["Properties"]
    assert of["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert of["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert of["DeletionProtectionEnabled"] is not False and "SSESpecification" in of
    machine = resources["SaveStateMachine"]["Properties"]
    assert machine["Tracing"] == {"Enabled": True} and machine["Logging"]["Level"] == "ERROR"
    assert world.template["Globals"]["Function"]["Tracing"] == "Active"
    assert "CorsConfiguration" in resources["PortalApi"]["Properties"]
    definition = (world.programs["root"] / "statemachine/save.asl.json").read_text()
    assert json.loads(definition)["TimeoutSeconds"] > 0, "an execution would have no limit"


def check_change(world):
    """A change of one parameter takes effect: each function has a new version, in the definition and the alias."""
    from stack import change

    before = live_versions(world)
    change(world, {"LogLevel": "info"})
    after = live_versions(world)
    old = [name for name, version in after.items() if version == before[name]]
    assert not old, f"no other version of {old}"
    client = world.client("stepfunctions")
    told = client.describe_state_machine(stateMachineArn=world.outputs["StateMachineArn"])
    for name, version in after.items():
        if f":function:{name}:" in told["definition"]:
            assert f":function:{name}:{version}" in told["definition"], name
    settings = world.client("lambda").get_function_configuration(
        FunctionName=f"{STACK}-PlanSave", Qualifier="live"
    )["Environment"]["Variables"]
    assert settings["PRISM_LOG"] == "info", settings["PRISM_LOG"]


def version(world, function):
    """The version that a function's alias names."""
    alias = world.client("lambda").get_alias(FunctionName=function, Name="live")
    return alias["FunctionVersion"]


def live_versions(world):
    """The version that each function's alias names."""
    names = [world.physical(logical) for logical in of_type(world, FUNCTION)]
    return {name: version(world, name) for name in names}


def check_subnet(world):
    """With a subnet set, instances are launched into it, and not at all in Regions without such a subnet."""
    from stack import change

    subnet = world.ec2().describe_subnets()["Subnets"][0]
    change(world, {"LaunchSubnets": subnet["SubnetId"]})
    bob = world.users["bob"]
    launch = ("launch", "python-ml", "bobs-here", "--size", "M")
    prism(world, bob, *launch)
    away = prism(world, bob, *launch, "--region", AWAY, expect=1).stderr
    assert "LaunchSubnets" in away, away


# Last, because it changes what other checks read.
CHANGE = [
    ("a parameter that alone has changed", check_change),
    ("a subnet to launch into", check_subnet),
]
CHECKS = [
    ("every resource of the template exists", check_resources),
    ("functions, each with its role and alias", check_functions),
    ("the definition, by published versions", check_state_machine),
    ("the table's keys and indexes", check_table),
    ("routes and their authorisers", check_routes),
    ("rules, their targets and permissions", check_rules),
    ("the schedule group and its role", check_schedules),
    ("alarms, dashboard, topic, dead letters", check_alarms),
    ("the template has what the emulator drops", check_what_is_dropped),
]
