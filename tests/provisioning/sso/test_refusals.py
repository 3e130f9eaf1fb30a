"""Every failed sign-on is the same 401 page: no cookie, no detail; the trail has the reason."""

import re
import time
from contextlib import nullcontext

import pytest

from credservice.crypto import seal
from provisioning.checker.connector import Client
from provisioning.checker.connector.answers import BROKEN_OFF, Answer
from provisioning.checker.connector.tokens import CODE_LIFE
from provisioning.models import Marketplace, Resource, ResourceSession
from tests.provisioning.conftest import new_id

TOKENS, RESOURCES = "/v1/oauth/tokens", "/v1/resources"


def wrong_client(user, connector, resource_id):
    return connector.knowing(Client(new_id(), connector.tokens.client.secret)), user.link(resource_id)


def wrong_secret(user, connector, resource_id):
    return connector.knowing(Client(connector.tokens.client.id, "w" * 43)), user.link(resource_id)


def expired(user, connector, resource_id):
    return None, user.link(resource_id, code=connector.tokens.code(resource_id, age=CODE_LIFE * 2))


def unknown_code(user, connector, resource_id):
    return None, user.link(resource_id, code="0" * 13)


def replayed(user, connector, resource_id):
    query = user.link(resource_id)
    assert user.follow(query).status_code == 303
    user.client.cookies.clear()
    return None, query


def code_of_another_resource(user, connector, resource_id):
    other = new_id()
    connector.market.resources[other] = {"id": other}
    return None, user.link(resource_id, code=connector.tokens.code(other))


def unknown_resource(user, connector, resource_id):
    return None, user.link(resource_id) | {"resource_id": new_id()}


def removed(user, connector, resource_id):
    Resource.objects.filter(partner_id=resource_id).update(state="deprovisioned")
    return None, user.link(resource_id)


def suspended_marketplace(user, connector, resource_id):
    Marketplace.objects.update(is_active=False)
    return None, user.link(resource_id)


def no_client(user, connector, resource_id):
    Marketplace.objects.update(client_id="")
    return None, user.link(resource_id)


def foreign_secret(user, connector, resource_id):
    """A sealed secret that was copied from another row does not open."""
    other = Marketplace(name="other")
    Marketplace.objects.update(sealed_client_secret=seal(b"s", other.client_secret_place))
    return None, user.link(resource_id)


def id_of_two_marketplaces(user, connector, resource_id):
    other = Marketplace.objects.create(name="other", connector_url="https://elsewhere.example/v1")
    mine = Resource.objects.get(partner_id=resource_id)
    fields = {"product": mine.product, "plan": mine.plan, "region": mine.region, "request_fingerprint": b"x"}
    Resource.objects.create(marketplace=other, partner_id=resource_id, **fields)
    return None, user.link(resource_id)


def test_a_resource_of_another_marketplace_that_is_gone_does_not_count(user, connector, resource_id):
    _, query = id_of_two_marketplaces(user, connector, resource_id)
    Resource.objects.filter(marketplace__name="other").update(state="deprovisioned")
    assert user.follow(query).status_code == 303


def answering(prefix, answer):
    def set_up(user, connector, resource_id):
        return connector.failing(prefix, answer), user.link(resource_id)

    return set_up


def malformed(**changes):
    def set_up(user, connector, resource_id):
        query = user.link(resource_id) | changes
        return None, {name: value for name, value in query.items() if value is not None}

    return set_up


CASES = {
    "code_refused": [wrong_client, wrong_secret, expired, unknown_code, replayed],
    "access_refused": [code_of_another_resource, answering(RESOURCES, Answer(404, {}))],
    "unknown_resource": [unknown_resource],
    "removed_resource": [removed],
    "suspended_marketplace": [suspended_marketplace],
    "no_oauth_client": [no_client],
    "ambiguous_resource": [id_of_two_marketplaces],
    "malformed_link": [
        malformed(code=None),
        malformed(code=""),
        malformed(code=["a", "b"]),
        malformed(code="a b"),
        malformed(code="x" * 256),
        malformed(code="\x00"),
        malformed(resource_id=None),
        malformed(resource_id="not-an-id"),
        malformed(resource_id="\x00" * 29),
        malformed(resource_id=["0" * 29, "1" * 29]),
    ],
    "connector_failed": [
        *(answering(TOKENS, Answer(status, {})) for status in (500, 302, 204, 429)),
        answering(TOKENS, Answer(BROKEN_OFF)),
        answering(TOKENS, Answer(201, ["no token"])),
        answering(TOKENS, Answer(201, "text")),
        answering(TOKENS, Answer(201)),
        answering(TOKENS, Answer(201, {"access_token": ""})),
        answering(TOKENS, Answer(201, {"access_token": 7})),
        answering(TOKENS, Answer(201, {"access_token": "a\r\nX-Evil: b"})),
        answering(TOKENS, Answer(201, {"access_token": "a", "token_type": "mac"})),
        answering(TOKENS, Answer(201, {"access_token": "a", "padding": "x" * 300_000})),
        answering(RESOURCES, Answer(500)),
        answering(RESOURCES, Answer(BROKEN_OFF)),
        answering(RESOURCES, Answer(200, [])),
        answering(RESOURCES, Answer(200, {})),
        answering(RESOURCES, Answer(200, {"id": "0" * 29})),
    ],
}
TABLE = [(reason, set_up) for reason, set_ups in CASES.items() for set_up in set_ups]


def refused(user, query):
    response = user.follow(query)
    assert response.status_code == 401
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    assert list(response.cookies) == []
    return re.sub(r"Request [0-9a-f]{32}", "Request ...", response.content.decode())


@pytest.mark.parametrize(("reason", "set_up"), TABLE)
def test_a_failure_is_a_page_for_a_person_and_no_session(user, connector, resource_id, trail, reason, set_up):
    fault, query = set_up(user, connector, resource_id)
    ResourceSession.objects.all().delete()
    with fault or nullcontext():
        page = refused(user, query)
    assert "open the resource from there once more" in page
    assert not ResourceSession.objects.exists()
    assert trail.all(action="sso.sign_on", outcome="refused")[-1].reason == reason


def test_a_secret_that_does_not_open_is_a_page_as_well(user, connector, resource_id):
    _, query = foreign_secret(user, connector, resource_id)
    refused(user, query)
    assert connector.tokens.exchanges == []


def test_all_failures_look_the_same(user, connector, resource_id):
    pages = {refused(user, malformed(code=None)(user, connector, resource_id)[1])}
    pages.add(refused(user, unknown_code(user, connector, resource_id)[1]))
    pages.add(refused(user, unknown_resource(user, connector, resource_id)[1]))
    assert len(pages) == 1


def test_no_code_is_spent_on_a_resource_that_we_do_not_have(user, connector, resource_id):
    refused(user, unknown_resource(user, connector, resource_id)[1])
    assert connector.tokens.exchanges == []


def test_a_connector_that_is_not_there_is_a_page_as_well(user, connector, resource_id, marketplace):
    query = user.link(resource_id)
    marketplace.connector_url = "http://127.0.0.1:9/v1"
    marketplace.save()
    refused(user, query)


def test_a_slow_connector_is_not_waited_for(user, connector, resource_id, monkeypatch):
    monkeypatch.setattr("provisioning.manifold.connector.users.SECONDS", 0.3)
    for server in connector._server._servers:
        monkeypatch.setattr(server, "answer", slow(server.answer))
    query, began = user.link(resource_id), time.monotonic()
    refused(user, query)
    assert time.monotonic() - began < 3


def slow(answer):
    def wait(call):
        time.sleep(2)
        return answer(call)

    return wait


def test_too_many_from_one_address_are_refused_with_the_same_page(user, resource_id, settings, trail):
    settings.SSO_REQUESTS_PER_MINUTE = 2
    address = {"REMOTE_ADDR": "198.51.100.7"}
    for _ in range(2):
        assert user.client.get("/v1/sso", user.link(resource_id), **address).status_code == 303
    assert user.client.get("/v1/sso", user.link(resource_id), **address).status_code == 401
    assert trail.one(action="sso.sign_on", outcome="refused").reason == "too_many_requests"
    assert user.follow(user.link(resource_id)).status_code == 303


def test_neighbours_in_one_ipv6_network_are_counted_together(user, resource_id, settings):
    settings.SSO_REQUESTS_PER_MINUTE = 1
    statuses = [
        user.client.get("/v1/sso", user.link(resource_id), REMOTE_ADDR=address).status_code
        for address in ("2001:db8:5::1", "2001:db8:5::2", "2001:db8:6::1")
    ]
    assert statuses == [303, 401, 303]


def test_an_error_of_ours_is_the_same_page(user, resource_id, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("provisioning.manifold.sign_on.sign_on", fail)
    assert "secret detail" not in refused(user, user.link(resource_id))
