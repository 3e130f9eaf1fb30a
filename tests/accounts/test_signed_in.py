"""Tells the console's own pages who is signed in, and a form that nobody sent what became of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from credservice.accounts.models import ConsoleSession
from tests.accounts.conftest import ACCOUNT, LOGIN, sign_in
from tests.support.console import PASSWORD

ADDRESS = f"{ACCOUNT}signed-in/"
NOBODY = {"user": None}
SENTENCE = "You were signed out. What you sent was not saved."


def test_it_names_the_user_with_a_token_that_a_form_is_sent_with(admin: User):
    client = Client(enforce_csrf_checks=True)
    token = client.get(LOGIN).context["csrf_token"]
    client.post(LOGIN, {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": str(token)})
    answer = client.get(ADDRESS)
    assert answer.json()["user"] == "root"
    sent = {"term": "x", "csrfmiddlewaretoken": str(token)}
    assert client.post("/admin/search/", sent).status_code == 403
    assert client.post("/admin/search/", sent | {"csrfmiddlewaretoken": answer.json()["csrf_token"]}).status_code == 200


def test_it_tells_nobody_more_than_that(client: Client, db: None):
    answer = client.get(ADDRESS)
    assert (answer.status_code, answer.json(), dict(answer.cookies)) == (200, NOBODY, {})
    assert not ConsoleSession.objects.exists()


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_it_tells_other_sites_nothing(console: Client, site: str):
    headers = {"Sec-Fetch-Site": site, "Origin": "https://other.example"}
    answer = console.get(ADDRESS, headers=headers)
    assert answer.json() == NOBODY
    assert [name for name in answer.headers if name.startswith("Access-Control-")] == []


def test_it_lets_no_other_site_ask_first(console: Client):
    asks = {"Origin": "https://other.example", "Access-Control-Request-Method": "GET"}
    answer = console.options(ADDRESS, headers=asks)
    assert answer.status_code == 405
    assert [name for name in answer.headers if name.startswith("Access-Control-")] == []


def test_it_is_kept_by_nobody(console: Client):
    answer = console.get(ADDRESS, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.json()["user"] == "root"
    assert (answer["Cache-Control"], answer["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert answer["Content-Type"] == "application/json"


def test_it_changes_nothing_and_is_asked_by_get_alone(console: Client):
    assert console.post(ADDRESS).status_code == 405


def test_it_keeps_no_idle_session_alive(console: Client):
    seen = timezone.now() - timedelta(minutes=50)
    ConsoleSession.objects.update(seen_at=seen)
    assert console.get(ADDRESS).json()["user"] == "root"
    assert ConsoleSession.objects.get().seen_at == seen
    console.get("/admin/")
    assert ConsoleSession.objects.get().seen_at > seen


def test_it_takes_an_idle_session_for_ended(console: Client):
    ConsoleSession.objects.update(seen_at=timezone.now() - timedelta(minutes=61))
    assert console.get(ADDRESS).json() == NOBODY


def test_it_answers_who_has_yet_to_set_up_a_second_factor(admin: User, settings: Any):
    settings.REQUIRE_SECOND_FACTOR = True
    sign_in(client := Client())
    assert client.get(ADDRESS).json()["user"] == "root"


@pytest.mark.parametrize("address", ["/admin/exchange/enduser/add/", f"{ACCOUNT}app/remove/?a=%3Cb%3E"])
def test_the_sign_in_says_that_a_form_was_not_saved(client: Client, db: None, address: str):
    answer = client.post(address, {"external_id": "typed"})
    assert answer["Location"].startswith(f"{LOGIN}?next=")
    assert "typed" not in answer["Location"]
    assert SENTENCE in client.get(answer["Location"]).content.decode()
    assert SENTENCE not in client.get(answer["Location"]).content.decode()


def test_it_says_so_of_nothing_else(console: Client, admin: User):
    for leads_on in (console.post("/admin/logout/"), console.get("/admin/"), sign_in(console, "wrong")):
        assert SENTENCE not in leads_on.content.decode()
        assert SENTENCE not in console.get(LOGIN).content.decode()
    assert not ConsoleSession.objects.exists()
