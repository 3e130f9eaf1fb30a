"""Hands out no token of a signing key that is retired before its tokens have ended."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from credservice.credentials import signed_tokens, tasks
from credservice.credentials.models import Credential
from credservice.credentials.services import revoke, rotate, start_issue
from credservice.keys.models import SigningKey
from credservice.keys.signing_keys import activate_signing_key, generate_signing_key, retire_signing_key
from tests.support.exchange_factories import make_policy

OPTIONS = {"name": "apiKey", "audience": "vendor"}


@pytest.fixture
def signing(door):
    """The door hands out tokens that are due only in hours."""
    door.integration.policy = make_policy(
        name="signed", issuer="jwt", options=OPTIONS, lifetime=timedelta(hours=24), overlap=timedelta(hours=1)
    )
    door.integration.save()
    return door


def handed_out(door):
    response = door.post()
    assert response.status_code == 200
    return response.json()["apiKey"]


def verified(door, token):
    """The header of a token that the published keys verify."""
    keys = KeySet.import_key_set(door.client.get("/.well-known/jwks.json").json())
    return jwt.decode(token, keys, algorithms=["EdDSA", "ES256"]).header


def leak(algorithm="EdDSA"):
    return generate_signing_key(algorithm=algorithm, actor="user:ann", leaked=True)


def key_of(credential):
    return SigningKey.objects.get(kid=credential.handle["kid"])


def test_after_a_leak_the_next_exchange_has_a_token_of_the_new_key(signing):
    before = handed_out(signing)
    assert handed_out(signing) == before
    fresh = leak()
    after = handed_out(signing)
    assert verified(signing, after)["kid"] == fresh.kid
    assert handed_out(signing) == after
    with pytest.raises((JoseError, ValueError)):
        verified(signing, before)


def test_so_it_is_where_the_sweep_comes_first(signing):
    handed_out(signing)
    fresh = leak()
    tasks.sweep(0)
    assert Credential.objects.get().state == "expired"
    assert verified(signing, handed_out(signing))["kid"] == fresh.kid


def test_an_early_retirement_of_a_previous_key_ends_its_tokens_too(signing):
    handed_out(signing)
    old = key_of(Credential.objects.get())
    activate_signing_key(key=generate_signing_key(algorithm="EdDSA", actor="user:ann"), actor="user:ann")
    assert verified(signing, handed_out(signing))["kid"] == old.kid
    retire_signing_key(key=old, actor="user:ann")
    assert verified(signing, handed_out(signing))["kid"] == SigningKey.objects.get(state="current").kid


def test_a_predecessor_of_the_leaked_key_does_not_come_back(signing):
    handed_out(signing)
    newest = rotate(credential=Credential.objects.get(), actor="user:ann")
    leak()
    revoke(credential=newest, actor="user:ann", reason="a trial")
    assert Credential.objects.filter(state="retiring").count() == 1
    assert signing.post().json()["code"] == "nothing_granted"


def test_a_leak_leaves_tokens_of_other_keys(signing):
    before = handed_out(signing)
    leak("ES256")
    assert handed_out(signing) == before


def test_a_key_that_ends_in_its_time_ends_no_token(signing):
    before = handed_out(signing)
    key = key_of(Credential.objects.get())
    activate_signing_key(key=generate_signing_key(algorithm="EdDSA", actor="user:ann"), actor="user:ann")
    SigningKey.objects.filter(pk=key.pk).update(ends_at=timezone.now())
    retire_signing_key(key=key, actor="worker")
    assert handed_out(signing) == before


def test_the_worker_ends_what_does_not_fit_into_one_batch(signing, monkeypatch):
    monkeypatch.setattr(signed_tokens, "BATCH", 2)
    policy = signing.integration.policy
    made = [start_issue(policy=policy, context={}, subject=f"end_user:{n}", actor="test") for n in range(7)]
    kids = [made[0].handle["kid"]]
    assert signed_tokens.count_signed(kids) == 7
    leak()
    assert signed_tokens.count_signed(kids) == 5
    tasks.sweep(0)
    assert signed_tokens.count_signed(kids) == 0


def test_a_token_that_was_being_signed_at_the_leak_is_ended_by_the_later_look(signing):
    handed_out(signing)
    kids = [Credential.objects.get().handle["kid"]]
    leak()
    tasks.sweep(0)
    # Its hand-out had read the key before the leak, and commits only now.
    late = start_issue(policy=signing.integration.policy, context={}, subject="end_user:late", actor="test")
    Credential.objects.filter(pk=late.pk).update(handle={"kid": kids[0]})
    tasks.sweep(60)
    assert not Credential.objects.get(pk=late.pk).is_usable()


def test_a_leak_that_is_rolled_back_ends_nothing(signing):
    before = handed_out(signing)
    with transaction.atomic():
        leak()
        transaction.set_rollback(True)
    assert handed_out(signing) == before
