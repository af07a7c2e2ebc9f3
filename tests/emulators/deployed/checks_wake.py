"""The wait for an AMI, ended by an event before its time."""

from checks_save import start
from checks_stack import rule_name
from events import events

# Without pauses between the first looks, the save comes to wait for an event while the AMI is made.
NO_PAUSE = 0
# What the wait would take without an event; its limit is not scaled.
LIMIT_S = 60


def check_woken(world):
    """The event of the AMI answers the token, and the save goes on long before the limit."""
    rules = [rule_name(world, name) for name in ("InstanceChangedRule", "ImageChangedRule")]
    world.until_state("work", "running")
    with events(world, rules) as told:
        world.wait_scale(NO_PAUSE)
        try:
            save_id = start(world, "work", "woken")
            world.saved(save_id)
        finally:
            world.wait_scale_back()
    machine = world.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    pages = world.client("stepfunctions").get_paginator("get_execution_history")
    history = [
        one
        for page in pages.paginate(executionArn=f"{machine}:{save_id}")
        for one in page["events"]
    ]
    waited = [one for one in history if named(one, "stateEnteredEventDetails")]
    left = [one for one in history if named(one, "stateExitedEventDetails")]
    assert waited, "the save did not come to wait for an event"
    took = (left[-1]["timestamp"] - waited[0]["timestamp"]).total_seconds()
    assert took < LIMIT_S / 2, f"the wait took {took} s"
    kinds = {one["detail-type"] for one in told.delivered}
    assert len(kinds) == 2, kinds


def named(one, details):
    return one.get(details, {}).get("name") == "AwaitImageEvent"


CHECKS = [("the wait for an AMI, ended by its event", check_woken)]
