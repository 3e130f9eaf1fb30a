"""Secrets that can be recognised, through everything that is done with secrets: none shows in a log or a row."""

import base64
import io
import logging
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DataError, connection

from credservice.core.exceptions import Invalid
from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import reveal, revoke, rotate, start_issue
from credservice.crypto import seal, store
from credservice.crypto.models import DataKey
from credservice.keys.services import enter_secret, generate_secret, retire_secret, reveal_secret
from provisioning.models import Marketplace, Plan, Product, TrustedKey
from tests.provisioning import signer
from tests.support.canaries import forms_of, found_in_rows, found_in_text
from tests.support.exchange_factories import make_door
from tests.vendor_api.client import Vendor

ACTOR = "user:ann"
VALUE = "canary-static-value-0a1b2c3d"
NEXT_VALUE = "canary-static-value-9z8y7x6w"
REFUSED = "canary-refused-value-5f4e3d2c"
ENTERED = "canary-signing-secret-77aa88bb99"
CLIENT_SECRET = "canary-client-secret-1q2w3e4r"
RESOURCE, CREDENTIAL = "0" * 28 + "r", "0" * 28 + "c"


@pytest.fixture
def log():
    """Collect what the service's own handler writes, at its most talkative: with every statement and its parameters."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.getLogger().handlers[0].formatter)
    root, statements, level = logging.getLogger(), logging.getLogger("django.db.backends"), logging.getLogger().level
    root.setLevel(logging.DEBUG)
    statements.setLevel(logging.DEBUG)
    connection.force_debug_cursor = True
    root.addHandler(handler)
    yield stream.getvalue
    root.removeHandler(handler)
    connection.force_debug_cursor = False
    statements.setLevel(logging.NOTSET)
    root.setLevel(level)


@pytest.fixture
def planted(client, db):
    """Everything that has a secret and everything that is done with one; returns the secrets by name."""
    door = make_door(client)
    secrets = {"value": VALUE, "next value": NEXT_VALUE, "refused": REFUSED, "entered": ENTERED}
    secrets |= exchange(door) | signing_secrets(door) | marketplace(client)
    secrets |= set_up_by_script(client)
    secrets |= {"client secret": CLIENT_SECRET, "SECRET_KEY": settings.SECRET_KEY}
    secrets |= {"KEK": base64.b64decode(settings.ENCRYPTION_KEYS.partition(":")[2])}
    return secrets | {f"data key {key.pk}": store.data_key(key.pk).secret for key in DataKey.objects.all()}


def exchange(door):
    first = door.grant(VALUE)
    assert door.post().json() == {"apiKey": VALUE}
    second = rotate(credential=first, actor=ACTOR, entered={"apiKey": NEXT_VALUE}, overlap=timedelta(0))
    assert door.post().json() == {"apiKey": NEXT_VALUE}
    assert reveal(credential=second, actor=ACTOR, reason="lost") == {"apiKey": NEXT_VALUE}
    for entered in ({"apiKey": REFUSED + "\x00"}, {"apiKey": "x", "other": REFUSED}, {"apiKey": REFUSED * 1000}):
        with pytest.raises(Invalid):
            start_issue(policy=first.policy, context={}, subject="", actor=ACTOR, entered=entered)
    revoke(credential=second, actor=ACTOR, reason="over")
    assert door.post().status_code == 404
    return {}


def signing_secrets(door):
    secret_set = door.platform.secrets
    entered = enter_secret(secret_set=secret_set, text=ENTERED, actor=ACTOR)
    with pytest.raises(Invalid):
        enter_secret(secret_set=secret_set, text=REFUSED[:20], actor=ACTOR)
    _, generated = generate_secret(secret_set=secret_set, actor=ACTOR)
    assert reveal_secret(secret=entered, actor=ACTOR, reason="lost") == ENTERED
    # Refused: signed by nobody, and a secret sent where an id or a signature belongs.
    assert door.post(headers=door.signed(secret="x" * 32)).status_code == 401
    assert door.post(headers={"X-Signature": ENTERED, "X-Timestamp": ENTERED}).status_code == 401
    assert door.post(b'{"integrationId": "' + ENTERED.encode()).status_code in (400, 401)
    retire_secret(secret=entered, actor=ACTOR)
    return {"generated signing secret": generated}


def marketplace(client):
    row = Marketplace(name="manifold", connector_url="https://connector.example/v1")
    row.sealed_client_secret = seal(CLIENT_SECRET.encode(), row.client_secret_place)
    row.save()
    master = signer.Key()
    TrustedKey.objects.create(marketplace=row, label="master", public_key=master.public)
    policy = CredentialPolicy.objects.create(name="bears", issuer="api_key", options={"name": "BEAR"})
    product = Product.objects.create(marketplace=row, label="bear", policy=policy, regions=["all::global"])
    Plan.objects.create(product=product, label="den")
    door = signer.Marketplace(client, master)
    order = {"id": RESOURCE, "product": "bear", "plan": "den", "region": "all::global"}
    assert door.put(f"/v1/resources/{RESOURCE}", order).status_code == 201
    put = {"id": CREDENTIAL, "resource_id": RESOURCE}
    values = [door.put(f"/v1/credentials/{CREDENTIAL}", put).json()["credentials"]["BEAR"] for _ in range(2)]
    assert values[0] == values[1]
    assert door.delete(f"/v1/credentials/{CREDENTIAL}").status_code == 204
    return {"generated key": values[0], "its body": values[0].split("_")[2][:30]}


def set_up_by_script(client):
    """By the vendor API: each secret taken, repeated, and refused."""
    vendor = Vendor(client)
    names = ("api-key", "client-secret", "signing-secret", "password")
    secrets = {f"sent {name}": f"canary-sent-{name}-0a1b2c3d4e5f6071" for name in names}
    api_key, client_secret, signing_secret, password = secrets.values()
    url = "https://connector.example/v1"
    calls = (
        ("PUT", "/platforms/sent", {"api_url": url, "api_key": api_key}, {"tolerance_seconds": 3600, "api_url": "x"}),
        ("POST", "/platforms/sent/signing-secrets", {"secret": signing_secret}, {"overlap_seconds": -1}),
        ("PUT", "/marketplaces/sent", {"connector_url": url, "client_secret": client_secret}, {"connector_url": "x"}),
        ("PUT", "/marketplaces/broker", {"protocol": "osb"}, {"client_secret": client_secret}),
        ("POST", "/marketplaces/broker/passwords", {"password": password}, {"password": f"{password}\n"}),
    )
    for method, path, body, wrong in calls:
        answers = [vendor.call(method, path, body, Idempotency_Key=f"k-{path}") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        answers.append(vendor.call(method, path, body | wrong))
        assert answers[2].status_code == 400
        assert found_in_text(secrets, " ".join(answer.content.decode() for answer in answers)) == []
    return secrets


def test_no_row_of_any_table_shows_a_secret(planted):
    assert found_in_rows(planted) == []


def test_no_log_line_shows_a_secret(log, planted):
    assert "refused" in log()
    assert "INSERT INTO" in log()
    assert found_in_text(planted, log()) == []


def test_an_error_in_the_middle_shows_no_secret(log, client, db, monkeypatch):
    door = make_door(client)
    door.grant(VALUE)

    def fail(shape, sources):
        raise DataError(f"cannot store {sources['credential']}")

    monkeypatch.setattr("exchange.services.exchange.fill", fail)
    response = door.post()
    assert response.status_code == 500
    assert found_in_text({"value": VALUE}, log() + response.content.decode()) == []
    assert found_in_rows({"value": VALUE}) == []


def test_nothing_in_a_request_or_model_prints_a_value(planted, db):
    from credservice.credentials.models import Credential
    from credservice.keys.models import SigningSecret

    objects = [*Credential.objects.all(), *SigningSecret.objects.all(), *Marketplace.objects.all()]
    assert found_in_text(planted, " ".join(f"{found} {found!r}" for found in objects)) == []


@pytest.mark.parametrize(
    "show", [str, lambda s: s.encode().hex(), lambda s: base64.b64encode(b"a" + s.encode()).decode()]
)
def test_this_search_finds_a_secret(db, show):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE leak (note text)")
        cursor.execute("INSERT INTO leak VALUES (%s)", [f"before{show(VALUE)}after"])
        assert found_in_rows({"value": VALUE})[0] == ("value", "public.leak")


def test_this_search_finds_bytes(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE leak (note bytea)")
        cursor.execute("INSERT INTO leak VALUES (%s)", [b"before" + VALUE.encode()])
        assert ("value", "public.leak") in found_in_rows({"value": VALUE})
    assert len(set(forms_of(VALUE))) > 4
