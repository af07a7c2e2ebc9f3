"""The command line: an operator with the backend `aws`, and a member with the backend `api`."""

import json

from world import AWAY, REGION


def prism(world, user, *words, expect=0, **more):
    """Runs prism as a user, with a configuration folder for each user."""
    home = world.scratch / f"home-{user.name}"
    home.mkdir(exist_ok=True)
    environment = world.environment(user, **more) | {"HOME": str(home)}
    return world.run([world.programs["prism"], *words], environment, expect)


def told(world, user, *words, **more):
    """The output of prism with --json."""
    return json.loads(prism(world, user, *words, "--json", **more).stdout)


def check_configure(world):
    """An operator's profile is created from the outputs of the stack, and the doctor finds no problem."""
    ann = world.users["ann"]
    prism(world, ann, "configure", "--stack", "prism", "--region", REGION, "--default")
    # The emulator accepts an input that is not JSON, so the permission to start executions cannot be checked.
    report = prism(world, ann, "doctor", expect=1).stdout
    failed = [line.split()[1] for line in report.splitlines() if line.startswith("fail")]
    assert failed == ["states:StartExecution"], report


def check_save(world):
    """Launches, saves with a second Region, shows the save, and launches the version, all on AWS directly."""
    ann = world.users["ann"]
    prism(world, ann, "launch", "python-ml", "work", "--size", "M")
    prism(world, ann, "save", "work", "kept", "--region", AWAY, "--yes")
    shown = prism(world, ann, "template", "info", "kept").stdout
    assert AWAY in shown and "iam:user/ann" in shown, shown
    templates = told(world, ann, "templates")
    assert "kept" in json.dumps(templates), templates
    (save,) = [one for one in told(world, ann, "saves", "list")["saves"] if one["template"] == "kept"]
    assert save["state"] == "succeeded", save
    prism(world, ann, "launch", "kept", "again", "--size", "L")
    image = world.instance("again")["ImageId"]
    record = world.save_record(save["save_id"])
    assert record["image"] == image, (record["image"], image)
    assert record["copies"][AWAY]["state"] == "available", record["copies"]
    tags = {tag["Key"]: tag["Value"] for tag in world.instance("again")["Tags"]}
    assert tags["prism:owner"] == "iam:user/ann", tags
    assert tags["prism:deployment"] == world.outputs["DeploymentId"], tags
    world.until_state("work", "running")


CHECKS = [
    ("an operator's profile, by the stack's outputs", check_configure),
    ("launch, save with two Regions, launch again, by the CLI on AWS", check_save),
]
