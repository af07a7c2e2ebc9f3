"""Stand-ins for launched instances, in which somebody can log in: a home folder, an SSH server, and a notebook.

The simulated EC2 has no operating system. A stand-in has the user and the keys that the user data of the launch
installs. The SSH server is Debian's sshd, which finds the user in a file by nss_wrapper, so that no account of this
machine is needed or changed.
"""

import contextlib
import getpass
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import yaml

from servers import clean, free_port, running
from world import canary, until

LOGIN = "ubuntu"
NOTEBOOK_PORT = 8888
# Where the built-in templates keep the notebook's token; the folder of the stand-in is elsewhere.
NOTEBOOK_FOLDER = "/run/prism-notebook"
# sshd as root wants this folder, and an account for its process that is not logged in yet.
PRIVILEGE_SEPARATION = "/run/sshd"


class Debian:
    """A folder with unpacked packages of Debian: openssh-server, openssh-sftp-server, libnss-wrapper, libwrap0."""

    def __init__(self, root):
        self.root = root
        self.sshd = root / "usr/sbin/sshd"
        self.sftp = root / "usr/lib/openssh/sftp-server"
        libraries = [root / "usr/lib/x86_64-linux-gnu", root / "lib/x86_64-linux-gnu"]
        self.libraries = ":".join(map(str, libraries))
        self.wrapper = next(root.rglob("libnss_wrapper.so"))

    def accounts(self, folder, lines):
        """The environment of a program for which these are the machine's accounts."""
        passwd, group = folder / "passwd", folder / "group"
        passwd.write_text("".join(f"{line}\n" for line in lines))
        group.write_text("".join(f"{line.split(':')[0]}:x:{line.split(':')[3]}:\n" for line in lines))
        return {
            "LD_PRELOAD": str(self.wrapper),
            "NSS_WRAPPER_PASSWD": str(passwd),
            "NSS_WRAPPER_GROUP": str(group),
        }

    def at_home(self, folder, home):
        """The environment of a program that finds the user's home here, as ssh does by the account."""
        line = f"{getpass.getuser()}:x:{os.getuid()}:{os.getgid()}::{home}:/bin/sh"
        return self.accounts(folder, [line])


class Machine:
    """A stand-in for an instance."""

    def __init__(self, folder, user_data):
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir(parents=True)
        self.token = canary()
        self.port = None
        keys = yaml.safe_load(user_data).get("ssh_authorized_keys", [])
        (folder / "authorized_keys").write_text("".join(f"{key}\n" for key in keys))
        (folder / "notebook").mkdir()
        (folder / "notebook/token").write_text(self.token)

    def shell(self):
        """A shell as the user, for an agent's session."""
        return subprocess.Popen(
            ["/bin/sh"],
            cwd=self.home,
            env=clean(HOME=str(self.home), USER=LOGIN),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    @contextlib.contextmanager
    def up(self, debian, logs):
        with self.sshd(debian, logs), self.notebook():
            yield self

    @contextlib.contextmanager
    def sshd(self, debian, logs):
        self.port = free_port()
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "host"], check=True
        )
        if os.getuid() == 0:
            os.makedirs(PRIVILEGE_SEPARATION, exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text(self.settings(debian))
        uid = f"{os.getuid()}:{os.getgid()}"
        accounts = [f"{LOGIN}:x:{uid}::{self.home}:/bin/sh", "sshd:x:74:74::/run/sshd:/bin/false"]
        environment = clean(**debian.accounts(self.folder, accounts), LD_LIBRARY_PATH=debian.libraries)
        log = logs / f"sshd-{self.port}.log"
        with running([debian.sshd, "-D", "-e", "-f", config], log, environment):
            until(lambda: "listening" in log.read_text(), 20, f"sshd: {log.read_text()}")
            yield

    def settings(self, debian):
        forced = self.folder / "forced"
        # What is asked for runs as it is, except that paths of an instance are those of its stand-in.
        forced.write_text(
            f"""#!/bin/sh
case "$SSH_ORIGINAL_COMMAND" in
"") exec /bin/sh ;;
*/sftp-server) exec {debian.sftp} ;;
esac
command=$(printf %s "$SSH_ORIGINAL_COMMAND" | sed 's|{NOTEBOOK_FOLDER}|{self.folder}/notebook|g')
exec /bin/sh -c "$command"
"""
        )
        forced.chmod(0o755)
        return f"""ListenAddress 127.0.0.1:{self.port}
HostKey {self.folder}/host
AuthorizedKeysFile {self.folder}/authorized_keys
AllowUsers {LOGIN}
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
ForceCommand {forced}
Subsystem sftp {debian.sftp}
"""

    @contextlib.contextmanager
    def notebook(self):
        """A server that answers to whoever has the token, as the notebook does."""
        token = self.token

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                given = parse_qs(urlparse(self.path).query).get("token")
                self.send_response(200 if given == [token] else 403)
                self.end_headers()
                self.wfile.write(b"the notebook")

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.ports = {22: self.port, NOTEBOOK_PORT: server.server_address[1]}
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
