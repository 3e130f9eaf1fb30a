"""An endpoint for the `webhook` issuer and for a provisioner: it makes, checks and revokes credentials, and provisions
resources. See docs/issuers/webhook.md, and docs/protocols/manifold.md, "Slow work".

pip install standardwebhooks
WEBHOOK_SECRET=whsec_... python vendor_endpoint.py 9000
"""

import json
import os
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

TOKENS: dict[str, str] = {}  # by credential id; in your product, a table with a unique key
RESOURCES: dict[str, str] = {}  # the plan, by resource id


def issue(message):
    # The id is the same on every repeat: the answer must be as well, or the first token would live on unseen.
    token = TOKENS.setdefault(message["id"], secrets.token_urlsafe(32))
    return {"values": {message["names"][0]: token}, "hint": f"...{token[-4:]}"}


def check(message):
    return {"active": message["id"] in TOKENS}


def revoke(message):
    TOKENS.pop(message["id"], None)  # gone already is as good
    return {}


def provision(message):
    # A repeat, too, finds the resource as it should be. Answer 202 while you are at work on it.
    RESOURCES[message["resource"]] = message["plan"]
    return {}


def deprovision(message):
    RESOURCES.pop(message["resource"], None)
    return {}


ACTS = {
    "credential.issue": issue,
    "credential.check": check,
    "credential.revoke": revoke,
    "resource.provision": provision,
    "resource.change_plan": provision,
    "resource.deprovision": deprovision,
}


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 65536))
        try:
            message = Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            return self.answer(401, {"message": "The signature does not fit."})
        if message["type"] not in ACTS:
            return self.answer(422, {"message": f"{message['type']} is not known here."})
        self.answer(200, ACTS[message["type"]](message))

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Endpoint).serve_forever()
