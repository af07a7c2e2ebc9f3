"""The command line, as an operator by the backend `aws` and as a member by the backend `api`."""

import json

from world import AWAY, REGION

ANY = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


def prism(world, user, *words, expect=0, **more):
    """Runs prism as a user, whose configuration is in a folder of its own."""
    home = world.scratch / f"home-{user.name}"
    home.mkdir(exist_ok=True)
    environment = world.environment(user, **more) | {"HOME": str(home)}
    return world.run([world.programs["prism"], *words], environment, expect)


def told(world, user, *words, **more):
    """What prism prints under --json."""
    return json.loads(prism(world, user, *words, "--json", **more).stdout)


def check_configure(world):
    """An operator's profile is made from the outputs of the stack, and found to be whole."""
    ann = world.user("ann", ANY)
    prism(world, ann, "configure", "--stack", "prism", "--region", REGION, "--default")
    # The emulator takes an input that is no JSON for one: it cannot be asked whether one may start.
    report = prism(world, ann, "doctor", expect=1).stdout
    failed = [line.split()[1] for line in report.splitlines() if line.startswith("fail")]
    assert failed == ["states:StartExecution"], report


def check_save(world):
    """Launch, save with a second Region, see, launch what was saved: all on AWS itself."""
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
