"""Users who are handed over to the vendor's own dashboard, by a token good for a minute and for once."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ValidationError
from joserfc import jwt
from joserfc.jwk import KeySet

from credservice.core.exceptions import Conflict
from provisioning.checker.connector.market import USER
from provisioning.models import HandOver, Product, Resource, ResourceSession
from provisioning.protocols import Person
from provisioning.sso.handoff import hand_over, redeem
from provisioning.sso.signed_on import Granted, SignedOn
from tests.provisioning.usage import Vendor
from tests.support.concurrency import at_once

DASHBOARD = "https://dashboard.example.com/marketplace?theme=bear"


@pytest.fixture
def dashboard(bear):
    Product.objects.update(dashboard_url=DASHBOARD)


@pytest.fixture
def handed_over(user, resource_id, dashboard):
    return user.sign_on(resource_id)


@pytest.fixture
def token(handed_over):
    (token,) = parse_qs(urlsplit(handed_over["Location"]).query)["token"]
    return token


@pytest.fixture
def backend(client, db):
    """The vendor's dashboard, with a service token."""
    return Vendor(client, scopes=["sso:redeem"], name="dashboard")


def redeemed(backend, token, audience=DASHBOARD):
    return backend.post("/api/v1/sso/redeem", {"token": token, "audience": audience})


def test_the_user_is_sent_to_the_vendors_dashboard(handed_over, token):
    address = urlsplit(handed_over["Location"])
    assert (address.scheme, address.netloc, address.path) == ("https", "dashboard.example.com", "/marketplace")
    assert parse_qs(address.query)["theme"] == ["bear"]
    assert handed_over["Referrer-Policy"] == "no-referrer"
    assert handed_over["Cache-Control"] == "no-store"


def test_it_starts_no_session_of_ours(handed_over):
    assert list(handed_over.cookies) == []
    assert not ResourceSession.objects.exists()


def test_the_token_verifies_with_our_published_keys(client, token, resource_id, settings):
    keys = KeySet.import_key_set(client.get("/.well-known/jwks.json").json())
    found = jwt.decode(token, keys, algorithms=["EdDSA"])
    assert found.header["typ"] == "handover+jwt"
    claims = found.claims
    assert (claims["iss"], claims["aud"], claims["sub"]) == (settings.PUBLIC_URL, DASHBOARD, resource_id)
    assert claims["exp"] - claims["iat"] == 60
    assert claims["marketplace"] == "manifold"
    assert (claims["user_id"], claims["email"], claims["name"]) == (USER["id"], USER["email"], USER["name"])


def test_it_is_redeemed_once(backend, token, resource_id, trail):
    first = redeemed(backend, token)
    assert (first.status_code, first.json()) == (
        200,
        {"marketplace": "manifold", "resource_id": resource_id, "state": "active"},
    )
    assert redeemed(backend, token).status_code == 409
    assert trail.one(action="sso.redeemed").actor == "token:dashboard"


def test_a_token_that_is_too_old_is_not_redeemed(backend, token):
    HandOver.objects.update(expires_at=HandOver.objects.get().expires_at - timedelta(seconds=61))
    assert redeemed(backend, token).status_code == 409


@pytest.mark.parametrize("change", [lambda token: token[:-2], lambda token: "x", lambda token: token + "="])
def test_another_text_is_not_redeemed(backend, token, change):
    assert redeemed(backend, change(token)).status_code == 409
    assert redeemed(backend, token).status_code == 200


@pytest.mark.parametrize("audience", ["https://other.example.com/", DASHBOARD.partition("?")[0], f"{DASHBOARD} "])
def test_another_dashboards_token_is_refused_and_not_used_up(backend, token, audience):
    answer = redeemed(backend, token, audience=audience)
    assert (answer.status_code, answer.headers["Content-Type"]) == (409, "application/problem+json")
    assert "another dashboard" in answer.json()["detail"]
    assert redeemed(backend, token, audience=DASHBOARD).status_code == 200


def test_the_tokens_audience_counts_and_not_what_was_set_since(backend, token):
    Product.objects.update(dashboard_url="https://new.example.com/")
    assert redeemed(backend, token, audience="https://new.example.com/").status_code == 409
    assert redeemed(backend, token, audience=DASHBOARD).status_code == 200


@pytest.mark.parametrize("audience", ["", None, 7, ["x"], "x" * 256])
def test_an_audience_that_is_none_is_refused(backend, token, audience):
    assert redeemed(backend, token, audience=audience).status_code == 400
    assert redeemed(backend, token).status_code == 200


def test_a_token_without_an_audience_is_refused_and_not_used_up(backend, token):
    assert backend.post("/api/v1/sso/redeem", {"token": token}).status_code == 400
    assert redeemed(backend, token).status_code == 200


def test_redeeming_needs_its_scope(client, token):
    billing = Vendor(client, scopes=["usage:write"], name="billing")
    assert redeemed(billing, token).status_code == 403


def test_the_token_is_not_in_the_database_nor_the_trail(token):
    from tests.support.canaries import found_in_rows

    assert found_in_rows({"token": token}) == []


def test_the_hand_over_is_recorded(trail, handed_over):
    event = trail.one(action="sso.handed_over")
    assert (event.outcome, event.actor) == ("granted", f"marketplace_user:manifold:{USER['id']}")
    assert USER["email"] not in json.dumps(event.detail)


def test_a_refused_link_is_not_handed_over(user, resource_id, dashboard):
    response = user.follow(user.link(resource_id, code="0" * 13))
    assert response.status_code == 401
    assert not HandOver.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_redeems(user, resource_id, dashboard):
    resource = Resource.objects.select_related("marketplace", "product").get()
    token = parse_qs(urlsplit(hand_over(SignedOn(resource, Person(), Granted("t", 60)))).query)["token"][0]

    def attempt(_):
        try:
            return redeem(token=token, actor="test", audience=DASHBOARD).partner_id
        except Conflict:
            return None

    assert sorted(filter(None, at_once(attempt, 6))) == [resource_id]


@pytest.mark.parametrize("url", ["http://8.8.8.8", "ftp://x", "javascript:alert(1)", "https://u:p@x.example", "x"])
def test_a_dashboard_is_a_sound_address(bear, url, settings):
    settings.OUTGOING_ALLOWED_NETWORKS = []
    bear.dashboard_url = url
    with pytest.raises(ValidationError):
        bear.full_clean()
