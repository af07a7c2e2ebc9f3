"""A scheduled save: created through the API, started by EventBridge Scheduler."""

import datetime
import json

from checks_cli import prism, told
from world import until

# Far enough ahead for the emulator, which polls every ten seconds, to have seen the schedule.
AHEAD = datetime.timedelta(seconds=90)

# The emulator checks the permission on every schedule as if it were in the group "default".
DEFAULT_GROUP = {
    "Effect": "Allow",
    "Action": ["scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"],
    "Resource": "arn:aws:scheduler:*:*:schedule/default/*",
}


def check_create(world):
    """The schedule is in the stack's group, uses the stack's role, and starts the state machine."""
    check_rights(world)
    bob = world.users["bob"]
    at = datetime.datetime.now(datetime.timezone.utc) + AHEAD
    cron = f"{at.minute} * * * ? *"
    with world.with_statement("prism-Api", DEFAULT_GROUP):
        prism(world, bob, "schedule", "create", "bobs", "nightly", "--cron", cron)
    scheduler = world.client("scheduler")
    group = world.outputs["ScheduleGroupName"]
    (listed,) = scheduler.list_schedules(GroupName=group)["Schedules"]
    made = scheduler.get_schedule(GroupName=group, Name=listed["Name"])
    assert made["ScheduleExpression"] == f"cron({cron})", made
    assert made["Target"]["Arn"] == world.outputs["StateMachineArn"], made
    assert made["Target"]["RoleArn"] == world.outputs["ScheduleRoleArn"], made
    given = json.loads(made["Target"]["Input"])
    assert given["caller"]["user"] == "iam:user/bob", given


def check_rights(world):
    """The API's permission covers the schedules of the stack's group, and no others."""
    iam = world.client("iam")
    role = world.physical("ApiRole")
    document = iam.get_role_policy(RoleName=role, PolicyName="Calls")["PolicyDocument"]
    (own,) = [one for one in document["Statement"] if "scheduler:CreateSchedule" in one["Action"]]
    group = world.outputs["ScheduleGroupName"]
    assert own["Resource"].endswith(f":schedule/{group}/*"), own
    assert set(DEFAULT_GROUP["Action"]) <= set(own["Action"]), own


def check_fired(world):
    """The scheduled save ends like any other, belongs to its owner, and deletion leaves no schedule."""
    bob = world.users["bob"]

    def fired():
        saves = told(world, bob, "saves", "list")["saves"]
        return next((one for one in saves if one["template"] == "nightly"), None)

    save = until(fired, 150, "the scheduled save")
    world.saved(save["save_id"])
    world.until_state("bobs", "running")
    assert "nightly" in json.dumps(told(world, bob, "templates"))
    with world.with_statement("prism-Api", DEFAULT_GROUP):
        prism(world, bob, "schedule", "delete", "nightly")
    left = world.client("scheduler").list_schedules(GroupName=world.outputs["ScheduleGroupName"])
    assert not left["Schedules"], left


CREATE = [("a schedule, made through the API", check_create)]
FIRED = [("its save, fired by the scheduler", check_fired)]
