"""Deploys infra/template.yaml with the SAM CLI, as docs/deploy.md says."""

import shutil

import checks_walk
from gate import session_of
from issuer import AUDIENCE
import yaml
from samtranslator.yaml_helper import yaml_parse
from world import STACK

# What the checks need beyond the guide's own deployment.
PARAMETERS = {"JwtAudience": AUDIENCE, "LogLevel": "debug"}


def deploy(world):
    """Deploys with the guide's commands, and reads the resulting resources."""
    lay_out(world)
    world.operator = checks_walk.operator(world)
    walk, lines = world.operator
    for line in lines[:2]:
        walk.run(line)
    learn(world)


def settle(world):
    """Sets what the checks need, in an upgrade."""
    change(world, PARAMETERS | {"JwtIssuer": world.issuer.url})


def change(world, parameters):
    """Deploys the template again with other values of some parameters. The others keep theirs."""
    walk, lines = world.operator
    given = " ".join(f"{name}={value}" for name, value in parameters.items())
    walk.run(lines[1].rstrip(")") + f" --parameter-overrides {given})")
    learn(world)


def lay_out(world):
    """Creates the folders that the deployment reads."""
    project = world.scratch / "project"
    for folder in ("infra", "statemachine"):
        shutil.copytree(world.programs["root"] / folder, project / folder)
    template = project / "infra/template.yaml"
    world.template = yaml_parse(template.read_text())
    template.write_text(yaml.dump(named(world.template), Dumper=Flat))


class Flat(yaml.SafeDumper):
    """Writes what is used twice twice."""

    def ignore_aliases(self, data):
        return True


def named(node):
    """The template with names of instance profiles: here, Ref returns the ARN, and in CloudFormation the name."""
    if node == {"Ref": "InstanceProfile"}:
        return {"Fn::Select": [1, {"Fn::Split": ["/", node]}]}
    if isinstance(node, dict):
        return {key: named(value) for key, value in node.items()}
    if isinstance(node, list):
        return [named(value) for value in node]
    return node


def learn(world):
    """Reads the resources of the stack and the roles of its functions."""
    formation = world.client("cloudformation")
    stack = formation.describe_stacks(StackName=STACK)["Stacks"][0]
    world.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    found = [one for page in pages for one in page["StackResourceSummaries"]]
    world.resources = {one["LogicalResourceId"]: one for one in found}
    functions = list(configurations(world))
    world.gate.know(world.client("iam"), functions, world.ec2)
    for function in functions:
        name = f"{function['FunctionName']}:{function['Version']}"
        _, secret, token = session_of(function)
        world.canaries[f"the secret key of {name}"] = secret
        world.canaries[f"the session token of {name}"] = token


def configurations(world):
    """The configurations of every function: the published versions, and the latest."""
    client = world.client("lambda")
    for logical, one in world.template["Resources"].items():
        if one["Type"] == "AWS::Serverless::Function":
            versions = client.list_versions_by_function(FunctionName=world.physical(logical))
            yield from versions["Versions"]
