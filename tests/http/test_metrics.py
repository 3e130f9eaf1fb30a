"""/metrics: for the networks that may read it."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_it_counts_requests_by_room(client):
    client.get("/v1/nothing")
    body = client.get("/metrics").content.decode()
    assert 'credservice_requests_total{method="GET",room="provisioning",status="404"}' in body


def test_it_tells_what_waits(client):
    assert "# TYPE credservice_credentials_stuck gauge" in client.get("/metrics").content.decode()


def test_it_is_not_there_for_other_networks(client):
    answer = client.get("/metrics", REMOTE_ADDR="203.0.113.7")
    assert (answer.status_code, b"credservice" in answer.content) == (404, False)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_that_nobody_named_lets_nobody_in(client, settings, header):
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404
    # Named, it lets in whom it names in the one header that is read; of the others it speaks for nobody.
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    expected = 200 if header == "X-Forwarded-For" else 404
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == expected


def test_a_named_proxy_lets_in_nobody_from_other_networks(client, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 404


def test_an_invented_method_makes_no_series_of_its_own(client):
    client.generic("BREW", "/v1/coffee")
    assert "BREW" not in client.get("/metrics").content.decode()


def test_only_reading_is_answered(db):
    assert Client(enforce_csrf_checks=True).post("/metrics").status_code == 405
