"""Both partners' sides over real HTTP. The marketplace's signer is the checker's, written from the document alone."""

import json
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from exchange.signatures.verify import Profile, sign
from provisioning.checker import signer
from provisioning.checker.keys import LiveKey, MasterKey
from provisioning.checker.messages import Request
from tests.support.live import LiveService

IDS = {"integrationId": "int_abc123", "installationId": "install_xyz789", "endUserId": "enduser_456def"}
ALPHABET = "0123456789abcdefghjkmnpqrtuvwxyz"
TIMEOUT = 30.0


def new_id() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(29))


class MindCloud:
    def __init__(self, service: LiveService, client: httpx2.Client) -> None:
        self.url, self.client = service.base_url, client
        self.secret = service.secret("mindcloud-signing-secret").encode()

    def headers(self, target: str) -> dict[str, str]:
        path, _, query = target.partition("?")
        timestamp = str(int(time.time()))
        signature = sign(
            method="POST", path=path, query=query, timestamp=timestamp, profile=Profile(), secret=self.secret
        )
        return {"Content-Type": "application/json"} | signature

    def exchange(self, target: str = "/credential-exchange", **changes: str) -> httpx2.Response:
        return self.client.post(self.url + target, content=json.dumps(IDS | changes), headers=self.headers(target))


class Manifold:
    def __init__(self, service: LiveService, client: httpx2.Client) -> None:
        self.url, self.client = service.base_url, client
        self.host = f"localhost:{service.port}"
        self.live_key = LiveKey.endorsed_by(MasterKey.load(Path(service.folder / "demo" / "masterkey.json")))

    def signed(self, method: str, target: str, body: object = None, *more: tuple[str, str]) -> Request:
        content = b"" if body is None else json.dumps(body).encode()
        headers = [("Host", self.host), ("Date", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))]
        if content:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        return signer.sign(Request(method, target, (*headers, *more), content), self.live_key)

    def send(self, method: str, target: str, body: object = None) -> httpx2.Response:
        return self.deliver(self.signed(method, target, body))

    def deliver(self, request: Request) -> httpx2.Response:
        url = self.url + request.target
        return self.client.request(request.method, url, content=request.body, headers=list(request.headers))

    def put_resource(self, resource_id: str, product: str = "bear", plan: str = "ursa-minor") -> httpx2.Response:
        order = {"id": resource_id, "product": product, "plan": plan, "region": "all::global"}
        return self.send("PUT", f"/v1/resources/{resource_id}", order)

    def put_credential(self, credential_id: str, resource_id: str) -> httpx2.Response:
        order = {"id": credential_id, "resource_id": resource_id}
        return self.send("PUT", f"/v1/credentials/{credential_id}", order)
