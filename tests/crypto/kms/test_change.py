"""Changing between a local key and a key service, both ways, proven by going on with the new one alone."""

import base64
import os

import pytest
from django.core.management import call_command

from credservice.crypto import Place, seal, unseal
from credservice.crypto.kek import KeyServiceUnreachable
from credservice.crypto.keyring import get_keyring
from credservice.crypto.models import DataKey
from credservice.crypto.rewrap import rewrap

PLACE = Place("crypto.test", "1", "value")
LOCAL = f"local:{base64.b64encode(os.urandom(32)).decode()}"

pytestmark = pytest.mark.django_db


@pytest.fixture
def change(use, settings):
    """Change from the present keys to ``entry``, as docs/keys.md says, and go on with it alone."""

    def change(entry: str) -> None:
        use(f"{entry},{settings.ENCRYPTION_KEYS}")
        call_command("rotate_keys", verbosity=0)
        use(entry)

    return change


def test_from_a_local_key_to_transit_and_back(change, transit, capsys):
    sealed = seal(b"before", PLACE)
    change("t1:transit:transit/kek")
    assert "Safe to drop k1" in capsys.readouterr().out
    sealed_then = seal(b"then", PLACE)
    assert unseal(sealed, PLACE) == b"before"
    change(LOCAL)
    transit.sealed = True
    assert (unseal(sealed, PLACE), unseal(sealed_then, PLACE)) == (b"before", b"then")


def test_from_a_local_key_to_aws_kms_and_back(change, kms, aws_environment):
    sealed = seal(b"before", PLACE)
    change(f"a1:awskms:{kms.make()}")
    sealed_then = seal(b"then", PLACE)
    assert unseal(sealed, PLACE) == b"before"
    change(LOCAL)
    aws_environment("http://127.0.0.1:1")
    assert (unseal(sealed, PLACE), unseal(sealed_then, PLACE)) == (b"before", b"then")


def test_from_one_service_to_another(change, transit, kms):
    change("t1:transit:transit/derived")
    sealed = seal(b"before", PLACE)
    change(f"a1:awskms:{kms.make()}")
    transit.sealed = True
    assert unseal(sealed, PLACE) == b"before"


def test_a_new_version_of_a_transit_key_is_taken_under_a_new_id(change, transit):
    change("t1:transit:transit/kek")
    sealed = seal(b"before", PLACE)
    transit.keys["kek"].rotate()
    change("t2:transit:transit/kek")
    transit.keys["kek"].min_decryption_version = 2
    assert unseal(sealed, PLACE) == b"before"
    assert {bytes(row.wrapped)[:9] for row in DataKey.objects.all()} == {b"vault:v2:"}


def test_an_outage_in_the_middle_leaves_every_data_key_readable(use, transit, settings):
    first, sealed = settings.ENCRYPTION_KEYS, seal(b"before", PLACE)
    use(f"t1:transit:transit/kek,{first}")
    steps = rewrap(get_keyring())
    next(steps)
    transit.sealed = True
    with pytest.raises(KeyServiceUnreachable):
        next(steps)
    transit.sealed = False
    assert sorted(DataKey.objects.values_list("kek_id", flat=True)) == ["k1", "k1", "t1"]
    use(f"t1:transit:transit/kek,{first}")
    assert unseal(sealed, PLACE) == b"before"
