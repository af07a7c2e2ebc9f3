"""Templates used by several users: shares, copies, projects with a budget, and deletion."""

import json

from checks_cli import prism, told
from world import AWAY, REGION

OTHER = "444455556666"


def check_shared(world):
    """A user of the deployment can launch a shared template until the share is revoked."""
    ann, bob = world.users["ann"], world.users["bob"]
    launch = ("launch", "kept", "bobs-kept", "--dry-run")
    assert "TemplateNotFound" in prism(world, bob, *launch, "--json", expect=1).stderr
    prism(world, ann, "template", "share", "kept", "--user", "iam:user/bob", "--yes")
    prism(world, bob, *launch)
    prism(world, ann, "template", "unshare", "kept", "--user", "iam:user/bob")
    assert "TemplateNotFound" in prism(world, bob, *launch, "--json", expect=1).stderr
    events = json.dumps(told(world, ann, "audit", "list", "--resource", "template:kept"))
    assert "template.share" in events and "template.unshare" in events, events


def check_account(world):
    """Another account may launch the AMIs in every Region until the share is revoked."""
    ann = world.users["ann"]
    images = world.save_record(newest_save(world, ann, "kept"))
    images = {REGION: images["image"]} | {AWAY: copy["image"] for copy in images["copies"].values()}
    # The disks of these instances were never inspected, so confirming the prompt is not enough.
    refused = prism(world, ann, "template", "share", "kept", "--account", OTHER, "--yes", expect=1)
    assert "FilesUnknown" in refused.stderr, refused
    prism(world, ann, "template", "share", "kept", "--account", OTHER, "--yes", "--publish-sensitive")
    for region, image in images.items():
        assert OTHER in opened(world, region, image), (region, opened(world, region, image))
    prism(world, ann, "template", "unshare", "kept", "--account", OTHER)
    for region, image in images.items():
        assert not opened(world, region, image), region


def opened(world, region, image):
    """The accounts that may launch an AMI."""
    told = world.ec2(region).describe_image_attribute(ImageId=image, Attribute="launchPermission")
    return [one.get("UserId") for one in told["LaunchPermissions"]]


def newest_save(world, user, template):
    """The save with copies that made the template's version."""
    saves = told(world, user, "saves", "list")["saves"]
    ids = [one["save_id"] for one in saves if one["template"] == template]
    return next(one for one in ids if world.save_record(one)["copies"])


def check_copy(world):
    """A member copies a version to a further Region, without a save."""
    bob = world.users["bob"]
    prism(world, bob, "template", "copy", "bobs-own", "--region", AWAY)
    assert AWAY in prism(world, bob, "template", "info", "bobs-own").stdout


def check_project(world):
    """A project's members launch its templates; its hard stop refuses a save before anything is done."""
    ann, bob = world.users["ann"], world.users["bob"]
    prism(world, ann, "project", "create", "brain")
    prism(world, ann, "project", "member", "add", "brain", "iam:user/bob", "--role", "member")
    prism(world, ann, "project", "share-template", "brain", "kept", "--yes")
    prism(world, bob, "launch", "kept", "bobs-kept", "--size", "M")
    world.until_state("bobs-kept", "running")
    shown = prism(world, bob, "project", "templates", "brain").stdout
    assert "kept" in shown, shown
    prism(world, ann, "project", "budget", "brain", "--limit", "0.01", "--hard-stop")
    # Not the instance that the schedule may be saving at this moment.
    save = ("save", "bobs-kept", "too-much", "--project", "brain", "--yes", "--json")
    refused = prism(world, bob, *save, expect=1).stderr
    assert "Budget" in refused, refused
    assert world.instance("bobs-kept")["State"]["Name"] == "running"
    prism(world, bob, "terminate", "bobs-kept", "--yes")
    shown = prism(world, bob, "project", "costs", "brain").stdout
    assert "brain" in shown, shown


def check_deleted(world):
    """A template is deleted with its AMIs and snapshots, in both Regions."""
    bob = world.users["bob"]
    for region in (REGION, AWAY):
        assert len(left(world, region, "bobs-own")) >= 2, f"nothing is to be removed in {region}"
    prism(world, bob, "template", "delete", "bobs-own", "--yes", "--force")
    for region in (REGION, AWAY):
        still = left(world, region, "bobs-own")
        assert not still, (region, still)
    hidden = prism(world, bob, "template", "info", "bobs-own", "--json", expect=1).stderr
    assert "TemplateNotFound" in hidden, hidden


def left(world, region, template):
    """The remaining AMIs and snapshots of a template."""
    tagged = [{"Name": "tag:prism:template", "Values": [template]}]
    ec2 = world.ec2(region)
    images = ec2.describe_images(Owners=["self"], Filters=tagged)["Images"]
    snapshots = ec2.describe_snapshots(OwnerIds=["self"], Filters=tagged)["Snapshots"]
    # EC2 returns an AMI for some minutes after it was deregistered.
    images = [one for one in images if one["State"] != "deregistered"]
    return [one["ImageId"] for one in images] + [one["SnapshotId"] for one in snapshots]


CHECKS = [
    ("a template, shared with a user", check_shared),
    ("a template, shared with an account in both Regions", check_account),
    ("a copy to a further Region", check_copy),
    ("a project, its templates and its hard stop", check_project),
    ("a template, deleted with all that is its", check_deleted),
]
