"""Runs schedules of different instances in the same minute, with the deployed functions.

    python xtask/emulator/burst.py --package ZIP --prism PROGRAM --wire PROGRAM --scratch FOLDER

`cargo xtask emulator --burst` builds the programs and runs this. The deployment is that of the checks in
tests/emulators/deployed, but waits and retries take as long as the definition says, because EC2's throttles are in
real time too. EC2's own operations are as fast as there. Every save must register its version, and every instance
must be running at the end.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import datetime
import json
import re
import signal
import sys
import threading
import time
import urllib.parse
from http.server import ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/emulators/deployed"))

import checks_cli  # noqa: E402
import stack  # noqa: E402
from forward import forwarding  # noqa: E402
from gate import CREDENTIAL, gate  # noqa: E402
from issuer import issuer  # noqa: E402
from servers import SPEED, ministack, simulated_ec2  # noqa: E402
from world import REGION, User, World, canary, plain, until  # noqa: E402

OWNER = "iam:user/ann"
# The access key with which the gate itself looks up tags.
LOOKUPS = "AKIABEHINDTHEGATE"
UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
# EC2 allows two RunInstances calls per second.
LAUNCH_S = 0.5
# How many programs create schedules at the same time, and how long one takes at most, in seconds.
AT_ONCE = 4
CREATION_S = 2
# How often the executions are polled, and how often the progress is printed, in seconds.
POLL_S = 3
TOLD_S = 30
# The seconds before the minute, for the emulator, which polls every ten seconds, to see each schedule.
SEEN_S = 30


def main():
    options = arguments()
    # All functions send requests at the same time, which must queue at the gate's and the counter's servers.
    ThreadingHTTPServer.request_queue_size = 1024
    # Exit normally, so that the servers are stopped too.
    for ended in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ended, lambda *_: sys.exit(130))
    logs = options.scratch / "logs"
    logs.mkdir(parents=True)
    root = User("root", "AKIAROOTOFTHEACCOUNT", canary())
    programs = {
        "root": ROOT,
        "package": options.package.resolve(),
        "prism": options.prism.resolve(),
        "sam": options.sam.resolve(),
    }
    with contextlib.ExitStack() as servers:
        wire = servers.enter_context(simulated_ec2(options.wire, SPEED, logs))
        counter = servers.enter_context(counting(wire))
        gated = servers.enter_context(gate(counter.url))
        tokens = servers.enter_context(issuer())
        emulator = ministack(options.scratch, logs, root, gated.endpoint, 1)
        url = servers.enter_context(emulator)
        world = World(options.scratch, logs, url, gated, tokens, root, programs)
        stack.deploy(world)
        checks_cli.check_configure(world)
        burst = Burst(world, counter, options.burst, options.limit)
        burst.prepare()
        burst.play()
        return burst.judge()


def arguments():
    parser = argparse.ArgumentParser(prog="burst")
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--prism", type=Path, required=True)
    parser.add_argument("--wire", type=Path, required=True)
    parser.add_argument("--sam", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--burst", type=int, nargs="?", const=50, default=50, help="how many saves")
    parser.add_argument("--limit", type=int, default=1200, help="seconds that they may take")
    return parser.parse_args()


class Burst:
    """Instances with a schedule each, and their saves."""

    def __init__(self, world, counter, saves, limit_s):
        self.world = world
        self.counter = counter
        self.names = [f"instance-{number:03}" for number in range(saves)]
        self.limit_s = limit_s
        self.due = None
        self.took_s = None
        self.before = set()

    def prepare(self):
        """Launches the instances and creates their schedules, all for the same minute."""
        begin = time.monotonic()
        ended, running = self.executions()
        self.before = {one["name"] for one in ended + running}
        self.launch()
        needed_s = len(self.names) * CREATION_S / AT_ONCE + SEEN_S
        due = now() + datetime.timedelta(seconds=needed_s)
        self.due = due.replace(second=0, microsecond=0) + datetime.timedelta(minutes=1)
        cron = f"{self.due.minute} {self.due.hour} * * ? *"
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(lambda name: self.schedule(name, cron), self.names))
        left_s = (self.due - now()).total_seconds()
        assert left_s > 10, f"the schedules were made too late, {left_s:.0f} s before they are due"
        took_s = time.monotonic() - begin
        print(f"{len(self.names)} instances and schedules in {took_s:.0f} s", flush=True)

    def launch(self):
        """Launches the instances at the rate that EC2 allows, and gives their tags to the gate."""
        image = self.world.client_wire("ssm").get_parameter(Name=UBUNTU)["Parameter"]["Value"]
        for name in self.names:
            tags = [{"Key": "prism:owner", "Value": OWNER}, {"Key": "Name", "Value": name}]
            made = self.world.ec2().run_instances(
                ImageId=image,
                InstanceType="t3.micro",
                MinCount=1,
                MaxCount=1,
                TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
            )
            time.sleep(LAUNCH_S)
            self.world.gate.tags("instance", REGION, [made["Instances"][0]["InstanceId"]])
        until(lambda: len(self.running()) == len(self.names), 60, "the instances to run")

    def running(self):
        """The names of the running instances."""
        filters = [
            {"Name": "tag:prism:owner", "Values": [OWNER]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        pages = self.world.ec2().get_paginator("describe_instances").paginate(Filters=filters)
        groups = [group for page in pages for group in page["Reservations"]]
        tags = [tag for group in groups for one in group["Instances"] for tag in one["Tags"]]
        return {tag["Value"] for tag in tags if tag["Key"] == "Name"}

    def schedule(self, name, cron):
        ann = self.world.users["ann"]
        checks_cli.prism(self.world, ann, "schedule", "create", name, f"of-{name}", "--cron", cron)

    def play(self):
        """Waits for the minute, and then until every save has ended or the time limit is reached."""
        time.sleep(max(0, (self.due - now()).total_seconds()))
        self.counter.clear()
        begin = time.monotonic()
        told_s = 0
        while (passed_s := time.monotonic() - begin) < self.limit_s:
            ended, running = self.executions()
            if not running and len(scheduled(ended)) == len(self.names):
                break
            if passed_s - told_s >= TOLD_S:
                told_s = passed_s
                print(f"{passed_s:5.0f} s: {len(ended)} ended, {len(running)} run", flush=True)
            time.sleep(POLL_S)
        self.took_s = time.monotonic() - begin

    def executions(self):
        """The executions started since then: those that have ended, and those that are running."""
        states = self.world.client("stepfunctions")
        machine = {"stateMachineArn": self.world.outputs["StateMachineArn"]}
        pages = states.get_paginator("list_executions").paginate(**machine)
        found = [one for page in pages for one in page["executions"]]
        found = [one for one in found if one["name"] not in self.before]
        running = [one for one in found if one["status"] == "RUNNING"]
        return [one for one in found if one["status"] != "RUNNING"], running

    def judge(self):
        """Prints the results; returns 1 if a promise was broken."""
        asked = self.counter.tell()
        ended, running = self.executions()
        saves, versions = self.registered()
        until_when = "they were given up" if running or not ended else "the last ended"
        print(f"\n{len(self.names)} saves at one minute: {self.took_s:.0f} s until {until_when}")
        downs = sorted(float(save["downtime_s"]) for save in saves if save.get("downtime_s"))
        if downs:
            middle, most = downs[len(downs) // 2], downs[-1]
            print(f"instances were down for {middle:.0f} s in the middle, {most:.0f} s at most")
        table(asked)
        problems = []
        if failed := self.failures(saves, ended):
            codes = ", ".join(f"{count} as {one}" for one, count in failed.most_common())
            problems.append(f"{failed.total()} saves failed: {codes}")
        if down := sorted(set(self.names) - self.running()):
            problems.append(f"{len(down)} instances are stranded: {', '.join(down)}")
        if missing := sorted(set(self.names) - versions):
            problems.append(f"{len(missing)} versions are not registered: {', '.join(missing)}")
        if running:
            problems.append(f"{len(running)} executions still run after {self.limit_s} s")
        if (started := len(scheduled(ended + running))) != len(self.names):
            problems.append(f"{len(self.names)} schedules started {started} executions")
        for problem in problems:
            print(f"FAILED {problem}", flush=True)
        if not problems:
            print(f"ok     0 failed, 0 stranded, {len(versions)} versions registered")
        return 1 if problems else 0

    def failures(self, saves, ended):
        """The number of saves without a version, by error code. A refused save has no record."""
        failed = collections.Counter(
            save["failure"]["code"] if save.get("failure") else save["state"]
            for save in saves
            if save["state"] in ("failed", "stranded")
        )
        known = {save["save_id"] for save in saves}
        for one in scheduled(ended):
            if one["status"] != "SUCCEEDED" and save_id(one["name"]) not in known:
                failed[self.world.execution(one["name"]).get("error", "unknown")] += 1
        return failed

    def registered(self):
        """The records of all saves, and the instances that have a version."""
        scan = self.world.client("dynamodb").get_paginator("scan")
        pages = scan.paginate(TableName=self.world.outputs["TableName"])
        items = {
            (item["pk"]["S"], item["sk"]["S"]): item for page in pages for item in page["Items"]
        }
        saves = [
            plain(item["record"])
            for (pk, sk), item in items.items()
            if pk.startswith("SAVE#") and sk == "META"
        ]
        versions = {
            pk.removeprefix("TEMPLATE#of-")
            for pk, sk in items
            if pk.startswith("TEMPLATE#of-") and sk.startswith("VERSION#")
        }
        return saves, versions


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def scheduled(executions):
    """The executions without recoveries, whose names are derived from the save's."""
    return [one for one in executions if not one["name"].startswith("save-")]


def save_id(execution):
    """The save ID that the definition derives from the name of an execution."""
    return "save-" + (re.sub("[^0-9a-f]", "", execution.lower()) + "00000000")[:20]


def table(asked):
    print(f"{'EC2 by API':36} {'calls':>7} {'throttled':>9}")
    total = Traffic()
    for name, traffic in sorted(asked.items()):
        print(f"{name:36} {traffic.calls:7} {traffic.throttled:9}")
        total.calls += traffic.calls
        total.throttled += traffic.throttled
    print(f"{'together':36} {total.calls:7} {total.throttled:9}")


class Traffic:
    """The number of requests, and of throttled ones."""

    def __init__(self):
        self.calls = 0
        self.throttled = 0


class Counter:
    """The requests to the simulated EC2, by API."""

    def __init__(self):
        self.url = None
        self.known = {}
        self.lock = threading.Lock()
        self.clear()

    def clear(self):
        with self.lock:
            self.asked = collections.defaultdict(Traffic)

    def add(self, headers, body, throttled):
        if "X-Amz-Target" in headers:
            return
        action = urllib.parse.parse_qs(body.decode()).get("Action", ["?"])[0]
        with self.lock:
            traffic = self.asked[action]
            traffic.calls += 1
            traffic.throttled += throttled

    def tell(self):
        with self.lock:
            return dict(self.asked)


def look_up(headers, body):
    """Returns what the gate looks up by ID. The tags never change here, so each lookup is cached."""
    signed = CREDENTIAL.search(headers.get("Authorization", ""))
    ids = re.search(rb"&(Instance|Image|Snapshot|Group)Id\.1=", body)
    return (signed[2], body) if signed and signed[1] == LOOKUPS and ids else None


@contextlib.contextmanager
def counting(wire):
    """Serves a proxy of the simulated EC2 at `wire` that counts the requests."""
    counter = Counter()

    def answer(headers, body, ask):
        known = look_up(headers, body)
        told = counter.known.get(known) or ask()
        if known and told[0] == 200:
            counter.known[known] = told
        elif not known:
            counter.add(headers, body, b"RequestLimitExceeded" in told[2])
        return told

    with forwarding(wire, answer) as counter.url:
        yield counter


if __name__ == "__main__":
    sys.exit(main())
