"""Saves that fail because a policy was broken on purpose, which shows that both permission checks work; and one by a reboot."""

import json

from world import REGION, until

OWNER = "iam:user/ann"


def start(world, instance, template, **more):
    """Starts the execution of a save directly, with a known name."""
    number = len(world.users) + start.count
    start.count += 1
    save_id = f"save-{number:020x}"
    request = {"instance": instance, "template": template, "region": REGION, **more}
    given = {"save_id": save_id, "caller": {"user": OWNER}, "request": request}
    world.client("stepfunctions").start_execution(
        stateMachineArn=world.outputs["StateMachineArn"], name=save_id, input=json.dumps(given)
    )
    return save_id


start.count = 1


def check_failed_save(world):
    """A function lacks a permission that its step needs: the save fails after the stop, and its catcher restarts."""
    denied = {"Effect": "Deny", "Action": "ec2:DescribeInstances", "Resource": "*"}
    with world.with_statement("prism-AwaitStopped", denied):
        save_id = start(world, "work", "kept")
        record = world.saved(save_id, "failed")
    assert record["failure"]["code"] == "PermissionMissing", record["failure"]
    assert record["stop_requested_at"] and record["running_at"], "it was not stopped and restarted"
    world.until_state("work", "running")
    assert any("prism-AwaitStoppedRole" in told for told in world.gate.refused), world.gate.refused


def check_table_permission(world):
    """Without its permission on the table, a function is refused by the emulator itself."""
    denied = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}
    with world.with_statement("prism-PlanSave", denied):
        save_id = start(world, "work", "kept")
        until(lambda: world.execution(save_id)["status"] == "FAILED", 60, "the refusal")
    record = world.save_record(save_id)
    assert "dynamodb:GetItem" in record["failure"]["message"], record["failure"]
    assert record["plan"] is None and record["stop_requested_at"] is None, record
    assert world.instance("work")["State"]["Name"] == "running"


def check_reboot(world):
    """A save that has EC2 reboot the instance neither stops nor starts it."""
    save_id = start(world, "work", "rebooted", how="reboot")
    record = world.saved(save_id)
    assert record["snapshots_at"] and record["running_at"], record
    assert record["stop_requested_at"] is None and record["start_requested_at"] is None, record
    assert world.instance("work")["State"]["Name"] == "running"


CHECKS = [
    ("a failed save restarts the instance", check_failed_save),
    ("a role without its permission on the table", check_table_permission),
    ("a save by a reboot", check_reboot),
]
