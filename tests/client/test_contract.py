"""The client has what the OpenAPI document has, by the same names."""

import dataclasses
import inspect
import subprocess
import sys
import tomllib
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from drf_spectacular.generators import SchemaGenerator

import credservice
from credservice_client import Client, UsageReport, answers
from credservice_client.transport import __version__
from tests.support.paths import ROOT

PAGING = {"limit": "page_size"}
CONDITIONS = {"idempotency_key", "if_match", "only_new", "known"}  # headers
NO_PARAMETERS = CONDITIONS | {"self", "cursor", "progress", "after_line", "timeout"}
# A report's own fields, and a list of them, are the API's as well.
OTHER_FORMS = {"UsageOfResource": UsageReport}
NOT_ANSWERED = {"Tagged"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


@pytest.fixture(scope="module")
def operations(document) -> dict[str, Any]:
    found = [operation for methods in document["paths"].values() for operation in methods.values()]
    return {operation["operationId"]: operation for operation in found}


def test_there_is_a_method_for_each_operation_and_no_other(operations):
    methods = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")}
    assert methods - {"close"} == set(operations)


def test_each_method_takes_what_its_operation_takes(operations, document):
    for name, operation in operations.items():
        wanted = {each["name"] for each in operation.get("parameters", ()) if each["in"] in ("path", "query")}
        for form, content in operation.get("requestBody", {}).get("content", {}).items():
            wanted |= {"rows"} if form.endswith("ndjson") else set(schema(document, content["schema"])["properties"])
        given = set(inspect.signature(getattr(Client, name)).parameters)
        assert {PAGING.get(each, each) for each in wanted} - NO_PARAMETERS == given - NO_PARAMETERS, name


def test_each_method_takes_the_headers_of_its_operation(operations):
    for name, operation in operations.items():
        headers = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
        parameters = inspect.signature(getattr(Client, name)).parameters
        assert ("idempotency_key" in parameters) == ("Idempotency-Key" in headers), name
        assert ("known" in parameters) == ("If-None-Match" in headers), name


def test_the_page_names_every_method(operations):
    page = (ROOT / "docs/client.md").read_text()
    assert [name for name in operations if f"`{name}`" not in page] == []


def test_each_answer_has_the_fields_of_its_schema(document):
    forms = {name: form for name, form in vars(answers).items() if is_answer(form)} | OTHER_FORMS
    for name, form in forms.items():
        properties = document["components"]["schemas"][name]["properties"]
        kinds = {each: kind for each, kind in get_type_hints(form).items() if each not in ("etag", "context")}
        assert set(kinds) == set(properties) - {"context"}, name
        for each, kind in kinds.items():
            if properties[each].get("nullable"):
                assert NoneType in get_args(kind), (name, each)


def test_it_needs_nothing_of_the_service():
    code = "import sys, credservice_client; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "credservice_client" in loaded.stdout.split()
    assert not {"django", "credservice", "exchange", "provisioning"} & set(loaded.stdout.split())


def test_it_has_the_version_of_the_service():
    alone = tomllib.loads((ROOT / "credservice_client/pyproject.toml").read_text())["project"]
    assert alone["version"] == __version__ == credservice.__version__


def is_answer(form: Any) -> bool:
    is_form = isinstance(form, type) and dataclasses.is_dataclass(form) and form.__module__ == answers.__name__
    return is_form and form.__name__ not in NOT_ANSWERED


def schema(document: dict[str, Any], reference: dict[str, str]) -> dict[str, Any]:
    return dict(document["components"]["schemas"][reference["$ref"].rpartition("/")[2]])
