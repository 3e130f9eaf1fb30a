"""The reference provider's single sign-on."""

import re
import secrets
from urllib.parse import parse_qs

from tests.provisioning.checker.reference.calls import Answer, Call, Refusal
from tests.provisioning.checker.reference.connecting import ConnectorClient

ID = re.compile(r"[0-9abcdefghjkmnpqrtuvwxyz]{29}")
PAGE = b"<!doctype html><html><head><title>Sorry</title></head><body><p>Please sign on again.</p></body></html>"
HTML = {"Content-Type": "text/html; charset=utf-8"}


class Sso:
    def __init__(self, connector: ConnectorClient, faults: frozenset[str]) -> None:
        self.connector = connector
        self.faults = faults
        self._remembered: dict[str, str] = {}

    def answer(self, call: Call) -> Answer:
        if call.path.endswith("/") and "sso without slash" in self.faults:
            raise Refusal(404, "There is no such path.")
        query = {name: values[0] for name, values in parse_qs(call.query).items()}
        code, resource_id = query.get("code", ""), query.get("resource_id", "")
        if "sso parameters unchecked" in self.faults and not (code and resource_id):
            raise Refusal(500, "Internal error.")
        if not code or not ID.fullmatch(resource_id):
            return self._refused()
        token = self._token(code)
        if not self._may_see(token, resource_id):
            if "connector failure breaks" in self.faults:
                raise Refusal(500, "Internal error.")
            return self._refused()
        return self._signed_on(resource_id, token)

    def _token(self, code: str) -> str | None:
        if "code remembered" in self.faults and code in self._remembered:
            return self._remembered[code]
        as_json = "code sent as JSON" in self.faults
        token = self.connector.token(as_json=as_json, grant_type="authorization_code", code=code)
        if "code exchanged twice" in self.faults:
            self.connector.token(grant_type="authorization_code", code=code)
        if token:
            self._remembered[code] = token
        return token

    def _may_see(self, token: str | None, resource_id: str) -> bool:
        if token is None:
            return "token refusal ignored" in self.faults
        if "resource unchecked" in self.faults:
            return True
        headers = {"Authorization": f"Bearer {token}"}
        status, content = self.connector.call("GET", f"{self.connector.url}/resources/{resource_id}", headers)
        return status == 200 and content["id"] == resource_id

    def _signed_on(self, resource_id: str, token: str | None) -> Answer:
        if "sso answers 204" in self.faults:
            return Answer(204)
        shown = f"?token={token}" if "token shown" in self.faults else ""
        headers = {"Location": f"/dashboard/{resource_id}{shown}", "Set-Cookie": _cookie()}
        if "sso leads nowhere" in self.faults:
            del headers["Location"]
        return Answer(303, headers=headers, raw=b"")

    def _refused(self) -> Answer:
        if "sso refusal in JSON" in self.faults:
            raise Refusal(401, "Please sign on again.")
        page = PAGE
        if "sso refusal without words" in self.faults:
            page = b"<html><head><title>Please sign on again.</title></head><body></body></html>"
        if "sso refusal with trace" in self.faults:
            page = b"<html><body><pre>Traceback (most recent call last): sso.py</pre></body></html>"
        cookie = {"Set-Cookie": _cookie()} if "sso refusal with session" in self.faults else {}
        return Answer(401, headers={**HTML, **cookie}, raw=page)


def _cookie() -> str:
    return f"session={secrets.token_hex(8)}; Path=/; HttpOnly"
