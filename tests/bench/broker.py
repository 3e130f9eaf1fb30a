"""The requests of an Open Service Broker platform, as Lua scripts for wrk, and a check of their answers."""

import base64
import json
import secrets

import httpx2

from tests.bench.ids import resource_id
from tests.bench.requests import checked
from tests.bench.servers import RESOURCES, Server
from tests.support.live import LiveService

MARKETPLACE, PRODUCT, PLAN = "platform", "queue", "small"
_ROOT = f"/osb/{MARKETPLACE}"
_INSTANCE = f"{_ROOT}/v2/service_instances/{resource_id(0)[:-9]}"

# Spread over the resources. ``path`` is an expression of Lua's, in which n counts the requests.
_SCRIPT = """
local headers = {{ {headers} }}
local n = 0
request = function()
  n = n + 1
  return wrk.format("{method}", {path}, headers, '{body}')
end
"""


class Broker:
    """One of our servers, as the demonstration's platform calls it."""

    def __init__(self, server: Server, service: LiveService) -> None:
        user = f"{MARKETPLACE}:{service.secret('platform-password')}"
        self._url = server.base_url
        self._headers = {
            "Authorization": f"Basic {base64.b64encode(user.encode()).decode()}",
            "X-Broker-API-Version": "2.17",
            "Content-Type": "application/json",
        }
        self._offer: dict[str, str] = {}

    def check(self, client: httpx2.Client) -> None:
        """Read the catalogue; check that a new binding is answered again, and no other password is taken."""
        catalogue = client.get(f"{self._url}{_ROOT}/v2/catalog", headers=self._headers)
        assert (catalogue.status_code, bool(catalogue.headers["ETag"])) == (200, True)
        (service,) = (found for found in catalogue.json()["services"] if found["name"] == PRODUCT)
        (plan,) = (found for found in service["plans"] if found["name"] == PLAN)
        self._offer = {"service_id": service["id"], "plan_id": plan["id"]}
        url = f"{self._url}{_INSTANCE}{0:09d}/service_bindings/checked"
        first, again = (client.put(url, json=self._offer, headers=self._headers) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 200), first.text
        assert first.json() == again.json()
        wrong = self._headers | {"Authorization": "Basic cGxhdGZvcm06d3Jvbmc="}
        assert client.put(url, json=self._offer, headers=wrong).status_code == 401

    def bind(self) -> str:
        """Write the script of new bindings, whose ids no other run has."""
        path = f"{_instance()} .. '/service_bindings/{secrets.token_hex(8)}-' .. n"
        return checked(201, '"password": ?"queue_demo_%w+"') + self._script("PUT", path, json.dumps(self._offer))

    def catalogue(self) -> str:
        return checked(200, '^{"services": ?') + self._script("GET", f'"{_ROOT}/v2/catalog"')

    def poll(self) -> str:
        return checked(200, '^{"state": ?"succeeded"') + self._script("GET", f"{_instance()} .. '/last_operation'")

    def empty(self) -> str:
        return checked(200, "^{}$") + self._script("GET", f'"{_ROOT}/empty"')

    def _script(self, method: str, path: str, body: str = "") -> str:
        headers = ", ".join(f'["{name}"] = "{value}"' for name, value in self._headers.items())
        return _SCRIPT.format(headers=headers, method=method, path=path, body=body)


def _instance() -> str:
    return f"string.format('{_INSTANCE}%09d', n % {RESOURCES})"
