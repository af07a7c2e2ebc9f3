"""A stand-in for Session Manager: StartSession, and the endpoint that a session is joined at.

A session is joined over a WebSocket, with its token in the first message, as in Session Manager. The frames after it
are the bytes themselves, which only plugin.py knows: the real plugin has a protocol of its own.
"""

import contextlib
import json
import secrets
import socket
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from machines import LOGIN, Machine
from world import canary

CHUNK = 1 << 16
JSON = "application/x-amz-json-1.1"


class Manager:
    """The sessions, and the stand-ins for the instances that were launched."""

    def __init__(self, scratch, logs, debian, machines):
        self.scratch, self.logs, self.debian, self.up = scratch, logs, debian, machines
        self.user_data, self.machines, self.sessions = {}, {}, {}
        self.started = []
        self.url = None
        self.lock = threading.Lock()

    def launched(self, instance, user_data):
        self.user_data[instance] = user_data

    def machine(self, instance):
        with self.lock:
            if instance not in self.machines:
                made = Machine(self.scratch / "machines" / instance, self.user_data[instance])
                self.machines[instance] = self.up.enter_context(made.up(self.debian, self.logs))
            return self.machines[instance]

    def start(self, ec2, asked):
        """The response to StartSession. An instance has an agent if it runs with an instance profile."""
        instance = asked["Target"]
        (found,) = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        (found,) = found["Instances"]
        if found["State"]["Name"] != "running" or "IamInstanceProfile" not in found:
            told = {"__type": "TargetNotConnected", "message": f"{instance} is not connected."}
            return 400, JSON, json.dumps(told).encode()
        name, token = f"session-{secrets.token_hex(8)}", canary()
        parameters = {key: value[0] for key, value in asked.get("Parameters", {}).items()}
        self.sessions[name] = (token, asked.get("DocumentName"), parameters, self.machine(instance))
        self.started.append(asked.get("DocumentName"))
        told = {"SessionId": name, "StreamUrl": f"{self.url}/{name}", "TokenValue": token}
        return 200, JSON, json.dumps(told).encode()

    def join(self, joined):
        """Carries a session between whoever joins it and the stand-in."""
        name = joined.request.path.strip("/")
        token, document, parameters, machine = self.sessions.get(name, (None,) * 4)
        if token is None or json.loads(joined.recv(timeout=10)).get("TokenValue") != token:
            joined.close(1008, "not the token of a session")
        elif document == "AWS-StartInteractiveCommand":
            assert parameters == {"command": f"sudo -i -u {LOGIN}"}, parameters
            shell = machine.shell()
            with shell, contextlib.suppress(BrokenPipeError):
                carry(joined, shell.stdout.read1, shell.stdin.raw.write, shell.stdin.close)
        else:
            assert document in ("AWS-StartSSHSession", "AWS-StartPortForwardingSession"), document
            port = machine.ports[int(parameters["portNumber"])]
            with socket.create_connection(("127.0.0.1", port)) as there:
                carry(joined, there.recv, there.sendall, lambda: there.shutdown(socket.SHUT_WR))


def carry(joined, read, write, end):
    """Carries bytes both ways, until the other end has no more."""

    def back():
        with contextlib.suppress(ConnectionClosed, OSError, ValueError):
            for frame in joined:
                write(frame)
        with contextlib.suppress(OSError, ValueError):
            end()

    thread = threading.Thread(target=back, daemon=True)
    thread.start()
    with contextlib.suppress(ConnectionClosed, OSError):
        while chunk := read(CHUNK):
            joined.send(chunk)
    joined.close()
    thread.join(10)


@contextlib.contextmanager
def manager(scratch, logs, debian):
    """Serves Session Manager's endpoint until the block ends."""
    with contextlib.ExitStack() as machines:
        one = Manager(scratch, logs, debian, machines)
        with serve(one.join, "127.0.0.1", 0, max_size=None) as server:
            one.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield one
            finally:
                server.shutdown()
