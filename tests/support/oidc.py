"""A real OpenID Connect provider on loopback (npm: oidc-provider), and somebody who signs in there."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest

from tests.support.http_server import unused_port
from tests.support.paths import ROOT

FOLDER = ROOT / "tests/support/oidc_provider"
SECRET = "of-the-client-at-the-provider"
ALIAS = "corp"
ANN = {
    "claims": {
        "preferred_username": "ann",
        "given_name": "Ann",
        "family_name": "Lee",
        "email": "root@example.com",
        "email_verified": True,
        "groups": ["cred-ops", "all-staff"],
    }
}


@dataclass(frozen=True)
class Provider:
    issuer: str

    def settings(self, **more: Any) -> dict[str, Any]:
        """OIDC_PROVIDERS, with this provider in it."""
        roles = {"cred-ops": ["Operator"], "cred-admins": ["Administrator"], "cred-secrets": ["Secrets manager"]}
        entry = {"name": "Corp", "issuer": self.issuer, "client_id": "credservice", "roles": roles}
        return {ALIAS: entry | more}

    def tell(self, account: str, **changes: Any) -> None:
        """Have it tell this of an account from now on."""
        body = {**ANN, "claims": ANN["claims"] | changes.pop("claims", {})} | changes
        httpx2.put(f"{self.issuer}/accounts/{account}", json=body).raise_for_status()


class Person:
    """A browser's cookies at the provider."""

    def __init__(self) -> None:
        self._client = httpx2.Client(follow_redirects=False)
        self.asked = False

    def answer(self, url: str, account: str, back_to: str) -> str:
        """Follow the provider from ``url``, signing in as ``account`` where it asks: where it leads back to."""
        self.asked = False
        while not url.startswith(back_to):
            response = self._client.get(url)
            if response.status_code == 200:
                self.asked = True
                response = self._client.post(url, data={"login": account})
            assert response.is_redirect, response.text
            url = urljoin(url, response.headers["Location"])
        return url


@contextmanager
def running(*redirect_uris: str) -> Iterator[Provider]:
    if not shutil.which("node") or not (FOLDER / "node_modules").is_dir():
        pytest.skip("no provider: npm ci --prefix tests/support/oidc_provider")
    port = unused_port()
    client = {"client_id": "credservice", "client_secret": SECRET, "redirect_uris": redirect_uris}
    asked = {"port": port, "clients": [client | {"require_auth_time": True}], "accounts": {"ann": ANN}}
    command = ["node", "server.mjs", json.dumps(asked)]
    with subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Provider(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
