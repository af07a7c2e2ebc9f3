"""A token issuer: OpenID Connect's discovery and keys over HTTP, tokens that it signs, and a page to sign in with PKCE."""

import base64
import contextlib
import hashlib
import html
import json
import secrets
import time
from urllib.parse import parse_qsl, urlencode, urlparse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from servers import Handler, serving

AUDIENCE = "prism-portal"
LIFETIME_S = 3600


class Issuer:
    """Has a key pair, and serves the public key."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.url = None
        self.codes = {}

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
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
            },
            "/keys": {"keys": [key]},
        }


    def page(self, asked):
        """The page on which a user signs in, of a request for a code."""
        assert asked["client_id"] == AUDIENCE and asked["response_type"] == "code", asked
        assert asked["code_challenge_method"] == "S256", asked
        kept = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(asked[name])}">'
            for name in ("redirect_uri", "state", "code_challenge")
        )
        form = f'<label>E-mail <input name="email"></label>{kept}<button>Sign in</button>'
        return f'<!doctype html><title>Issuer</title><form action="/signed-in">{form}</form>'

    def admit(self, asked):
        """Where the browser goes when a user has signed in."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def exchange(self, asked):
        """The tokens for a code, which is used once and only by whoever asked for it."""
        admitted = self.codes.pop(asked["code"])
        challenge = base64url(hashlib.sha256(asked["code_verifier"].encode()).digest())
        assert challenge == admitted["code_challenge"], "the verifier is another"
        assert asked["redirect_uri"] == admitted["redirect_uri"], asked
        token = self.token(admitted["email"])
        return {"access_token": token, "id_token": token, "token_type": "Bearer", "expires_in": LIFETIME_S}


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

    class Pages(Handler):
        def do_GET(self):
            url = urlparse(self.path)
            asked = dict(parse_qsl(url.query))
            if url.path == "/authorize":
                return self.tell(200, one.page(asked), "text/html")
            if url.path == "/signed-in":
                return self.tell(302, "", "text/html", one.admit(asked))
            found = one.documents().get(url.path)
            return self.tell(200 if found else 404, json.dumps(found), "application/json")

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            assert self.path == "/token", self.path
            told = one.exchange(dict(parse_qsl(body)))
            self.tell(200, json.dumps(told), "application/json")

        def tell(self, status, text, kind, location=None):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            # The portal's page, of another origin, reads the documents and asks for the tokens.
            self.send_header("Access-Control-Allow-Origin", "*")
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(text.encode())

    with serving(Pages) as one.url:
        yield one
