"""A token issuer: OpenID Connect's discovery and keys over HTTP, and tokens that it signs."""

import base64
import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

AUDIENCE = "prism-portal"
LIFETIME_S = 3600


class Issuer:
    """Has a key pair, and serves the public key."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.url = None

    def token(self, email, **claims):
        """A token for a user. The given claims override those of a valid token."""
        now = int(time.time())
        body = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "user-" + email,
            "email": email,
            "iat": now - 1,
            "exp": now + LIFETIME_S,
            **claims,
        }
        head = {"alg": "RS256", "typ": "JWT", "kid": "one"}
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (head, body))
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{base64url(signature)}"

    def documents(self):
        public = self.key.public_key().public_numbers()
        key = {"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256"}
        key |= {"n": number(public.n), "e": number(public.e)}
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
            },
            "/keys": {"keys": [key]},
        }


def unsigned(token):
    """The same claims with `alg: none`, without a signature."""
    head = base64url(json.dumps({"alg": "none", "typ": "JWT", "kid": "one"}).encode())
    return f"{head}.{token.split('.')[1]}."


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@contextlib.contextmanager
def issuer():
    """Serves an issuer until the block ends."""
    one = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = one.documents().get(self.path)
            answer = json.dumps(found).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
