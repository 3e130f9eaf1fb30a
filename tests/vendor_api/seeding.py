"""A call for each operation that must succeed, about objects of a served set-up: what the fuzzer cannot guess.

Each operation has objects of its own, so that none takes away what another one needs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from provisioning.checker.connector import Client, Connector
from tests.e2e.partners import TIMEOUT, new_id
from tests.provisioning.sso.served import Market
from tests.provisioning.usage import report
from tests.support.live import LiveService
from tests.support.mindcloud_server import API_KEY, mindcloud_api
from tests.vendor_api.routes import ROUTES

VALUES = {"values": {"apiKey": "a-key-of-the-customer"}}
OTHER_VALUES = {"values": {"apiKey": "another-key-of-the-customer"}}
END_USER, INSTALLATION = "/end-users/{external_id}", "/installations/{installation_id}"
GRANT_OF = f"{END_USER}/grants/{{integration_id}}"
CREDENTIAL, RESOURCE = "/credentials/{credential}", "/resources/{resource}"
ENDPOINT, SINCE = "/event-endpoints/{endpoint}", {"since": "2026-01-31T00:00:00Z"}
PUBLIC_KEY = "PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk"
INTEGRATION = {"policy": "demo-api-key", "response_shape": {"apiKey": "$credential.apiKey"}}
AT_MINDCLOUD: dict[str, Any] = {"query": {"platform": "mindcloud"}}  # one of several, by then
LISTS = ("event-deliveries", "signing-keys", "audit-events")
SETUP = """
platforms:
  mindcloud:
    api_url: "{mindcloud}"
    api_key: file:mindcloud-api-key
    end_users:
      enduser_456def: {{installations: {{install_waiting: {{integration: int_abc123, state: pending}}}}}}
event_endpoints:
  receiver: {{url: "http://localhost:9/events"}}
marketplaces:
  manifold:
    connector_url: "{connector}"
    client_secret: file:demo/manifold-client-secret
    products:
      bear: {{dashboard_url: "https://dashboard.example.com/marketplace"}}
"""


Call = dict[str, Any]
Calls = dict[tuple[str, str], Call]


def call(body: Any = None, /, **path: str) -> Call:
    """With these parameters in its path, and no query."""
    return {"path": path, "query": {}, "body": body}


@contextmanager
def seeded(service: LiveService, token: str) -> Iterator[dict[str, Call]]:
    """The calls, by operation: ``GET /api/v1/grants``. MindCloud and a marketplace are there meanwhile."""
    with (
        mindcloud_api() as mindcloud,
        Connector(0, Client()) as connector,
        httpx2.Client(timeout=TIMEOUT, trust_env=False) as http,
    ):
        _set_up(service, mindcloud=mindcloud.url, connector=connector.url)
        seeds = Seeds(service, Market(service, connector, http), token)
        calls = seeds.exchange() | seeds.grants() | seeds.credentials() | seeds.resources() | seeds.others()
        assert set(calls) <= set(ROUTES), set(calls) - set(ROUTES)
        yield {f"{method} /api/v1{path}": calls.get((method, path), call()) for method, path in ROUTES}


def _set_up(service: LiveService, **urls: str) -> None:
    (service.folder / "mindcloud-api-key").write_text(API_KEY)
    with NamedTemporaryFile("w", suffix=".yaml", dir=service.folder) as file:
        file.write(SETUP.format(**urls))
        file.flush()
        service.manage("apply", file.name).check_returncode()


class Seeds:
    """Makes the objects, by the API itself and as the marketplace does."""

    def __init__(self, service: LiveService, market: Market, token: str) -> None:
        self.service, self.market, self.http = service, market, market.manifold.client
        self.headers = {"Authorization": f"Bearer {token}"}

    def send(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.service.base_url}/api/v1{path}"
        answer = self.http.request(method, url, json=body, headers=self.headers)
        assert answer.is_success, answer.text
        return answer.json()

    def exchange(self) -> Calls:
        read, act = {"external_id": "customer-1"}, {"external_id": "customer-2"}
        self.granted("customer-2")
        installation, waiting = {"installation_id": "install_xyz789"}, {"installation_id": "install_generated"}
        return {
            ("GET", "/platforms/{platform}"): call(platform="mindcloud"),
            ("GET", "/integrations/{integration_id}"): call(integration_id="int_abc123"),
            ("PUT", "/platforms/{platform}"): call({"tolerance_seconds": 60}, platform="other"),
            ("PUT", "/integrations/{integration_id}"): call(INTEGRATION, integration_id="int_new") | AT_MINDCLOUD,
            ("PUT", "/policies/{policy}"): call({"issuer": "api_key"}, policy="new-keys"),
            **self.signing_secrets(),
            **self.catalogue(),
            ("GET", "/policies/{policy}"): call(policy="demo-api-key"),
            ("GET", INSTALLATION): call(**installation),
            ("POST", f"{INSTALLATION}/approve"): call({}, **waiting),
            ("POST", f"{INSTALLATION}/refuse"): call({}, installation_id="install_waiting"),
            ("POST", f"{INSTALLATION}/suspend"): call({}, **installation),
            ("POST", f"{INSTALLATION}/resume"): call({}, **installation),
            ("GET", END_USER): call(**read),
            ("PUT", END_USER): call({"name": "Ada", "attributes": {"region": "eu"}}, **read),
            ("POST", f"{END_USER}/suspend"): call({}, **act),
            ("POST", f"{END_USER}/resume"): call({}, **act),
            ("POST", f"{END_USER}/mindcloud-token"): call({"name": "Ada"}, external_id="customer-new") | AT_MINDCLOUD,
            ("POST", "/bulk"): call({"external_id": "customer-3", "end_user_id": "enduser_3"}) | AT_MINDCLOUD,
            ("GET", "/export"): call() | {"query": {"kind": "end_users"}},
        }

    def signing_secrets(self) -> Calls:
        """Of a platform of their own, whose first one is previous by now."""
        platform, path = {"platform": "signing"}, "/platforms/{platform}/signing-secrets"
        self.send("PUT", "/platforms/signing", {})
        secrets = [f"a-signing-secret-for-the-fuzzer-{number}" for number in range(3)]
        first, _ = (self.send("POST", path.format(**platform), {"secret": text}) for text in secrets[:2])
        return {
            ("GET", path): call(**platform),
            ("POST", path): call({"secret": secrets[2]}, **platform),
            ("GET", f"{path}/{{signing_secret}}"): call(signing_secret=first["id"], **platform),
            ("POST", f"{path}/{{signing_secret}}/retire"): call(signing_secret=first["id"], **platform),
        }

    def catalogue(self) -> Calls:
        """Read of the demonstration, written of a marketplace of their own."""
        market, product = "/marketplaces/{marketplace}", "/marketplaces/{marketplace}/products/{product}"
        bear = {"marketplace": "manifold", "product": "bear"}
        self.send("PUT", "/marketplaces/broker", {"protocol": "osb"})
        self.send("PUT", "/marketplaces/broker/products/seeded", {"policy": "bear-key"})
        passwords = [f"a-password-of-a-broker-for-the-fuzzer-{number}" for number in range(2)]
        password = self.send("POST", "/marketplaces/broker/passwords", {"password": passwords[0]})
        own = {"marketplace": "broker", "product": "seeded"}
        return {
            ("GET", market): call(marketplace="manifold"),
            ("PUT", market): call({"protocol": "osb"}, marketplace="another-broker"),
            ("GET", f"{market}/products"): call(marketplace="manifold"),
            ("GET", product): call(**bear),
            ("PUT", product): call({"name": "Seeded"}, **own),
            ("GET", f"{product}/plans"): call(**bear),
            ("GET", f"{product}/plans/{{plan}}"): call(plan="ursa-minor", **bear),
            ("PUT", f"{product}/plans/{{plan}}"): call({"name": "Small"}, plan="small", **own),
            ("GET", f"{product}/features"): call(**bear),
            ("GET", f"{product}/features/{{feature}}"): call(feature="age", **bear),
            ("PUT", f"{product}/features/{{feature}}"): call({"type": "number"}, feature="size", **own),
            ("GET", f"{market}/trusted-keys"): call(marketplace="manifold"),
            ("GET", f"{market}/trusted-keys/{{trusted_key}}"): call(trusted_key="demo", marketplace="manifold"),
            ("PUT", f"{market}/trusted-keys/{{trusted_key}}"): call(
                {"public_key": PUBLIC_KEY}, trusted_key="new", marketplace="manifold"
            ),
            ("GET", f"{market}/passwords"): call(marketplace="broker"),
            ("POST", f"{market}/passwords"): call({"password": passwords[1]}, marketplace="broker"),
            ("GET", f"{market}/passwords/{{password}}"): call(password=password["id"], marketplace="broker"),
            ("POST", f"{market}/passwords/{{password}}/end"): call(password=password["id"], marketplace="broker"),
        }

    def grants(self) -> Calls:
        places = {name: self.granted(f"customer-{name}") for name in ("read", "put", "withdraw")}
        read = self.send("GET", "/end-users/customer-read/grants/int_abc123")
        return {
            ("GET", GRANT_OF): call(**places["read"]),
            ("PUT", GRANT_OF): call(OTHER_VALUES, **places["put"]),
            ("DELETE", GRANT_OF): call(**places["withdraw"]),
            ("GET", "/grants/{grant}"): call(grant=read["id"]),
        }

    def granted(self, external_id: str) -> dict[str, str]:
        """The place of a new end user's grant."""
        self.send("PUT", f"/end-users/{external_id}?platform=mindcloud", {"end_user_id": f"enduser_{external_id}"})
        self.send("PUT", f"/end-users/{external_id}/grants/int_abc123?platform=mindcloud", VALUES)
        return {"external_id": external_id, "integration_id": "int_abc123"}

    def credentials(self) -> Calls:
        return {
            ("POST", "/credentials"): call({"policy": "acme-generated-key"}),
            ("GET", CREDENTIAL): self.about_credential(),
            ("PUT", f"{CREDENTIAL}/values"): self.about_credential(OTHER_VALUES),
            ("POST", f"{CREDENTIAL}/rotate"): self.about_credential(OTHER_VALUES),
            ("POST", f"{CREDENTIAL}/revoke"): self.about_credential({"reason": "the customer has left"}),
            ("POST", f"{CREDENTIAL}/reveal"): self.about_credential({"reason": "shown to the customer"}),
        }

    def about_credential(self, body: Any = None) -> Call:
        made = self.send("POST", "/credentials", {"policy": "demo-api-key", **VALUES})
        return call(body, credential=made["id"])

    def resources(self) -> Calls:
        names = ("read", "suspend", "resume", "measured", "signed on")
        orders = {name: self.market.order() for name in names}
        credential_id = new_id()
        made = self.market.manifold.put_credential(credential_id, orders["read"])
        key = made.json()["credentials"]["BEAR_API_KEY"]
        batch = {"reports": [report(key="k2", resource=orders["measured"])]}
        return {
            ("GET", RESOURCE): call(resource=orders["read"]),
            ("POST", f"{RESOURCE}/suspend"): call({}, resource=orders["suspend"]),
            ("POST", f"{RESOURCE}/resume"): call({}, resource=orders["resume"]),
            ("POST", f"{RESOURCE}/usage"): call(report(), resource=orders["measured"]),
            ("POST", "/usage"): call(batch),
            ("GET", "/resource-credentials/{credential_id}"): call(credential_id=credential_id),
            ("POST", "/introspect"): call({"token": key}),
            ("POST", "/leaks"): call({"text": f"Authorization: Bearer {key}"}),
            ("POST", "/sso/redeem"): call(self.handed_over(orders["signed on"])),
        }

    def handed_over(self, resource_id: str) -> dict[str, str]:
        """The token and audience of a user whom the marketplace sends; good for as long as the fuzzer needs."""
        answer = self.http.get(self.market.link(resource_id))
        (token,) = parse_qs(urlsplit(answer.headers["Location"]).query)["token"]
        self.service.rows("UPDATE provisioning_handover SET expires_at = now() + interval '1 hour' RETURNING 1")
        return {"token": token, "audience": answer.headers["Location"].partition("?")[0]}

    def others(self) -> Calls:
        """After the others: by now there are signing keys, and lines in the trail."""
        self.send("POST", "/event-endpoints/receiver/ping")
        first = {path: self.send("GET", f"/{path}?limit=1")["items"][0] for path in LISTS}
        return {
            ("POST", f"{ENDPOINT}/ping"): call(endpoint="receiver"),
            ("POST", f"{ENDPOINT}/replay"): call(SINCE, endpoint="receiver"),
            ("POST", "/event-deliveries/{delivery}/replay"): call(delivery=first["event-deliveries"]["id"]),
            ("GET", "/signing-keys/{kid}"): call(kid=first["signing-keys"]["kid"]),
            ("GET", "/audit-events/{event}"): call(event=str(first["audit-events"]["id"])),
        }
