"""Traces of the served product, sent to a collector: who sees them sees where the time went, and no secret."""

import base64
import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx2
import pytest

from tests.e2e.partners import IDS, Manifold, MindCloud, new_id
from tests.support.collector import Collector, Span, collector
from tests.support.http_server import Answer, Received, Server, http_server
from tests.support.live import LiveService, own_database, serving
from tests.support.paths import ROOT

VALUE = "value-" + secrets.token_hex(16)
IN_PATH, IN_QUERY = "path-" + secrets.token_hex(8), "query-" + secrets.token_hex(8)
COLLECTORS_KEY = secrets.token_hex(16)
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SET_UP = """
policies:
  vendors: {issuer: vendor, options: {names: [KEY]}}
platforms:
  mindcloud:
    approve_installations: true
    integrations:
      int_vendor: {policy: vendors, response: {key: $credential.KEY}}
      int_refused: {policy: vendors, response: {key: $credential.KEY}}
"""


class Traced(NamedTuple):
    service: LiveService
    collector: Collector
    vendor: Server
    settings: dict[str, str]


@pytest.fixture(scope="module")
def traced(tmp_path_factory) -> Iterator[Traced]:
    def vendor(asked: Received) -> Answer:
        if json.loads(asked.body)["context"]["integration"] == "int_refused":
            return Answer(500, json.dumps({"message": VALUE}).encode())
        return Answer(200, json.dumps({"values": {"KEY": VALUE}}).encode())

    with collector() as found, http_server(vendor) as server, own_database() as url:
        options = {"url": f"{server.url}/{IN_PATH}", "secrets": ["env:VENDOR_SECRET"], "seconds": 2}
        issuer = {"BACKEND": "credservice.issuers.webhook.WebhookIssuer", "OPTIONS": options}
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": found.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer {COLLECTORS_KEY}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "TRUSTED_PROXIES": "127.0.0.1,::1",  # only such say in which trace
            "VENDOR_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
            "CREDENTIAL_ISSUERS": json.dumps({"vendor": issuer}),
        }
        with serving(url, pages=False, **settings) as service:
            file = tmp_path_factory.mktemp("set-up") / "set-up.yaml"
            file.write_text(SET_UP)
            service.manage("apply", str(file)).check_returncode()
            yield Traced(service, found, server, settings)


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    """A caller within a trace of its own."""
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=1"}
    with httpx2.Client(timeout=30, trust_env=False, headers=headers) as client:
        yield client


def exchange(traced: Traced, http: httpx2.Client, installation: str, integration: str) -> httpx2.Response:
    target = f"/credential-exchange/mindcloud?token={IN_QUERY}"
    return MindCloud(traced.service, http).exchange(target, integrationId=integration, installationId=installation)


def of_request(spans: list[Span], response: httpx2.Response) -> list[Span]:
    """The spans of one request, the outermost first."""
    request_id = response.headers["x-request-id"]
    found = [span for span in spans if span.attributes.get("credservice.request_id") == request_id]
    for span in found:
        found += [other for other in spans if other.parent == span.id]
    return found


def test_a_first_exchange_shows_its_way_from_the_door_to_the_vendors_endpoint(traced, http):
    response = exchange(traced, http, "install_traced", "int_vendor")
    assert (response.status_code, response.json()) == (200, {"key": VALUE})
    spans = of_request(traced.collector.wait_for(lambda spans: of_request(spans, response)), response)
    door = spans[0]
    assert (door.kind, door.trace, door.parent) == ("server", TRACE, CALLER)
    assert door.name == "POST /credential-exchange/{platform}"
    assert (door.attributes["http.response.status_code"], door.failed) == ("200", False)
    (issuer,) = (span for span in spans if span.name == "issuer issue")
    (call,) = (span for span in spans if span.parent == issuer.id and span.kind == "client")
    assert issuer.attributes["credservice.issuer"] == "vendor"
    assert (call.name, call.attributes["server.address"]) == ("POST", "127.0.0.1")
    # The vendor's endpoint may go on with the trace.
    assert traced.vendor.received[-1].headers["traceparent"] == f"00-{TRACE}-{call.id}-01"
    assert "tracestate" not in traced.vendor.received[-1].headers
    statements = {span.name for span in spans if span.attributes.get("db.system.name") == "postgresql"}
    assert {"exchange", "INSERT exchange_installation", "INSERT credentials_credential"} <= statements


def test_statements_that_go_together_are_one_span(traced, http):
    manifold, resource_id = Manifold(traced.service, http), new_id()
    assert manifold.put_resource(resource_id).status_code == 201
    response = manifold.put_credential(new_id(), resource_id)
    assert response.status_code == 201
    spans = of_request(traced.collector.wait_for(lambda spans: of_request(spans, response)), response)
    assert any(", " in span.name for span in spans if "db.system.name" in span.attributes)


def test_a_caller_without_a_trace_begins_one(traced):
    response = MindCloud(traced.service, httpx2.Client(trust_env=False)).exchange()
    (door, *_) = of_request(traced.collector.wait_for(lambda spans: of_request(spans, response)), response)
    assert (door.parent, door.trace != TRACE) == ("", True)


def test_a_failing_issuer_shows_by_its_class_alone(traced, http):
    response = exchange(traced, http, "install_refused", "int_refused")
    assert response.status_code == 503
    spans = of_request(traced.collector.wait_for(lambda spans: of_request(spans, response)), response)
    (issuer,) = (span for span in spans if span.name == "issuer issue")
    assert (issuer.failed, issuer.attributes["error.type"]) == (True, "_Passing")


def test_a_job_shows_too(traced):
    traced.service.manage("worker", "--once").check_returncode()
    spans = traced.collector.wait_for(lambda spans: any(span.kind == "consumer" for span in spans))
    (job, *_) = (span for span in spans if span.name == "job credentials.finish_issue")
    assert any(span.parent == job.id for span in spans)


def test_no_secret_and_nothing_that_was_sent_is_in_any_span(traced, http):
    response = exchange(traced, http, "install_for_secrets", "int_vendor")
    traced.collector.wait_for(lambda spans: of_request(spans, response))
    signature = response.request.headers["x-signature"]
    sent = traced.collector.bytes_received()
    names = [VALUE, IN_PATH, IN_QUERY, signature, COLLECTORS_KEY, "install_for_secrets", *IDS.values()]
    names += [traced.settings["VENDOR_SECRET"], traced.service.secret("mindcloud-signing-secret")]
    assert [name for name in names if name.encode() in sent] == []
    assert traced.collector.headers()["authorization"] == f"Bearer {COLLECTORS_KEY}"


def test_probes_and_scrapes_are_not_traced(traced, http):
    for path in ("/healthz", "/readyz", "/metrics"):
        http.get(traced.service.base_url + path)
    response = MindCloud(traced.service, http).exchange()
    spans = traced.collector.wait_for(lambda spans: of_request(spans, response))
    assert [span for span in spans if span.name in ("GET /healthz", "GET /readyz", "GET /metrics")] == []


def test_a_collector_that_never_answers_holds_up_no_exchange_and_no_stop():
    with socket.create_server(("127.0.0.1", 0)) as silent, own_database() as url:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with serving(url, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as service, httpx2.Client(trust_env=False) as client:
            assert [MindCloud(service, client).exchange().status_code for _ in range(20)] == [200] * 20
            began = time.monotonic()
            service.stop()
            assert time.monotonic() - began < 20


LOADED = """
import sys
from credservice.core import hot_statements
from credservice.core.startup import start_tracing
from credservice.wsgi import application
start_tracing()
print([name for name in sys.modules if name.startswith("opentelemetry")], hot_statements.session_class.__name__)
"""


def test_without_a_collector_nothing_of_it_is_loaded(live_service):
    done = subprocess.run([sys.executable, "-c", LOADED], env=live_service.environment, cwd=ROOT, capture_output=True)
    assert done.stdout.decode() == "[] _Session\n", done.stderr


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        ("collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' must begin with https:// (or http://).\n"),
        ("http://user:pass@collector", "must hold no user name, query or fragment"),
    ],
)
def test_an_address_that_is_none_is_refused(live_service, endpoint, sentence):
    environment = live_service.environment | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    done = subprocess.run([sys.executable, "manage.py", "check"], env=environment, cwd=ROOT, capture_output=True)
    assert (done.returncode, sentence in done.stderr.decode()) == (2, True)
