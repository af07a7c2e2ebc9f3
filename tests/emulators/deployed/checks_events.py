"""Events of EC2 end a wait early.

The emulator sends none of EC2's events and, like EventBridge, accepts no such events from others. The rules'
patterns are therefore tested with events as EC2 sends them, and such an event is sent to the queue of the rules.
"""

import json

from checks_cli import prism
from checks_recovery import UNSCALED
from checks_save import start
from checks_stack import rule_name
from world import ACCOUNT, REGION, until


def event(kind, detail):
    """An event as EC2 sends it."""
    return {
        "version": "0",
        "id": "12345678-1234-1234-1234-123456789012",
        "detail-type": kind,
        "source": "aws.ec2",
        "account": ACCOUNT,
        "time": "2026-11-24T12:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": detail,
    }


def image_event(image, state):
    return event("EC2 AMI State Change", {"RequestId": "r-1", "ImageId": image, "State": state})


def instance_event(instance, state):
    kind = "EC2 Instance State-change Notification"
    return event(kind, {"instance-id": instance, "state": state})


def check_patterns(world):
    """Each rule matches the events that end a wait, and no others."""
    events = world.client("events")
    image, instance = "ami-0123456789abcdef0", "i-0123456789abcdef0"
    for logical, told, matches in [
        ("ImageChangedRule", image_event(image, "available"), True),
        ("ImageChangedRule", image_event(image, "failed"), True),
        ("ImageChangedRule", image_event(image, "deregistered"), False),
        ("ImageChangedRule", instance_event(instance, "stopped"), False),
        ("InstanceChangedRule", instance_event(instance, "stopped"), True),
        ("InstanceChangedRule", instance_event(instance, "running"), True),
        ("InstanceChangedRule", instance_event(instance, "pending"), False),
        ("InstanceChangedRule", image_event(image, "available"), False),
    ]:
        pattern = events.describe_rule(Name=rule_name(world, logical))["EventPattern"]
        answer = events.test_event_pattern(EventPattern=pattern, Event=json.dumps(told))
        assert answer["Result"] is matches, (logical, told["detail"])


def check_image_event(world):
    """The event of a stopped instance ends the wait for it."""
    prism(world, world.users["ann"], "launch", "python-ml", "fresh", "--size", "L")
    world.until_state("fresh", "running")
    # The wait is not shortened, so that it does not end by itself.
    world.wait_scale(UNSCALED)
    try:
        save_id = start(world, "fresh", "woken")
        instance = world.instance("fresh")["InstanceId"]
        # An event that comes before the wait is recorded ends nothing.
        until(lambda: waits(world, instance), 60, "the wait for the event")
        world.until_state("fresh", "stopped")
        # In the form in which the rule sends it.
        told = json.dumps(instance_event(instance, "stopped"))
        world.client("sqs").send_message(QueueUrl=world.physical("WakeQueue"), MessageBody=told)
        until(lambda: ended_by_event(world, save_id), 20, "the event to end the wait")
    finally:
        world.wait_scale_back()
    world.saved(save_id, timeout=120)
    world.until_state("fresh", "running")


def waits(world, instance):
    """Whether it is recorded that a save waits for an event of the instance."""
    key = {"pk": {"S": f"INSTANCE#{REGION}#{instance}"}, "sk": {"S": "WAIT"}}
    table = world.outputs["TableName"]
    return "Item" in world.client("dynamodb").get_item(TableName=table, Key=key)


def ended_by_event(world, save_id):
    """Whether a wait for the stop has succeeded. Without an event it times out, and the save goes on."""
    state = None
    for one in history(world, save_id):
        if entered := one.get("stateEnteredEventDetails"):
            state = entered["name"]
        elif state == "AwaitStopEvent" and one["type"] == "TaskSucceeded":
            return True
    return False


def history(world, save_id):
    machine = world.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    pages = world.client("stepfunctions").get_paginator("get_execution_history")
    pages = pages.paginate(executionArn=f"{machine}:{save_id}")
    return [one for page in pages for one in page["events"]]


CHECKS = [
    ("the rules' patterns, on EC2's events", check_patterns),
    ("an event that ends the wait for a stop", check_image_event),
]
