"""The API: authentication with tokens and signatures, and the requests of a member."""

import json
import time
import urllib.error
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from checks_cli import prism, told
from issuer import Issuer, unsigned
from world import REGION

ANA = "ana@example.org"


def base(world, logical):
    """The URL of an API on the emulator. Its host names under execute-api would need a resolver."""
    return f"{world.url}/_aws/execute-api/{world.physical(logical)}"


def ask(url, method="GET", body=None, headers=None):
    """Sends a request; returns the status and the body of the response."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return status, json.loads(text or b"null")


def by_token(world, path, token, **more):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return ask(base(world, "PortalApi") + path, headers=headers if token else {}, **more)


def by_signature(world, path, user):
    request = AWSRequest(method="GET", url=base(world, "HttpApi") + path)
    SigV4Auth(Credentials(user.key, user.secret), "execute-api", REGION).add_auth(request)
    return ask(request.url, headers=dict(request.headers))


def check_tokens(world):
    """A valid token identifies its user; any other is refused before the function is invoked."""
    good = world.issuer.token(ANA)
    world.canaries["a token"] = good
    status, me = by_token(world, "/v1/me", good)
    assert (status, me["user"]) == (200, ANA), (status, me)
    stranger = Issuer()
    stranger.url = world.issuer.url
    now = int(time.time())
    for what, token in {
        "no token": None,
        "what is no token": "nonsense",
        "another audience": world.issuer.token(ANA, aud="another"),
        "another issuer": world.issuer.token(ANA, iss="http://127.0.0.1:9"),
        "expired": world.issuer.token(ANA, iat=now - 7200, exp=now - 3600),
        "not yet valid": world.issuer.token(ANA, nbf=now + 3600),
        "unsigned": unsigned(good),
        "another's signature": stranger.token(ANA),
        "a changed claim": changed(good, world.issuer.token("eve@example.org")),
    }.items():
        status, answer = by_token(world, "/v1/me", token)
        assert status == 401, f"{what}: {status} {answer}"


def changed(token, other):
    """The claims of one token with the signature of another."""
    head, _, signature = token.split(".")
    return f"{head}.{other.split('.')[1]}.{signature}"


def check_signatures(world):
    """The signer must be known, sign correctly, and be allowed to call the API."""
    bob = world.user("bob", managed=[world.outputs["MembersPolicyArn"]])
    eve = world.user("eve")
    status, me = by_signature(world, "/v1/me", bob)
    assert (status, me["user"]) == (200, "iam:user/bob"), (status, me)
    forged = type(bob)(bob.name, bob.key, eve.secret)
    unknown = type(bob)("nobody", "AKIANOBODYKNOWSTHIS0", eve.secret)
    for user in (eve, forged, unknown):
        status, answer = by_signature(world, "/v1/me", user)
        assert status == 403, f"{user.name}: {status} {answer}"
    status, answer = ask(base(world, "HttpApi") + "/v1/me")
    assert status == 403, f"unsigned: {status} {answer}"
    status, answer = by_token(world, "/v1/nothing", world.issuer.token(ANA))
    assert status == 404, f"no such path: {status} {answer}"


def check_member(world):
    """A member saves through the API, sees nothing of other users, and cannot start executions directly."""
    bob = world.users["bob"]
    url = base(world, "HttpApi")
    prism(world, bob, "configure", "--api-url", url, "--region", REGION, "--default")
    prism(world, bob, "launch", "python-ml", "bobs", "--size", "M")
    prism(world, bob, "save", "bobs", "bobs-own", "--yes")
    (save,) = told(world, bob, "saves", "list")["saves"]
    assert save["state"] == "succeeded", save
    hidden = prism(world, bob, "template", "info", "kept", expect=1).stderr
    assert "not found" in hidden or "no template" in hidden.lower(), hidden
    prism(world, bob, "launch", "bobs-own", "bobs-second", "--size", "M")
    prism(world, bob, "terminate", "bobs-second", "--yes")
    world.until_state("bobs-second", "terminated")
    try:
        world.client("stepfunctions", bob).start_execution(
            stateMachineArn=world.outputs["StateMachineArn"], name="bobs-own", input="{}"
        )
    except world.client("stepfunctions").exceptions.ClientError as error:
        assert "AccessDenied" in error.response["Error"]["Code"], error
    else:
        raise AssertionError("a member started an execution without the API")


def check_portal(world):
    """A portal's user saves with a token, and a repeated request returns the same save."""
    token = world.issuer.token(ANA)
    file = world.scratch / "token"
    file.write_text(token)
    file.chmod(0o600)
    world.canaries["the token of a file"] = token
    ana = world.root.__class__("ana", "AKIAHASNOKEY00000000", "none")
    url = base(world, "PortalApi")
    prism(world, ana, "configure", "--api-url", url, "--region", REGION, "--token-file", file, "--default")
    prism(world, ana, "launch", "python-ml", "anas", "--size", "M")
    world.until_state("anas", "running")
    body = {"instance": "anas", "template": "anas-own", "region": REGION}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    headers["Idempotency-Key"] = "the-same"
    first = ask(f"{url}/v1/saves", "POST", body, headers)
    assert first[0] == 202, first
    again = ask(f"{url}/v1/saves", "POST", body, headers)
    assert again[0] == 202 and again[1]["save_id"] == first[1]["save_id"], (first, again)
    world.saved(first[1]["save_id"])
    listed = [one["name"] for one in by_token(world, "/v1/templates", token)[1]["items"]]
    assert "anas-own" in listed and "kept" not in listed, listed
    status, problem = by_token(world, "/v1/templates/kept", token)
    assert status == 404 and problem["code"], (status, problem)


CHECKS = [
    ("tokens: a good one, and nine that are refused", check_tokens),
    ("signatures: a member's, and four that are refused", check_signatures),
    ("a member, by the CLI and the API", check_member),
    ("the portal's user, by a token", check_portal),
]
