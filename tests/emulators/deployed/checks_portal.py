"""The portal of the deployment, in a browser: served by its API, and signed in to with the issuer."""

import contextlib
import http.client
import os
import shutil
from pathlib import Path
from urllib.parse import urlparse

from checks_api import ask, base
from servers import Handler, clean, serving

HIDDEN = {"connection", "content-length", "date", "host", "server", "transfer-encoding"}
# The headers of every response, and what each has to contain.
HEADERS = {
    "content-security-policy": "default-src 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=",
}


def front(url):
    """Serves an API of the emulator, which has a path of its own, at the root of an origin, as on AWS."""
    target = urlparse(url)

    class Front(Handler):
        protocol_version = "HTTP/1.1"

        def forward(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {key: value for key, value in self.headers.items() if key.lower() not in HIDDEN}
            there = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
            with contextlib.closing(there):
                there.request(self.command, target.path + self.path, body, headers)
                answer = there.getresponse()
                text = answer.read()
            self.send_response(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in HIDDEN:
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(text)))
            # The browser may have left the page.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.end_headers()
                self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward

    return serving(Front)


def check_files(world):
    """Files and how to sign in need no token; everything else does."""
    with front(base(world, "PortalApi")) as origin:
        page = urlparse(origin)
        for path in ("/", "/templates/python-ml"):
            there = http.client.HTTPConnection(page.hostname, page.port, timeout=60)
            there.request("GET", path, headers={"Accept": "text/html"})
            answer = there.getresponse()
            text, told = answer.read().decode(), {key.lower(): value for key, value in answer.getheaders()}
            assert answer.status == 200 and "<script" in text, (answer.status, text[:200])
            for name, wanted in HEADERS.items():
                assert wanted in told.get(name, ""), f"{path}: {name} is {told.get(name)}"
            assert world.issuer.url in told["content-security-policy"], told
            there.close()
        status, told = ask(f"{origin}/v1/config")
        assert status == 200 and told["sign_in"]["issuer"] == world.issuer.url, told
        for path in ("/v1/me", "/v1/templates", "/v1/config/more", "/v1//me", "/v1"):
            status, told = ask(origin + path)
            assert status in (401, 404), f"{path}: {status} {told}"
    status, told = ask(base(world, "HttpApi") + "/")
    assert status in (403, 404), f"the API for signatures serves no portal: {status} {told}"


def check_browser(world):
    """A user signs in with the issuer, launches an instance and saves it, in a browser."""
    script = world.programs["root"] / "portal/tests/browser/deployed.mjs"
    modules = world.programs["root"] / "portal/node_modules/playwright-core"
    assert modules.exists(), "install what the tests need first: npm ci --prefix portal"
    if not Path(os.environ.get("CHROMIUM_BIN", "/usr/bin/chromium")).exists():
        print("SKIPPED: Chromium is not installed")
        return
    with front(base(world, "PortalApi")) as origin:
        told = world.run(
            [shutil.which("node"), script, origin, world.issuer.url],
            clean(HOME=str(world.scratch), **chromium()),
        )
    assert "signed in, launched, saved" in told.stdout, told.stdout


def chromium():
    program = os.environ.get("CHROMIUM_BIN")
    return {"CHROMIUM_BIN": program} if program else {}


CHECKS = [
    ("the portal's files, and what needs no token", check_files),
    ("the portal in a browser, signed in with the issuer", check_browser),
]
