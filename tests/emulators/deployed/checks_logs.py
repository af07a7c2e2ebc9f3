"""Nothing that was logged in the run contains a secret, a token or a credential."""

import re

from issuer import unsigned

# The forms of credentials, for any user.
SHAPES = {
    "a token": r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.",
    "a signature": r"AWS4-HMAC-SHA256 Credential=",
    "a bearer's header": r"(?i)bearer [A-Za-z0-9_-]{16,}",
    "a session token": r"(?i)x-amz-security-token[\"']?[:=] ?[\"']?[A-Za-z0-9/+]{16,}",
    "a secret key": r"(?i)(secret_?access_?key|SecretAccessKey)[\"']?[:=] ?[\"']?[A-Za-z0-9/+]{16,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
}

# The permissions that checks_save.py removes.
BROKEN = [
    r"prism-AwaitStoppedRole.* ec2:DescribeInstances",
    r"prism-PlanSave.* dynamodb:GetItem",
]

# The emulator does not support the condition key `events:source`, on which these permissions depend. A save
# continues without its notification.
UNKNOWN = [r"prism-(CompleteSave|FailSave|Stranded)Role.* events:PutEvents"]


def check_logs(world):
    """Scans the logs of the servers and functions, the output of programs, and the data of executions."""
    texts = everything(world)
    missing = {"ministack.log", "programs", "executions", "/aws/lambda/prism-PlanSave"} - set(texts)
    assert not missing, f"nothing was logged by {missing}"
    assert '"message"' in texts["/aws/lambda/prism-PlanSave"], "the functions log nothing"
    found = [(place, what) for place, text in texts.items() for what in leaks(text, world.canaries)]
    assert not found, f"logged: {sorted(set(found))}"


def check_refusals(world):
    """No required permission was refused, except where a policy was broken on purpose."""
    texts = everything(world)
    refused = set(world.gate.refused)
    for name, text in texts.items():
        if name.startswith("/aws/lambda/"):
            refused |= set(re.findall(r"\S+ is not authorized to perform: [a-z0-9-]+:\w+", text))
    expected = [*BROKEN, *UNKNOWN]
    unexpected = {told for told in refused if not any(re.search(one, told) for one in expected)}
    assert not unexpected, unexpected
    for one in BROKEN:
        assert any(re.search(one, told) for told in refused), f"nothing was refused like {one}"


def check_scan(world):
    """The scan finds each canary, and each form of credential, in a log that contains it."""
    canaries = dict(world.canaries)
    token = world.issuer.token("canary@example.org")
    planted = {
        "a token": f"got {token}",
        "a signature": "authorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/ec2",
        "a bearer's header": f"Authorization: Bearer {'a1' * 12}",
        "a session token": f'"x-amz-security-token": "{"Fwo" * 9}"',
        "a secret key": f'secret_access_key: "{"s3" * 20}"',
        "a private key": "-----BEGIN RSA PRIVATE KEY-----",
    }
    assert set(planted) == set(SHAPES) and len(canaries) > 20
    for what, line in planted.items():
        assert what in leaks(line, {}), f"{what} was not found"
    assert "a token" in leaks(unsigned(token), {})
    for what, canary in canaries.items():
        assert leaks(f'{{"message":"{canary}"}}', canaries) .count(what), f"{what} was not found"
    assert not leaks("access key ASIA0123456789ABCDEF of role prism-PlanSaveRole", canaries)


def leaks(text, canaries):
    """The secrets in a text."""
    found = [what for what, canary in canaries.items() if canary in text]
    return found + [what for what, shape in SHAPES.items() if re.search(shape, text)]


def everything(world):
    """Everything that was logged, by source."""
    texts = {log.name: log.read_text(errors="replace") for log in world.logs.iterdir()}
    texts["programs"] = "\n".join(world.transcript)
    logs = world.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
            texts[name] = "\n".join(event["message"] for page in pages for event in page["events"])
    states = world.client("stepfunctions")
    told = []
    machine = {"stateMachineArn": world.outputs["StateMachineArn"]}
    for page in states.get_paginator("list_executions").paginate(**machine):
        for one in page["executions"]:
            arn = {"executionArn": one["executionArn"]}
            told += map(str, states.get_paginator("get_execution_history").paginate(**arn))
    texts["executions"] = "\n".join(told)
    return texts


CHECKS = [
    ("nobody was refused what they need", check_refusals),
    ("no secret is in any log", check_logs),
    ("the scan of the logs finds what it looks for", check_scan),
]
