"""The OpenAPI document: complete, valid, and what the service really does."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from credservice.credentials.vendor_api.routes import Rotation
from credservice.vendor_api import pages
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import operation_of
from credservice.vendor_api.schema import codes_of
from tests.support.live import LiveService, own_database, serving
from tests.support.paths import ROOT
from tests.vendor_api.client import refused
from tests.vendor_api.routes import ROUTES
from tests.vendor_api.seeding import seeded

FUZZ_SECONDS = 120
# What refuses bad input: beside Schemathesis' own list, conditions that do not hold, and what is too long.
REFUSALS = """
[checks]
negative_data_rejection.expected-statuses = [
    "400", "401", "403", "404", "405", "406", "409", "412", "413", "414", "415", "422", "429", "431"
]

[[operations]] # a bad line is named in the answer, and stops no other
include-path = "/api/v1/bulk"
checks.negative_data_rejection.expected-statuses = ["200", "400", "413", "415"]

[[operations]] # MindCloud's refusal, of an end user whom it does not know, is answered as a documented 502
include-path = "/api/v1/end-users/{external_id}/mindcloud-token"
checks.not_a_server_error.expected-statuses = ["2xx", "4xx", "502"]
"""
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance"),
    *("response_schema_conformance", "negative_data_rejection", "unsupported_method", "ignored_auth"),
    "EveryOperationSucceeds",
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As the command writes it: any warning is an error."""
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return dict(yaml.safe_load(out.getvalue()))


@pytest.fixture(scope="module")
def operations(document) -> dict[tuple[str, str], Any]:
    return {
        (method.upper(), path.removeprefix("/api/v1")): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_it_has_every_route_and_no_other(operations):
    assert set(operations) == set(ROUTES)


def test_every_operation_says_what_it_does_and_needs(operations):
    for route, operation in operations.items():
        assert operation["summary"], route
        assert f"Scope: `{ROUTES[route]}`" in operation["description"], route
        assert operation["security"] == [{"serviceToken": []}], route


def test_every_operation_has_its_problems(operations):
    for (method, path), operation in operations.items():
        problems = {status for status, answer in operation["responses"].items() if "problem" in str(answer)}
        assert {"400", "401", "403", "405", "406", "413", "429", "500", "503"} <= problems, (method, path)
        assert ("404" in problems) >= ("{" in path), (method, path)


def test_every_write_takes_an_idempotency_key(operations):
    reading = {"/bulk", "/introspect", "/leaks", "/end-users/{external_id}/mindcloud-token"}
    for (method, path), operation in operations.items():
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert ("Idempotency-Key" in names) == (method != "GET" and path not in reading), (method, path)


def test_every_body_has_an_example_or_needs_none(operations):
    for route, operation in operations.items():
        body = operation.get("requestBody")
        if body and body.get("required"):
            assert any(content.get("examples") for content in body["content"].values()), route


def test_a_strict_body_is_closed(document):
    schemas = document["components"]["schemas"]
    assert schemas["EndUserUpsert"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["EndUser"]


def test_codes_are_listed_once():
    operation = operation_of(Rotation, "POST")
    assert operation is not None
    codes = codes_of(operation, "/credentials/{credential}/rotate")
    assert len(codes) == len(set(codes))
    assert {"not_found", "conflict", "precondition_failed", "idempotency_key_reused"} <= set(codes)


@pytest.mark.parametrize("media_type", ["application/vnd.oai.openapi", "application/json"])
def test_it_is_served_as_yaml_and_as_json(client, media_type):
    answer = client.get("/api/schema/", headers={"Accept": media_type})
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, media_type)


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_its_pages_refuse_in_the_same_form(client, path):
    refused(client.post(path), 405, "method_not_allowed")
    refused(client.get(path, headers={"Accept": "image/png"}), 406, "not_acceptable")


@pytest.fixture
def served():
    """A service of its own: what is sent here changes it."""
    with own_database() as url, serving(url) as service:
        yield service


def test_the_service_does_what_the_document_says(served: LiveService, tmp_path: Path):
    """Schemathesis: no 500, no answer that the document does not have, no bad input that is taken; and of every
    operation at least one answer of success."""
    token = served.manage("create_token", "fuzz", *(f"--scope={scope}" for scope in Scope.values)).stdout.strip()
    served.rows("UPDATE vendor_api_servicetoken SET requests_per_minute = 1000000 RETURNING 1")
    (tmp_path / "schemathesis.toml").write_text(REFUSALS)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{served.base_url}/api/schema/"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
        # One worker: Python 3.11's compiler trips over threads that compile at once, as the fuzzer's do.
        *("--max-time", str(FUZZ_SECONDS), "--workers", "1", "--max-failures", "5", "--no-color"),
    ]
    calls = tmp_path / "calls.json"
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.vendor_api.fuzzing",
        "FUZZ_CALLS": str(calls),
        "PYTHONPATH": str(ROOT),
    }
    with seeded(served, token) as known:
        calls.write_text(json.dumps(known))
        run = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
    told = run.stdout.partition("= FAILURES =")  # first, as the advice that follows is long
    assert run.returncode == 0, told[2][:8000] or run.stdout[-8000:] + run.stderr[-2000:]


@pytest.mark.parametrize("form", ["application/json", "application/vnd.oai.openapi"])
def test_the_document_is_made_once_however_often_it_is_asked_for(client, form):
    first = client.get("/api/schema/", headers={"Accept": form})
    made = pages._document.cache_info().misses
    again = client.get("/api/schema/", headers={"Accept": form})
    assert (again.content, pages._document.cache_info().misses) == (first.content, made)
    assert b"/api/v1/credentials" in first.content
