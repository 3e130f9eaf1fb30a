"""The marketplace's side for tests: keys, and requests signed as its document says, to the test client's taste.

Written apart from provisioning.manifold.signatures.verify: the published known answer stands between the two.
"""

import base64
import json
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HOST = "testserver"


def text(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Key:
    """An Ed25519 pair; ``public`` as it is stored."""

    def __init__(self):
        self.private = Ed25519PrivateKey.generate()
        self.raw = self.private.public_key().public_bytes_raw()
        self.public = text(self.raw)

    def sign(self, message):
        return text(self.private.sign(message))


def rfc3339(moment):
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(method, target, headers, names, body):
    path, _, query = target.partition("?")
    sorted_query = "&".join(sorted(query.split("&")))
    lines = [f"{method.lower()} {path}" + (f"?{sorted_query}" if query else "")]
    lines += [name + ": " + headers.get(name, "").strip(" \t") for name in names]
    lines += [f"x-signed-headers: {' '.join(names)}"]
    return ("\n".join(lines) + "\n").encode("latin-1") + body


class Marketplace:
    """Sends signed requests by a test client. Every part of a request can be replaced before or after it is signed."""

    def __init__(self, client, master, live=None):
        self.client, self.master, self.live = client, master, live or Key()

    def headers(self, body):
        headers = {"host": HOST, "date": rfc3339(datetime.now(UTC))}
        return headers | ({"content-type": "application/json", "content-length": str(len(body))} if body else {})

    def send(self, method, target, body=b"", *, signed=None, names=None, header=None, after=None, send_as=None):
        """``signed``: headers replaced before signing; ``names``: what is listed; ``after``: headers replaced after;
        ``header``: the X-Signature to send; ``send_as``: (method, target, body) that are really sent."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self.headers(body) | (signed or {})
        headers = {name: value for name, value in headers.items() if value is not None}
        names = list(headers) if names is None else names
        headers["x-signed-headers"] = " ".join(names)
        headers["x-signature"] = header if header is not None else self.signature(method, target, headers, names, body)
        headers |= after or {}
        method, target, body = send_as or (method, target, body)
        return self.deliver(method, target, body, headers)

    def signature(self, method, target, headers, names, body):
        form = canonical(method, target, headers, names, body)
        return f"{self.live.sign(form)} {self.live.public} {self.master.sign(self.live.raw)}"

    def deliver(self, method, target, body, headers):
        headers = {name: value for name, value in headers.items() if value is not None}
        meta = {"CONTENT_LENGTH": headers.pop("content-length", ""), "CONTENT_TYPE": headers.pop("content-type", "")}
        meta = {name: value for name, value in meta.items() if value}
        meta |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        return self.client.generic(method, target, body, meta.pop("CONTENT_TYPE", ""), **meta)

    def put(self, target, body, **kwargs):
        return self.send("PUT", target, body, **kwargs)

    def patch(self, target, body, **kwargs):
        return self.send("PATCH", target, body, **kwargs)

    def get(self, target, **kwargs):
        return self.send("GET", target, **kwargs)

    def delete(self, target, **kwargs):
        return self.send("DELETE", target, **kwargs)
