"""A vendor's dashboard that takes over users whom a marketplace sends. See docs/protocols/manifold.md.

pip install joserfc httpx2
CREDSERVICE=https://credentials.example.com DASHBOARD=https://dashboard.example.com/marketplace SERVICE_TOKEN=cst_... \\
    python sso_dashboard.py 9000
"""

import os
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

US, DASHBOARD = os.environ["CREDSERVICE"], os.environ["DASHBOARD"]
REGISTRY = jwt.JWTClaimsRegistry(
    leeway=30,  # seconds that our clock may be behind
    iss={"essential": True, "value": US},
    aud={"essential": True, "value": DASHBOARD},
    **{name: {"essential": True} for name in ("sub", "jti", "exp", "marketplace")},
)


def verify(text):
    """The claims of a token that was signed for this dashboard. Raises JoseError, ValueError or HTTPError."""
    answer = httpx2.get(f"{US}/.well-known/jwks.json").raise_for_status()  # in your product, kept for its max-age
    keys = KeySet.import_key_set(answer.json())
    token = jwt.decode(text, keys, algorithms=["EdDSA"])
    if token.header.get("typ") != "handover+jwt":
        raise ValueError("another kind of token")
    REGISTRY.validate(token.claims)
    return token.claims


def redeem(text):
    """Use the token up, if it is ours. Raises HTTPError, because of a 409 the second time."""
    headers = {"Authorization": f"Bearer {os.environ['SERVICE_TOKEN']}"}
    body = {"token": text, "audience": DASHBOARD}
    httpx2.post(f"{US}/api/v1/sso/redeem", json=body, headers=headers).raise_for_status()


class Dashboard(BaseHTTPRequestHandler):
    def do_GET(self):
        token = parse_qs(urlsplit(self.path).query).get("token", [""])[0]
        try:
            claims = verify(token)
            redeem(token)
        except (JoseError, ValueError, httpx2.HTTPError):
            return self.answer(401, "Please open the resource from your marketplace once more.")
        session = secrets.token_urlsafe(32)  # in your product, a session that knows claims["sub"] alone
        self.answer(200, f"Hello {claims.get('email', 'you')}, this is {claims['sub']}.", session)

    def answer(self, status, text, session=None):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Referrer-Policy", "no-referrer")  # the address still has the token
        if session:
            self.send_header("Set-Cookie", f"session={session}; HttpOnly; Secure; SameSite=Lax; Path=/")
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Dashboard).serve_forever()
