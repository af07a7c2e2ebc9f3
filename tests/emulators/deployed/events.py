"""EC2's events: the emulator sends none and, as AWS, lets nobody put events in EC2's name.

So the rules of the stack are asked whether they match an event, and their targets are called with it.
"""

import contextlib
import datetime
import json
import threading
import uuid

from servers import ACCOUNT, REGION

EVERY_S = 0.5
TIMEOUT_S = 20
INSTANCE = "EC2 Instance State-change Notification"
IMAGE = "EC2 AMI State Change"


class Events:
    """Watches one Region and delivers an event for each state that is new."""

    def __init__(self, world, rules):
        self.ec2 = world.ec2()
        self.functions = world.client("lambda")
        self.bus = world.client("events")
        self.rules = [(self.pattern_of(rule), self.targets_of(rule)) for rule in rules]
        self.seen = {}
        self.delivered = []
        self.failed = None
        self.stopped = threading.Event()

    def pattern_of(self, rule):
        return self.bus.describe_rule(Name=rule)["EventPattern"]

    def targets_of(self, rule):
        return [one["Arn"] for one in self.bus.list_targets_by_rule(Rule=rule)["Targets"]]

    def watch(self):
        while not self.stopped.wait(EVERY_S):
            try:
                for kind, arn, detail in self.changes():
                    self.deliver(event(kind, arn, detail))
            except Exception as error:  # Whoever waits for the events tells it.
                self.failed = error
                return

    def deliver(self, told):
        for pattern, targets in self.rules:
            asked = {"EventPattern": pattern, "Event": json.dumps(told)}
            if self.bus.test_event_pattern(**asked)["Result"]:
                for target in targets:
                    self.functions.invoke(
                        FunctionName=target, InvocationType="Event", Payload=json.dumps(told)
                    )
                    self.delivered.append(told)

    def changes(self):
        for reservation in self.ec2.describe_instances()["Reservations"]:
            for one in reservation["Instances"]:
                name, state = one["InstanceId"], one["State"]["Name"]
                if self.is_new(name, state):
                    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{name}"
                    yield INSTANCE, arn, {"instance-id": name, "state": state}
        for one in self.ec2.describe_images(Owners=["self"])["Images"]:
            name, state = one["ImageId"], one["State"]
            # EC2 sends none when an AMI begins.
            if self.is_new(name, state) and state != "pending":
                arn = f"arn:aws:ec2:{REGION}::image/{name}"
                yield IMAGE, arn, {"ImageId": name, "State": state, "ErrorMessage": ""}

    def is_new(self, name, state):
        before = self.seen.get(name)
        self.seen[name] = state
        return before != state


def event(kind, arn, detail):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": "aws.ec2",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [arn],
        "detail": detail,
    }


@contextlib.contextmanager
def events(world, rules):
    """Delivers to the rules of these names until the block ends."""
    one = Events(world, rules)
    thread = threading.Thread(target=one.watch, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.stopped.set()
        thread.join(TIMEOUT_S)
    assert one.failed is None, one.failed
