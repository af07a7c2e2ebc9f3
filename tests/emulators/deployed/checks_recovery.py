"""Executions that end in the middle of their save, and their recovery."""

from checks_save import start
from checks_stack import rule_name
from world import until

# With this scale the waits take as long as on AWS, so that there is time to stop an execution in the middle.
UNSCALED = 1


def check_stopped_by_rule(world):
    """The event of the execution's end starts another one, which restarts the instance."""
    save_id = stopped_in_the_middle(world)
    recovered(world, save_id, timeout=45)


def check_stopped_by_schedule(world):
    """Without the event, the scheduled sweep finds it. Its interval is set to a minute to save time."""
    events = world.client("events")
    ended, swept = rule_name(world, "ExecutionEndedRule"), rule_name(world, "SweepRule")
    events.disable_rule(Name=ended)
    events.put_rule(Name=swept, ScheduleExpression="rate(1 minute)", State="ENABLED")
    try:
        save_id = stopped_in_the_middle(world)
        recovered(world, save_id, timeout=120)
    finally:
        events.put_rule(Name=swept, ScheduleExpression="rate(5 minutes)", State="ENABLED")
        events.enable_rule(Name=ended)


def stopped_in_the_middle(world):
    """Stops the execution of a save whose instance is down, and returns the save's ID."""
    world.until_state("work", "running")
    world.wait_scale(UNSCALED)
    try:
        save_id = start(world, "work", "kept")
        world.until_state("work", "stopped")
        machine = world.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
        world.client("stepfunctions").stop_execution(executionArn=f"{machine}:{save_id}")
    finally:
        world.wait_scale_back()
    assert world.execution(save_id)["status"] == "ABORTED"
    assert world.instance("work")["State"]["Name"] == "stopped"
    return save_id


def recovered(world, save_id, timeout):
    """The instance is running again, and the record says that the save was interrupted and recovered."""
    world.until_state("work", "running", timeout)
    record = world.saved(save_id, "failed")
    assert record["failure"]["code"] == "SaveInterrupted", record["failure"]
    assert record["epoch"] == 2 and record["execution"] == f"{save_id}-2", record
    assert world.execution(f"{save_id}-2")["status"] == "FAILED"
    images = world.ec2().describe_images(Owners=["self"])["Images"]
    tags = [tag["Value"] for image in images for tag in image["Tags"]]
    assert save_id not in tags, "an AMI of the save is left"
    until(lambda: not duty(world), 10, "the duty to be discharged")


def duty(world):
    """Whether there is still a duty to bring the instance back."""
    got = world.client("dynamodb").get_item(
        TableName=world.outputs["TableName"],
        Key={"pk": {"S": f"INSTANCE#us-east-1#{world.instance('work')['InstanceId']}"}, "sk": {"S": "LOCK"}},
    )
    return "Item" in got


CHECKS = [
    ("a stopped execution, recovered by the rule", check_stopped_by_rule),
    ("a stopped execution, recovered by the schedule", check_stopped_by_schedule),
]
