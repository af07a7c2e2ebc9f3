"""A proxy between a client and another server that sees the requests."""

import urllib.error
import urllib.request

from servers import Handler, serving

TIMEOUT_S = 30
KEPT = {"Authorization", "Content-Type", "X-Amz-Target", "X-Amz-Date"}


def forwarding(url, answer):
    """Serves on 127.0.0.1 until the block ends, and yields the URL.

    The response to a POST is the result of `answer(headers, body, ask)`: status, content type and body. `ask()`
    returns the response of the server at `url`.
    """

    class Forward(Handler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, kind, text = answer(self.headers, body, lambda: self.ask(body))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def ask(self, body):
            headers = {key: value for key, value in self.headers.items() if key.title() in KEPT}
            request = urllib.request.Request(url + self.path, body, headers, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S) as told:
                    return told.status, told.headers["Content-Type"], told.read()
            except urllib.error.HTTPError as error:
                return error.code, error.headers["Content-Type"], error.read()

    return serving(Forward)
