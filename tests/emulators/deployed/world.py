"""A deployment on the emulator, and its users."""

import contextlib
import json
import os
import secrets
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from servers import ACCOUNT, REGION, SPEED, clean

AWAY = "us-west-2"
STACK = "prism"
PATIENT = Config(retries={"max_attempts": 5, "mode": "standard"}, read_timeout=30)
FINAL = ("succeeded", "failed", "stranded")


@dataclass
class User:
    """A signer of requests: an access key, and its owner."""

    name: str
    key: str
    secret: str


@dataclass
class World:
    """The state shared by the checks."""

    scratch: Path
    logs: Path
    url: str
    gate: object
    issuer: object
    root: User
    programs: dict
    users: dict = field(default_factory=dict)
    outputs: dict = field(default_factory=dict)
    template: dict = field(default_factory=dict)
    resources: dict = field(default_factory=dict)
    canaries: dict = field(default_factory=dict)
    transcript: list = field(default_factory=list)
    manager: object = None
    operator: tuple = ()

    def client(self, service, user=None, region=REGION):
        """A client of the emulator, as root unless a user is given."""
        user = user or self.root
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=user.key,
            aws_secret_access_key=user.secret,
            config=PATIENT,
        )

    def client_wire(self, service, region=REGION):
        """A client of the simulated EC2 itself, which allows every request."""
        return boto3.client(
            service,
            endpoint_url=self.gate.url,
            region_name=region,
            aws_access_key_id="AKIABEHINDTHEGATE",
            aws_secret_access_key="not-verified",
            config=PATIENT,
        )

    def ec2(self, region=REGION):
        return self.client_wire("ec2", region)

    def environment(self, user, **more):
        """The environment of a program that a user runs."""
        return clean(
            HOME=str(self.scratch),
            AWS_ACCESS_KEY_ID=user.key,
            AWS_SECRET_ACCESS_KEY=user.secret,
            AWS_REGION=REGION,
            AWS_DEFAULT_REGION=REGION,
            AWS_EC2_METADATA_DISABLED="true",
            AWS_ENDPOINT_URL=self.url,
            AWS_ENDPOINT_URL_EC2=self.gate.endpoint,
            AWS_ENDPOINT_URL_SSM=self.gate.endpoint,
            AWS_ENDPOINT_URL_KMS=self.gate.endpoint,
            AWS_PAGER="",
            NO_COLOR="1",
            **more,
        )

    def run(self, command, environment, expect=0, cwd=None, timeout=240):
        """Runs a program, keeps its output for the scan of all logs, and returns its stdout."""
        told = subprocess.run(
            command,
            env=environment,
            cwd=cwd or self.scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        line = " ".join(os.path.basename(str(word)) for word in command)
        said = f"$ {line}\n{told.stdout}{told.stderr}"
        self.transcript.append(said)
        assert told.returncode == expect, f"exit code {told.returncode}, not {expect}:\n{said}"
        return told

    def physical(self, logical):
        """The physical ID of a resource of the template."""
        return self.resources[logical]["PhysicalResourceId"]

    def user(self, name, *policies, managed=()):
        """Creates an IAM user with an access key."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        for number, statements in enumerate(policies):
            document = {"Version": "2012-10-17", "Statement": statements}
            iam.put_user_policy(
                UserName=name, PolicyName=f"Own{number}", PolicyDocument=json.dumps(document)
            )
        for arn in managed:
            iam.attach_user_policy(UserName=name, PolicyArn=arn)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        made = User(name, key["AccessKeyId"], key["SecretAccessKey"])
        self.users[name] = made
        self.gate.know_user(made)
        self.canaries[f"the secret key of {name}"] = made.secret
        return made

    def execution(self, name):
        machine = self.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
        return self.client("stepfunctions").describe_execution(executionArn=f"{machine}:{name}")

    def save_record(self, save_id):
        """The record of a save in the table."""
        got = self.client("dynamodb").get_item(
            TableName=self.outputs["TableName"],
            Key={"pk": {"S": f"SAVE#{save_id}"}, "sk": {"S": "META"}},
        )
        return plain(got["Item"]["record"]) if "Item" in got else None

    def saves_of(self, template):
        """The records of the saves that made a template."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(
            TableName=self.outputs["TableName"],
            FilterExpression="begins_with(pk, :save) AND sk = :meta",
            ExpressionAttributeValues={":save": {"S": "SAVE#"}, ":meta": {"S": "META"}},
        )
        records = [plain(item["record"]) for page in pages for item in page["Items"]]
        return [one for one in records if one["request"]["template"] == template]

    def saved(self, save_id, wanted="succeeded", timeout=120):
        """Waits for a save to end, and checks its final state."""

        def ended():
            record = self.save_record(save_id)
            if record is None and self.execution(save_id)["status"] != "RUNNING":
                return f"not there, as {self.execution(save_id).get('cause')}"
            return record and record["state"] in FINAL and record["state"]

        state = until(ended, timeout, f"the end of {save_id}")
        assert state == wanted, f"{save_id} is {state}: {self.save_record(save_id)}"
        return self.save_record(save_id)

    def instance(self, name):
        """An instance by its name: its ID, its state, its tags."""
        named = [{"Name": "tag:Name", "Values": [name]}]
        found = self.ec2().describe_instances(Filters=named)["Reservations"]
        found = [one for reservation in found for one in reservation["Instances"]]
        assert len(found) == 1, f"{len(found)} instances are called {name}"
        return found[0]

    def until_state(self, name, state, timeout=60):
        until(
            lambda: self.instance(name)["State"]["Name"] == state, timeout, f"{name} to be {state}"
        )

    def wait_scale(self, scale):
        """Sets the scale of the waits in the emulator's state machines, from now on."""
        body = json.dumps({"stepfunctions._SFN_WAIT_SCALE": scale}).encode()
        self.ask("POST", "/_ministack/config", body)

    def wait_scale_back(self):
        self.wait_scale(1 / SPEED)

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, body, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    @contextlib.contextmanager
    def with_statement(self, function, statement):
        """Adds a statement to the role of a function until the block ends."""
        iam = self.client("iam")
        role = self.client("lambda").get_function_configuration(FunctionName=function)["Role"]
        one = {"RoleName": role.rsplit("/", 1)[1], "PolicyName": "Added"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_role_policy(**one, PolicyDocument=json.dumps(document))
        self.gate.forget_policies()
        try:
            yield
        finally:
            iam.delete_role_policy(**one)
            self.gate.forget_policies()


def until(look, timeout, what):
    """Waits until `look` returns a true value, and returns it."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {timeout} s for {what}")


def plain(value):
    """Converts a DynamoDB value to a Python value."""
    return TypeDeserializer().deserialize(value)


def canary():
    """A secret with a unique form."""
    return "canary" + secrets.token_hex(17)


__all__ = ["ACCOUNT", "AWAY", "REGION", "STACK", "User", "World", "canary", "until"]
