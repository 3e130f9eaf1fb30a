"""Service tokens in the console: made, shown once, revoked; and no other answer that shows one is repeated."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client

from credservice.accounts.models import Invitation
from credservice.events.models import EventEndpoint
from credservice.vendor_api.models import ServiceToken
from credservice.vendor_api.tokens import authenticate, create_token, revoke_token
from tests.conftest import Trail
from tests.support.pages import send, url


def test_a_scope_shows_its_name_beside_its_sentence(console: Client) -> None:
    assert "Read grants (grants:read)" in console.get(url(ServiceToken, "add")).content.decode()


def test_a_service_token_is_shown_once(console: Client, trail: Trail) -> None:
    values = {"name": "billing", "scopes": ["credentials:introspect"], "networks": ""}
    shown = send(console, url(ServiceToken, "add"), **values)
    (text,) = re.findall(r"cst_v1_\w{36}", shown.content.decode())
    token = ServiceToken.objects.get()
    assert authenticate(text, "127.0.0.1") == token
    assert text not in console.get(url(token)).content.decode()
    assert [line.action for line in trail.all()] == ["service_token.created"]
    again = send(console, url(ServiceToken, "add"), **values)
    assert "exists already" in again.content.decode()
    revoke_token(token=token, actor="test")
    assert "cst_v1_" in send(console, url(ServiceToken, "add"), **values).content.decode()


def test_what_a_deactivated_account_made_is_told(console: Client) -> None:
    host = User.objects.create_user("host", is_staff=True)
    kept, ended, _ = (
        create_token(name=name, scopes=["setup:read"], actor=actor)[0]
        for name, actor in (("kept", "user:host"), ("ended", "user:host"), ("other", "user:root"))
    )
    revoke_token(token=ended, actor="test")
    assert "host" in console.get(url(kept)).content.decode()
    made = {fact.name: str(fact.value) for fact in console.get(url(host)).context["header"].facts}
    assert re.findall(r">(\w+)</a>", made["Made service tokens"]) == ["kept"]
    page = console.post(url(host), {"username": "host"}, follow=True).content.decode()
    (told,) = re.findall(r"host made service tokens that go on working: (.*?)\. Revoke", page)
    assert url(kept) in told
    assert url(ended) not in told
    other = User.objects.create_user("other", is_staff=True)
    assert "service tokens" not in console.post(url(other), {"username": "other"}, follow=True).content.decode()


def test_a_service_token_is_revoked(console: Client, trail: Trail) -> None:
    token, _ = create_token(name="billing", scopes=["credentials:introspect"], actor="test")
    send(console, url(token, "revoke"))
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert trail.one(action="service_token.revoked").actor == "user:root"


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (ServiceToken, {"name": "billing", "scopes": ["credentials:introspect"], "networks": ""}),
        (EventEndpoint, {"name": "backend", "url": "https://api.example.com/events"}),
        (Invitation, {"invited": "Bob", "days": 3}),
    ],
)
def test_reloading_the_answer_that_shows_what_was_made_makes_nothing(
    console: Client, model: type[Model], values: dict[str, Any]
) -> None:
    if model is Invitation:
        values = values | {"roles": Group.objects.get(name="Operator").pk}
    address = url(model, "add")
    form_id = console.get(address).context["form_id"]
    assert console.post(address, values | {"form_id": form_id}).status_code == 200
    again = console.post(address, values | {"form_id": form_id}, follow=True).content.decode()
    assert "This form was sent before, and was done then." in again
    assert model._default_manager.count() == 1


def test_a_form_for_a_new_secret_that_is_of_no_page_is_refused(console: Client) -> None:
    values = {"name": "billing", "scopes": ["credentials:introspect"], "networks": "", "form_id": "made-up"}
    assert "open for too long" in console.post(url(ServiceToken, "add"), values, follow=True).content.decode()
    assert not ServiceToken.objects.exists()


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"expires_at_0": "2099-01-31"}, {"expires_at": ["Write the time with the date, such as 13:05."]}),
        ({"expires_at_1": "13:05"}, {"expires_at": ["Write the date with the time, such as 2027-01-31."]}),
        (
            {"networks": "203.0.113.0/24, here\nthere 10.0.0.0/99"},
            {
                "networks": [
                    "'here', 'there', '10.0.0.0/99' are no networks; write an address, or a network such as "
                    "203.0.113.0/24."
                ]
            },
        ),
    ],
)
def test_a_service_tokens_form_says_what_is_missing(
    console: Client, values: dict[str, str], errors: dict[str, list[str]]
) -> None:
    form = (
        console.post(
            url(ServiceToken, "add"),
            {"name": "billing", "scopes": ["credentials:introspect"], "networks": "", **values},
        )
        .context["adminform"]
        .form
    )
    assert form.errors == errors
