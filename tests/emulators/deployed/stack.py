"""Deploys infra/template.yaml with the AWS CLI, as described in docs/deploy.md."""

import shutil
import sys
from pathlib import Path

from awscli.customizations.cloudformation.yamlhelper import yaml_dump, yaml_parse
from gate import session_of
from issuer import AUDIENCE
from world import STACK

ARTEFACTS = "prism-artefacts"
# Resources that this emulator cannot create, which would roll the whole stack back.
REFUSED = {}
PARAMETERS = {"Architecture": "x86_64", "JwtAudience": AUDIENCE, "LogLevel": "debug"}


def deploy(world):
    """Packages and deploys the template, and reads the resulting resources."""
    project = lay_out(world)
    environment = world.environment(world.root)
    aws = [Path(sys.executable).with_name("aws")]
    world.client("s3").create_bucket(Bucket=ARTEFACTS)
    packaged = world.scratch / "packaged.yaml"
    world.run(
        [*aws, "cloudformation", "package", "--template-file", "template.yaml"]
        + ["--s3-bucket", ARTEFACTS, "--output-template-file", packaged],
        environment,
        cwd=project / "infra",
    )
    world.template = yaml_parse((project / "infra/template.yaml").read_text())
    leave_out(packaged)
    parameters = PARAMETERS | {"JwtIssuer": world.issuer.url}
    apply(world, packaged, parameters)
    learn(world)


def change(world, parameters):
    """Deploys the template again with other values of some parameters."""
    apply(world, world.scratch / "packaged.yaml", parameters)
    learn(world)


def apply(world, packaged, parameters):
    aws = [Path(sys.executable).with_name("aws")]
    world.run(
        [*aws, "cloudformation", "deploy", "--template-file", packaged, "--stack-name", STACK]
        + ["--s3-bucket", ARTEFACTS, "--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
        + ["CAPABILITY_AUTO_EXPAND", "--parameter-overrides"]
        + [f"{name}={value}" for name, value in parameters.items()],
        world.environment(world.root),
    )


def lay_out(world):
    """Creates the folders that the template names, with the given package in its place."""
    project = world.scratch / "project"
    for folder in ("infra", "statemachine"):
        shutil.copytree(world.programs["root"] / folder, project / folder)
    package = project / "target/package/bootstrap.zip"
    package.parent.mkdir(parents=True)
    package.symlink_to(world.programs["package"])
    return project


def leave_out(packaged):
    template = yaml_parse(packaged.read_text())
    for name in REFUSED:
        del template["Resources"][name]
    packaged.write_text(yaml_dump(named(template)))


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
