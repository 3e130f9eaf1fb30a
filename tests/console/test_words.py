"""Reads pages: what waits for an operator, names instead of numbers, one error at a time."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from credservice.audit import Line, record, record_refusal
from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential, CredentialPolicy, stuck
from exchange.models import Grant, Integration
from tests.support.console import World
from tests.support.pages import send, url


def _overview(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


def test_the_overview_tells_nobody_what_he_may_not_see(world: World) -> None:
    world.make_installation("inst_2", "pending")
    clerk = Client()
    clerk.force_login(User.objects.create_user("clerk", is_staff=True))
    with CaptureQueriesContext(connection) as captured:
        assert "waiting for approval" not in _overview(clerk)
    assert not [query for query in captured.captured_queries if "exchange_installation" in query["sql"]]


def test_a_suspended_platform_says_so(console: Client, world: World) -> None:
    send(console, url(world.platform, "suspend"), why="an outage over there")
    page = console.get(url(world.platform)).content.decode()
    assert "State" in page
    assert ">suspended<" in "".join(page.split())


def test_a_refused_exchange_shows_whom_it_was_for(console: Client, world: World) -> None:
    detail = {"end_user": "eu_1", "installation": "<b>" + "9" * 80}
    record_refusal(Line(action="exchange.credential", actor="platform:mindcloud", reason="no_grant", detail=detail))
    page = console.get(url(AuditEvent, "changelist")).content.decode()
    assert "call to fetch a credential for end user eu_1 was refused: no grant covers it<" in page
    assert "9" * 80 not in page


def test_the_trail_shows_seconds_on_the_lines_own_page(console: Client, world: World) -> None:
    record(Line(action="test.done", actor="test"))
    line = AuditEvent.objects.first()
    assert line is not None
    assert f"{line.at:%Y-%m-%d %H:%M:%S}" in console.get(url(line)).content.decode()
    assert f"{line.at:%H:%M:%S}" not in console.get(url(AuditEvent, "changelist")).content.decode()


def test_a_new_integration_starts_from_a_shape_that_works(console: Client, world: World) -> None:
    form = console.get(url(Integration, "add")).context["adminform"].form
    assert form["response_shape"].value() == [("apiKey", "credential", "")]


@pytest.mark.parametrize(
    ("options", "place"), [('{\r\n "names": [', "line 2, column 12"), ("{}, 1", "line 1, column 3")]
)
def test_broken_options_have_one_error(console: Client, db: None, options: str, place: str) -> None:
    values: dict[str, Any] = {"name": "broken", "issuer": "static", "options": options, "probe": "{}"}
    page = console.post(url(CredentialPolicy, "add") + "?view=json", values | {"overlap": "24h", "stale_for": "1h"})
    assert page.context["adminform"].form.errors == {"options": [f"This is not valid JSON, at {place}."]}


def test_a_short_list_that_shows_all_offers_no_more(console: Client, world: World) -> None:
    assert "Show all" not in console.get(url(CredentialPolicy, "changelist")).content.decode()
    assert "Show all" in console.get(url(CredentialPolicy, "changelist"), {"q": "keys"}).content.decode()


def test_the_list_of_grants_says_which_credential_it_is(console: Client, world: World) -> None:
    page = console.get(url(Grant, "changelist")).content.decode()
    assert f">entered {str(world.credential.pk)[:8]}</a>" in page


def test_a_platform_says_what_becomes_of_new_installations(console: Client, world: World) -> None:
    facts = {fact.name: fact.value for fact in console.get(url(world.platform)).context["header"].facts}
    assert facts["New installations"] == "wait for approval"


def test_a_credential_without_a_hint_is_called_by_its_policy(console: Client, world: World) -> None:
    page = console.get(url(world.credential)).content.decode()
    assert f"entered {str(world.credential.pk)[:8]} for acme" in page
    assert str(world.credential.pk) in page
    assert "Last checked" in page


def test_a_failed_sign_in_says_one_thing(admin: User) -> None:
    page = Client().post(reverse("admin:login"), {"username": "root", "password": "wrong"}).content.decode()
    assert page.count("errornote") == 1
    assert "This name and password open no account here" in page
    assert "Capitals and small letters differ, and blanks before or after count." in page


def test_an_empty_sign_in_says_what_is_missing(db: None) -> None:
    page = Client().post(reverse("admin:login"), {"username": "", "password": ""}).content.decode()
    assert "Correct what is marked below" in page


def test_stuck_credentials_are_found_by_index(world: World) -> None:
    some = {"policy": world.key_policy, "state": "revoked"}
    Credential.objects.bulk_create((Credential(**some, line=uuid4()) for _ in range(5000)), batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE credentials_credential")
    plan = Credential.objects.filter(stuck()).explain()
    assert "Seq Scan" not in plan, plan


def test_what_breaks_is_told_on_a_page(console: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("credservice.console.sidebar.groups", lambda _: 1 / 0)
    console.raise_request_exception = False
    answer = console.get(reverse("admin:index"))
    assert (answer.status_code, answer["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "finds it in the service" in answer.content.decode()
    assert "division" not in answer.content.decode()


def test_a_row_that_is_not_there_is_not_found(console: Client, db: None) -> None:
    answer = console.get(reverse("admin:exchange_platform_change", args=[uuid4()]))
    assert answer.status_code == 404
    assert "There is nothing here." in answer.content.decode()


def test_an_address_of_a_button_says_so(console: Client, db: None) -> None:
    answer = console.get(reverse("admin:logout"))
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")
    assert "Nothing opens here" in answer.content.decode()


def test_signing_out_says_no_more_than_that(console: Client, db: None) -> None:
    page = console.post(reverse("admin:logout")).content.decode()
    assert "You are signed out" in page
    assert "Sign in again" in page
    assert "quality time" not in page


def test_what_is_taken_together_is_said_in_plain_words(console: Client, world: World) -> None:
    values = {"platform": world.platform.pk, "integration_id": "int_1", "policy": world.policy.pk}
    page = console.post(url(Integration, "add"), values | {"response_shape": '{"apiKey": "$credential.apiKey"}'})
    errors = page.context["adminform"].form.errors
    assert list(errors) == ["integration_id"]
    assert strip_tags(errors["integration_id"][0]) == (
        "The integration int_1 of this platform has this already: write another."
    )


def test_a_credential_that_is_never_checked_here_says_nothing_of_checks(console: Client, world: World) -> None:
    def facts(credential: Credential) -> set[str]:
        return {fact.name for fact in console.get(url(credential)).context["header"].facts}

    assert "Last checked" not in facts(world.credential)
    assert "Last checked" in facts(world.make_key())
