"""The page of a resource: what it shows, to whom, and with which headers."""

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.checker.connector.answers import BROKEN_OFF, Answer
from provisioning.models import Marketplace, Product, Resource, ResourceSession
from provisioning.protocols import Person
from provisioning.sso import sessions
from provisioning.sso.signed_on import Granted, SignedOn
from tests.provisioning.usage import report


def text_of(response):
    assert response.status_code == 200, response.content
    return response.content.decode()


def refused(response):
    assert response.status_code == 401
    assert response["Content-Type"] == "text/html; charset=utf-8"
    return response.content.decode()


def test_it_says_what_the_resource_is(door, bear, user):
    from tests.provisioning.conftest import new_id, order

    Product.objects.update(name="Bear")
    resource_id = new_id()
    chosen = order(resource_id, features={"age": 2, "hat_color": "red", "ready": True})
    assert door.put(f"/v1/resources/{resource_id}", chosen).status_code == 201
    user.sign_on(resource_id)
    page = text_of(user.open(resource_id))
    for words in ("<h1>Bear</h1>", "ursa-minor", "Global", "<dt>Hat color</dt><dd>red</dd>", "<dd>Yes</dd>", "Active"):
        assert words in page


def test_nothing_of_it_is_kept_or_run_from_elsewhere(signed_on, resource_id):
    response = signed_on.open(resource_id)
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Frame-Options"] == "DENY"
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'" in policy
    assert "form-action 'self'; frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_it_needs_a_session(client, connector, resource_id, trail):
    refused(client.get(f"/resources/{resource_id}"))
    assert trail.one(action="resource_page.show").reason == "no_session"


def test_an_invented_session_is_none(user, resource_id, trail):
    for token in ("invented", "\u00e9", "a" * 10_000):
        user.client.cookies[sessions.cookie_name(resource_id)] = token
        refused(user.open(resource_id))


def test_a_session_knows_its_own_resource_only(signed_on, other_id, trail):
    signed_on.client.cookies[sessions.cookie_name(other_id)] = signed_on.cookie.value
    refused(signed_on.open(other_id))
    assert trail.one(action="resource_page.show").reason == "session_of_other_resource"


def test_a_user_may_look_at_several_resources(signed_on, resource_id, other_id):
    signed_on.sign_on(other_id)
    text_of(signed_on.open(other_id))
    text_of(signed_on.open(resource_id))


def test_signing_on_again_ends_the_session_before(signed_on, resource_id):
    before = signed_on.cookie.value
    signed_on.sign_on(resource_id)
    assert ResourceSession.objects.count() == 1
    signed_on.client.cookies[sessions.cookie_name(resource_id)] = before
    refused(signed_on.open(resource_id))


def test_it_is_no_session_of_the_console(signed_on):
    response = signed_on.client.get("/admin/")
    assert response.status_code == 302
    assert "login" in response["Location"]


@pytest.mark.parametrize("path", ["", "x/y/z", "0" * 29, "not-an-id", "%00"])
def test_any_other_path_is_the_same_page(client, db, path):
    refused(client.get(f"/resources/{path}"))


def end_session(resource_id):
    ResourceSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def remove(resource_id):
    Resource.objects.filter(partner_id=resource_id).update(state="deprovisioned")


def suspend_marketplace(resource_id):
    Marketplace.objects.update(is_active=False)


def revoke(resource_id):
    ResourceSession.objects.all().delete()


@pytest.mark.parametrize("change", [end_session, remove, suspend_marketplace, revoke])
def test_a_session_ends(signed_on, resource_id, change):
    text_of(signed_on.open(resource_id))
    change(resource_id)
    refused(signed_on.open(resource_id))


def test_a_resource_that_is_being_removed_says_so(signed_on, resource_id):
    Resource.objects.filter(partner_id=resource_id).update(state="deprovisioning")
    assert "This resource is being removed" in text_of(signed_on.open(resource_id))


def test_signing_out_ends_the_session_and_the_cookie(signed_on, resource_id, trail):
    token = signed_on.cookie.value
    response = signed_on.post(f"/resources/{resource_id}/sign-out", accept="text/html")
    assert "You are signed out" in text_of(response)
    assert signed_on.cookie.value == ""
    assert trail.one(action="sso.signed_out").detail["resource"] == resource_id
    signed_on.client.cookies[sessions.cookie_name(resource_id)] = token
    refused(signed_on.open(resource_id))


def test_another_sites_form_does_nothing(signed_on, resource_id, trail):
    for form in ("", "0" * 64):
        refused(signed_on.client.post(f"/resources/{resource_id}/sign-out", {"form": form}))
    assert ResourceSession.objects.exists()
    assert {event.reason for event in trail.all(action="resource_page.sign_out")} == {"foreign_form"}


def test_old_sessions_are_deleted_by_the_next_sign_on(signed_on, user, resource_id):
    end_session(resource_id)
    user.sign_on(resource_id)
    assert ResourceSession.objects.count() == 1


def test_it_lists_who_has_access(signed_on, resource_id):
    page = text_of(signed_on.open(resource_id))
    assert "Check Provider" in page
    assert "check-provider@example.com" in page
    assert "owner" in page


@pytest.mark.parametrize(
    "answer", [Answer(500), Answer(BROKEN_OFF), Answer(200, {"no": "list"}), Answer(200, ["x"]), Answer(404, {})]
)
def test_a_marketplace_that_does_not_say_who_is_no_error(signed_on, connector, resource_id, answer):
    with connector.failing(f"/v1/resources/{resource_id}/users", answer):
        assert "Your marketplace does not say now" in text_of(signed_on.open(resource_id))


def test_odd_users_are_shown_as_text(signed_on, connector, resource_id):
    odd = [{"name": "<script>alert(1)</script>", "email": "\u202eevil", "role": 7}, {}]
    with connector.failing(f"/v1/resources/{resource_id}/users", Answer(200, odd)):
        page = text_of(signed_on.open(resource_id))
    assert "&lt;script&gt;alert(1)" in page
    assert "\u202e" not in page


def test_a_user_whom_the_marketplace_no_longer_lets_in_is_out(signed_on, connector, resource_id, trail):
    connector.tokens.revoke(connector.tokens.exchanges[-1].token)
    refused(signed_on.open(resource_id))
    assert not ResourceSession.objects.exists()
    assert trail.one(action="sso.ended_by_marketplace").detail["resource"] == resource_id


def test_a_page_that_is_loaded_too_often_says_so(signed_on, resource_id, monkeypatch):
    monkeypatch.setattr("provisioning.sso.guard.PAGES_PER_MINUTE", 1)
    text_of(signed_on.open(resource_id))
    assert signed_on.open(resource_id).status_code == 429


@pytest.mark.usefixtures("stopped_clock")
def test_usage_of_this_month_is_summed_by_the_day(signed_on, honey, vendor, resource_id):
    now = timezone.now()
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    moments = {"a": first, "b": first + timedelta(minutes=1), "last month": first - timedelta(seconds=1)}
    for key, at in moments.items():
        sent = report(key, at=at.isoformat(), quantity=21)
        assert vendor.post(f"/api/v1/resources/{resource_id}/usage", sent).status_code == 200
    page = text_of(signed_on.open(resource_id))
    assert f"Usage in {now:%B %Y}" in page
    assert '<p class="total">42</p>' in page
    assert f"<title>1 {now:%b}: Honey by the day, in UTC 42 </title>" in page


def test_a_plan_that_meters_nothing_says_so(signed_on, resource_id):
    assert "Nothing is metered on this plan" in text_of(signed_on.open(resource_id))


def test_neither_user_nor_token_shows_in_a_repr(signed_on, connector, resource_id):
    granted, person = Granted("the-token", 60), Person(email="a@example.com")
    resource = Resource.objects.select_related("marketplace").get(partner_id=resource_id)
    shown = repr(SignedOn(resource, person, granted))
    assert "the-token" not in shown
    assert "a@example.com" not in shown
