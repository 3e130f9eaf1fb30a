from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from credservice.core.exceptions import Conflict, Invalid
from credservice.crypto import SealError
from credservice.keys.models import SigningKey
from credservice.keys.signing_keys import (
    JWKS_MAX_AGE,
    OVERLAP,
    activate_signing_key,
    current_signing_key,
    generate_signing_key,
    published_jwks,
    retire_signing_key,
    sweep_signing_keys,
)

pytestmark = pytest.mark.django_db
State = SigningKey.State
HOUR = timedelta(hours=1)


def generate(algorithm="EdDSA", **options):
    return generate_signing_key(algorithm=algorithm, actor="user:1", **options)


def generate_current(algorithm="EdDSA"):
    key = generate(algorithm)
    return activate_signing_key(key=key, actor="user:1")


def token_of(key):
    return key.sign_token({"sub": "eu_1"})


def published() -> KeySet:
    keys: Any = published_jwks()
    return KeySet.import_key_set(keys)


def verifies(token, algorithm="EdDSA"):
    try:
        jwt.decode(token, published(), algorithms=[algorithm])
    except JoseError:
        return False
    return True


def states():
    return dict(SigningKey.objects.values_list("kid", "state"))


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_key_signs_what_the_published_set_verifies(algorithm):
    key = generate(algorithm)
    assert key.state == State.CURRENT
    assert verifies(token_of(key), algorithm)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_what_is_published_holds_nothing_private(algorithm):
    generate(algorithm)
    (published,) = published_jwks()["keys"]
    assert not set(published) & {"d", "p", "q", "dp", "dq", "qi", "k"}
    assert (published["alg"], published["use"]) == (algorithm, "sig")


def test_its_id_is_its_thumbprint():
    key = generate()
    assert published().keys[0].thumbprint() == key.kid


def test_the_private_half_is_sealed_for_its_row():
    one, other = generate(), generate("ES256")
    one.sealed_private = other.sealed_private
    with pytest.raises(SealError):
        one.open()


def test_the_key_before_is_published_until_its_last_token_has_expired():
    old = generate()
    token = token_of(old)
    generate_current()
    old.refresh_from_db()
    assert old.state == State.PREVIOUS
    assert verifies(token)
    with time_machine.travel(old.ends_at - timedelta(seconds=1), tick=False):
        assert verifies(token)
    with time_machine.travel(old.ends_at, tick=False):
        assert not verifies(token)


def test_the_overlap_is_longer_than_any_token_lives():
    from credservice.issuers import jwt as issuer

    assert issuer.MAX_LIFETIME < OVERLAP


def test_a_pending_key_is_published_and_does_not_sign():
    current = generate()
    pending = generate(published_before=HOUR)
    assert current_signing_key("EdDSA", actor="worker") == current
    assert {key["kid"] for key in published_jwks()["keys"]} == {current.kid, pending.kid}


def test_a_pending_key_takes_over_at_its_time_without_a_worker(trail):
    old = generate()
    pending = generate(published_before=HOUR)
    with time_machine.travel(timezone.now() + HOUR + timedelta(seconds=1)):
        assert current_signing_key("EdDSA", actor="worker") == pending
    assert states() == {old.kid: State.PREVIOUS, pending.kid: State.CURRENT}
    assert trail.one(action="signing_key.activated").detail["kid"] == pending.kid


def test_the_worker_activates_and_retires_what_is_due():
    old = generate()
    pending = generate(published_before=HOUR)
    assert sweep_signing_keys(actor="worker") == 0
    with time_machine.travel(timezone.now() + 2 * HOUR):
        assert sweep_signing_keys(actor="worker") == 1
    with time_machine.travel(timezone.now() + 3 * HOUR + OVERLAP):
        assert sweep_signing_keys(actor="worker") == 1
        assert sweep_signing_keys(actor="worker") == 0
    assert states() == {old.kid: State.RETIRED, pending.kid: State.CURRENT}


def test_a_pending_key_can_be_activated_early_and_again():
    generate()
    pending = generate(published_before=HOUR)
    for _ in range(2):
        assert activate_signing_key(key=pending, actor="user:1").state == State.CURRENT
    found = SigningKey.objects.get(pk=pending.pk)
    assert found.activates_at == found.activated_at  # and not as it was planned


def test_a_key_must_be_published_before_it_signs():
    for soon in (timedelta(0), JWKS_MAX_AGE - timedelta(seconds=5), -HOUR):
        with pytest.raises(Invalid, match="five minutes"):
            generate(published_before=soon)


def test_a_planned_key_is_published_for_longer_than_caches_keep_the_set(trail):
    old, new = generate(), generate()
    assert (old.state, new.state) == (State.CURRENT, State.PENDING)
    assert new.activates_at - new.created_at > JWKS_MAX_AGE
    token = token_of(current_signing_key("EdDSA", actor="worker"))
    with time_machine.travel(new.activates_at - timedelta(seconds=1), tick=False):
        assert current_signing_key("EdDSA", actor="worker") == old
    with time_machine.travel(new.activates_at, tick=False):
        assert current_signing_key("EdDSA", actor="worker") == new
        assert verifies(token)
    assert trail.all(action="signing_key.created")[1].detail["activates_at"] == new.activates_at.isoformat()


def test_only_one_is_pending():
    generate()
    generate("ES256")
    generate(published_before=HOUR)
    with pytest.raises(Conflict, match="pending already"):
        generate(published_before=2 * HOUR)
    generate("ES256", published_before=HOUR)


def test_a_leaked_key_and_those_before_it_verify_nothing():
    tokens = [token_of(generate_current()), token_of(generate_current())]
    fresh = generate(leaked=True)
    assert [verifies(token) for token in tokens] == [False, False]
    assert list(states().values()).count(State.RETIRED) == 2
    assert verifies(token_of(fresh))


def test_a_leak_ends_a_key_that_does_not_sign_yet():
    generate()
    pending = generate(published_before=HOUR)
    stolen = token_of(pending)
    fresh = generate(leaked=True)
    assert not verifies(stolen)
    with time_machine.travel(timezone.now() + 2 * HOUR):
        assert current_signing_key("EdDSA", actor="test").pk == fresh.pk


def test_a_leak_of_one_algorithm_touches_no_other():
    token = token_of(generate("ES256"))
    generate(leaked=True)
    assert verifies(token, "ES256")


def test_a_retired_key_has_no_private_half():
    old = generate()
    generate_current()
    retire_signing_key(key=old, actor="user:1")
    assert old.sealed_private is None
    with pytest.raises(SealError):
        old.open()


def test_the_current_key_is_not_retired():
    with pytest.raises(Conflict, match="current key"):
        retire_signing_key(key=generate(), actor="user:1")


def test_a_retired_key_is_not_activated():
    generate()
    pending = generate(published_before=HOUR)
    for _ in range(2):
        retire_signing_key(key=pending, actor="user:1")
    with pytest.raises(Conflict, match="retired"):
        activate_signing_key(key=pending, actor="user:1")


def test_the_first_key_is_made_when_it_is_needed(trail):
    key = current_signing_key("EdDSA", actor="issuer:jwt")
    assert current_signing_key("EdDSA", actor="issuer:jwt") == key
    assert trail.one(action="signing_key.created").actor == "issuer:jwt"


def test_an_unknown_algorithm_is_refused():
    with pytest.raises(Invalid, match="EdDSA, ES256, RS256"):
        generate("HS256")


def test_the_trail_holds_no_key(trail):
    old = generate()
    private = old.open().as_dict(private=True)["d"]
    generate(leaked=True)
    assert [event.action for event in trail.all()] == [
        "signing_key.created",
        "signing_key.retired",
        "signing_key.created",
    ]
    assert private not in str([event.detail for event in trail.all()])


def test_an_old_current_key_is_due_for_a_reminder():
    generate()
    assert not SigningKey.objects.to_rotate()
    with time_machine.travel(timezone.now() + timedelta(days=181)):
        assert SigningKey.objects.to_rotate().count() == 1
        generate(published_before=HOUR)
        assert not SigningKey.objects.to_rotate()


def test_the_database_refuses_two_current_keys():
    generate()
    other = generate("ES256")
    with pytest.raises(IntegrityError, match="one_current"), transaction.atomic():
        SigningKey.objects.filter(pk=other.pk).update(algorithm="EdDSA")
