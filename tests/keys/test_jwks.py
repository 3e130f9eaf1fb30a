import threading

import pytest
from django.db import connection
from django.test import Client

from credservice.keys.models import SigningKey
from credservice.keys.signing_keys import current_signing_key, generate_signing_key

URL = "/.well-known/jwks.json"


@pytest.mark.django_db
def test_it_lists_the_public_keys(client):
    key = generate_signing_key(algorithm="ES256", actor="user:1")
    answer = client.get(URL)
    assert answer.status_code == 200
    assert answer.json() == {"keys": [key.public_jwk]}
    assert answer["Cache-Control"] == "public, max-age=300"
    assert answer["Content-Type"] == "application/json"


@pytest.mark.django_db
def test_without_a_key_the_set_is_empty(client):
    assert client.get(URL).json() == {"keys": []}


@pytest.mark.django_db
def test_it_answers_head(client):
    assert client.head(URL).status_code == 200


@pytest.mark.django_db
def test_it_takes_nothing(client):
    answer = client.post(URL, b"{}", content_type="application/json")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.django_db(transaction=True)
def test_many_that_need_the_first_key_at_once_make_one():
    found = []

    def ask() -> None:
        try:
            found.append(current_signing_key("EdDSA", actor="issuer:jwt").kid)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == SigningKey.objects.count() == 1


def test_another_method_is_405_in_json_without_a_token(db):
    response = Client(enforce_csrf_checks=True).post(URL)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
