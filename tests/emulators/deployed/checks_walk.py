"""Follows docs/deploy.md command by command: an operator deploys and saves, a member installs, logs in and saves.

Each line runs as it is written, by bash, once the words in capitals are replaced. What stands in for something:
`cargo` for the builds that the chore has done, `session-manager-plugin` (plugin.py) and the instances (machines.py).
"""

import contextlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from checks_api import base
from world import REGION, until

ANY = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
SAM_MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
# The answers to the questions of some commands: about the changes of the stack, and in the shell of an instance.
TYPED = {
    "(cd infra && sam deploy": "y\n",
    "prism connect": "touch made-in-the-shell; echo \"in $HOME as $USER\"; exit\n",
}
# A command that lasts until Ctrl-C.
LASTS = "prism open"


def commands(text, heading):
    """The lines of the first block of commands in a section, without their comments."""
    section = re.search(rf"^## {re.escape(heading)}.*?(?=^## |\Z)", text, re.M | re.S)[0]
    block = re.search(r"^```bash\n(.*?)^```", section, re.M | re.S)[1]
    return [re.sub(r"\s+#.*", "", line) for line in block.splitlines()]


class Walk:
    """Somebody who follows the guide in a folder, with programs and a home of their own."""

    def __init__(self, world, user, folder, words):
        self.world, self.user, self.folder, self.words = world, user, folder, words
        self.deployer = user
        self.home = world.scratch / f"home-{user.name}"
        self.shims = world.scratch / f"programs-{user.name}"
        for made in (self.home, self.shims, folder):
            made.mkdir(parents=True, exist_ok=True)

    def program(self, name, script):
        path = self.shims / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)

    def environment(self, user):
        manager = self.world.manager
        own = manager.debian.at_home(self.shims, self.home) if manager else {}
        path = [self.shims, self.home / ".local/bin", "/usr/local/bin", "/usr/bin", "/bin"]
        more = {"HOME": str(self.home), "PATH": ":".join(map(str, path)), "SAM_CLI_TELEMETRY": "0"}
        return self.world.environment(user) | own | more

    def line(self, written):
        """What a line says once its words in capitals are replaced."""
        line = written
        for word, value in self.words.items():
            line = re.sub(rf"(?<![A-Z0-9]){word}(?![A-Z0-9])", value, line)
        left = re.findall(r"(?<![\w-])[A-Z]{3,}(?![\w-])", line.replace("SHA256SUMS", ""))
        assert not left, f"nothing is known for {left} in: {written}"
        return line

    def run(self, written):
        line = self.line(written)
        user = self.deployer if "sam deploy" in line else self.user
        typed = next((typed for begin, typed in TYPED.items() if line.startswith(begin)), "")
        told = subprocess.run(
            ["bash", "-c", line],
            env=self.environment(user),
            cwd=self.folder,
            input=typed,
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = f"$ {line}\n{told.stdout}{told.stderr}"
        self.world.transcript.append(said)
        assert told.returncode == 0, f"exit code {told.returncode}:\n{said}"
        return told.stdout

    @contextlib.contextmanager
    def lasting(self, written):
        """Runs a command until the block ends, and interrupts it then."""
        log = self.shims / "lasting.log"
        with open(log, "w") as out:
            process = subprocess.Popen(
                ["bash", "-c", "exec " + self.line(written)],
                env=self.environment(self.user),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            yield log
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(20)
        assert process.returncode == 130, f"{process.returncode}: {log.read_text()}"


def operator(world):
    """The operator, whose commands up to the deployment are those of the guide."""
    root = world.programs["root"]
    text = (root / "docs/deploy.md").read_text()
    lines = commands(text, "Operators")
    arch = f"--config-env {SAM_MACHINE}" if SAM_MACHINE == "x86_64" else ""
    walk = Walk(world, world.user("ann", ANY), world.scratch / "project", {})
    # SAM's bucket only accepts TLS, which the emulator does not have; root is not bound by its policy there.
    walk.deployer = world.root
    # As the guide says of the other architecture.
    assert "`--arch x86_64` in the first line, `--config-env x86_64` in the second" in text
    lines = [line.replace("--arch arm64", f"--arch {SAM_MACHINE}") for line in lines]
    lines = [line.replace("sam deploy", f"sam deploy {arch}") for line in lines]
    walk.program(
        "cargo",
        f"""case "$*" in
"xtask package --arch {SAM_MACHINE}")
  mkdir -p target/package && ln -s {world.programs["package"]} target/package/bootstrap.zip ;;
"install --path cli --features aws") install -D -t "$HOME/.local/bin" {world.programs["prism"]} ;;
*) echo "cargo $*: the guide says something else" >&2; exit 1 ;;
esac
""",
    )
    walk.program("sam", f'exec env -u LD_PRELOAD {world.programs["sam"]} "$@"\n')
    return walk, lines


def check_operator(world):
    """The rest of the operator's commands: a profile, a launch and a save."""
    walk, lines = world.operator
    for line in lines[2:]:
        walk.run(line)
    said = "".join(world.transcript[-len(lines) :])
    assert "simulated" not in said, said


def check_member(world):
    """A member installs the archive, adds a key, launches, logs in, copies a file, saves, and launches the template."""
    mia = world.user("mia", managed=[world.outputs["MembersPolicyArn"]])
    (archive,) = world.programs["archives"].glob("*.tar.gz")
    version, arch = re.fullmatch(r"prism-(.*)-linux-(\w+)\.tar\.gz", archive.name).groups()
    words = {"URL": base(world, "HttpApi"), "VERSION": version, "ARCH": arch}
    walk = Walk(world, mia, world.scratch / "downloads", words)
    for file in world.programs["archives"].iterdir():
        shutil.copy(file, walk.folder)
    walk.program(
        "session-manager-plugin", f'exec {sys.executable} {Path(__file__).with_name("plugin.py")} "$@"\n'
    )
    walk.program("xdg-open", f'cp "${{1#file://}}" {walk.shims}/opened\n')
    (walk.home / ".ssh").mkdir(mode=0o700)
    key = walk.home / ".ssh/id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (walk.folder / "data.csv").write_text("a,b\n1,2\n")
    text = (world.programs["root"] / "docs/deploy.md").read_text()
    for line in commands(text, "Members"):
        if line.startswith(LASTS):
            notebook(world, walk, line)
            continue
        said = walk.run(line)
        if line.startswith("prism connect"):
            assert f"in {machine_of(world).home} as ubuntu" in said, said
    machine = machine_of(world)
    assert (machine.home / "made-in-the-shell").exists()
    assert (machine.home / "data.csv").read_text() == "a,b\n1,2\n"
    assert set(world.manager.started) == {
        "AWS-StartInteractiveCommand",
        "AWS-StartPortForwardingSession",
        "AWS-StartSSHSession",
    }, world.manager.started
    (save,) = world.saves_of("my-environment")
    assert world.instance("my-next")["ImageId"] == save["image"], save
    for token, *_ in world.manager.sessions.values():
        world.canaries[f"the token of a session, {token[-4:]}"] = token


def machine_of(world):
    """The stand-in for the member's first instance."""
    return world.manager.machine(world.instance("my-research")["InstanceId"])


def notebook(world, walk, line):
    """`prism open`: the notebook answers through the tunnel, and the browser is opened with its URL."""
    with walk.lasting(line) as log:
        url = until(lambda: re.search(r"http://\S+", log.read_text()), 30, f"a URL in {log}")[0]
        opened = until(lambda: (walk.shims / "opened").exists(), 30, "the browser")
        assert opened and "lab?token=" in (walk.shims / "opened").read_text()
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == b"the notebook"


CHECKS = [
    ("docs/deploy.md as an operator, on AWS", check_operator),
    ("docs/deploy.md as a member, with a login", check_member),
]
