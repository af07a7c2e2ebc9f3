"""The servers of a run. They only listen on 127.0.0.1, and end with the run."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ACCOUNT = "111111111111"
REGION = "us-east-1"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 15
# How much faster the simulated EC2 is than the real one. The emulator's waits are shortened by the same factor.
SPEED = 50


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Handler(BaseHTTPRequestHandler):
    """Answers requests without a line in the log for each."""

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(handler):
    """Answers requests with a handler, in threads of this process, until the block ends. Yields the origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def running(command, log, environment, **more):
    """Runs a server and its child processes until the block ends. Its stderr goes to a file."""
    with open(log, "wb") as errors:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            **more,
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
        # The functions that it started are in its process group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


@contextlib.contextmanager
def simulated_ec2(program, speed, logs):
    """The simulated EC2 with EC2's own protocol. It prints its URL first."""
    command = [program, str(speed)]
    log = logs / "wire.log"
    with running(command, log, clean(), stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        if not url.startswith("http://127.0.0.1:"):
            raise RuntimeError(f"the simulated EC2 did not start:\n{log.read_text()}")
        yield url


@contextlib.contextmanager
def ministack(scratch, logs, root, ec2_url, wait_scale):
    """The emulator of AWS. The functions inherit its environment, so it gets a clean one.

    AUTH turns on the verification of signatures and policies. Requests of functions to EC2, SSM and KMS go to
    `ec2_url`, because the emulator's own EC2 cannot create images.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = Path(sys.executable).with_name("ministack")
    environment = clean(
        PATH=f"{program.parent}:/usr/bin:/bin",
        HOME=str(scratch),
        TMPDIR=str(scratch),
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        AUTH="true",
        MINISTACK_ACCOUNT_ID=ACCOUNT,
        MINISTACK_REGION=REGION,
        SFN_WAIT_SCALE=str(wait_scale),
        AWS_ACCESS_KEY_ID=root.key,
        AWS_SECRET_ACCESS_KEY=root.secret,
        AWS_ENDPOINT_URL=url,
        AWS_ENDPOINT_URL_EC2=ec2_url,
        AWS_ENDPOINT_URL_SSM=ec2_url,
        AWS_ENDPOINT_URL_KMS=ec2_url,
    )
    log = logs / "ministack.log"
    with running([program], log, environment, stdout=subprocess.DEVNULL, cwd=scratch) as process:
        until_ready(port, process, log)
        yield url


def until_ready(port, process, log):
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/_ministack/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"ministack did not start:\n{log.read_text()}")


def clean(**variables):
    """An environment that only contains the search path of this process."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **variables}
