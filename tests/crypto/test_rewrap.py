"""Changing the key-encryption key, online."""

import base64
import os

import pytest
from django.core.management import CommandError, call_command

from credservice import readiness
from credservice.crypto import Place, SealError, keyring, seal, store, unseal
from credservice.crypto.models import DataKey
from credservice.crypto.store import unknown_keks
from tests.support.console import _plain_static_files
from tests.support.doors import role_client
from tests.support.overview import overview

__all__ = ["_plain_static_files"]

PLACE = Place("crypto.test", "1", "value")
OLD, NEW = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed(use, settings) -> bytes:
    """A value sealed before the change."""
    return seal(b"before", PLACE)


@pytest.fixture
def first(settings):
    return settings.ENCRYPTION_KEYS


def test_after_a_change_the_new_key_alone_opens_everything(use, sealed, first, capsys):
    use(f"new:{NEW},{first}")
    call_command("rotate_keys")
    assert "Safe to drop k1" in capsys.readouterr().out
    use(f"new:{NEW}")
    assert unseal(sealed, PLACE) == b"before"


def test_values_open_with_both_keys_while_the_change_runs(use, sealed, first):
    use(f"{first},new:{NEW}")
    assert unseal(sealed, PLACE) == b"before"
    use(f"new:{NEW},{first}")
    assert unseal(sealed, PLACE) == b"before"


def test_a_second_run_changes_nothing(use, sealed, first, capsys):
    use(f"new:{NEW},{first}")
    call_command("rotate_keys")
    wrapped = list(DataKey.objects.order_by("pk").values_list("wrapped", flat=True))
    capsys.readouterr()
    call_command("rotate_keys")
    assert "Nothing to change" in capsys.readouterr().out
    assert list(DataKey.objects.order_by("pk").values_list("wrapped", flat=True)) == wrapped


def test_a_stopped_change_is_resumed(use, sealed, first):
    from credservice.crypto.rewrap import rewrap

    use(f"new:{NEW},{first}")
    next(rewrap(keyring.get_keyring()))
    call_command("rotate_keys", verbosity=0)
    assert set(DataKey.objects.values_list("kek_id", flat=True)) == {"new"}


def test_the_old_key_is_not_called_unneeded_before_the_change(use, sealed, first, capsys):
    use(f"new:{NEW},{first}")
    number = DataKey.objects.count()
    told = f"^{number} data keys? (is|are) still wrapped by k1: run .* rotate_keys, and keep k1 until then.$"
    with pytest.raises(CommandError, match=told) as error:
        call_command("rotate_keys", "--check")
    assert error.value.returncode == 1
    assert "Safe to drop" not in capsys.readouterr().out
    assert set(DataKey.objects.values_list("kek_id", flat=True)) == {"k1"}


def test_a_check_says_that_a_key_is_missing_before_what_waits(use, sealed, first):
    use(f"new:{NEW},{first}")
    row = DataKey.objects.first()
    DataKey.objects.filter(pk=row.pk).update(kek_id="gone")
    with pytest.raises(CommandError, match=r"is wrapped by key 'gone'\. Put that key back into ENCRYPTION_KEYS"):
        call_command("rotate_keys", "--check")


def test_it_refuses_to_go_on_without_the_old_key(use, sealed):
    use(f"new:{NEW}")
    with pytest.raises(CommandError, match="Put that key back into ENCRYPTION_KEYS"):
        call_command("rotate_keys")


def test_it_refuses_another_key_under_a_known_id(use, sealed, first):
    use(f"new:{NEW},{first}")
    call_command("rotate_keys", verbosity=0)
    use(f"new:{OLD}")
    with pytest.raises(CommandError, match="fingerprint"):
        call_command("rotate_keys")


def test_without_its_key_a_value_does_not_open(use, sealed):
    use(f"new:{NEW}")
    with pytest.raises(SealError, match="which ENCRYPTION_KEYS does not name"):
        unseal(sealed, PLACE)


def test_the_change_is_in_the_trail(use, sealed, first, trail):
    use(f"new:{NEW},{first}")
    call_command("rotate_keys", verbosity=0)
    assert trail.one(action="encryption_key.rotated").detail["kek"] == "new"


def test_a_process_that_was_forgotten_is_not_ready_and_says_so(use, sealed, first, monkeypatch):
    """It has the data keys open in memory, and knows nothing of the key that wraps them by now."""
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0)
    assert readiness.faults()["keyring"] == ""
    assert unknown_keks() == []
    # Another process changes the key: of this one, what is in memory stays.
    known, kept = keyring.get_keyring(), dict(store._by_id)
    use(f"new:{NEW},{first}")
    call_command("rotate_keys", verbosity=0)
    use(first)
    store._by_id.update(kept)
    assert list(keyring.get_keyring()) == list(known)
    assert "which ENCRYPTION_KEYS does not name. Put the missing key back" in readiness.faults()["keyring"]
    assert unknown_keks() == ["new"]
    use(f"{first},new:{NEW}")
    assert readiness.faults()["keyring"] == ""


def test_the_overview_of_a_process_that_was_forgotten_says_what_to_do(use, sealed, first):
    operator = role_client("Operator")
    overview(operator)
    DataKey.objects.update(kek_id="k2")
    (line,) = [each for each in overview(operator).context["needed"] if "seal nothing" in each["sentence"]]
    told = "This process can seal nothing: its ENCRYPTION_KEYS does not name k2, which wraps the data keys."
    assert line["sentence"].startswith(told)
    assert line["urgent"]
    assert operator.get(line["link"].partition("#")[0]).status_code == 200
