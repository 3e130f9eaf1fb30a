"""The reference provider's own check of signatures, written from the document's "Verifying a Request"."""

import base64
import json
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.provisioning.checker.reference.calls import Call, Refusal

USUAL_HEADERS = ["host", "date", "x-callback-id", "x-callback-url", "content-type", "content-length"]


class Verifier:
    def __init__(self, trusted: bytes, faults: frozenset[str]) -> None:
        self.trusted = Ed25519PublicKey.from_public_bytes(trusted)
        self.faults = faults
        self.first_live_key = b""

    def check(self, call: Call) -> None:
        if "signature unchecked" in self.faults or ("unsigned allowed" in self.faults and not self._given(call)):
            return
        self._check_date(call)
        names = self._signed_headers(call)
        value, live, endorsement = self._parts(call)
        self._check_chain(live, endorsement)
        try:
            Ed25519PublicKey.from_public_bytes(live).verify(value, self.canonical(call, names))
        except (InvalidSignature, ValueError):
            raise Refusal(401, "The request was not signed by the named key.") from None

    def _given(self, call: Call) -> bool:
        return bool(call.headers["X-Signature"])

    def _refuse(self, message: str) -> Refusal:
        return Refusal(400 if "400 for unreadable" in self.faults else 401, message)

    def _check_date(self, call: Call) -> None:
        try:
            age = datetime.now(UTC) - datetime.fromisoformat(call.headers["Date"])
        except (TypeError, ValueError):
            if "date optional" in self.faults:
                return
            raise self._refuse("The date cannot be read.") from None
        limit = timedelta(minutes=1 if "short tolerance" in self.faults else 5)
        too_new = -age > limit and "future allowed" not in self.faults
        if too_new or (age > limit and "age unchecked" not in self.faults):
            raise self._refuse("The request is too old or too new.")

    def _signed_headers(self, call: Call) -> list[str]:
        listed = call.headers["X-Signed-Headers"]
        if listed is None and "usual headers assumed" in self.faults:
            return self._present(call)
        names = (listed or "").split(" ")
        if not set(self._present(call)) <= set(names) and "unsigned headers allowed" not in self.faults:
            raise self._refuse("A header that must be signed is not.")
        if "fixed headers" in self.faults and names != self._present(call):
            raise Refusal(401, "These are not the usual headers.")
        return names

    def _present(self, call: Call) -> list[str]:
        optional = set() if "date optional" not in self.faults else {"date"}
        return [name for name in USUAL_HEADERS if call.headers[name] is not None and name not in optional]

    def _parts(self, call: Call) -> tuple[bytes, bytes, bytes]:
        try:
            value, live, endorsement = (_decode(part) for part in (call.headers["X-Signature"] or "").split(" "))
        except ValueError:
            if "unreadable signature breaks" in self.faults:
                raise Refusal(500, "Internal error.") from None
            raise self._refuse("The signature cannot be read.") from None
        return value, live, endorsement

    def _check_chain(self, live: bytes, endorsement: bytes) -> None:
        self.first_live_key = self.first_live_key or live
        if "one live key" in self.faults and live != self.first_live_key:
            raise Refusal(401, "This live key is not the first one.")
        try:
            self.trusted.verify(endorsement, live)
        except InvalidSignature:
            if "endorsement unchecked" not in self.faults:
                raise Refusal(401, "The live key is not endorsed.") from None

    def canonical(self, call: Call, names: list[str]) -> bytes:
        parts = call.query.split("&")
        query = "&".join(parts if "query unsorted" in self.faults else sorted(parts))
        if "query dropped" in self.faults and call.method != "GET":
            query = ""
        text = f"{call.method.lower()} {call.path}{'?' if query else ''}{query}\n"
        for name in names:
            text += f"{name}: {', '.join(value.strip() for value in call.headers.get_all(name, []))}\n"
        text += f"x-signed-headers: {call.headers['X-Signed-Headers'] or ' '.join(names)}\n"
        return text.encode() + self._body(call)

    def _body(self, call: Call) -> bytes:
        if "body rewritten" in self.faults and call.body.startswith(b'{"'):
            return json.dumps(json.loads(call.body), separators=(",", ":")).encode() + b"\n"
        return call.body


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
