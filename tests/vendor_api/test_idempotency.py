"""``Idempotency-Key``: done once, answered the same, also when the repetitions come at once."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.vendor_api import idempotency
from credservice.vendor_api.models import IdempotentCall
from tests.support.canaries import found_in_rows
from tests.support.concurrency import at_once
from tests.vendor_api.client import Vendor, refused

ORDER = {"policy": "keys", "context": {"external_id": "customer-1"}}


def test_a_repeated_write_is_done_once_and_answered_the_same(vendor, policy):
    first = vendor.post("/credentials", ORDER, Idempotency_Key="order-1")
    second = vendor.post("/credentials", ORDER, Idempotency_Key="order-1")
    assert (second.status_code, second.json()) == (201, first.json())
    assert [second[name] for name in ("ETag", "Location")] == [first[name] for name in ("ETag", "Location")]
    assert ("Idempotent-Replayed" in first, second["Idempotent-Replayed"]) == (False, "true")
    assert Credential.objects.count() == 1


def test_another_key_is_another_call(vendor, policy):
    for key in ("order-1", "order-2"):
        vendor.post("/credentials", ORDER, Idempotency_Key=key)
    assert Credential.objects.count() == 2


def test_the_key_of_another_token_is_another(vendor, policy):
    vendor.post("/credentials", ORDER, Idempotency_Key="order-1")
    Vendor(vendor.client, name="other").post("/credentials", ORDER, Idempotency_Key="order-1")
    assert Credential.objects.count() == 2


def test_another_body_under_a_known_key_is_refused(vendor, policy):
    vendor.post("/credentials", ORDER, Idempotency_Key="order-1")
    other = vendor.post("/credentials", {"policy": "keys"}, Idempotency_Key="order-1")
    refused(other, 422, "idempotency_key_reused")
    assert Credential.objects.count() == 1


def test_another_route_under_a_known_key_is_refused(vendor, credential):
    body = {"reason": "the same body"}
    vendor.post(f"/credentials/{credential.pk}/reveal", body, Idempotency_Key="k")
    refused(
        vendor.post(f"/credentials/{credential.pk}/revoke", body, Idempotency_Key="k"), 422, "idempotency_key_reused"
    )


def test_a_refused_call_may_be_put_right_under_the_same_key(vendor, policy):
    assert vendor.post("/credentials", {"policy": "nothing"}, Idempotency_Key="order-1").status_code == 400
    assert vendor.post("/credentials", ORDER, Idempotency_Key="order-1").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "k\u00e9y"])
def test_a_key_has_a_form(vendor, policy, key):
    refused(vendor.post("/credentials", ORDER, Idempotency_Key=key), 400, "invalid_request")
    assert not Credential.objects.exists()


def test_a_key_is_good_again_after_a_day(vendor, policy):
    vendor.post("/credentials", ORDER, Idempotency_Key="order-1")
    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(hours=25))
    vendor.post("/credentials", ORDER, Idempotency_Key="order-1")
    assert (Credential.objects.count(), IdempotentCall.objects.count()) == (2, 1)


def test_old_keys_are_swept_and_young_ones_stay(vendor, policy):
    for key in ("old", "young"):
        vendor.post("/credentials", ORDER, Idempotency_Key=key)
    IdempotentCall.objects.filter(key="old").update(created_at=timezone.now() - timedelta(hours=25))
    assert idempotency.sweep() == 1
    assert IdempotentCall.objects.get().key == "young"


def test_an_answer_with_a_secret_is_kept_sealed(vendor, credential):
    body = {"reason": "shown once"}
    first = vendor.post(f"/credentials/{credential.pk}/reveal", body, Idempotency_Key="k")
    assert vendor.post(f"/credentials/{credential.pk}/reveal", body, Idempotency_Key="k").json() == first.json()
    assert found_in_rows(first.json()["values"]) == []


def test_a_usage_report_takes_a_key(vendor, db):
    answer = vendor.post("/usage", {"reports": []}, Idempotency_Key="k")
    refused(answer, 400, "invalid_request")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_acts_and_all_get_its_answer(client):
    CredentialPolicy.objects.create(name="keys", issuer="api_key")
    vendor = Vendor(client)
    answers = at_once(lambda _: vendor.again().post("/credentials", ORDER, Idempotency_Key="order-1"), 8)
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
    assert Credential.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_waits_too_long_is_told_when_to_come_again(client, monkeypatch):
    CredentialPolicy.objects.create(name="keys", issuer="api_key")
    vendor = Vendor(client)
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 1)
    slow = idempotency.Claim.keep

    def keep(claim, response, *, final):
        slow(claim, response, final=final)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(3)")

    monkeypatch.setattr(idempotency.Claim, "keep", keep)
    answers = at_once(lambda _: vendor.again().post("/credentials", ORDER, Idempotency_Key="order-1"), 2)
    late = max(answers, key=lambda answer: answer.status_code)
    refused(late, 409, "idempotency_key_in_use")
    assert (late["Retry-After"], Credential.objects.count()) == ("1", 1)


@pytest.mark.django_db(transaction=True)
def test_who_dies_in_the_middle_leaves_neither_the_act_nor_the_key(client, monkeypatch):
    CredentialPolicy.objects.create(name="keys", issuer="api_key")
    vendor = Vendor(client)
    with monkeypatch.context() as patch:
        patch.setattr(idempotency.Claim, "keep", lambda *_, **__: 1 / 0)
        assert vendor.post("/credentials", ORDER, Idempotency_Key="order-1").status_code == 500
    assert (Credential.objects.count(), IdempotentCall.objects.count()) == (0, 0)
    assert vendor.post("/credentials", ORDER, Idempotency_Key="order-1").status_code == 201


def test_what_follows_a_commit_is_waited_for(vendor, policy):
    """Between the commit and the answer of an issuer elsewhere, a repetition is told to come again."""
    vendor.post("/credentials", ORDER, Idempotency_Key="order-1")
    with transaction.atomic():
        IdempotentCall.objects.update(is_final=False)
    refused(vendor.post("/credentials", ORDER, Idempotency_Key="order-1"), 409, "idempotency_key_in_use")
    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert vendor.post("/credentials", ORDER, Idempotency_Key="order-1").status_code == 201


def test_the_fingerprint_is_keyed(vendor, policy):
    vendor.post("/credentials", ORDER, Idempotency_Key="order-1")
    plain = hashlib.sha256(json.dumps(ORDER).encode()).digest()
    assert plain not in bytes(IdempotentCall.objects.get().fingerprint)


def test_a_repeated_reveal_leaves_a_line_each_time(vendor, credential, trail):
    body = {"reason": "shown once"}
    for _ in range(2):
        vendor.post(f"/credentials/{credential.pk}/reveal", body, Idempotency_Key="k")
    first, second = trail.all(action="credential.revealed")
    assert (first.detail.get("why"), second.detail.get("repeated")) == ("shown once", True)


def test_a_kept_answer_that_is_made_anothers_is_given_to_nobody(vendor, credential):
    """Somebody who writes to the database leads another's answer, which holds values, to a call of their own."""
    reveal = f"/credentials/{credential.pk}/reveal"
    (value,) = vendor.post(reveal, {"reason": "the owner asks"}, Idempotency_Key="theirs").json()["values"].values()
    other = Vendor(vendor.client, name="other")
    other.post("/credentials", ORDER, Idempotency_Key="mine")
    theirs, mine = (IdempotentCall.objects.get(key=key) for key in ("theirs", "mine"))
    IdempotentCall.objects.filter(pk=mine.pk).delete()
    IdempotentCall.objects.filter(pk=theirs.pk).update(token=mine.token, key="mine", fingerprint=mine.fingerprint)
    answer = other.post("/credentials", ORDER, Idempotency_Key="mine")
    assert (answer.status_code, value in answer.content.decode()) == (503, False)
