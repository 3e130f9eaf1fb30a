"""A data key wrapped by a Transit key: it opens where it must, and nowhere else."""

import base64
import json
import os

import pytest

from credservice.crypto.kek import UnwrapError
from credservice.crypto.models import DataKey
from tests.crypto.kms.vault_stand_in import TOKEN, Key

HERE, THERE = (DataKey(pk=number, purpose="values").context() for number in (1, 2))
SECRET = os.urandom(32)
BOTH_KINDS = pytest.mark.parametrize("place", ["transit/kek", "transit/derived"])


@BOTH_KINDS
def test_a_wrapped_key_opens_under_its_own_key_and_context(transit_key, place):
    key = transit_key(place)
    assert key.unwrap(key.wrap(SECRET, HERE), HERE) == SECRET


@BOTH_KINDS
def test_it_does_not_open_in_another_place(transit_key, place):
    key = transit_key(place)
    with pytest.raises(UnwrapError, match="data key does not open under key 't1'"):
        key.unwrap(key.wrap(SECRET, HERE), THERE)


@BOTH_KINDS
def test_it_does_not_open_under_a_key_that_was_made_again(transit_key, transit, place):
    key = transit_key(place)
    wrapped = key.wrap(SECRET, HERE)
    name = place.rpartition("/")[2]
    transit.keys[name] = Key(derived=transit.keys[name].derived)
    with pytest.raises(UnwrapError):
        key.unwrap(wrapped, HERE)


@pytest.mark.parametrize(
    "damage",
    [lambda w: w[:-8] + b"AAAAAAA=", lambda w: w[:12], lambda w: b"", lambda w: b"\xff" * 60, lambda w: b"vault:v1:*"],
)
def test_a_damaged_wrapped_key_does_not_open(transit_key, transit, damage):
    key = transit_key()
    with pytest.raises(UnwrapError):
        key.unwrap(damage(key.wrap(SECRET, HERE)), HERE)


def test_what_is_stored_says_which_version_of_the_key_opens_it(transit_key, transit):
    key = transit_key()
    first = key.wrap(SECRET, HERE)
    transit.keys["kek"].rotate()
    second = key.wrap(SECRET, HERE)
    assert (first[:9], second[:9]) == (b"vault:v1:", b"vault:v2:")
    assert key.unwrap(first, HERE) == key.unwrap(second, HERE) == SECRET


def test_a_request_is_as_the_documentation_says(transit_key, transit, settings):
    settings.VAULT_NAMESPACE = transit.namespace = "team/a"
    transit_key().wrap(SECRET, HERE)
    (request,) = transit.received
    assert (request.method, request.path) == ("POST", "/v1/transit/encrypt/kek")
    shown = {name: value for name, value in request.headers.items() if name.startswith("x-vault-")}
    assert shown == {"x-vault-token": TOKEN, "x-vault-namespace": "team/a", "x-vault-request": "true"}
    bound = base64.b64encode(b"credservice/data-key/values/1").decode()
    plaintext = base64.b64encode(SECRET).decode()
    assert json.loads(request.body) == {"plaintext": plaintext, "associated_data": bound, "context": bound}


def test_a_mount_may_be_a_path(transit_key, transit):
    transit.mount = "eu/prod/transit"
    key = transit_key("eu/prod/transit/kek")
    assert key.unwrap(key.wrap(SECRET, HERE), HERE) == SECRET


def test_a_fingerprint_is_of_the_place_and_never_changes(transit_key, transit, settings):
    # SHA-256 of "transit::transit/kek": databases keep fingerprints.
    assert transit_key().fingerprint() == "9d1333ee5df4e82e"
    transit.keys["kek"].rotate()
    assert transit_key().fingerprint() == "9d1333ee5df4e82e"
    settings.VAULT_NAMESPACE = "team"
    others = {transit_key(place).fingerprint() for place in ("transit/kek", "transit/other", "other/kek")}
    assert len(others | {"9d1333ee5df4e82e"}) == 4


def test_no_repr_shows_the_token(transit_key):
    assert TOKEN not in repr(transit_key())
