"""EC2's permission check, in front of the simulated EC2, which has none.

Each request is checked against the IAM policies of its signer, a function's role or a user, as the Service
Authorization Reference says: every resource that an action names or creates, with its tags and those of the
request, and ec2:CreateTags for resources that are tagged on creation. The policies are read from the emulator's
IAM and evaluated by its evaluator. Signatures are not verified here.
"""

import base64
import contextlib
import hashlib
import json
import re
import threading
import urllib.parse

from botocore.exceptions import ClientError
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from forward import forwarding
from servers import ACCOUNT

CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
# The resources that each action names, by parameter, and those that it creates. An action in neither table has no
# resource-level permissions.
NAMES = {
    "AuthorizeSecurityGroupIngress": {"GroupId": "security-group"},
    "CreateImage": {"InstanceId": "instance"},
    "CreateSecurityGroup": {"VpcId": "vpc"},
    "DeleteSnapshot": {"SnapshotId": "snapshot"},
    "DeregisterImage": {"ImageId": "image"},
    "DescribeImageAttribute": {"ImageId": "image"},
    "DescribeInstanceAttribute": {"InstanceId": "instance"},
    "GetConsoleOutput": {"InstanceId": "instance"},
    "DescribeSnapshotAttribute": {"SnapshotId": "snapshot"},
    "CreateTags": {"ResourceId": "instance"},
    "ModifyImageAttribute": {"ImageId": "image"},
    "ModifyInstanceAttribute": {"InstanceId": "instance"},
    "ModifySnapshotAttribute": {"SnapshotId": "snapshot"},
    "RunInstances": {"ImageId": "image", "SecurityGroupId": "security-group", "SubnetId": "subnet"},
    "StartInstances": {"InstanceId": "instance"},
    "StopInstances": {"InstanceId": "instance"},
    "TerminateInstances": {"InstanceId": "instance"},
}
MAKES = {
    "CopyImage": ["image", "snapshot"],
    "CreateImage": ["image", "snapshot"],
    "CreateSecurityGroup": ["security-group"],
    "RunInstances": ["instance", "network-interface", "volume"],
}
# What EC2 uses if a request does not name one: the default subnet and the default security group.
DEFAULTS = {"RunInstances": {"SecurityGroupId": "security-group", "SubnetId": "subnet"}}
OWNERLESS = {"image", "snapshot"}


class Gate:
    """Authorises requests, and records who made them."""

    def __init__(self, url, sessions):
        self.url = url
        self.sessions = sessions
        self.asked = {}
        self.refused = []
        self.endpoint = None
        self.iam = None
        self.ec2 = None
        self.principals = {}
        self.policies = {}
        self.lock = threading.Lock()

    def know(self, iam, functions, ec2):
        """Sets the IAM endpoint for policies, and the functions by their configurations."""
        self.iam, self.ec2 = iam, ec2
        for function in functions:
            self.principals[session_of(function)[0]] = ("role", function["Role"].rsplit("/", 1)[1])

    def know_user(self, user):
        self.principals[user.key] = ("user", user.name)

    def forget_policies(self):
        with self.lock:
            self.policies.clear()

    def policies_of(self, principal):
        with self.lock:
            if principal not in self.policies:
                self.policies[principal] = list(documents(self.iam, *principal))
            return self.policies[principal]

    def refusal(self, headers, body):
        """Why a request is refused, as (code, message); None if it is allowed."""
        key, region, service = CREDENTIAL.search(headers.get("Authorization", "")).groups()
        principal = self.principals.get(key)
        if principal is None:
            return "AuthFailure", "AWS was not able to validate the provided access credentials"
        name, needs = demands(service, headers, body, region, self.tags)
        self.asked.setdefault(principal[1], set()).add(name)
        for action, arn, context in needs:
            request = EvalContext(
                principal_arn=f"arn:aws:iam::{ACCOUNT}:{principal[0]}/{principal[1]}",
                principal_type="AssumedRole" if principal[0] == "role" else "User",
                principal_account=ACCOUNT,
                action=action,
                resource_arn=arn,
                region=region,
                service_context={key.lower(): value for key, value in context.items()},
            )
            if evaluate(request, self.policies_of(principal)).decision != "Allow":
                who = f"{principal[0]} {principal[1]}"
                told = f"{who} is not authorized to perform: {action} on resource: {arn}"
                if told not in self.refused:
                    self.refused.append(told)
                return "UnauthorizedOperation", told
        return None

    def seen(self, body, answered):
        """Takes the user data of launches out of requests, for the stand-ins of the instances."""
        params = dict(urllib.parse.parse_qsl(body.decode()))
        if params.get("Action") == "RunInstances" and answered[0] == 200 and self.sessions:
            text = base64.b64decode(params.get("UserData", "")).decode()
            for instance in re.findall(rb"<instanceId>([^<]+)", answered[2]):
                self.sessions.launched(instance.decode(), text)
        return answered

    def tags(self, kind, region, names):
        """The tags of existing resources, by ID."""
        ec2 = self.ec2(region)
        if kind == "instance":
            found = ec2.describe_instances(InstanceIds=names)["Reservations"]
            found = [one for reservation in found for one in reservation["Instances"]]
        elif kind == "image":
            found = ec2.describe_images(ImageIds=names)["Images"]
        elif kind == "snapshot":
            found = ec2.describe_snapshots(SnapshotIds=names)["Snapshots"]
        elif kind == "security-group":
            found = ec2.describe_security_groups(GroupIds=names)["SecurityGroups"]
        else:
            return {}
        return {
            "aws:ResourceTag/" + tag["Key"]: tag["Value"]
            for one in found
            for tag in one.get("Tags", [])
        }


def documents(iam, kind, name):
    """All policies of a role or a user."""
    one = {"RoleName": name} if kind == "role" else {"UserName": name}
    for policy in getattr(iam, f"list_{kind}_policies")(**one)["PolicyNames"]:
        got = getattr(iam, f"get_{kind}_policy")(PolicyName=policy, **one)
        yield parse_policy_document(got["PolicyDocument"])
    for policy in getattr(iam, f"list_attached_{kind}_policies")(**one)["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        got = iam.get_policy_version(PolicyArn=arn, VersionId=version)
        yield parse_policy_document(got["PolicyVersion"]["Document"])


def session_of(function):
    """The key, secret and token that the emulator gives a function, derived from its ARN and role."""
    made = f"{function['FunctionArn']}:{function['Role']}"
    digest = hashlib.sha256(made.encode()).hexdigest()
    secret, token = (
        hashlib.sha256(f"{what}:{digest}".encode()).hexdigest() for what in ("secret", "token")
    )
    return f"ASIA{digest[:16].upper()}", secret, token


def demands(service, headers, body, region, tags_of):
    """The action of a request, and the permissions that it needs."""
    if service != "ec2":
        action = f"{service}:{headers['X-Amz-Target'].rsplit('.', 1)[1]}"
        asked = json.loads(body)
        if action == "ssm:GetParameter":
            arn = f"arn:aws:ssm:{region}::parameter{asked['Name']}"
        elif action == "ssm:StartSession":
            arns = [arn_of("instance", region, asked["Target"])]
            if "DocumentName" in asked:
                arns.append(f"arn:aws:ssm:{region}::document/{asked['DocumentName']}")
            return action, [(action, arn, tags_of_arn(arn, region, tags_of)) for arn in arns]
        elif "InstanceId" in asked:
            arn = arn_of("instance", region, asked["InstanceId"])
        else:
            arn = asked["KeyId"]
            arn = arn if arn.startswith("arn:") else f"arn:aws:kms:{region}:{ACCOUNT}:key/{arn}"
        return action, [(action, arn, {})]
    params = dict(urllib.parse.parse_qsl(body.decode()))
    return "ec2:" + params["Action"], list(of_ec2(params, region, tags_of))


def tags_of_arn(arn, region, tags_of):
    """The tags of an instance for Systems Manager's own key, which is spelled in another way than EC2's."""
    if ":instance/" not in arn:
        return {}
    tags = tags_of("instance", region, [arn.rsplit("/", 1)[1]])
    return tags | {key.replace("aws:", "ssm:"): value for key, value in tags.items()}


def of_ec2(params, region, tags_of):
    action = params["Action"]
    asked = tags_asked(params)
    known = NAMES.get(action, {})
    if not known and action not in MAKES:
        yield f"ec2:{action}", "*", {}
    for parameter, kind in known.items():
        for name in numbered(params, parameter):
            try:
                context = tags_of(kind, region, [name])
                if keys := numbered(params, r"Tag\.\d+\.Key"):
                    context = {**context, "aws:TagKeys": keys}
                if kind == "subnet":
                    context = {**context, "ec2:SubnetID": name}
                yield f"ec2:{action}", arn_of(kind, region, name), context
            except ClientError as error:
                # EC2 itself refuses resources that do not exist.
                if "NotFound" not in error.response["Error"]["Code"]:
                    raise
    if action == "CopyImage":
        # The source AMI needs permission too, without the tags of the new AMI.
        region_of, source = params["SourceRegion"], params["SourceImageId"]
        tags = tags_of("image", region_of, [source])
        yield "ec2:CopyImage", arn_of("image", region_of, source), tags
    for parameter, kind in DEFAULTS.get(action, {}).items():
        if not numbered(params, parameter):
            yield f"ec2:{action}", arn_of(kind, region, "*"), {}
    for kind in MAKES.get(action, []):
        context = {f"aws:RequestTag/{key}": value for key, value in asked.get(kind, {}).items()}
        yield f"ec2:{action}", arn_of(kind, region, "*"), context
        if context:
            yield "ec2:CreateTags", arn_of(kind, region, "*"), {**context, "ec2:CreateAction": action}


def arn_of(kind, region, name):
    owner = "" if kind in OWNERLESS else ACCOUNT
    return f"arn:aws:ec2:{region}:{owner}:{kind}/{name}"


def numbered(params, name):
    """The values of `Name`, or of `Name.1`, `Name.2` and so on."""
    return [value for key, value in params.items() if re.fullmatch(rf"{name}(\.\d+)?", key)]


def tags_asked(params):
    """The tags for the resources that a request creates, by resource type."""
    asked = {}
    for key, kind in params.items():
        if match := re.fullmatch(r"(TagSpecification\.\d+)\.ResourceType", key):
            pairs = [
                (params[one], params[one.removesuffix(".Key") + ".Value"])
                for one in params
                if re.fullmatch(re.escape(match[1]) + r"\.Tag\.\d+\.Key", one)
            ]
            asked[kind] = dict(pairs)
    return asked


@contextlib.contextmanager
def gate(url, sessions=None):
    """Serves a gate in front of the simulated EC2 at `url` until the block ends; `sessions` starts sessions."""
    one = Gate(url, sessions)

    def answer(headers, body, ask):
        if refusal := one.refusal(headers, body):
            return refused(headers, *refusal)
        if headers.get("X-Amz-Target", "").endswith(".StartSession"):
            region = CREDENTIAL.search(headers["Authorization"])[2]
            return sessions.start(one.ec2(region), json.loads(body))
        return one.seen(body, ask())

    with forwarding(url, answer) as one.endpoint:
        yield one


def refused(headers, code, message):
    """A refusal in EC2's format, or in that of the services with a JSON protocol."""
    if "X-Amz-Target" in headers:
        told = {"__type": "AccessDeniedException", "message": message}
        return 400, "application/x-amz-json-1.1", json.dumps(told).encode()
    told = (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
    )
    return 403, "text/xml;charset=UTF-8", told.encode()
