"""Starts with a key service: what it is asked, what an outage stops, and what it does not."""

import pytest
from django.core.management import call_command

from credservice.checks import check_keys_of_database
from credservice.crypto import Place, digest, seal, store, unseal
from credservice.http.errors import as_service_error
from tests.crypto.kms.vault_stand_in import Key
from tests.support.concurrency import at_once

PLACE = Place("crypto.test", "1", "value")

pytestmark = pytest.mark.django_db


@pytest.fixture
def on_transit(use, transit, settings):
    """A database whose data keys a Transit key wraps; returns its keyring's text."""
    use(f"t1:transit:transit/kek,{settings.ENCRYPTION_KEYS}")
    call_command("rotate_keys", verbosity=0)
    use("t1:transit:transit/kek")
    transit.received.clear()
    return "t1:transit:transit/kek"


def start():
    """Return what the check says, as one sentence with its number."""
    return [f"{message.id}: {message.msg} {message.hint}" for message in check_keys_of_database(databases=["default"])]


def test_a_start_with_its_key_service_is_sound(on_transit):
    assert start() == []


def test_a_start_during_an_outage_is_refused_with_a_sentence(on_transit, transit):
    transit.sealed = True
    (sentence,) = start()
    assert sentence == (
        f"credservice.E010: Key 't1' of ENCRYPTION_KEYS: key service unreachable: {transit.url} answered 503, so it is "
        "sealed or down for maintenance. Nothing has been changed. See docs/keys.md."
    )


def test_another_key_under_a_known_name_is_refused(on_transit, transit):
    transit.keys["kek"] = Key()
    (sentence,) = start()
    assert "E007: data key" in sentence
    assert "does not open under key 't1'" in sentence


@pytest.mark.parametrize("place", ["transit/other", "elsewhere/kek"])
def test_another_key_under_a_known_id_is_refused(on_transit, use, place):
    use(f"t1:transit:{place}")
    (sentence,) = start()
    assert "E007: Key 't1' of ENCRYPTION_KEYS is not the key that this database was sealed with" in sentence


def test_a_moved_alias_is_refused(use, kms, settings):
    kms.alias("alias/start", kms.make())
    use(f"a1:awskms:alias/start,{settings.ENCRYPTION_KEYS}")
    call_command("rotate_keys", verbosity=0)
    kms.alias("alias/start", kms.make())
    use("a1:awskms:alias/start")
    (sentence,) = start()
    assert "E007: Key 'a1' of ENCRYPTION_KEYS is not the key that this database was sealed with" in sentence


def test_a_service_that_opens_and_does_not_wrap_is_found_at_the_start(on_transit, transit):
    transit.may = {"decrypt"}
    (sentence,) = start()
    assert "E010" in sentence
    assert "the token may not update transit/encrypt/kek" in sentence


def test_a_data_key_is_opened_once_in_a_process(on_transit, transit):
    start()
    asked = len(transit.received)
    store._current.clear()  # as after a minute
    start()
    digest("secret", "test")
    assert unseal(seal(b"now", PLACE), PLACE) == b"now"
    assert (asked, len(transit.received)) == (5, 5)  # three data keys, and one wrapped and opened to prove it


@pytest.mark.django_db(transaction=True)
def test_many_threads_may_open_the_first_data_key_at_once(on_transit):
    sealed = seal(b"before", PLACE)
    store.forget()
    assert at_once(lambda _: unseal(sealed, PLACE), 8) == [b"before"] * 8


def test_an_outage_stops_no_running_process(on_transit, transit):
    sealed, digested = seal(b"before", PLACE), digest("secret", "test")
    start()
    transit.sealed = True
    store._current.clear()  # as after a minute
    assert unseal(sealed, PLACE) == b"before"
    assert unseal(seal(b"now", PLACE), PLACE) == b"now"
    assert digest("secret", "test") == digested
    assert start() == []  # and the process stays ready


def test_an_outage_only_puts_off_a_new_data_key(on_transit, transit, monkeypatch):
    before = store.current_key("values")
    transit.sealed = True
    with pytest.raises(Exception, match="key service unreachable"):
        store.roll(before.id)
    assert store.current_key("values") == before


def test_a_process_that_knows_no_key_yet_answers_unavailable(on_transit, transit):
    transit.sealed = True
    with pytest.raises(Exception, match="key service unreachable") as caught:
        seal(b"now", PLACE)
    refusal = as_service_error(caught.value)
    assert (refusal.status, refusal.retry_after) == (503, 30)
    assert transit.url not in refusal.message
