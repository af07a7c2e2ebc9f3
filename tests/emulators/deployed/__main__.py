"""Deploys infra/template.yaml on an external emulator of AWS, and tests the deployment.

    python tests/emulators/deployed --package ZIP --prism PROGRAM --wire PROGRAM --scratch FOLDER

`cargo xtask emulator` builds the programs and runs this.
"""

import argparse
import contextlib
import re
import signal
import sys
import time
import traceback
from pathlib import Path

import checks_api
import checks_cli
import checks_events
import checks_logs
import checks_portal
import checks_recovery
import checks_save
import checks_schedule
import checks_stack
import checks_team
import checks_walk
import stack
from gate import gate
from issuer import issuer
from machines import Debian
from manager import manager
from servers import SPEED, ministack, simulated_ec2
from world import User, World, canary

CHECKS = [
    *checks_walk.CHECKS,
    ("what the other checks need, by an upgrade", stack.settle),
    *checks_stack.CHECKS,
    *checks_cli.CHECKS,
    *checks_api.CHECKS,
    *checks_portal.CHECKS,
    # They take rights away, so they end before the schedule can start a save.
    *checks_save.CHECKS,
    *checks_schedule.CREATE,
    *checks_events.CHECKS,
    *checks_team.CHECKS,
    *checks_recovery.CHECKS,
    *checks_schedule.FIRED,
    *checks_logs.CHECKS,
    *checks_stack.CHANGE,
]


def main():
    options = arguments()
    # Exit normally, so that the servers are stopped too.
    for ended in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ended, lambda *_: sys.exit(130))
    logs = options.scratch / "logs"
    logs.mkdir(parents=True)
    root = User("root", "AKIAROOTOFTHEACCOUNT", canary())
    programs = {
        "root": Path(__file__).resolve().parents[3],
        "package": options.package.resolve(),
        "prism": options.prism.resolve(),
        "sam": options.sam.resolve(),
        "archives": options.archives.resolve(),
    }
    with contextlib.ExitStack() as servers:
        wire = servers.enter_context(simulated_ec2(options.wire, SPEED, logs))
        sessions = manager(options.scratch, logs, Debian(options.debian.resolve()))
        sessions = servers.enter_context(sessions)
        gated = servers.enter_context(gate(wire, sessions))
        tokens = servers.enter_context(issuer())
        emulator = ministack(options.scratch, logs, root, gated.endpoint, 1 / SPEED)
        url = servers.enter_context(emulator)
        world = World(options.scratch, logs, url, gated, tokens, root, programs, manager=sessions)
        world.canaries["the secret key of root"] = root.secret
        failed = run(world, options.only)
        if options.stay:
            print(f"{url} {wire}; Ctrl-C ends it", flush=True)
            time.sleep(options.stay)
    return 1 if failed else 0


def arguments():
    parser = argparse.ArgumentParser(prog="deployed")
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--prism", type=Path, required=True)
    parser.add_argument("--wire", type=Path, required=True)
    parser.add_argument("--sam", type=Path, required=True)
    parser.add_argument("--archives", type=Path, required=True, help="the folder of a release")
    parser.add_argument("--debian", type=Path, required=True, help="a folder with sshd")
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--only", default=".*", help="a pattern of the names of the checks to run")
    parser.add_argument("--stay", type=int, default=0, help="seconds to stay up afterwards")
    return parser.parse_args()


def run(world, only):
    """Runs the checks in order. If the deployment fails, the others are skipped."""
    failed = []
    if not checked(world, "deploy", stack.deploy):
        return ["deploy"]
    for name, check in CHECKS:
        if re.search(only, name) and not checked(world, name, check):
            failed.append(name)
    print(f"{len(failed)} failed" + "".join(f"\n  {name}" for name in failed))
    return failed


def checked(world, name, check):
    """Runs one check and prints its duration. If it fails, prints the logs from that time."""
    begin, lines = time.monotonic(), len(read(world).splitlines())
    try:
        check(world)
    except Exception:
        print(f"FAILED {time.monotonic() - begin:6.1f} s  {name}", flush=True)
        traceback.print_exc()
        tell(world, lines)
        return False
    print(f"ok     {time.monotonic() - begin:6.1f} s  {name}", flush=True)
    return True


def read(world):
    return (world.logs / "ministack.log").read_text(errors="replace")


def tell(world, lines):
    """Prints the newest lines of the server's log, and the requests that the gate refused."""
    for line in read(world).splitlines()[lines:][-40:]:
        print(f"  | {line}", file=sys.stderr)
    for line in world.gate.refused[-10:]:
        print(f"  gate: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
