"""Data keys: one current by purpose, never kept where the database may not have it, rolled without loss."""

import uuid

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction

from credservice.crypto import Place, SealError, digest, seal, store, unseal
from credservice.crypto.apps import make_data_keys
from credservice.crypto.kek import KeyringError
from credservice.crypto.keyring import Keyring, get_keyring
from credservice.crypto.models import DataKey, KekFingerprint
from tests.support.concurrency import at_once

PLACE = Place("tests.thing", uuid.UUID(int=1), "value")
OTHER_KEY = "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY="


@pytest.fixture(autouse=True)
def _fresh_memory(db):
    store.forget()
    yield
    store.forget()


@pytest.fixture
def _no_keys(transactional_db):
    DataKey.objects.all().delete()
    store.forget()


def test_a_new_database_has_its_keys_already():
    purposes = DataKey.objects.filter(is_current=True).values_list("purpose", flat=True)
    assert sorted(purposes) == ["bound", "digests", "values"]


def test_a_value_survives_the_loss_of_memory():
    blob = seal(b"hello", PLACE)
    store.forget()
    assert unseal(blob, PLACE) == b"hello"


@pytest.mark.usefixtures("_no_keys")
def test_many_first_callers_make_one_key():
    keys = at_once(lambda _: store.current_key("values").id, 12)
    assert len(set(keys)) == 1, keys
    assert DataKey.objects.filter(purpose="values").count() == 1


@pytest.mark.usefixtures("_no_keys")
def test_a_key_of_a_rolled_back_transaction_is_not_kept():
    with transaction.atomic():
        lost = seal(b"hello", PLACE)
        assert unseal(lost, PLACE) == b"hello"
        transaction.set_rollback(True)
    with pytest.raises(SealError, match="does not exist"):
        unseal(lost, PLACE)
    blob = seal(b"hello", PLACE)
    store.forget()
    assert unseal(blob, PLACE) == b"hello"


@pytest.mark.usefixtures("_no_keys")
def test_a_key_of_a_committed_transaction_is_kept(django_assert_num_queries):
    with transaction.atomic():
        blob = seal(b"hello", PLACE)
    unseal(seal(b"again", PLACE), PLACE)
    with django_assert_num_queries(0):
        assert unseal(blob, PLACE) == b"hello"


def test_the_database_keeps_one_current_key_by_purpose():
    row = DataKey.objects.get(purpose="values")
    with pytest.raises(IntegrityError), transaction.atomic():
        DataKey.objects.create(purpose="values", kek_id=row.kek_id, wrapped=row.wrapped)


def test_a_rolled_key_seals_no_more_and_still_opens():
    blob, before = seal(b"hello", PLACE), store.current_key("values")
    store.roll(before.id)
    after = store.current_key("values")
    assert after.id != before.id
    assert after.secret != before.secret
    assert unseal(blob, PLACE) == unseal(seal(b"hello", PLACE), PLACE) == b"hello"


@pytest.mark.usefixtures("_no_keys")
def test_many_rolls_at_once_make_one_successor():
    first = store.current_key("values").id
    at_once(lambda _: store.roll(first), 6)
    assert DataKey.objects.filter(purpose="values").count() == 2
    assert DataKey.objects.get(purpose="values", is_current=True).pk != first


def test_uses_are_counted_after_the_transaction(monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(store.random, "randrange", lambda _: 0)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        seal(b"hello", PLACE)
        assert DataKey.objects.get(purpose="values").uses == 0
    assert len(callbacks) == 1
    assert DataKey.objects.get(purpose="values").uses == store.COUNT_STEP


def test_one_sealing_in_a_step_is_counted(monkeypatch):
    asked = []
    monkeypatch.setattr(store.random, "randrange", lambda step: asked.append(step) or 1)
    seal(b"hello", PLACE)
    assert asked == [store.COUNT_STEP]


def test_a_worn_key_is_replaced(monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(store.random, "randrange", lambda _: 0)
    worn = store.current_key("values").id
    DataKey.objects.filter(pk=worn).update(uses=store.MAX_USES - store.COUNT_STEP)
    with django_capture_on_commit_callbacks(execute=True):
        seal(b"hello", PLACE)
    assert store.current_key("values").id != worn


def test_the_limit_is_far_below_what_aes_gcm_allows():
    assert store.MAX_USES + store.COUNT_STEP * 1000 < 2**32 // 8


def test_a_wrapped_key_moved_to_another_row_does_not_open():
    values, digests = DataKey.objects.get(purpose="values"), DataKey.objects.get(purpose="digests")
    store.roll(values.pk)
    newer = DataKey.objects.get(purpose="values", is_current=True)
    for source in (values, digests):
        DataKey.objects.filter(pk=newer.pk).update(wrapped=source.wrapped)
        store.forget()
        with pytest.raises(SealError, match=f"data key {newer.pk}: data key does not open under key 'k1'"):
            store.current_key("values")


def test_after_a_restore_the_database_decides_what_the_current_key_is(monkeypatch):
    stale, kek = store.current_key("values"), get_keyring().current
    row = DataKey.objects.get(pk=stale.id)
    DataKey.objects.filter(pk=stale.id).update(wrapped=kek.wrap(bytes(range(32)), row.context()))
    monkeypatch.setitem(store._current, "values", (stale, 0.0))
    assert store.current_key("values").secret == bytes(range(32)) != stale.secret


def test_a_key_encryption_key_that_is_gone_is_named(monkeypatch):
    blob = seal(b"hello", PLACE)
    store.forget()
    monkeypatch.setattr(store, "get_keyring", lambda: Keyring.parse(f"k9:{OTHER_KEY}"))
    with pytest.raises(SealError, match="is wrapped by key 'k1', which ENCRYPTION_KEYS does not name"):
        unseal(blob, PLACE)


def test_a_fingerprint_is_kept_at_first_use():
    kek = get_keyring().current
    assert KekFingerprint.objects.get(kek_id=kek.id).fingerprint == kek.fingerprint()


def test_a_new_key_under_a_known_id_seals_nothing(monkeypatch):
    other = Keyring.parse(f"k1:{OTHER_KEY}")
    DataKey.objects.all().delete()
    store.forget()
    monkeypatch.setattr(store, "get_keyring", lambda: other)
    with pytest.raises(KeyringError, match="Key 'k1' of ENCRYPTION_KEYS is not the key that this database was sealed"):
        seal(b"hello", PLACE)
    with pytest.raises(ObjectDoesNotExist):
        DataKey.objects.get(purpose="values")


def test_a_digest_begins_with_the_id_of_its_pepper():
    assert digest("secret", "lookup")[:4] == DataKey.objects.get(purpose="digests").pk.to_bytes(4)


def test_digests_are_equal_for_equal_secrets_of_one_purpose_only():
    assert digest("secret", "lookup") == digest("secret", "lookup")
    assert len({digest("secret", "lookup"), digest("secret", "audit"), digest("secre", "lookup")}) == 3


def test_no_repr_shows_a_data_key():
    key = store.current_key("values")
    assert repr(key) == f"UnwrappedKey(id={key.id}, purpose='values')"


@pytest.mark.django_db
def test_the_key_that_binds_is_made_first():
    """Else a first migration that ends in between would be taken for an upgrade, and bind nothing for ever."""
    DataKey.objects.all().delete()
    make_data_keys()
    assert DataKey.objects.order_by("pk").first().purpose == DataKey.Purpose.BOUND
    assert set(DataKey.objects.values_list("purpose", flat=True)) == set(DataKey.Purpose.values)
