"""GET /v1/sso: from a link to a session. The connector is real HTTP."""

import pytest

from credservice.crypto import seal
from provisioning.checker.connector import Client
from provisioning.checker.connector.tokens import FORM
from provisioning.models import Marketplace, Resource, ResourceSession


def test_a_good_link_leads_to_the_resources_page(user, resource_id):
    response = user.sign_on(resource_id)
    assert response["Location"] == f"/resources/{resource_id}"
    assert user.open(resource_id).status_code == 200


def test_another_marketplaces_resource_of_the_same_id_does_not_count_once_it_is_gone(user, resource_id):
    other = Marketplace.objects.create(name="other", connector_url="https://elsewhere.example/v1")
    mine = Resource.objects.get(partner_id=resource_id)
    fields = {"product": mine.product, "plan": mine.plan, "region": mine.region, "request_fingerprint": b"x"}
    Resource.objects.create(marketplace=other, partner_id=resource_id, state="deprovisioned", **fields)
    assert user.sign_on(resource_id)["Location"] == f"/resources/{resource_id}"


@pytest.mark.parametrize("path", ["/v1/sso", "/v1/sso/"])
def test_both_paths_are_answered_without_a_redirect_between_them(user, resource_id, path):
    assert user.follow(user.link(resource_id), path)["Location"] == f"/resources/{resource_id}"


def test_the_code_is_exchanged_in_one_request_as_a_form_with_basic_authentication(user, connector, resource_id):
    user.sign_on(resource_id)
    (exchange,) = connector.tokens.exchanges
    assert (exchange.grant_type, exchange.content_type) == ("authorization_code", FORM)
    (asked,) = [call for call in connector.seen if call.path == "/v1/oauth/tokens"]
    assert asked.header("authorization").startswith("Basic ")
    assert b"client_secret" not in asked.body


def test_the_client_is_form_encoded_before_it_is_a_header(user, connector, resource_id, marketplace):
    """RFC 6749, 2.3.1."""
    ours = connector.tokens.client = Client(id="a client/1", secret="100%25+ sure:é")
    marketplace.client_id, place = ours.id, marketplace.client_secret_place
    marketplace.sealed_client_secret = seal(ours.secret.encode(), place)
    marketplace.save()
    user.sign_on(resource_id)


def test_the_resource_is_asked_for_with_the_users_token(user, connector, resource_id):
    user.sign_on(resource_id)
    (asked,) = [call for call in connector.seen if call.path == f"/v1/resources/{resource_id}"]
    assert asked.header("authorization") == f"Bearer {connector.tokens.exchanges[0].token}"


def test_the_cookie_is_for_this_host_and_no_script(user, resource_id):
    user.sign_on(resource_id)
    assert (user.cookie["httponly"], user.cookie["samesite"], user.cookie["path"]) == (True, "Lax", "/")
    assert user.cookie["domain"] == ""
    assert len(user.cookie.value) >= 43


def test_in_production_the_cookie_is_host_only_and_secure(user, resource_id, settings):
    settings.PRODUCTION = True
    user.sign_on(resource_id)
    assert user.cookie.key == f"__Host-resource-{resource_id}"
    assert user.cookie["secure"]


def test_neither_the_cookie_nor_the_access_token_is_in_the_database(user, connector, resource_id):
    from tests.support.canaries import found_in_rows

    user.sign_on(resource_id)
    assert found_in_rows({"cookie": user.cookie.value, "token": connector.tokens.exchanges[0].token}) == []


def test_the_browser_gets_nothing_of_the_access_token(user, connector, resource_id):
    response = user.sign_on(resource_id)
    token = connector.tokens.exchanges[0].token
    assert token not in str(response.headers) + response.content.decode()
    assert token not in user.open(resource_id).content.decode()


def test_a_sign_on_is_recorded_with_who_it_was(user, resource_id, trail):
    user.sign_on(resource_id)
    event = trail.one(action="sso.signed_on")
    assert event.outcome == "granted"
    assert event.actor == f"marketplace_user:manifold:{ResourceSession.objects.get().user}"
    assert event.detail["resource"] == resource_id


def test_a_connector_that_does_not_know_self_lets_the_user_in_all_the_same(user, connector, resource_id):
    from provisioning.checker.connector.answers import Answer

    with connector.failing("/v1/self", Answer(500)):
        user.sign_on(resource_id)
    assert ResourceSession.objects.get().user == ""


def test_it_ends_with_the_access_token_at_the_latest(user, connector, resource_id, settings):
    settings.RESOURCE_SESSION_SECONDS = 10**7
    user.sign_on(resource_id)
    session = ResourceSession.objects.get()
    assert 24 * 3600 - 60 < (session.expires_at - session.started_at).total_seconds() <= 24 * 3600 + 1


def test_a_suspended_resource_can_be_looked_at(user, resource_id):
    from provisioning.models import Resource

    Resource.objects.filter(partner_id=resource_id).update(state="suspended")
    user.sign_on(resource_id)
    assert "This resource is suspended" in user.open(resource_id).content.decode()


@pytest.mark.parametrize("method", ["head", "post", "put", "delete"])
def test_another_method_does_not_use_the_code_up(user, connector, resource_id, method):
    query = user.link(resource_id)
    response = getattr(user.client, method)(f"/v1/sso?code={query['code']}&resource_id={resource_id}")
    assert (response.status_code, response["Allow"]) == (405, "GET")
    assert connector.tokens.exchanges == []
