"""Adds an integration on its list's own page: the answer as the table that edits it, or as JSON."""

import json

import pytest

from exchange.models import Integration
from exchange.shapes import WANTED
from tests.console.test_edit_shape import rows
from tests.support.pages import url

ADD = url(Integration, "add")


@pytest.fixture
def values(world):
    return {"platform": world.platform.pk, "integration_id": "int_2", "name": "", "policy": world.policy.pk}


def test_its_answer_is_a_table(console, values, trail):
    page = console.get(ADD).content.decode()
    assert "data-row-table" in page
    assert "data-preview" not in page  # this page would take a preview for the thing itself
    table = rows(("token", "credential", "apiKey"), ("tenant", "end_user", "external_id"), ("plan", "text", "$5"))
    assert console.post(ADD, values | table).status_code == 302
    made = Integration.objects.get(integration_id="int_2")
    assert made.response_shape == {"token": "$credential.apiKey", "tenant": "$end_user.external_id", "plan": "$$5"}
    assert trail.one(action="integration.created").detail["values"]["response_shape"] == {}


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (("a b", "text", "eu"), "“a b” is not a name"),
        (("token", "credential", ""), "the policy makes no value named token; it makes apiKey"),
        (("", "credential", ""), "This field is required."),
    ],
)
def test_the_table_says_what_is_wrong_and_keeps_what_was_typed(console, values, cells, problem):
    form = console.post(ADD, values | rows(cells)).context["adminform"].form
    assert problem in form.errors["response_shape"][0]
    assert form["response_shape"].value() == ([cells] if any((cells[0], cells[2])) else [])
    assert not Integration.objects.filter(integration_id="int_2").exists()


def test_the_expert_writes_json(console, values):
    assert 'href="?view=json"' in console.get(ADD).content.decode()
    form = console.get(ADD, {"view": "json"}).context["adminform"].form
    assert json.loads(form["response_shape"].value()) == {"apiKey": "$credential.apiKey"}
    shape = {"apiKey": "$credential.apiKey", "region": "$installation.region"}
    refused = console.post(f"{ADD}?view=json", values | {"response_shape": "{}"}).context["adminform"].form
    assert refused.errors == {"response_shape": [WANTED]}
    assert console.post(f"{ADD}?view=json", values | {"response_shape": json.dumps(shape)}).status_code == 302
    assert Integration.objects.get(integration_id="int_2").response_shape == shape
